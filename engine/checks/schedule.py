"""When checks run: what is due, and when the next run of each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.checks.registry import FoundCheck
from engine.settings import CheckSchedule, CheckSettings

EARLY_SECONDS = 5.0
"""How much earlier than its interval says a check may run: looks are a minute apart, and some of
them come a little early."""

_NO_SETTINGS = CheckSettings()


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """When one check of one project runs.

    Args:
        enabled: whether it runs by itself.
        interval: minutes between two runs.
    """

    enabled: bool
    interval: float

    def next_at(self, last: datetime | None, now: datetime) -> datetime | None:
        """When it runs next; None for never, ``now`` for as soon as may be.

        What was missed while nothing ran is made up for once. A last run in the future was made
        while the clock was wrong.

        Args:
            last: when it ended last, None for never.
        """
        if not self.enabled:
            return None
        if last is None or last > now + timedelta(minutes=self.interval):
            return now
        return max(now, last + timedelta(minutes=self.interval))

    def is_due(self, last: datetime | None, now: datetime) -> bool:
        """Whether it should run now."""
        next_at = self.next_at(last, now)
        return next_at is not None and next_at <= now + timedelta(seconds=EARLY_SECONDS)


def plan_of(check: FoundCheck, settings: Mapping[str, CheckSettings], project: str) -> CheckPlan:
    """When a check of a project runs: what the project's settings say, else the check's, else it.

    Args:
        settings: ``[checks]`` of the settings.
        project: its name, empty for the lab as a whole.
    """
    interval = check.interval
    for each in _schedules(settings, check.name, project):
        if each.interval is not None:
            interval = each.interval
    enabled = is_enabled(settings, check.name, project)
    return CheckPlan(enabled and not check.problem, interval)


def is_enabled(settings: Mapping[str, CheckSettings], check: str, project: str) -> bool:
    """Whether the settings let a check of a project run by itself.

    Args:
        check: its name.
        settings, project: as :func:`plan_of` has them.
    """
    enabled = True
    for each in _schedules(settings, check, project):
        if each.enabled is not None:
            enabled = each.enabled
    return enabled


def _schedules(
    settings: Mapping[str, CheckSettings], check: str, project: str
) -> Sequence[CheckSchedule]:
    """What the settings say of a check, then what they say of it in the project."""
    of_check = settings.get(check, _NO_SETTINGS)
    of_project = of_check.projects.get(project)
    return (of_check,) if of_project is None else (of_check, of_project)
