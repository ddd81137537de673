"""Daily maintenance of a workspace: backups, removal of old runs, free disk space."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.artifacts.service import Artifacts, StoreSweep
from engine.cancel import CancelToken
from engine.checks.service import Checks
from engine.projects.service import Projects
from engine.quality.cache import Cache
from engine.retention import OldRun, Retention
from engine.store import backup_writer, backups
from engine.store.backups import DATABASES
from engine.store.busy_wait import StoreError
from engine.store.sqlite_errors import explain_errors
from engine.store.vacuum import shrink

FIRST_RUN_SECONDS = 60.0
"""Seconds after the start of the executor at which it looks for the first time."""

INTERVAL_SECONDS = 24 * 3600.0
"""Seconds between two looks."""

_LOG = logging.getLogger("espdeck.maintenance")


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """What went, or would go.

    Args:
        runs: old builds and tasks.
        removed: other things, a line each.
        bytes: how much all of it takes on this machine.
        store: what goes from the store of artifacts, and from here because that has it.
    """

    runs: tuple[OldRun, ...]
    removed: tuple[str, ...]
    bytes: int
    store: StoreSweep


class Maintenance:
    """Looks after one workspace. All calls may block: keep them off an event loop."""

    def __init__(
        self,
        workspace: Path,
        retention: Retention,
        artifacts: Artifacts,
        projects: Projects,
        checks: Checks,
        say: Callable[[str], None],
    ) -> None:
        """Know the workspace.

        Args:
            retention: lets old runs go.
            artifacts: are copied to a store.
            projects: have worktrees and clones.
            checks: keep files of projects.
            say: is given a line about what a person has to know.
        """
        self._workspace = workspace
        self._retention = retention
        self._artifacts = artifacts
        self._projects = projects
        self._checks = checks
        self._say = say

    def preview(self, *, unused_for: float) -> CleanupReport:
        """What :meth:`sweep` would delete now. Walks through all of it: seconds."""
        runs = self._retention.due()
        room = self._projects.removable(unused_for=unused_for)
        store = self._artifacts.preview()
        total = room.bytes + sum(run.size for run in runs) + store.file_bytes
        return CleanupReport(runs, room.removed, total, store)

    def sweep(self, *, unused_for: float, cancel: CancelToken | None = None) -> CleanupReport:
        """Delete what can be made again and let old runs go; the databases shrink.

        Args:
            unused_for: seconds for which nothing was built in a worktree that goes.

        Raises:
            StoreError: a database cannot be read, written or shrunk; what went before is gone.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        cancel = cancel or CancelToken()
        room = self._projects.make_room(unused_for=unused_for, cancel=cancel)
        runs = self._retention.drop(cancel=cancel)
        store = self._artifacts.sweep(cancel)
        self._cache().shrink()
        shrunk = self._shrink(whole=True, cancel=cancel)
        # What a log had is in the size of the run, and in what its database shrank by.
        total = room.bytes + max(sum(run.size for run in runs), shrunk) + store.file_bytes
        return CleanupReport(runs, room.removed, total, store)

    def preview_artifacts(self) -> CleanupReport:
        """What :meth:`sweep_artifacts` would delete now."""
        runs, store = self._retention.due(), self._artifacts.preview()
        return CleanupReport(runs, (), sum(run.size for run in runs) + store.file_bytes, store)

    def sweep_artifacts(self, *, cancel: CancelToken | None = None) -> CleanupReport:
        """Let old runs go, and then of artifacts what need not be in the store, or here.

        Raises:
            StoreError: the database cannot be read or written; what went before is gone.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        cancel = cancel or CancelToken()
        runs, store = self._retention.drop(cancel=cancel), self._artifacts.sweep(cancel)
        return CleanupReport(runs, (), sum(run.size for run in runs) + store.file_bytes, store)

    def run_daily(self, cancel: CancelToken) -> None:
        """Do all of it that is due, for ever, in small pieces.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        cancel.wait(FIRST_RUN_SECONDS)
        while True:
            self.once(cancel)
            cancel.wait(INTERVAL_SECONDS)

    def once(self, cancel: CancelToken) -> None:
        """Back the databases up, let old runs go, give room back; say what cannot be done."""
        for do in (self._back_up, self._drop, self._tidy):
            try:
                do(cancel)
            except StoreError as error:
                self._say(str(error))
            except Exception:
                _LOG.exception("upkeep")

    def _back_up(self, cancel: CancelToken) -> None:
        """Make a backup unless there is one of today, or nothing was written since the last."""
        known = backups.backups(self._workspace)
        if known:
            made = known[0].made.timestamp()
            # One from the future was made while the clock was wrong.
            if 0 <= time.time() - made < INTERVAL_SECONDS or self._changed() <= made <= time.time():
                return
        backup_writer.make_backup(self._workspace, cancel=cancel)

    def _changed(self) -> float:
        """When a database was written last, in seconds since the epoch."""
        times = [0.0]
        for name in DATABASES:
            for suffix in ("", "-wal"):
                with contextlib.suppress(OSError):
                    times.append(Path(f"{self._workspace / name}{suffix}").stat().st_mtime)
        return max(times)

    def _drop(self, cancel: CancelToken) -> None:
        self._retention.drop(now=datetime.now(UTC), cancel=cancel)
        if problem := self._artifacts.sweep(cancel).problem:
            _LOG.warning("artifacts: %s", problem)

    def _tidy(self, cancel: CancelToken) -> None:
        self._checks.tidy()
        self._cache().shrink()
        self._shrink(whole=False, cancel=cancel)

    def _cache(self) -> Cache:
        return Cache(self._workspace / "cache" / "quality")

    def _shrink(self, *, whole: bool, cancel: CancelToken) -> int:
        shrunk = 0
        for name in DATABASES:
            with explain_errors(self._workspace / name):
                shrunk += shrink(self._workspace / name, whole=whole, cancel=cancel)
        return shrunk
