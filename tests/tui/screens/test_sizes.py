"""Sizes on the screen and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tui.workspaces import Story, fill, keep_maps, running
from tui.cli.main import cli

pytestmark = pytest.mark.slow


async def open_sizes(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("l")
    await story.sees("#3")
    await story.press("g", "enter")
    await story.sees("FINDINGS 2")
    await story.press("s")
    await story.sees("SIZES of build #3 against #2")


async def test_what_takes_most_and_what_changed(tmp_path: Path) -> None:
    fill(tmp_path)
    keep_maps(tmp_path)
    async with running(tmp_path) as story:
        await open_sizes(story)
        await story.sees("DRAM", "4.2 %", "6 components, largest first")
        text = story.text()
        assert text.index("libc.a") < text.index("main") < text.index("wifi")
        await story.press("o")
        await story.sees("what changed first", "gone")
        text = story.text()
        assert text.index("json") < text.index("wifi") < text.index("libc.a")
        await story.press("tab", "tab")
        await story.sees("6 files", "libmain.a:main.c.obj", "+8,128")
        await story.press("q")
        await story.sees("FINDINGS 2")


async def test_another_build_can_be_chosen_and_one_without_files_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    keep_maps(tmp_path)
    async with running(tmp_path) as story:
        await open_sizes(story)
        await story.press("a")
        await story.sees("Compare with", "#1 success")
        await story.press("end", "enter")
        await story.sees("build 1 has no sizes: it kept")


@pytest.mark.slow
def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    fill(tmp_path)
    keep_maps(tmp_path)
    run = CliRunner().invoke
    plain = run(cli, ["--workspace", str(tmp_path), "size", "3"])
    assert plain.exit_code == 0
    assert "VS #2" in plain.output
    assert any(
        line.split() == ["11,200", "+8,128", "1,984", "9,216", "main"]
        for line in plain.output.splitlines()
    )
    lines = run(
        cli, ["--workspace", str(tmp_path), "size", "3", "--by", "archive", "--json"]
    ).output
    rows = [json.loads(line) for line in lines.splitlines()]
    assert rows[0] == {"region": "DRAM", "used": 13824, "total": 327680, "before": 5632}
    assert {row["archive"]: row["before"] for row in rows if "archive" in row} == {
        "libc.a": 13312,
        "libmain.a": 3072,
        "libfreertos.a": 4608,
        "libwifi.a": 0,
        "(program)": 4,
        "libjson.a": 8192,
    }


def test_a_build_that_can_be_compared_with_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    keep_maps(tmp_path)
    run = CliRunner().invoke
    assert "VS" not in run(cli, ["--workspace", str(tmp_path), "size", "1"]).output
    refused = run(cli, ["--workspace", str(tmp_path), "size", "3", "--against", "1"])
    assert "build 1 has no sizes" in str(refused.exception)
