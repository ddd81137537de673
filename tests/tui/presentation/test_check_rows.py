"""Checks in words: how each is, how old that is, and what it found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import CancelToken, CheckCell, CheckResultRow, FoundCheck, Project
from engine.checks.schedule import CheckPlan
from engine.enums import CheckStatus
from tests.tui.check_workspaces import DETAILS
from tui.presentation.check_rows import (
    MAX_DETAIL_CHARACTERS,
    MAX_DETAIL_LINES,
    cell_details,
    cell_text,
    detail_lines,
    short_name,
)
from tui.state.check_runs import CheckRun
from tui.theme import Glyphs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GLYPHS = Glyphs()
CHECK = FoundCheck("doc_check", "Documents", 10.0)
PROJECT = Project(name="hub", source="/src/hub", target="esp32c3")


def result(
    status: CheckStatus = CheckStatus.WARNING, minutes: float = 3, **values: Any
) -> CheckResultRow:
    at = NOW - timedelta(minutes=minutes)
    known = {"check_name": "doc_check", "message": "2 of 31 are old", "details": {}}
    return CheckResultRow(status=status, timestamp=at, confirmed_at=at, **{**known, **values})


def cell(found: CheckResultRow | None, **values: Any) -> CheckCell:
    known = {"check": CHECK, "project": PROJECT, "plan": CheckPlan(True, 10.0), "next_at": None}
    return CheckCell(result=found, **{**known, **values})


OFF = CheckPlan(False, 10.0)
BROKEN = FoundCheck("lint", "", 0.0, problem="cannot be loaded: no module named 'lint'")


@pytest.mark.parametrize(
    ("shown", "text", "colour"),
    [
        (cell(result()), "! 3 min", "busy"),
        (cell(result(CheckStatus.ERROR, 0)), "✗ 0 s", "bad"),
        (cell(result(CheckStatus.SUCCESS, 60 * 24 * 12)), "✓ 12 d", "good"),
        (cell(result(CheckStatus.SUCCESS, -90)), "✓ 0 s", "good"),
        (cell(result(CheckStatus.ERROR), plan=OFF), "✗ 3 min off", "dim"),
        (cell(None), "◌ soon", "dim"),
        (cell(None, plan=OFF), "– off", "dim"),
        (cell(result(), check=BROKEN, plan=OFF), "✗ broken", "bad"),
    ],
)
def test_a_cell_has_a_sign_and_an_age_and_never_says_now(
    shown: CheckCell, text: str, colour: str
) -> None:
    assert cell_text(shown, None, GLYPHS, NOW) == (text, colour)


def test_a_cell_says_what_a_person_has_run() -> None:
    assert cell_text(cell(result()), CheckRun(CancelToken()), GLYPHS, NOW) == ("◌ waits", "busy")
    assert cell_text(cell(None), CheckRun(CancelToken(), 0.0), Glyphs(True), NOW)[0][:6] == "* runs"


def test_a_result_that_stood_still_tells_both_ages() -> None:
    old = result(minutes=200, message="a long line that needs more than one row of the screen")
    old.confirmed_at = NOW - timedelta(minutes=2)
    old.duration_seconds = 1.25
    rows = cell_details(cell(old, next_at=NOW + timedelta(minutes=8)), None, NOW, 40)
    assert rows == [
        ("check", "doc_check of hub: Documents"),
        ("status", "warning 3 h ago, still so 2 min ago; took 1.2 s"),
        ("runs", "every 10 min, next in 8 min"),
        ("says", "a long line that needs more"),
        ("", "than one row of the screen"),
    ]


@pytest.mark.parametrize(
    ("shown", "runs"),
    [
        (cell(None, next_at=NOW), "every 10 min, next as soon as may be"),
        (cell(None, plan=OFF), "only when you say so: it is off (every 10 min when on)"),
        (cell(None, check=BROKEN), "never: it cannot be loaded"),
    ],
)
def test_when_it_runs_is_said(shown: CheckCell, runs: str) -> None:
    assert ("runs", runs) in cell_details(shown, None, NOW, 80)


def test_details_are_lines_below_the_message() -> None:
    assert detail_lines(result(details=DETAILS), 80) == [
        "2 of 31 are old",
        "",
        "documents:",
        "  README.md:12  names flash_all(), which is no more",
        "  docs/pins.md:3  older than main/pins.h",
        "index: path docs/index.json, documents 31",
        "left out:",
        "  vendor/a.md",
        "  vendor/b.md",
        "is whole: yes",
        "note: first second",
    ]


def test_short_names() -> None:
    assert [short_name(each) for each in ("doc_check", "lint", "_check")] == [
        "doc", "lint", "_check",
    ]  # fmt: skip


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), st.integers(-5, 200))
def test_any_details_are_lines_that_cannot_steer_a_terminal(
    details: dict[str, Any], width: int
) -> None:
    for line in detail_lines(result(details=details), width):
        assert "\n" not in line
        assert "\x1b" not in line


def test_a_megabyte_of_details_is_a_bounded_text() -> None:
    many = {str(number): [{"a": "x" * 900, "b": number}] * 400 for number in range(20)}
    lines = detail_lines(result(details=many), 80)
    assert len(lines) <= MAX_DETAIL_LINES + 2
    assert sum(map(len, lines)) <= MAX_DETAIL_CHARACTERS + 1000
    assert lines[-1] == "and more: espdeck checks history doc_check --json"
