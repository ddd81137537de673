"""Metrics as a front end sees them: statistics of projects and checks, series, exports.

What computes them is imported when it is asked for: opening a workspace does not wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.enums import RunKind
from engine.events import Bus, Event, RunCompleted
from engine.metrics.names import MeasureName
from engine.store import measures, projects
from engine.store.busy_wait import StoreError
from engine.store.database import Store
from engine.store.measures import LabelCount, RunRecord
from engine.store.projects import ProjectStats
from engine.store.tables import Project, RunMeasure

if TYPE_CHECKING:
    from engine.metrics.builds_table import BuildRow
    from engine.metrics.health import DaemonState
    from engine.metrics.project_metrics import ProjectMetrics
    from engine.metrics.series import Metric, Series
    from engine.store.check_stats import CheckStats

_LOG = logging.getLogger("espdeck.metrics")

_BATCH_RUNS = 50  # measured in one transaction, so that nobody waits for long


class Metrics:
    """What was measured in a workspace. All calls may block: keep them off an event loop."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    def record(self, run_id: int) -> None:
        """Measure a build that has ended, and keep it; again, with the same outcome.

        One that waits or runs, or is gone, is left.

        Raises:
            StoreError: the store cannot be read or written.
        """
        self._record([run_id])

    def catch_up(self, cancel: CancelToken | None = None) -> int:
        """Measure builds that ended while nothing looked, such as those of an older espdeck.

        Args:
            cancel: ends it between two builds.

        Returns:
            How many.

        Raises:
            StoreError: the store cannot be read or written; what was measured before is kept.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        done = 0
        while due := measures.unmeasured_builds(self._store, _BATCH_RUNS):
            if cancel is not None:
                cancel.check()
            self._record(due)
            done += len(due)
        return done

    def follow(self, cancel: CancelToken) -> None:
        """Measure builds as they end, and before that those of before; for the executor.

        Raises:
            Interrupted: the process shuts down.
        """
        ended: queue.SimpleQueue[int | None] = queue.SimpleQueue()

        def put(event: Event) -> None:
            if isinstance(event, RunCompleted) and event.run is RunKind.FIRMWARE:
                ended.put(event.run_id)

        unsubscribe = self._bus.subscribe(put)
        forget = cancel.on_stop(lambda: ended.put(None))
        try:
            self._catch_up_quietly(cancel)
            while (number := ended.get()) is not None:
                cancel.check()
                try:
                    self.record(number)
                except StoreError as error:
                    _LOG.warning("build %s is measured later: %s", number, error)
                except Exception:
                    _LOG.exception("measure build %s", number)
        finally:
            forget()
            unsubscribe()
        cancel.check()

    def projects(self, project_id: uuid.UUID | None = None) -> tuple[ProjectMetrics, ...]:
        """Statistics of a project, or of each, by name.

        Raises:
            UsageError: there is no such project.
        """
        from engine.metrics.project_metrics import project_metrics

        store = self._store
        wanted = self._projects(project_id)
        labels: dict[uuid.UUID, list[LabelCount]] = {each.id: [] for each in wanted}
        for label in measures.count_labels(store, MeasureName.FAILURE, project_id):
            if label.project_id in labels:
                labels[label.project_id].append(label)
        stats = self.stats()
        return tuple(
            project_metrics(
                store,
                (each.id, each.name),
                stats.get(each.id) or ProjectStats(each.id, {}, None),
                labels[each.id],
            )
            for each in wanted
        )

    def stats(self) -> dict[uuid.UUID, ProjectStats]:
        """How the builds of each project went that has some."""
        return projects.every_project_stats(self._store)

    def checks(self, project_id: uuid.UUID | None = None) -> tuple[CheckStats, ...]:
        """How each check went that has results, by name; over all projects, or in one."""
        from engine.store.check_stats import check_stats

        return tuple(check_stats(self._store, project_id))

    def health(self, daemon: DaemonState | None = None) -> dict[str, Any]:
        """Health of daemon, checks and schedule, as programs outside know it.

        Args:
            daemon: what it says of itself; None where there is none.
        """
        from engine.metrics.health import health

        return health(daemon, self.checks())

    def known_metrics(self, project_id: uuid.UUID) -> tuple[Metric, ...]:
        """What can be drawn over a project's builds."""
        from engine.metrics.series import known_metrics

        return known_metrics(self._store, project_id)

    def series(self, project_id: uuid.UUID, metric: Metric, *, limit: int = 2000) -> Series:
        """A number of each build of a project, the oldest first.

        Args:
            metric: one of :meth:`known_metrics`.
            limit: builds, the newest.
        """
        from engine.metrics.series import read_series

        return read_series(self._store, project_id, metric, limit)

    def rows(self, project_id: uuid.UUID | None = None) -> Iterator[BuildRow]:
        """Every build with its measures, oldest first: one row a build, all of the same columns."""
        from engine.metrics.builds_table import build_rows

        return build_rows(self._store, self._projects(project_id), project_id)

    def prometheus(self, daemon: DaemonState | None = None) -> str:
        """Everything that is worth an alert, in Prometheus' text format.

        Args:
            daemon: what it says of itself; None where there is none.
        """
        from engine.metrics.prometheus import exposition

        by_project = {each.name: self.checks(each.id) for each in self._projects(None)}
        return exposition(self.projects(), self.checks(), by_project, daemon)

    def _projects(self, project_id: uuid.UUID | None) -> Sequence[Project]:
        if project_id is not None:
            return [projects.get_project(self._store, project_id)]
        return projects.all_projects(self._store)

    def _record(self, run_ids: Sequence[int]) -> None:
        found = measures.records(self._store, run_ids)
        measures.put_measures(self._store, chain.from_iterable(map(_measured, found)))

    def _catch_up_quietly(self, cancel: CancelToken) -> None:
        with contextlib.suppress(StoreError):  # the disk is full: at the next start
            self.catch_up(cancel)


def _measured(record: RunRecord) -> list[RunMeasure]:
    """What is measured of a run; of one whose rows make no sense only that somebody looked."""
    from engine.metrics.measure import measure

    try:
        return measure(record)
    except Exception:
        _LOG.exception("measure build %s", record.run_id)
        return [RunMeasure(run_id=record.run_id, name=MeasureName.RECORDED, value=1)]
