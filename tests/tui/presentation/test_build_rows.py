"""Builds as rows: what a build that runs says is whole on a usual terminal."""

from __future__ import annotations

import pytest

from engine import WorkItem
from engine.enums import RunStatus
from tests.tui.lab import NOW, build
from tui.presentation.build_rows import BuildTable
from tui.theme import Glyphs


@pytest.mark.parametrize("phase", ["build", "validation"])
def test_the_state_of_a_build_that_runs_is_not_cut(phase: str) -> None:
    running, ended = build(9, RunStatus.RUNNING, 1), build(8, RunStatus.CANCELLED, 2)
    table = BuildTable([running, ended], Glyphs(), 80, has_variants=False)
    work = WorkItem(running, "hub", phase=phase, percent=46)
    row = "".join(text for text, _ in table.row(running, work=work, is_marked=False, now=NOW))
    assert f"● 46 % {phase} " in row
    ends = "".join(text for text, _ in table.row(ended, work=None, is_marked=False, now=NOW))
    assert "⊘ cancelled " in ends
