"""A build of another machine that is followed: its events as they come, until it has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from engine import ApiError, Client, LabEvent, Lagged, Resync
from engine.enums import RunStatus
from engine.events import Event, Problem, RunChanged, RunCompleted
from engine.text import count

_LOOK_SECONDS = 20.0
"""Without an event for so long, the build is looked at: no end that was not told goes unseen."""


class FollowedBuild:
    """Follows in a thread of its own, which ends with the build, or with the process.

    Args:
        number: of the build.
        after: id of the event after which it was asked for.
        on_event: called in that thread with each of its events.
    """

    def __init__(
        self, client: Client, number: int, after: str, on_event: Callable[[Event], None]
    ) -> None:
        self._client = client
        self._number = number
        self._after = after
        self._on_event = on_event
        self._ended = threading.Event()
        self._failure: ApiError | None = None
        self._told = time.monotonic()
        threading.Thread(target=self._follow, name=f"build-{number}", daemon=True).start()

    def wait(self, timeout: float | None) -> bool:
        """Wait until it has ended; whether it has.

        Raises:
            ApiError: it cannot be followed any more.
        """
        if not self._ended.wait(timeout) and time.monotonic() - self._told > _LOOK_SECONDS:
            self._told = time.monotonic()
            if self._client.build(self._number).status.is_final:
                self._ended.set()
        if self._failure is not None:
            raise self._failure
        return self._ended.is_set()

    def _follow(self) -> None:
        events = self._client.events(build=self._number, logs=True, after=self._after)
        try:
            for item in events:
                self._told = time.monotonic()
                if isinstance(item, LabEvent):
                    if item.event is not None:
                        self._on_event(item.event)
                    if isinstance(item.event, RunCompleted):
                        return
                    if isinstance(item.event, RunChanged) and item.event.status.is_final:
                        self._ended.set()
                else:
                    self._missed(item)
        except ApiError as error:
            self._failure = error
        finally:
            self._ended.set()
            events.close()

    def _missed(self, item: Lagged | Resync) -> None:
        if isinstance(item, Lagged):
            text = f"{count(item.missed, 'event')} came too fast: espdeck show has the logs"
            self._on_event(Problem(message=text))
            return
        for run in item.runs:
            if run.get("job_id") == str(self._number) and RunStatus(run["status"]).is_final:
                self._ended.set()
