"""Writes the events of an engine into the log: what the lab did, and for whom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from engine.enums import CheckStatus, ProjectStatus, RunKind, RunStatus, StageStatus
from engine.events import (
    CheckCompleted,
    Event,
    Problem,
    ProjectChanged,
    RunChanged,
    RunCompleted,
    RunStarted,
    StageChanged,
)
from engine.stage_labels import stage_label

_LOG = logging.getLogger("espdeck.events")

_CHECK_LEVELS = {
    CheckStatus.SUCCESS: logging.INFO,
    CheckStatus.WARNING: logging.INFO,
    CheckStatus.ERROR: logging.WARNING,
}
_RUN_LEVELS = {RunStatus.FAILED: logging.WARNING}


class LogEvents:
    """A subscriber of the bus that logs what happened: runs, checks, projects, problems.

    Lines of logs and consoles, progress, and stages that go well are not logged.

    Args:
        asked_by: who asked for a run, by its number; empty where nobody knows. Called in the
            thread that publishes: it must be quick, and may raise nothing.
    """

    def __init__(self, asked_by: Callable[[int], str] = lambda _run_id: "") -> None:
        self._asked_by = asked_by
        self._projects: dict[str, ProjectStatus] = {}

    def __call__(self, event: Event) -> None:
        """Log an event, if it is of a kind that is logged."""
        match event:
            case RunChanged(status=RunStatus.PENDING):
                self._log_asked(event)
            case RunStarted():
                self._log_started(event)
            case RunCompleted():
                self._log_ended(event)
            case StageChanged(status=StageStatus.FAILED):
                message = f"stage {stage_label(event.stage)} failed: {event.summary}"
                extra = {"run": event.run_id, "stage": event.stage, "attempt": event.attempt}
                _LOG.info("%s", message, extra=extra)
            case CheckCompleted():
                self._log_check(event)
            case ProjectChanged():
                self._log_project(event)
            case Problem():
                _LOG.warning("%s", event.message, extra=_of_run(event))

    def _log_asked(self, event: RunChanged) -> None:
        name = self._asked_by(event.run_id)
        by = f" by {name}" if name else ""
        extra = {"run": event.run_id, "asked_by": name}
        _LOG.info("%s asked for%s", _run(event.run, event.run_id), by, extra=extra)

    def _log_started(self, event: RunStarted) -> None:
        name = self._asked_by(event.run_id)
        done = "goes on" if event.resumed else "started"
        what = " ".join(filter(None, (event.project, event.commit[:12], event.target)))
        of = f" of {what}" if what else ""
        by = f", asked for by {name}" if name else ""
        extra = {"run": event.run_id, "project": event.project, "asked_by": name}
        _LOG.info("%s %s%s%s", _run(event.run, event.run_id), done, of, by, extra=extra)

    def _log_ended(self, event: RunCompleted) -> None:
        extra = {"run": event.run_id, "status": event.status.value, "seconds": event.duration}
        level = _RUN_LEVELS.get(event.status, logging.INFO)
        name = _run(event.run, event.run_id)
        _LOG.log(level, "%s ended: %s: %s", name, event.status, event.result, extra=extra)

    def _log_check(self, event: CheckCompleted) -> None:
        of = f" of {event.project}" if event.project else ""
        extra = {"check": event.check, "project": event.project, "status": event.status.value}
        _LOG.log(
            _CHECK_LEVELS[event.status],
            *("%s%s ended: %s: %s", event.check, of, event.status, event.message),
            extra=extra | {"seconds": event.duration},
        )

    def _log_project(self, event: ProjectChanged) -> None:
        """A project says how far its clone is, again and again: only what changed is logged."""
        extra = {"project": event.project}
        if event.removed:
            self._projects.pop(event.project_id, None)
            _LOG.info("project %s removed", event.project, extra=extra)
            return
        before = self._projects.get(event.project_id)
        self._projects[event.project_id] = event.status
        if event.status is ProjectStatus.ERROR and before is not event.status:
            _LOG.warning("project %s: error: %s", event.project, event.detail, extra=extra)
        elif before is not None and before is not event.status:
            _LOG.info("project %s: %s", event.project, event.status, extra=extra)


def _run(kind: RunKind, number: int) -> str:
    return f"{kind.label} #{number}"


def _of_run(event: Event) -> dict[str, Any]:
    return {"run": event.run_id} if event.run_id else {}
