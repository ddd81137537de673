"""A console whose lines are followed by where the addresses in them lie, as a log keeps it.

``idf.py monitor`` prints the same below a line that has addresses of code, a line an address that
begins with ``---`` (ESP-IDF Programming Guide, "IDF Monitor", "Address Decoding").
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from engine.monitor.log_lines import decoded_addresses, has_address
from engine.monitor.symbols import load_symbols

MAX_WAITING = 4096
"""Pieces of the console that may wait; of those behind them no address is decoded."""

CLOSE_SECONDS = 5.0
"""How long addresses are still decoded when the console has ended."""

_MAX_LINE_BYTES = 4096
"""Longer lines are given on in parts, their addresses not decoded."""

_LOG = logging.getLogger("espdeck.monitor")


class DecodedConsole:
    """Gives on what a console says, in its order, with a line for each address of the program.

    Debug information takes its time: a thread of its own reads it, so that :meth:`feed` never
    waits for it and no byte of a board is missed meanwhile.
    """

    def __init__(self, take: Callable[[bytes], None], elf: Path, root: Path) -> None:
        """Begin with a console.

        Args:
            take: gets all of it, called by one thread.
            elf: the program that prints it.
            root: of the program's sources; files inside it are named relative to it.
        """
        self._take = take
        self._elf = elf
        self._root = root
        self._rest = b""
        self._deadline = float("inf")
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="decoded-console", daemon=True)
        self._thread.start()

    def __enter__(self) -> DecodedConsole:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def feed(self, data: bytes) -> None:
        """Take what the console says next; never waits."""
        if self._thread.is_alive():  # else it failed, as the log says: nobody would take them
            self._pieces.put(data)

    def close(self) -> None:
        """Give on all that is left."""
        self._deadline = time.monotonic() + CLOSE_SECONDS
        self._pieces.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while (data := self._pieces.get()) is not None:
                self._give(data)
            if self._rest:
                self._take(self._rest)
        except Exception:
            _LOG.exception("the console of %s", self._elf)

    def _give(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._take(line + b"\n" + self._places(line))
        if len(self._rest) > _MAX_LINE_BYTES:
            self._take(self._rest)
            self._rest = b""

    def _places(self, line: bytes) -> bytes:
        """The lines below a line, each ended by a newline."""
        if b"0x" not in line or len(line) > _MAX_LINE_BYTES:
            return b""
        text = line.decode("utf-8", "replace")
        is_late = self._pieces.qsize() > MAX_WAITING or time.monotonic() > self._deadline
        if is_late or not has_address(text):
            return b""
        symbols = load_symbols(self._elf)
        if symbols is None:
            return b""
        places = decoded_addresses(text, symbols, self._root)
        return b"".join(f"--- {place}\n".encode("utf-8", "replace") for place in places)
