"""``espdeck mcp`` on the command line: mistakes that are told before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.commands import Here


def test_a_class_that_is_none_is_named(tmp_path: Path) -> None:
    line = Here(tmp_path / "workspace").refuses("mcp", "--allow", "build,flsh")

    assert line == "--allow 'flsh' is no class (did you mean flash?)"


def test_another_machines_lab_is_reached_by_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_REMOTE", "https://lab.example.org")
    monkeypatch.setenv("ESPDECK_TOKEN", "x")

    assert "run it on the lab machine over ssh" in Here(tmp_path / "workspace").refuses("mcp")
