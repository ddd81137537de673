"""Events as lines: what ``espdeck build`` and ``espdeck demo --headless`` print."""

from __future__ import annotations

import sys
import threading
from collections import deque

from engine.events import (
    AgentChanged,
    BuildChanged,
    Event,
    Log,
    Problem,
    ProjectChanged,
    Serial,
    WorkflowCompleted,
    WorkflowProgress,
    WorkflowStarted,
)
from engine.text import clean

QUEUE_BYTES = 8 << 20
"""Text that may wait for a slow terminal or pipe; older log lines are skipped beyond it."""

EARLY_EVENTS = 1000
"""Events of builds kept until it is known which build to print."""


def line_of(event: Event) -> list[str]:
    """An event as lines for people; untrusted text is cleaned."""
    at = event.at.astimezone().strftime("%H:%M:%S")
    if isinstance(event, Log):
        who = event.stage if isinstance(event, Serial) else event.agent
        mark = ">" if isinstance(event, Serial) else "|"
        lines = event.text.removesuffix("\n").split("\n")
        return [f"{at} {who:<15} {mark} {clean(line)}".rstrip() for line in lines]
    match event:
        case AgentChanged():
            text = f"{event.agent:<15} = {event.status}: {event.stage}: {event.task}"
        case WorkflowStarted():
            verb = "goes on" if event.resumed else "starts"
            text = (
                f"build {event.build_id} {verb}: {event.project} "
                f"{event.commit[:10]} for {event.target}"
            )
        case WorkflowProgress():
            text = f"{event.percent:5.1f} % {event.phase}: {event.message}"
        case WorkflowCompleted():
            text = (
                f"build {event.build_id} {event.status} in {event.duration:.1f} s: {event.result}"
            )
        case ProjectChanged():
            detail = f": {event.detail}" if event.detail else ""
            text = f"project {event.project} {event.status}{detail}"
        case BuildChanged():
            text = f"build {event.build_id} {event.status}"
        case Problem():
            text = f"problem: {event.message}"
        case _:
            text = event.json()
    return [f"{at} {clean(text)}"]


class Printer:
    """Prints the events of one build as they come, in a thread of its own.

    What comes before the build is known waits, so that its first events are not missed. A pipe
    that reads slowly slows nothing down: what waits is bounded, and what had to be skipped is
    counted. A pipe that was closed is no error: printing just ends.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._queue: deque[Event] = deque()
        self._early: deque[Event] = deque(maxlen=EARLY_EVENTS)
        self._bytes = 0
        self._skipped = 0
        self._changed = threading.Condition()
        self._completed = threading.Event()
        self._ended = False
        self._broken = False
        self._build: int | None = None
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def follow(self, build_id: int) -> None:
        """Print the events of this build (events of no build are always printed)."""
        with self._changed:
            self._build = build_id
            for event in self._early:
                self._take(event)
            self._early.clear()
            self._changed.notify()

    def __call__(self, event: Event) -> None:
        """Take an event (from any thread); never waits for the terminal."""
        with self._changed:
            self._take(event)
            self._changed.notify()

    def wait_completed(self, timeout: float) -> None:
        """Wait until the build's last event has come, which can be a moment after its end."""
        self._completed.wait(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Print what is left, for at most ``timeout`` seconds."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(timeout)

    def _take(self, event: Event) -> None:
        if self._broken or self._ended:
            return
        if event.build_id and self._build is None:
            self._early.append(event)
            return
        if event.build_id not in (0, self._build):
            return
        if isinstance(event, WorkflowCompleted) and event.build_id == self._build:
            self._completed.set()
        self._queue.append(event)
        self._bytes += _size(event)
        if self._bytes > QUEUE_BYTES:
            self._skip_oldest()

    def _skip_oldest(self) -> None:
        kept: deque[Event] = deque()
        for event in self._queue:
            if isinstance(event, Log) and self._bytes > QUEUE_BYTES // 2:
                self._bytes -= _size(event)
                self._skipped += event.text.count("\n")
            else:
                kept.append(event)
        self._queue = kept

    def _print(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ended:
                    self._changed.wait()
                batch, self._queue, self._bytes = self._queue, deque(), 0
                skipped, self._skipped = self._skipped, 0
                ended = self._ended
            lines = [f"... {skipped} lines skipped, the log has them"] if skipped else []
            for event in batch:
                lines += [event.json()] if self._as_json else line_of(event)
            if lines and not _write("\n".join(lines) + "\n"):
                self._broken = True
                return
            if ended and not self._queue:
                return


def _size(event: Event) -> int:
    return len(event.text) if isinstance(event, Log) else 256


def _write(text: str) -> bool:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        return False
    return True
