"""A person looks at what repairs changed, and decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from git import Repo
from typer.testing import CliRunner

from engine import Engine
from engine.errors import UsageError
from engine.samples import demo
from tests.tui.workspaces import Story, fill, running
from tui.cli.main import cli
from tui.screens.build import BuildScreen

pytestmark = [pytest.mark.xdist_group("fixing"), pytest.mark.slow]


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("COLUMNS", "100")


async def repaired(story: Story, folder: Path) -> Engine:
    """The broken sample, built and repaired, on the build screen."""
    engine = story.app.engine
    assert engine is not None
    engine.projects.add(str(demo.make_repository("broken", folder)))
    await story.sees("broken  esp32c3")
    await story.press("b")
    await story.until(lambda: isinstance(story.screen, BuildScreen))
    await story.press("d")
    await story.sees("build 1 has not ended")
    await story.sees("✓ success", "fixed: d shows how", timeout=60)
    return engine


async def test_a_fix_is_looked_at_and_committed(tmp_path: Path) -> None:
    async with running(tmp_path / "ws", size=(120, 40)) as story:
        engine = await repaired(story, tmp_path / "broken")

        await story.press("d")
        await story.sees(
            "FIX of build 1: 1 file, open",
            "Add the missing ; in line 7 in main/main.c",
            'semicolon";',
        )
        await story.press("a")
        await story.sees(
            "FIX of build 1: 1 file, committed",
            "committed on espdeck/fix-1. To get it, in your repository:",
            "git fetch ",
            "Y copy git command",
        )
        assert "a commit" not in story.text()  # what is done is not offered
        assert "x discard" not in story.text()
        await story.press("Y")
        await story.until(lambda: story.app.clipboard.startswith("git fetch "))
        assert story.app.clipboard.endswith("espdeck/fix-1:espdeck/fix-1")
        await story.press("escape")
        await story.sees("fix committed on espdeck/fix-1: d shows how to get it")

        await story.press("a")
        await story.sees("the fix is committed already")
        await story.press("x")
        await story.sees("the fix is committed already")
        project = engine.projects.get("broken")
    with Repo(project.clone_path) as clone:
        assert clone.commit("espdeck/fix-1").parents[0] == clone.commit("origin/main")


async def test_a_fix_is_exported_then_put_aside_after_a_question(tmp_path: Path) -> None:
    async with running(tmp_path / "ws", size=(120, 40)) as story:
        engine = await repaired(story, tmp_path / "broken")

        await story.press("e")
        await story.sees("Export the fix of build 1", "git apply takes it")
        await story.press("ctrl+u")
        await story.type(str(tmp_path / "mine.patch"))
        await story.press("enter")
        await story.until(lambda: (tmp_path / "mine.patch").exists())
        with Repo(tmp_path / "broken") as source:
            source.git.apply("--check", str(tmp_path / "mine.patch"))

        await story.press("x")
        await story.sees("Discard the fix of build 1?")
        await story.press("n", "d")
        await story.sees("FIX of build 1: 1 file, open")
        await story.press("x")
        await story.sees("Discard the fix of build 1?")
        await story.press("y")
        await story.sees("fix discarded")
        found = engine.fixes.of(1)
        assert found is not None
        assert found.state == "discarded"


async def test_a_build_without_one_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("l")
        await story.sees("#3")
        await story.press("g", "enter")
        await story.sees("FINDINGS 2")
        for key in ("d", "a", "e", "x"):
            await story.press(key)
            await story.sees("build 3 has no fix")


def test_the_command_line_does_the_same(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"

    def run(*words: str) -> str:
        return CliRunner().invoke(
            cli, ["--workspace", str(workspace), *words], catch_exceptions=False
        ).output  # fmt: skip

    demo.make_repository("broken", tmp_path / "broken")
    built = run("build", str(tmp_path / "broken"), "--board", "none", "--simulator", "none")
    assert "repaired (open): espdeck fix 1 shows the diff" in built

    said = run("fix", "1")
    assert "Add the missing ; in line 7 in main/main.c" in said
    assert '+    const char *what = "every statement has its semicolon";' in said
    assert "espdeck fix 1 --commit, --export FILE or --discard" in said
    facts = json.loads(run("fix", "1", "--json"))
    assert (facts["state"], facts["files"]) == ("open", ["main/main.c"])
    assert run("fix", "1", "--export", str(tmp_path)) == f"written: {tmp_path}/fix-1.patch\n"
    assert run("fix", "1", "--commit").startswith("committed on espdeck/fix-1; to get it: git")
    assert "committed on espdeck/fix-1: git fetch" in run("fix", "1")
    refused: list[tuple[Callable[[], str], str]] = [
        (lambda: run("fix", "1", "--discard"), "committed already"),
        (lambda: run("fix", "1", "--commit", "--discard"), "at a time"),
        (lambda: run("fix", "2"), "no build 2"),
    ]
    for ask, why in refused:
        with pytest.raises(UsageError, match=why):
            ask()
