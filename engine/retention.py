"""Removes old runs. The newest stay, up to an age, a number and a size of what they kept, for all
and for each project, and those that something needs.

Never goes what waits or runs; the newest successful build of each project, chip and configuration,
against which sizes are compared; what a board was flashed with last; a program that a kept session
of a console names, for its panics; and a build that succeeded with a repair that nobody discarded.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ValidationError

from engine.artifact_settings import KeepSettings
from engine.builds import fix_patch
from engine.builds.fixes import has_fix
from engine.cancel import CancelToken
from engine.clock import EARLIEST_TIME, is_believable
from engine.enums import RunKind, RunStatus
from engine.runs.queue import RunQueue
from engine.source import tree
from engine.store import retention as rows
from engine.store.artifacts import Content, contents_of_runs
from engine.store.database import Store
from engine.store.retention import RunFacts

_REMOVED_PREFIX = ".gone-"
_CLOCK_FILE = ".clock"
_PROGRAM = re.compile(rb"ELF file SHA256:\s{0,4}([0-9a-fA-F]{7,64})\b")  # as panics and boots say
_BLOCK_BYTES = 1 << 20
_CLOCK_KEPT = timedelta(days=1)  # since the clock started what has ended
_OVERLAP_BYTES = 200  # bytes; longer than what is looked for


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Which runs are kept.

    Args:
        days: since a run ended; 0 for ever.
        count: runs at the most; 0 for any number.
        size: bytes of artifacts at the most, content that several have counted once; 0 for any.
        named: builds that stay, as the settings name them.
        projects: what holds for one project, by its name.
    """

    days: float = 180.0
    count: int = 2000
    size: int = 0
    named: frozenset[int] = frozenset()
    projects: Mapping[str, KeepSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that goes.

    Args:
        number: of the run.
        kind: what it is.
        ended: when, in UTC.
        size: bytes of its logs, and of those artifacts that no run has that stays.
    """

    number: int
    kind: RunKind
    ended: datetime
    size: int


class Retention:
    """Lets old runs go. All calls may block: keep them off an event loop.

    Args:
        store: has their rows.
        runs: has their steps.
        artifacts: folder of what they kept.
        boards: folder of what boards were flashed with.
        sessions: folder of what consoles said.
        limits: gives what is kept.
    """

    def __init__(
        self,
        store: Store,
        runs: RunQueue,
        *,
        artifacts: Path,
        boards: Path,
        sessions: Path,
        limits: Callable[[], RunLimits],
    ) -> None:
        self._store = store
        self._runs = runs
        self._artifacts = artifacts
        self._boards = boards
        self._sessions = sessions
        self._limits = limits

    def due(self, *, now: datetime | None = None) -> tuple[OldRun, ...]:
        """The runs that would go now, oldest first.

        Raises:
            StoreError: the store cannot be read.
        """
        time = now or datetime.now(UTC)
        found = self._due(time, has_ages=self._has_ages(time))
        gone: Counter[tuple[int, int]] = Counter()
        return tuple(self._old(run, gone) for run in found)

    def drop(self, *, now: datetime | None = None, cancel: CancelToken) -> tuple[OldRun, ...]:
        """Let old runs go: rows, logs, artifacts, and steps. In small transactions.

        Returns:
            Those that went, oldest first.

        Raises:
            StoreError: the store cannot be read or written; what went before is gone.
            CancelledError, Interrupted: as ``cancel`` says; a later call goes on.
        """
        time = now or datetime.now(UTC)
        gone = []
        has_ages = self._has_ages(time)
        for run in self._due(time, has_ages=has_ages):
            cancel.check()
            old = self._old(run, Counter())
            if self._remove(run):
                gone.append(old)
        for folder in self._artifacts.glob(f"{_REMOVED_PREFIX}*"):  # what a killed process left
            tree.delete(folder)
        if has_ages:
            self._runs.forget_clock(time - _CLOCK_KEPT)
        if self._limits().days and has_ages:
            before = time - timedelta(days=self._limits().days)
            while rows.remove_old_events(self._store, before):
                cancel.check()
            known = {run.workflow_id for run in rows.all_runs(self._store)}
            self._runs.forget(before, known)
        return tuple(gone)

    def _remove(self, run: RunFacts) -> bool:
        folder = self._artifacts / str(run.number)
        aside = folder.with_name(f"{_REMOVED_PREFIX}{run.number}")
        # First: what a killed process leaves here is still named by its row.
        with contextlib.suppress(OSError):
            folder.rename(aside)
        while rows.remove_some(self._store, run.number):
            pass
        if rows.is_there(self._store, run.number):  # it was asked for again
            with contextlib.suppress(OSError):
                aside.rename(folder)
            return False
        tree.delete(aside)
        return True

    def _old(self, run: RunFacts, gone: Counter[tuple[int, int]]) -> OldRun:
        size = tree.size_freed(Path(run.folder), gone) if run.folder else 0
        return OldRun(run.number, run.kind, run.ended, size + rows.text_of(self._store, run.number))

    def _has_ages(self, now: datetime) -> bool:
        """Whether runs may go for their age: the clock can be believed."""
        with contextlib.suppress(OSError):  # then nothing is kept there, and nothing believed
            self._artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
        return is_believable(self._artifacts / _CLOCK_FILE, now.timestamp())

    def _due(self, now: datetime, *, has_ages: bool) -> Sequence[RunFacts]:
        every = rows.all_runs(self._store)
        over = self._over(every, now, has_ages=has_ages)
        if not over:
            return ()
        needed = self._compared_with(every) | self._flashed() | self._repaired(over)
        needed |= self._limits().named
        left = [run for run in over if run.number not in needed]
        named = self._named_in_sessions(left)
        return [run for run in reversed(left) if run.number not in named]

    def _over(
        self, every: Sequence[RunFacts], now: datetime, *, has_ages: bool
    ) -> Sequence[RunFacts]:
        """Those of all runs, newest first, that are beyond a limit."""
        limits = self._limits()
        names = rows.project_names(self._store) if limits.projects else {}
        rules = {"": _Rule(limits.days, limits.count, limits.size)}
        for number, name in names.items():
            keep = limits.projects.get(name, KeepSettings())
            days = limits.days if keep.days is None else keep.days
            rules[number] = _Rule(days, keep.count or 0, (keep.megabytes or 0) << 20)
        has_size = any(rule.size for rule in rules.values())
        contents = contents_of_runs(self._store) if has_size else {}
        over = []
        for run in every:
            of_run, project = contents.get(run.number, ()), rules.get(run.variant[0])
            days = (rules[""] if project is None else project).days if has_ages else 0
            is_old = run.ended.timestamp() >= EARLIEST_TIME and now - run.ended > timedelta(days)
            too_many = [rule.is_beyond(of_run) for rule in (rules[""], project) if rule is not None]
            if run.status.is_final and ((days and is_old) or any(too_many)):
                over.append(run)
        return over

    def _compared_with(self, every: Sequence[RunFacts]) -> set[int]:
        newest: dict[tuple[tuple[str, str, str], bool], int] = {}
        for run in every:
            if run.kind is RunKind.FIRMWARE and run.status is RunStatus.SUCCESS:
                newest.setdefault((run.variant, run.dirty), run.number)
        return set(newest.values())

    def _flashed(self) -> set[int]:
        found = set()
        for path in self._boards.glob("*/flashed.json"):
            with contextlib.suppress(OSError, ValidationError):
                found.add(_Flashed.model_validate_json(path.read_bytes()).build)
        return found

    def _repaired(self, runs: Sequence[RunFacts]) -> set[int]:
        """Builds that succeeded with a repair which nobody discarded."""
        repaired = rows.with_artifact(self._store, fix_patch.NAME)
        return {
            run.number
            for run in runs
            if run.status is RunStatus.SUCCESS
            and run.number in repaired
            and has_fix(Path(run.folder))
        }

    def _named_in_sessions(self, runs: Collection[RunFacts]) -> set[int]:
        """Builds whose program a session names; sessions are read only where some may go."""
        known = rows.programs(self._store)
        ours = {run.number: known[run.number] for run in runs if run.number in known}
        if not ours:
            return set()
        named = programs_named(self._sessions)
        return {number for number, sha in ours.items() if any(map(sha.lower().startswith, named))}


class _Rule:
    """A bound on the number of runs and on what they kept; the newest are counted first."""

    def __init__(self, days: float, count: int, size: int) -> None:
        self.days = days
        self.size = size
        self._most = count
        self._runs = 0
        self._bytes = 0
        self._counted: set[str] = set()

    def is_beyond(self, contents: Iterable[Content]) -> bool:
        """Count the next run; whether it is beyond a bound."""
        self._runs += 1
        own = {each.sha256: each.size for each in contents if each.sha256 not in self._counted}
        added = sum(own.values())
        self._bytes += added
        is_too_large = bool(self.size and added and self._bytes > self.size)
        if not is_too_large:
            self._counted |= own.keys()
        return is_too_large or bool(self._most and self._runs > self._most)


class _Flashed(BaseModel):
    build: int


def programs_named(sessions: Path) -> set[str]:
    """First digits of the SHA-256 of each program that consoles named, in small letters."""
    found: set[str] = set()
    for path in sessions.glob("*.raw"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            rest = b""
            while block := file.read(_BLOCK_BYTES):
                text = rest + block
                found.update(match[1].decode().lower() for match in _PROGRAM.finditer(text))
                rest = text[-_OVERLAP_BYTES:]
    return found
