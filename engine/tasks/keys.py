"""API keys that tasks were asked for with: in the memory of the process that executes them alone.

A key goes with its task. It is in no database, file, event or message; a process that ends takes
its keys along, and a task that goes on without the key it was asked for with ends and says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from engine.errors import ConflictError

MAX_KEYS = 1000
"""Keys that are held at the same time."""

MAX_WAIT_SECONDS = 60.0
"""Seconds that a key is held before its task is written down."""

MIN_CHARACTERS, MAX_CHARACTERS = 8, 500
"""Characters of a key."""


def _plain(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS:
        raise ValueError(f"a key has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a key has printable ASCII characters alone, and no blank")
    return key


ApiKey = Annotated[SecretStr, AfterValidator(_plain)]
"""A key as a server of models takes it in a header."""


@dataclass(slots=True)
class _Held:
    key: SecretStr
    since: float
    has_row: bool = False


class TaskKeys:
    """The keys of tasks that this process executes, by their durable runs' ids. Thread-safe.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, workflow_id: str, key: SecretStr) -> None:
        """Hold a key until its task has ended; before that is written down and asked for.

        Raises:
            ConflictError: too many are held.
        """
        with self._lock:
            if len(self._held) >= MAX_KEYS:
                raise ConflictError(f"{MAX_KEYS} tasks with keys of their own wait: try again")
            self._held[workflow_id] = _Held(key, self._clock())

    def get(self, workflow_id: str) -> SecretStr | None:
        """The key of a task; None where there is none."""
        with self._lock:
            held = self._held.get(workflow_id)
        return held.key if held else None

    def forget(self, workflow_id: str) -> None:
        """Drop the key of a task that ended, if it had one."""
        with self._lock:
            self._held.pop(workflow_id, None)

    def keep_only(self, unfinished: Collection[str]) -> None:
        """Drop the keys of tasks that have ended, or were never written down.

        Args:
            unfinished: durable runs that wait or are carried out.
        """
        now = self._clock()
        with self._lock:
            for workflow_id, held in list(self._held.items()):
                if workflow_id in unfinished:
                    held.has_row = True
                elif held.has_row or now - held.since > MAX_WAIT_SECONDS:
                    del self._held[workflow_id]
