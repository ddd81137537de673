"""Bytes of a stage's log as whole lines, published as they come."""

from __future__ import annotations

import codecs
import re
import threading
import time
from collections.abc import Callable

from engine.events import Bus, Log, Partial, Serial
from engine.runs.journal import Journal
from engine.store import logs

PARTIAL_POLL_SECONDS = 0.1
"""Seconds between two looks at a line that is being written."""

_ENDS = re.compile(r"\r+\n|\n\r+|\r+")


class LineWriter:
    """Cuts raw bytes of one log into whole lines and publishes them.

    Args:
        line: number of the next line; a stage that goes on after an interruption appends.

    A line longer than 4,096 characters is cut, so that binary noise without a newline cannot
    grow without bound; a carriage return alone ends a line, as progress bars use it, and one that
    nothing stands before is none (:mod:`engine.monitor.line_splitter`).
    """

    MAX_LINE = 4096

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        key: logs.LogKey,
        agent: str,
        *,
        line: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._key = key
        self._agent = agent
        self._line = line
        self._stopped = stopped
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._is_after_return = False
        self._lock = threading.Lock()
        self._event = Serial if key.stream == Serial.kind else Log
        self._looked = 0.0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        with self._lock:
            self._take(self._decoder.decode(data))

    def write(self, text: str) -> None:
        """Take text that ends with a line of its own."""
        # What is no Unicode (a lone surrogate of a file name) cannot be stored.
        text = text.encode("utf-8", "replace").decode("utf-8")
        with self._lock:
            self._take(text if text.endswith("\n") else text + "\n")

    def close(self) -> None:
        """Publish a last line that no newline ended."""
        with self._lock:
            self._take(self._decoder.decode(b"", final=True))
            if self._rest:
                rest, self._rest = self._rest, ""
                self._publish([rest])

    def _take(self, text: str) -> None:
        text = text.replace("\0", "\ufffd")
        if not self._rest:
            text = text.lstrip("\r")
        if not text:
            return
        if self._is_after_return and text[0] == "\n":
            text = text[1:]  # the other half of a line end
        self._is_after_return = text.endswith("\r") and not text.endswith("\n\r")
        lines = _ENDS.sub("\n", self._rest + text).split("\n")
        self._rest = lines.pop()
        if len(self._rest) > self.MAX_LINE:
            lines.append(self._rest)
            self._rest = ""
        cut = [
            line[start : start + self.MAX_LINE]
            for line in lines
            for start in range(0, max(1, len(line)), self.MAX_LINE)
        ]
        if cut:
            self._publish(cut)
        if self._rest and self._event is Log:
            self._publish_rest()

    def _publish_rest(self) -> None:
        """Show what there is of a line that a model writes, or a tool, piece by piece."""
        now = time.monotonic()
        if now - self._looked < PARTIAL_POLL_SECONDS:
            return
        self._looked = now
        self._bus.relay(
            Partial(
                run_id=self._key.run_id,
                stage=self._key.stage,
                attempt=self._key.attempt,
                agent=self._agent,
                line=self._line,
                text=self._rest,
            )
        )

    def _publish(self, lines: list[str]) -> None:
        self._journal.make_room(self._stopped)
        self._bus.publish(
            self._event(
                run_id=self._key.run_id,
                stage=self._key.stage,
                attempt=self._key.attempt,
                agent=self._agent,
                first_line=self._line,
                text="\n".join(lines) + "\n",
            )
        )
        self._line += len(lines)
