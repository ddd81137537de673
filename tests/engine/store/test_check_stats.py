"""How checks went: counted beyond what is kept, by project."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine.enums import CheckStatus
from engine.store import checks, projects
from engine.store.check_stats import check_stats
from tests.engine.metrics.past import NOON, Past

OK, WARNING, ERROR = CheckStatus.SUCCESS, CheckStatus.WARNING, CheckStatus.ERROR


def test_checks_are_counted_by_status(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.check(OK, 1.0)
    past.check(ERROR, 4.0, lab=True)
    past.check(OK, 1.0, at=NOON + timedelta(hours=1))
    last = past.check(WARNING, 6.0, at=NOON + timedelta(hours=2))
    past.check(OK, 0.5, name="git_check")
    assert last.id is not None
    checks.confirm_result(past.store, last.id, NOON + timedelta(hours=5))

    doc, git = check_stats(past.store)

    assert (doc.name, doc.executions) == ("doc_check", 4)
    assert doc.statuses == {OK: 2, WARNING: 1, ERROR: 1}
    assert doc.average_duration == 3.0
    assert (doc.last_status, doc.last_duration) == (WARNING, 6.0)
    assert doc.last_execution == NOON + timedelta(hours=5)
    assert (git.name, git.statuses, git.last_execution) == ("git_check", {OK: 1}, NOON)
    (mine, _) = check_stats(past.store, past.project_id)
    assert mine.executions == 3
    assert mine.average_duration == pytest.approx(8 / 3)


def test_what_is_not_kept_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "KEPT_RESULTS", 2)
    past = Past(tmp_path)
    for _ in range(5):
        past.check(OK, 2.0)
    assert len(checks.results_of(past.store, "doc_check", past.project_id, limit=9)) == 2
    (found,) = check_stats(past.store)
    assert (found.executions, found.average_duration) == (5, 2.0)


def test_a_project_that_is_removed_takes_its_checks_along(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.check(OK, 2.0)
    projects.remove_project(past.store, past.project_id)
    assert check_stats(past.store) == []
