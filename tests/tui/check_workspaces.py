"""Workspaces whose projects were checked, and checks that run by nobody's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.checks import service
from engine.checks.registry import FoundCheck
from engine.enums import CheckStatus, Trigger
from engine.store import checks, projects
from engine.store.database import Store
from engine.store.tables import CheckResultRow

FOUND = (
    FoundCheck("doc_check", "Documents that are older than what they describe", 1e6),
    FoundCheck("git_check", "What is not committed and pushed", 1e6),
    FoundCheck("lint_check", "", 0.0, {}, "", "cannot be loaded: no module named 'lint'"),
    FoundCheck("test_check", "Tests that are missing or fail", 1e6),
)
"""Those that have run are not due again for a year."""

DETAILS = {
    "documents": [
        {"file": "README.md", "line": 12, "message": "names flash_all(), which is no more"},
        {"file": "docs/pins.md", "line": 3, "message": "older than main/pins.h"},
    ],
    "index": {"path": "docs/index.json", "documents": 31},
    "left_out": ["vendor/a.md", "vendor/b.md"],
    "is_whole": True,
    "note": "first\nsecond",
}


def use_checks(monkeypatch: pytest.MonkeyPatch, *found: FoundCheck) -> None:
    """Let there be these checks only, and no clock that runs them."""
    monkeypatch.setattr(service.Checks, "list", lambda _checks: found or FOUND)
    monkeypatch.setattr(service.Checks, "due", lambda _checks: ())


def keep_result(
    workspace: Path,
    project: str,
    check: str,
    status: CheckStatus,
    message: str,
    age: timedelta,
    text: Callable[[str], str] = lambda text: text,
) -> None:
    """Let a check have found something that long ago."""
    store = Store(workspace / "espdeck.db")
    at = datetime.now(UTC) - age
    named = next(each for each in projects.all_projects(store) if each.name == project)
    checks.add_result(
        store,
        CheckResultRow(
            check_name=check,
            project_id=named.id,
            status=status,
            message=text(message),
            details=DETAILS,
            timestamp=at,
            confirmed_at=at,
            duration_seconds=1.25,
            triggered_by=Trigger.SCHEDULE,
        ),
    )
    store.close()


def fill_checks(workspace: Path, text: Callable[[str], str] = str) -> None:
    """Give the active project of :func:`tests.tui.workspaces.fill` results of its checks.

    Args:
        text: what became of its name, and becomes of what the checks say.
    """
    hours, project = timedelta(hours=1), text("sensor-hub")
    for status, message, age in (
        (CheckStatus.SUCCESS, "31 documents are as new as what they describe", 30 * hours),
        (CheckStatus.WARNING, "2 documents of 31 are older than what they describe", 3.5 * hours),
    ):
        keep_result(workspace, project, "doc_check", status, message, age, text)
    success = CheckStatus.SUCCESS
    keep_result(workspace, project, "git_check", success, "nothing to commit", 5 * hours, text)
