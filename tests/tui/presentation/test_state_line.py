"""Home's line of state: who runs the builds, what waits, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import ComingCheck, NewestResult, Project, ProjectOverview
from engine.daemon_control import own_version
from engine.enums import CheckStatus
from tui.presentation.state_line import LabState, state_parts
from tui.state.executor_state import DaemonState, ExecutorState
from tui.theme import Glyphs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
UP = DaemonState(7, own_version(), NOW - timedelta(days=3, hours=2))
HERE = ExecutorState(True, "", None, running=0, waiting=0, unread=0)
OTHER = replace(HERE, is_here=False)


def line(state: ExecutorState | None, **lab: Any) -> str:
    parts, _clock = state_parts(LabState(state, **lab), Glyphs(), NOW)
    return "".join(text for text, _colour in parts).strip()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "opening"),
        (HERE, "runs here"),
        (replace(HERE, daemon=UP), "runs here, then in the daemon"),
        (replace(OTHER, daemon=UP), "daemon up 3 d"),
        (replace(OTHER, daemon=DaemonState(7)), "daemon (process 7) does not answer"),
        (
            replace(OTHER, daemon=replace(UP, version="0.0.9")),
            "daemon 0.0.9 is older: espdeck daemon restart",
        ),
        (
            replace(OTHER, daemon=replace(UP, version="99.1")),
            "daemon 99.1 is newer: start espdeck again",
        ),
        (
            replace(OTHER, executor="process 9 (espdeck, of ada)"),
            "run by process 9 (espdeck, of ada)",
        ),
        (OTHER, "nobody runs builds now"),
        (
            replace(HERE, running=2, waiting=1, unread=4),
            "2 running · 1 waiting · runs here · 4 unread",
        ),
    ],
)
def test_it_says_who_runs_builds_and_what_waits(state: ExecutorState | None, said: str) -> None:
    assert line(state) == said


@pytest.mark.parametrize(
    ("coming", "said"),
    [
        (ComingCheck(NOW + timedelta(minutes=4), "doc_check", "hub"), "doc_check of hub in 4 min"),
        (ComingCheck(NOW + timedelta(minutes=9), "board_check", ""), "board_check in 9 min"),
        *(
            (ComingCheck(NOW + timedelta(seconds=left), "board_check", ""), "board_check soon")
            for left in (-90, 0, 59)
        ),
    ],
)
def test_which_check_comes_next(coming: ComingCheck, said: str) -> None:
    assert line(HERE, coming=coming) == f"runs here · next {said}"


def test_failing_checks_of_projects_and_of_the_lab_are_counted() -> None:
    hub = Project(name="hub", source="/src/hub", target="esp32c3")
    failing = [NewestResult("board_check", None, "", CheckStatus.ERROR, "no answer")]
    projects = [ProjectOverview(hub, errors=1, warnings=3)]
    assert line(HERE, projects=projects, failing=failing) == "checks 2 ✗ 3 ! · runs here"
