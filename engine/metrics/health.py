"""Health of the daemon, of checks and of the schedule, as programs outside know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.enums import CheckStatus
from engine.store.check_stats import CheckStats


@dataclass(frozen=True, slots=True)
class DaemonState:
    """What a daemon says of itself.

    Args:
        is_running: whether there is one.
        uptime_seconds: since it started.
        total_checks_run: checks that it ran since.
        successful_checks: how many of them found nothing wrong.
        checks_seconds: how long all of them took.
        scheduler_is_running: whether checks and builds start by schedule.
        active_tasks: builds and tasks that wait or run.
        task_statuses: how each of them stands, by kind and number.
    """

    is_running: bool
    uptime_seconds: float = 0.0
    total_checks_run: int = 0
    successful_checks: int = 0
    checks_seconds: float = 0.0
    scheduler_is_running: bool = False
    active_tasks: int = 0
    task_statuses: Mapping[str, str] = field(default_factory=dict)

    @property
    def success_rate(self) -> float | None:
        """Percent of its checks that found nothing wrong; None before the first."""
        total = self.total_checks_run
        return 100 * self.successful_checks / total if total else None

    @property
    def average_duration(self) -> float | None:
        """Seconds that a check takes; None before the first."""
        return self.checks_seconds / self.total_checks_run if self.total_checks_run else None


def daemon_state(answer: Mapping[str, Any]) -> DaemonState:
    """A daemon's state from its answer to ``status``; one of another version may leave some out."""
    return DaemonState(
        is_running=bool(answer.get("is_running", True)),
        uptime_seconds=float(answer.get("uptime_seconds", 0.0)),
        total_checks_run=int(answer.get("total_checks_run", 0)),
        successful_checks=int(answer.get("successful_checks", 0)),
        checks_seconds=float(answer.get("checks_seconds", 0.0)),
        scheduler_is_running=bool(answer.get("executes", False)),
        active_tasks=len(answer.get("runs", ())),
        task_statuses={
            f"{run['kind']} {run['number']}": str(run["status"]) for run in answer.get("runs", ())
        },
    )


def checks_run(checks: Sequence[CheckStats]) -> dict[str, float]:
    """How many checks ran so far, how many found nothing wrong, and seconds that all took.

    A daemon takes it when it starts and when it is asked: the difference is what ran since.
    """
    return {
        "total_checks_run": sum(check.executions for check in checks),
        "successful_checks": sum(check.statuses.get(CheckStatus.SUCCESS, 0) for check in checks),
        "checks_seconds": sum(check.average_duration * check.executions for check in checks),
    }


def check_fields(check: CheckStats) -> dict[str, Any]:
    """The statistics of a check, as programs outside know them."""
    return {
        "executions": check.executions,
        "statuses": {str(status): number for status, number in sorted(check.statuses.items())},
        "average_duration": check.average_duration,
        "last_status": str(check.last_status),
        "last_execution": check.last_execution.isoformat(timespec="milliseconds"),
        "duration_seconds": check.last_duration,
    }


def health(daemon: DaemonState | None, checks: Sequence[CheckStats]) -> dict[str, Any]:
    """Health as programs outside know it.

    Args:
        daemon: what it says of itself; None where there is none.
    """
    state = daemon or DaemonState(is_running=False)
    return {
        "daemon": {
            "is_running": state.is_running,
            "uptime_seconds": state.uptime_seconds,
            "total_checks_run": state.total_checks_run,
            "success_rate": state.success_rate,
            "average_duration": state.average_duration,
        },
        "checks": {check.name: check_fields(check) for check in checks},
        "scheduler": {
            "is_running": state.scheduler_is_running,
            "active_tasks": state.active_tasks,
            "task_statuses": dict(state.task_statuses),
        },
    }
