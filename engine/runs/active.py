"""The runs that this process executes now, so that they can be stopped from any thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from engine import events
from engine.cancel import CancelToken
from engine.store import runs
from engine.store.busy_wait import WaitPolicy
from engine.store.database import Store, StoreError

WRITE_RETRY_SECONDS = 1.0
"""Time between two tries to write how a run ended, while the disk is full."""

R = TypeVar("R")


class ActiveRuns:
    """Knows the runs of this process: the runner begins and ends them, anybody cancels them.

    It is there from the start, and empty in a process that executes nothing. Who waits for a run
    learns by it why that cannot be written down, also when the process becomes the executor
    meanwhile.
    """

    def __init__(self, store: Store, bus: events.Bus, patience: WaitPolicy) -> None:
        self._store = store
        self._bus = bus
        self._patience = patience
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._tokens: dict[int, CancelToken] = {}
        self._closing = CancelToken()
        self._unwritten: dict[int, str] = {}

    @contextlib.contextmanager
    def run(self, run_id: int) -> Iterator[CancelToken]:
        """A run of this process, for the block; the token ends it.

        Raises:
            Interrupted: the process shuts down.
        """
        token = CancelToken()
        with self._lock:
            self._closing.check()
            self._tokens[run_id] = token
        try:
            yield token
        finally:
            self._unwritten.pop(run_id, None)
            with self._idle:
                # A retry may run already: its token stays.
                if self._tokens.get(run_id) is token:
                    del self._tokens[run_id]
                self._idle.notify_all()

    def has(self, run_id: int) -> bool:
        """Whether a run is executed here."""
        with self._lock:
            return run_id in self._tokens

    def cancel(self, run_id: int) -> bool:
        """End a run that is executed here; False when it is not."""
        with self._lock:
            token = self._tokens.get(run_id)
        if token is None:
            return False
        token.cancel()
        return True

    def cancel_requested(self) -> None:
        """End every run of this process that another process asked to end.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._lock:
            if not self._tokens:
                return
        for run_id in runs.cancel_requests(self._store):
            self.cancel(run_id)

    def interrupt(self, timeout: float) -> None:
        """Stop everything so that it goes on at the next start.

        Args:
            timeout: seconds to wait until it has stopped.
        """
        with self._lock:
            self._closing.interrupt()
            tokens = list(self._tokens.values())
        for token in tokens:
            token.interrupt()
        deadline = time.monotonic() + timeout
        with self._idle:
            while self._tokens and time.monotonic() < deadline:
                self._idle.wait(deadline - time.monotonic())

    def unwritten(self, run_id: int) -> str:
        """Why it cannot be written now how a run goes on or ended; empty where it can."""
        return self._unwritten.get(run_id) or self._patience.no_room

    def insist(self, run_id: int, do: Callable[[], R]) -> R:
        """Do what needs the store; when the disk is full, say so once and wait for room.

        Raises:
            Interrupted: the process shuts down.
        """
        while True:
            try:
                return do()
            except StoreError as error:
                if run_id not in self._unwritten:
                    self._unwritten[run_id] = str(error)
                    message = f"run {run_id} waits: {error}"
                    self._bus.publish(events.Problem(run_id=run_id, message=message))
            self._closing.wait(WRITE_RETRY_SECONDS)
