"""``schedule_check``: starts builds of a project at the times of its schedule.

What was missed while nothing ran is made up for by one build. A schedule that is new, or has
changed, holds from then on. While a build that it started has not ended it starts no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.checks.lab import LabServices
from engine.cron import Schedule
from engine.enums import CheckStatus, ProjectStatus, Trigger
from engine.errors import EspdeckError, UsageError
from engine.projects.watched import watched
from engine.store import runs
from engine.store.tables import CheckResultRow, Project, WatchRow
from engine.store.watch import change_watch, get_watch
from engine.text import clean, mask

_LEFT_OUT = "left out"


class ScheduleCheck:
    """Starts the builds of a project's schedule."""

    name: ClassVar[str] = "schedule_check"
    title: ClassVar[str] = "builds start at the times of a schedule"
    interval: ClassVar[float] = 1.0
    options: ClassVar[Mapping[str, Any]] = {}
    per_project: ClassVar[bool] = True
    quick: ClassVar[bool] = True

    def __init__(self, zone: tzinfo | None = None) -> None:
        """Be ready.

        Args:
            zone: in which schedules count; None for this machine's.
        """
        self._zone = zone

    def run(
        self,
        services: LabServices,
        project: Project | None,
        *,
        options: Mapping[str, Any],
        previous: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckResult:
        """As :meth:`engine.checks.lab.LabCheck.run`."""
        assert project is not None
        store = services.store
        try:
            found = watched(services.settings(), project, project.tip)
            text = found.rules.schedule
            schedule = Schedule(text) if text else None
        except UsageError as error:
            return CheckResult(CheckStatus.ERROR, f"schedule: {clean(str(error))}")
        row = get_watch(store, project.id)
        if schedule is None:
            if row.schedule:
                row = change_watch(store, project.id, lambda row: _begin(row, "", now))
            if found.problem:
                return CheckResult(CheckStatus.WARNING, f"schedule not known: {found.problem}")
            return CheckResult(CheckStatus.SUCCESS, "no schedule")
        if row.schedule != schedule.text:
            newest = self._newest(services, project)

            def begin(row: WatchRow) -> None:
                _begin(row, schedule.text, now)
                row.schedule_run = newest

            row = change_watch(store, project.id, begin)
        since = self._done_until(services, project, row, now)
        if schedule.next_after(since, self._zone) <= now:
            row = self._build(services, project, now, cancel)
        return self._result(row, schedule, now)

    def _newest(self, services: LabServices, project: Project) -> int:
        """The newest build of the schedule, 0 for none."""
        found = runs.builds_started_by(services.store, project.id, Trigger.SCHEDULE)
        return found[0].number if found else 0

    def _done_until(
        self, services: LabServices, project: Project, row: WatchRow, now: datetime
    ) -> datetime:
        """Until when the times of the schedule are done with."""
        since = row.schedule_since
        if since is None or since > now:  # it was written while the clock was wrong
            since = now
        started = runs.builds_started_by(services.store, project.id, Trigger.SCHEDULE)
        if started and started[0].number > row.schedule_run:
            # The process died after it had started it and before it had written that down.
            at = started[0].created_at
            since = at if since <= at <= now else now
        if since != row.schedule_since:
            number = started[0].number if started else 0

            def keep(row: WatchRow) -> None:
                row.schedule_since, row.schedule_run = since, max(row.schedule_run, number)

            change_watch(services.store, project.id, keep)
        return since

    def _build(
        self, services: LabServices, project: Project, now: datetime, cancel: CancelToken
    ) -> WatchRow:
        """Start a build, unless the last one has not ended; a failed start is not tried again."""
        store = services.store
        number, problem = 0, ""
        unfinished = runs.builds_started_by(store, project.id, Trigger.SCHEDULE, unfinished=True)
        if unfinished:
            problem = f"{_LEFT_OUT}: build {unfinished[0].number} of the schedule has not ended"
        elif project.status is not ProjectStatus.ACTIVE:
            problem = f"not built: {project.status_detail or project.status}"
        else:
            try:
                located = services.projects.commit(project.id, None, cancel=cancel)
                cancel.check()
                number = services.builds.start(
                    project.id,
                    located=located,
                    triggered_by=Trigger.SCHEDULE,
                    asked_by=self.name,
                ).number
            except EspdeckError as error:
                cancel.check()
                problem = f"not built: {mask(clean(str(error)))}"

        def note(row: WatchRow) -> None:
            row.schedule_since, row.schedule_problem = now, problem
            row.schedule_run = number or row.schedule_run

        return change_watch(store, project.id, note)

    def _result(self, row: WatchRow, schedule: Schedule, now: datetime) -> CheckResult:
        """When the next build is, and how the last went."""
        then = schedule.next_after(now, self._zone)
        shown = f"next build {then.astimezone(self._zone):%Y-%m-%d %H:%M}"
        if row.schedule_run:
            shown += f", the last was build {row.schedule_run}"
        details = {
            "schedule": schedule.text,
            "next": then.isoformat(),
            "last_build": row.schedule_run or None,
        }
        if problem := row.schedule_problem:
            left_out = problem.startswith(_LEFT_OUT)
            status = CheckStatus.WARNING if left_out else CheckStatus.ERROR
            return CheckResult(status, f"{problem}; {shown}", details)
        return CheckResult(CheckStatus.SUCCESS, shown, details)


def _begin(row: WatchRow, text: str, now: datetime) -> None:
    """A schedule that is new holds from now on."""
    row.schedule, row.schedule_since, row.schedule_problem = text, now, ""
