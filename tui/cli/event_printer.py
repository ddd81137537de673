"""Events as lines: what ``espdeck build`` and ``espdeck demo --headless`` print."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import TextIO

from engine.enums import RunKind
from engine.events import (
    BoardTaken,
    Event,
    Log,
    Partial,
    Problem,
    ProjectChanged,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    Serial,
    StageChanged,
)
from engine.text import clean, count
from tui.cli.common import print_error
from tui.presentation.labels import stage_label
from tui.presentation.units import clock
from tui.state.event_queue import Inbox

WAITING_TEXT = 8 << 20
"""Characters of log text that may wait for a slow terminal or pipe."""

EARLY_EVENTS = 1000
"""Events kept until it is known which run to print."""

_PERCENT = 10
"""How far a run goes on between two lines that say the same."""

_WHO_CELLS = 17


def line_of(event: Event) -> list[str]:
    """An event as lines for people; untrusted text is cleaned."""
    at = clock(event.at, seconds=True)
    if isinstance(event, Log):
        who = stage_label(event.stage) if isinstance(event, Serial) else event.agent
        mark = ">" if isinstance(event, Serial) else "|"
        lines = event.text.removesuffix("\n").split("\n")
        return [f"{at} {who:<{_WHO_CELLS}} {mark} {clean(line)}".rstrip() for line in lines]
    match event:
        case StageChanged():
            parts = filter(None, (event.status, stage_label(event.stage), event.summary))
            text = f"{event.agent:<{_WHO_CELLS}} = {': '.join(parts)}"
        case RunStarted():
            verb = "goes on" if event.resumed else "starts"
            where = " ".join(filter(None, (event.project, event.commit[:10])))
            what = f"{where} for {event.target}"
            if event.run is RunKind.TASK:
                what = f"{event.pipeline} on {where}" if where else event.pipeline
            text = f"{event.run.label} {event.run_id} {verb}: {what}"
        case RunProgress():
            text = f"{event.percent:5.1f} % {event.phase}: {event.message}"
        case RunCompleted():
            took = f"{event.status} in {event.duration:.1f} s"
            text = f"{event.run.label} {event.run_id} {took}: {event.result}"
        case ProjectChanged():
            detail = f": {event.detail}" if event.detail else ""
            text = f"project {event.project} {event.status}{detail}"
        case RunChanged() if event.status.is_final:
            return []  # RunCompleted has said so
        case BoardTaken():
            return []  # the log of its stage says so
        case RunChanged():
            text = f"{event.run.label} {event.run_id} {event.status}"
        case Problem():
            text = f"problem: {event.message}"
        case _:
            text = event.json()
    return [f"{at} {clean(text)}"]


class Printer:
    """Prints the events of one run after the other as they come, in a thread of its own.

    What comes before the run is known waits, so that its first events are not missed. A pipe
    that reads slowly slows nothing down: what waits is bounded, and what had to be skipped is
    counted. A pipe that was closed is no error: printing just ends.
    """

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        """Begin to print.

        Args:
            out: where to.
            as_json: JSON, one event a line, instead of lines for people.
        """
        self._out = out
        self._as_json = as_json
        self._inbox = Inbox(WAITING_TEXT)
        self._early: deque[Event] = deque(maxlen=EARLY_EVENTS)
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._completed = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._ended = False
        self._broken = False
        self._run_id: int | None = None
        self._last_progress: tuple[str, str, float] | None = None
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def follow(self, run_id: int, past: Iterable[Event] = ()) -> None:
        """Print the events of a run (events of no run are always printed).

        Args:
            past: its events until now, where another run was followed meanwhile.
        """
        with self._lock:
            self._run_id = None  # what comes now waits until the past is printed
            self._completed.clear()
        printed = 0
        for event in past:
            printed = event.seq
            with self._lock:
                self._take(event, run_id)
        with self._lock:
            self._run_id = run_id
            for event in self._early:
                if event.seq > printed:
                    self._take(event, run_id)
            self._early.clear()

    def __call__(self, event: Event) -> None:
        """Take an event (from any thread); never waits for the terminal."""
        if isinstance(event, Partial):
            return  # its whole line comes
        with self._lock:
            if event.run_id and self._run_id is None:
                self._early.append(event)
            else:
                self._take(event, self._run_id)

    def wait_completed(self, timeout: float) -> None:
        """Wait until the run's last event has come, which can be a moment after its end."""
        self._completed.wait(timeout)

    def drain(self, timeout: float = 10.0) -> None:
        """Wait until all that came is printed, for at most ``timeout`` seconds."""
        self._idle.wait(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Print what is left, for at most ``timeout`` seconds."""
        self._ended = True
        self._news.set()
        self._thread.join(timeout)

    def _take(self, event: Event, run_id: int | None) -> None:
        if event.run_id not in (0, run_id) or self._broken or self._ended:
            return
        self._inbox.put(event)
        self._idle.clear()
        self._news.set()
        if isinstance(event, RunCompleted):
            self._completed.set()

    def _print(self) -> None:
        ended = False
        while not ended:
            self._news.wait()
            self._news.clear()
            ended = self._ended
            events, skipped = self._inbox.take()
            lines = [f"... {count(skipped, 'line')} skipped, the log has them"] if skipped else []
            for event in events:
                if self._as_json:
                    lines.append(event.json())
                elif self._is_news(event):
                    lines += line_of(event)
            if lines and not self._write("\n".join(lines) + "\n"):
                self._broken = True
                self._idle.set()
                return
            with self._lock:
                if not self._news.is_set():
                    self._idle.set()

    def _is_news(self, event: Event) -> bool:
        """Whether it is printed for people: not each percent in which the same thing happens."""
        if not isinstance(event, RunProgress):
            return True
        progress = (event.phase, event.message, event.percent // _PERCENT)
        if progress == self._last_progress:
            return False
        self._last_progress = progress
        return True

    def _write(self, text: str) -> bool:
        try:
            self._out.write(text)
            self._out.flush()
        except (BrokenPipeError, ValueError):
            return False
        except OSError as error:
            print_error(f"cannot write the output: {error.strerror}")
            return False
        return True
