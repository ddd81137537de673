"""Checks that a person has run from the app: each waits, then runs, in threads of its own.

Not in Textual's: those are few, and are for what ends soon.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import CancelledError, EspdeckError

if TYPE_CHECKING:
    from engine import CancelToken, Checks

_LOG = logging.getLogger("espdeck.screens")

CheckKey = tuple[str, uuid.UUID | None]
"""A check's name and the project, None for the lab as a whole."""

CLOSE_SECONDS = 5.0
"""Seconds in which checks that run end when the app does."""


@dataclass(slots=True)
class CheckRun:
    """One check that was asked for.

    Args:
        started: when it began, by :func:`time.monotonic`; None while it waits.
    """

    cancel: CancelToken
    started: float | None = None

    @property
    def seconds(self) -> float | None:
        """For how long it runs; None while it waits."""
        return None if self.started is None else time.monotonic() - self.started


@dataclass
class CheckRuns:
    """What was asked for and has not ended. The event loop asks, threads of its own carry out."""

    _runs: dict[CheckKey, CheckRun] = field(default_factory=dict)
    _waiting: deque[CheckKey] = field(default_factory=deque)
    _problems: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _was_busy: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, checks: Checks, keys: Iterable[CheckKey], *, at_once: int) -> int:
        """Run some, as soon as there is room; those that are asked for already are left out.

        Args:
            at_once: how many run at the same time.

        Returns:
            How many were added.
        """
        from engine import CancelToken

        with self._lock:
            new = [key for key in keys if key not in self._runs]
            for key in new:
                self._runs[key] = CheckRun(CancelToken())
            self._waiting.extend(new)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for _ in range(min(len(new), at_once - len(self._threads))):
                thread = threading.Thread(
                    target=self._work, args=(checks,), name="check", daemon=True
                )
                self._threads.append(thread)
                thread.start()
        return len(new)

    def get(self, key: CheckKey) -> CheckRun | None:
        """The run of a check; None where it was not asked for, or has ended."""
        return self._runs.get(key)

    def __len__(self) -> int:
        return len(self._runs)

    def cancel(self, key: CheckKey) -> None:
        """End one, or let it not begin."""
        run = self._runs.get(key)
        if run is not None:
            run.cancel.cancel()

    def were_busy(self) -> bool:
        """Whether anything waited or ran since this was asked last."""
        before, self._was_busy = self._was_busy, bool(self._runs)
        return before or self._was_busy

    def take_problems(self) -> list[str]:
        """Why some could not be run, a line each; every one is told once."""
        with self._lock:
            problems, self._problems = self._problems, []
        return problems

    def close(self) -> None:
        """End all of them; blocks until they have."""
        with self._lock:
            self._waiting.clear()
            runs, threads = list(self._runs.values()), list(self._threads)
        for run in runs:
            run.cancel.cancel()
        for thread in threads:
            thread.join(CLOSE_SECONDS)

    def _work(self, checks: Checks) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.remove(threading.current_thread())
                    return
                key = self._waiting.popleft()
                run = self._runs[key]
                run.started = time.monotonic()
            problem = ""
            try:
                run.cancel.check()
                checks.run(*key, cancel=run.cancel)
            except CancelledError:
                pass
            except EspdeckError as error:
                problem = str(error)
            except Exception as error:
                _LOG.exception("%s", key[0])
                problem = f"{key[0]}: a fault of espdeck: {error!r} (see espdeck.log)"
            finally:
                with self._lock:
                    del self._runs[key]
                    if problem:
                        self._problems.append(problem)
