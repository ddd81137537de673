"""Copies what is kept to the store, one content after the other, for as long as it takes.

Nobody waits for it. What is still to be copied is in the rows: a process that dies forgets nothing.
A store that does not answer is asked again after ever longer times.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.artifacts.object_store import DamagedObjectError
from engine.artifacts.service import Artifacts, LostContentError
from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.store import artifacts as rows
from engine.store.artifacts import Content
from engine.store.database import Store, StoreError
from engine.text import count

SHORTEST_WAIT_SECONDS = 5.0
"""How long the mover waits after a store failed first; each time twice as long."""

LONGEST_WAIT_SECONDS = 600.0
"""How long it waits at most."""

_BATCH = 50
_FAILURES_IN_A_ROW = 2  # then it is the store that fails, not one file
_LOST_SECONDS = 24 * 3600.0  # until a file of which no copy was left is looked for again
_BUSY_SECONDS = 2.0  # until a store in which another process is at work is looked at again
_TROUBLE_SECONDS = 60.0  # of this machine, such as a full disk

_LOG = logging.getLogger("espdeck.artifacts")


class Mover:
    """Moves artifacts to the store that the settings name.

    Args:
        artifacts: the door that it goes through.
        store: has what is to be moved.
        say: is given a line when a store does not take anything, once until it does again.
        now: gives the time, in UTC.
    """

    def __init__(
        self,
        artifacts: Artifacts,
        store: Store,
        say: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._artifacts = artifacts
        self._store = store
        self._say = say
        self._now = now
        self._changed = threading.Event()
        self._wait = 0.0
        self._said = False

    def settings_changed(self) -> None:
        """Try at once with the settings as they are now."""
        self._changed.set()
        self._artifacts.kept.set()

    def run(self, cancel: CancelToken) -> None:
        """Move what is kept, for ever.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        forget = cancel.on_stop(self.settings_changed)
        self._changed.set()  # what failed before may have been this machine's network
        try:
            while True:
                cancel.check()
                self._artifacts.kept.clear()
                seconds = self._once(cancel)
                if self._wait:
                    self._changed.wait(seconds)  # what is kept meanwhile makes no store answer
                else:
                    self._artifacts.kept.wait(seconds)
        finally:
            forget()

    def move_due(self, cancel: CancelToken) -> float | None:
        """Move all that is due.

        Returns:
            Seconds until something is due again; None for not before something is kept.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        try:
            place = self._artifacts.open_store()
        except (ToolError, MissingToolError) as error:
            return self._back_off(str(error))
        if place is None:
            self._wait, self._said = 0.0, False
            return None
        failures = 0
        while contents := rows.unmoved(self._store, place.place, self._now(), _BATCH):
            for content in contents:
                try:
                    if not self._artifacts.move(place, content, cancel):
                        return _BUSY_SECONDS
                except (LostContentError, DamagedObjectError) as error:
                    self._put_off(place.place, content, str(error), _LOST_SECONDS, final=True)
                except ToolError as error:
                    failures += 1
                    self._put_off(place.place, content, str(error), self._next_wait())
                    if failures >= _FAILURES_IN_A_ROW:
                        return self._back_off(str(error))
                else:
                    failures = 0
                    self._note_success(place.place)
        self._wait = 0.0
        due = rows.next_due(self._store, place.place)
        return None if due is None else max(0.0, (due - self._now()).total_seconds())

    def _once(self, cancel: CancelToken) -> float | None:
        try:
            if self._changed.is_set():
                self._changed.clear()
                self._wait, self._said = 0.0, False
                rows.make_due(self._store)
            return self.move_due(cancel)
        except StoreError as error:
            _LOG.warning("%s", error)
        except Exception:
            _LOG.exception("moving artifacts")
        self._wait = _TROUBLE_SECONDS
        return _TROUBLE_SECONDS

    def _put_off(
        self, place: str, content: Content, error: str, seconds: float, *, final: bool = False
    ) -> None:
        until = self._now() + timedelta(seconds=seconds)
        rows.put_off(self._store, place, content.sha256, error=error, until=until, final=final)
        _LOG.info("%s: %s", content.sha256[:12], error)

    def _next_wait(self) -> float:
        return min(max(SHORTEST_WAIT_SECONDS, 2 * self._wait), LONGEST_WAIT_SECONDS)

    def _back_off(self, reason: str) -> float:
        self._wait = self._next_wait()
        if not self._said:
            self._said = True
            waiting = self._artifacts.state().waiting
            self._say(
                f"{reason}; {count(waiting, 'file')} of artifacts wait here and are moved later"
            )
        return self._wait

    def _note_success(self, place: str) -> None:
        self._wait = 0.0
        if self._said:
            self._said = False
            _LOG.info("%s takes artifacts again", place)
