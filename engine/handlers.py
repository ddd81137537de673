"""Handlers: what people or other distributions run when a run or a check has ended.

A handler is a class with one method, ``handle(event)``, registered as an entry point
``espdeck.handlers`` or in a file of the settings folder. It is given the event as programs outside
know it (:meth:`engine.events.Event.json`), in a process of its own with a bound on time, memory and
output; what goes wrong in it is a line of the log. The durable engine sees to it that a handler
whose process dies with espdeck is run again.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine import process
from engine.cancel import CancelToken
from engine.errors import CancelledError, EspdeckError
from engine.events import CheckCompleted, Event, RunCompleted
from engine.plugins import load_plugin, registered
from engine.settings import SettingsSource, config_file
from engine.store.database import StoreError

GROUP = "espdeck.handlers"
"""Entry points of handlers."""

FOLDER = "handlers"
"""Folder beside the settings file whose ``*.py`` files are handlers."""

MAX_FILES = 100
"""Files of that folder that are looked at."""

MAX_WAITING = 1000
"""Events that may wait to be asked for; what comes beyond is left out, and the log says so."""

_LOG = logging.getLogger("espdeck.handlers")


class Handler(Protocol):
    """What is done when a run or a check has ended."""

    def handle(self, event: dict[str, Any]) -> None:
        """Do it.

        Args:
            event: ``workflow.completed`` or ``check.completed``, with the fields that the manual
                lists. Texts in it are untrusted.
        """
        ...


@dataclass(frozen=True, slots=True)
class FoundHandler:
    """A handler that is there.

    Args:
        name: of its entry point or file.
        place: how its process finds it: ``module:Class``, or the path of a file.
    """

    name: str
    place: str


def find_handlers() -> tuple[FoundHandler, ...]:
    """Every handler, by name."""
    folder = config_file().parent / FOLDER
    found = [FoundHandler(point.name, point.value) for point in registered(GROUP)]
    for path in sorted(folder.glob("*.py"))[:MAX_FILES] if folder.is_dir() else ():
        if not path.name.startswith("_"):
            found.append(FoundHandler(path.stem, str(path)))
    return tuple(sorted(found, key=lambda handler: handler.name))


class Handlers:
    """Has handlers run for what ends, in the process that executes runs.

    :meth:`take` is called by the bus; a thread asks the durable engine for a run of each handler,
    which calls :meth:`execute`.

    Args:
        settings: bounds of time and memory: those of checks.
        ask: asks the durable engine for a run of a handler, by its name, with an event as JSON.
    """

    def __init__(self, settings: SettingsSource, ask: Callable[[str, str], None]) -> None:
        self._settings = settings
        self._ask = ask
        self._waiting: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._ask_all, name="handlers", daemon=True)
        self._stop = CancelToken()

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def take(self, event: Event) -> None:
        """Note an event that handlers want; never waits."""
        if isinstance(event, RunCompleted | CheckCompleted):
            try:
                self._waiting.put_nowait(event.json())
            except queue.Full:
                _LOG.warning("too many events wait for handlers: %s is left out", event.kind)

    def execute(self, name: str, event: str) -> None:
        """Run a handler for an event; what goes wrong is logged.

        Raises:
            Interrupted: the process shuts down.
        """
        handler = next((each for each in find_handlers() if each.name == name), None)
        if handler is None:
            return  # it was taken away
        settings = self._settings()
        try:
            with tempfile.TemporaryDirectory(prefix="espdeck-handler-") as folder:
                request = Path(folder) / "event"
                request.write_text(event, "utf-8")
                done = process.run(
                    [sys.executable, "-P", "-m", __name__, handler.place, str(request)],
                    timeout=settings.check_timeout_seconds,
                    cancel=self._stop,
                    cwd=Path(folder),
                    max_memory_bytes=settings.max_memory_usage_mb << 20,
                )
        except CancelledError:
            return
        except (EspdeckError, OSError) as error:
            _LOG.warning("handler %s: %s", name, error)
            return
        if done.returncode != 0:
            last = (done.tail.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            _LOG.warning("handler %s: %s", name, last[:300])

    def close(self) -> None:
        """Ask and run no more."""
        self._stop.interrupt()
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(5.0)

    def _ask_all(self) -> None:
        while (event := self._waiting.get()) is not None:
            for handler in find_handlers():
                try:
                    self._ask(handler.name, event)
                except StoreError as error:
                    _LOG.warning("handler %s: %s", handler.name, error)


def main(words: Sequence[str]) -> None:
    """Run one handler for one event: the process of :meth:`Handlers.execute`."""
    place, request = words
    handler: Handler = load_plugin(place, "handle")()
    handler.handle(json.loads(Path(request).read_text("utf-8")))


if __name__ == "__main__":
    main(sys.argv[1:])
