"""What callers started that takes longer than an answer may: a flash, an erasure, a check.

A job is asked for by its id while it runs and for a while after, and ends with the server: what it
did is kept where its kind of work keeps it (what a board runs, results of checks).
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from engine import BoundedQueue, CancelToken
from engine.enums import RunStatus
from engine.errors import (
    AccessError,
    CancelledError,
    ConflictError,
    EspdeckError,
    Interrupted,
    NotFoundError,
)
from engine.text import clean

MAX_UNFINISHED = 64
"""Jobs that may wait or run at once."""

KEPT_JOBS = 200
"""Jobs that ended and can still be asked for."""

KEPT_LINES = 500
"""Lines of a job that are kept for who comes later."""

_MAX_LINE_CHARACTERS = 1000
_WAITING_EVENTS = 1000
_STOP_SECONDS = 3.0

_LOG = logging.getLogger("espdeck")


class JobKind(StrEnum):
    """What a job does."""

    FLASH = "flash"
    ERASE = "erase"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What is told of a job: its name as on the wire, and its fields."""

    name: str
    data: Mapping[str, Any]


class Job:
    """One job. Any thread may look at it.

    Args:
        kind: what it does.
        subject: what it is done with: a board, a check.
        asked_by: who started it.
    """

    def __init__(self, kind: JobKind, subject: str, asked_by: str) -> None:
        self.id = secrets.token_hex(8)
        self.kind = kind
        self.subject = subject
        self.asked_by = asked_by
        self.cancel = CancelToken()
        self.created_at = datetime.now(UTC)
        self.status = RunStatus.PENDING
        self.progress = 0.0
        self.message = "waiting"
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.result: Mapping[str, Any] | None = None
        self.error: str | None = None
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._watchers: list[BoundedQueue[JobEvent]] = []

    def report(self, percent: float, message: str) -> None:
        """Tell how far it is (0 to 100) and what it does."""
        with self._lock:
            if (round(percent, 1), message) == (self.progress, self.message):
                return
            self.progress, self.message = round(percent, 1), clean(message)
            self._tell(JobEvent("progress", self._progress()))

    def say(self, line: str) -> None:
        """Tell a line for people."""
        line = clean(line)[:_MAX_LINE_CHARACTERS]
        with self._lock:
            self._lines.append(line)
            self._tell(JobEvent("output", {"line": line}))

    @property
    def lines(self) -> Sequence[str]:
        """The last lines that it told."""
        with self._lock:
            return list(self._lines)

    def watch(self, on_ready: Callable[[], None]) -> BoundedQueue[JobEvent]:
        """What is told from now on, after what was told before; ends when the job does.

        Args:
            on_ready: see :class:`engine.BoundedQueue`.
        """
        queue = BoundedQueue[JobEvent](_WAITING_EVENTS, lambda _event: 1, on_ready)
        with self._lock:
            for line in self._lines:
                queue.put(JobEvent("output", {"line": line}))
            queue.put(JobEvent("progress", self._progress()))
            if self.status.is_final:
                queue.close()
            else:
                self._watchers.append(queue)
        return queue

    def leave(self, queue: BoundedQueue[JobEvent]) -> None:
        """Tell somebody nothing more."""
        with self._lock:
            if queue in self._watchers:
                self._watchers.remove(queue)

    def run(self, work: Callable[[Job], Mapping[str, Any]]) -> None:
        """Do the work, in a thread of its own."""
        with self._lock:
            self.status, self.started_at = RunStatus.RUNNING, datetime.now(UTC)
        try:
            self.cancel.check()
            result = work(self)
        except (CancelledError, Interrupted):
            self.end(RunStatus.CANCELLED, error="cancelled")
        except EspdeckError as error:
            self.end(RunStatus.FAILED, error=str(error))
        except Exception as error:
            _LOG.exception("%s of %s", self.kind, self.subject)
            self.end(RunStatus.FAILED, error=f"internal error: {error!r} (see espdeck.log)")
        else:
            self.end(RunStatus.SUCCESS, result=result)

    def end(
        self,
        status: RunStatus,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        """Write down how it ended."""
        with self._lock:
            self.status, self.result = status, result
            self.error = clean(error) if error is not None else None
            self.ended_at = datetime.now(UTC)
            self.message = self.error or "done"
            if status is RunStatus.SUCCESS:
                self.progress = 100.0
            watchers, self._watchers = self._watchers, []
        for each in watchers:
            each.close()

    def _progress(self) -> Mapping[str, Any]:
        return {"status": self.status, "progress": self.progress, "message": self.message}

    def _tell(self, event: JobEvent) -> None:
        for each in self._watchers:
            each.put(event)


class Jobs:
    """The jobs of a server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[tuple[Job, Callable[[Job], Mapping[str, Any]], int]] = deque()
        self._claims: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []

    def start(
        self,
        job: Job,
        work: Callable[[Job], Mapping[str, Any]],
        *,
        claim: str = "",
        at_once: int = MAX_UNFINISHED,
    ) -> Job:
        """Start a job, or let it wait until fewer of its kind run.

        Args:
            job: what it is.
            work: does it and gives its result.
            claim: what only one job may have at a time, such as a board; empty for nothing.
            at_once: how many jobs of its kind may run at once.

        Raises:
            ConflictError: another job has the claim, there are too many, or the server stops.
        """
        with self._lock:
            if self._closed:
                raise ConflictError("the server stops: try again in a moment")
            other = self._claims.get(claim)
            if other is not None and not other.status.is_final:
                raise ConflictError(
                    f"{job.subject} is busy: {other.kind} by {other.asked_by} (job {other.id})"
                )
            if sum(not each.status.is_final for each in self._jobs.values()) >= MAX_UNFINISHED:
                raise ConflictError(f"{MAX_UNFINISHED} jobs wait or run: try again later")
            if claim:
                self._claims = {
                    name: each for name, each in self._claims.items() if not each.status.is_final
                }
                self._claims[claim] = job
            self._jobs[job.id] = job
            self._forget_old()
            self._waiting.append((job, work, max(1, at_once)))
        self._start_due()
        return job

    def get(self, job_id: str) -> Job:
        """A job by its id.

        Raises:
            NotFoundError: there is none, or none any more.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFoundError(f"no job {clean(job_id)[:80]!r}: it ended long ago, or never was")
        return job

    def list(self) -> Sequence[Job]:
        """Jobs that wait or run, and those that ended last, newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def cancel(self, job_id: str, by: str, *, is_admin: bool) -> Job:
        """End a job.

        Raises:
            NotFoundError: there is none.
            ConflictError: it has ended.
            AccessError: it is another's and ``by`` is no admin.
        """
        job = self.get(job_id)
        if job.status.is_final:
            raise ConflictError(f"job {job.id} has ended: {job.status}")
        if job.asked_by != by and not is_admin:
            raise AccessError(f"job {job.id} is of {job.asked_by}: only they or an admin end it")
        job.cancel.cancel()
        with self._lock:
            for entry in list(self._waiting):
                if entry[0] is job:
                    self._waiting.remove(entry)
                    job.end(RunStatus.CANCELLED, error="cancelled before it began")
        return job

    def close(self) -> None:
        """End all of them, and wait a moment until they have."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            for job, _work, _at_once in self._waiting:
                job.end(RunStatus.CANCELLED, error="cancelled: the server stops")
            self._waiting.clear()
            jobs = [job for job in self._jobs.values() if not job.status.is_final]
        for job in jobs:
            job.cancel.cancel()
        until = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start_due(self) -> None:
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            running: dict[JobKind, int] = {}
            for job in self._jobs.values():
                if job.status is RunStatus.RUNNING:
                    running[job.kind] = running.get(job.kind, 0) + 1
            for entry in list(self._waiting):
                job, work, at_once = entry
                if running.get(job.kind, 0) < at_once:
                    running[job.kind] = running.get(job.kind, 0) + 1
                    job.status = RunStatus.RUNNING
                    self._waiting.remove(entry)
                    thread = threading.Thread(
                        target=self._run, args=(job, work), name=f"job {job.id}", daemon=True
                    )
                    self._threads.append(thread)
                    thread.start()

    def _run(self, job: Job, work: Callable[[Job], Mapping[str, Any]]) -> None:
        try:
            job.run(work)
        finally:
            with contextlib.suppress(RuntimeError):  # the interpreter is ending
                self._start_due()

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.status.is_final]
        for job in ended[: max(0, len(ended) - KEPT_JOBS)]:
            del self._jobs[job.id]
