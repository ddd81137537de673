"""Home's line of state: who runs the builds, what waits, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine import CheckCell, FoundCheck, Project
from engine.checks.schedule import CheckPlan
from engine.daemon_control import own_version
from tui.presentation.state_line import state_parts
from tui.state.executor_state import DaemonState, ExecutorState

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
UP = DaemonState(7, own_version(), NOW - timedelta(days=3, hours=2))
HERE = ExecutorState(True, "", None, running=0, waiting=0, unread=0)
OTHER = replace(HERE, is_here=False)


def line(state: ExecutorState | None, *cells: CheckCell) -> str:
    return "".join(text for text, _colour in state_parts(state, cells, NOW)).strip()


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
            "runs here   2 running, 1 waiting   4 unread",
        ),
    ],
)
def test_it_says_who_runs_builds_and_what_waits(state: ExecutorState | None, said: str) -> None:
    assert line(state) == said


def test_the_next_check_is_the_one_that_comes_first() -> None:
    hub = Project(name="hub", source="/src/hub", target="esp32c3")
    plan = CheckPlan(True, 10.0)
    cells = [
        CheckCell(FoundCheck(name, "", 10.0), project, plan, None, at)
        for name, project, at in (
            ("doc_check", hub, NOW + timedelta(minutes=4)),
            ("board_check", None, NOW + timedelta(minutes=9)),
            ("git_check", hub, None),
        )
    ]
    assert line(HERE, *cells) == "runs here   next doc_check of hub in 4 min"
    assert line(HERE, cells[1]) == "runs here   next board_check in 9 min"
    assert line(HERE, cells[2]) == "runs here"
