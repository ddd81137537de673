"""What goes wrong while a console is watched: panics decoded, core dumps kept, resets counted.

The thread that reads the console feeds; it only looks for a few words, which is cheap. What costs
time, decoding, is done in a thread of its own, from which findings are told. What waits for it is
bounded: of a board that panics faster than panics are decoded, the rest is only counted.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.boards import bootlog, console, coredump, panic, symbols
from engine.boards.sessions import SessionInfo
from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.findings import Finding

MAX_LINE = 4096
"""Bytes of a line without an end after which it is looked at as it is."""

WAITING = 16
"""Panics and core dumps that may wait to be decoded."""

REMEMBERED = 256
"""Findings that are not told again."""

_SIGN = re.compile(
    b"|".join(re.escape(sign).encode() for sign in ("rst:0x", coredump.START, *panic.SIGNS))
)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was seen of a session so far, each a number of times.

    Args:
        resets: of any kind.
        panics: with abort() and failed assertions.
        brownouts: resets because the supply was too low.
        watchdogs: resets by a watchdog.
        undecoded: panics and dumps that came faster than they were decoded.
    """

    resets: int = 0
    panics: int = 0
    brownouts: int = 0
    watchdogs: int = 0
    undecoded: int = 0

    def __str__(self) -> str:
        """For people; empty when nothing happened."""
        counts = {
            "resets": self.resets,
            "panics": self.panics,
            "brownouts": self.brownouts,
            "watchdogs": self.watchdogs,
            "not decoded": self.undecoded,
        }
        return ", ".join(f"{name} {number}" for name, number in counts.items() if number)


class Incidents:
    """Reads one console; ends with :meth:`close`.

    Args:
        program: ELF of the program that runs, None when nobody knows.
        root: root of its sources; files inside are given relative to it.
        on_finding: called with each finding, once, by a thread of its own.
        on_note: called with a line for people, by any thread.
        find: gives the program whose ELF's SHA-256 begins with some digits; asked where a panic is
            of another than ``program``.
    """

    def __init__(
        self,
        *,
        program: Path | None,
        root: Path,
        on_finding: Callable[[Finding], None],
        on_note: Callable[[str], None],
        find: Callable[[str], panic.Program | None] | None = None,
    ) -> None:
        self._program = program
        self._root = root
        self._on_finding = on_finding
        self._on_note = on_note
        self._find = find
        self._told: dict[tuple[str, str], None] = {}
        # Of the thread that feeds:
        self._rest = b""
        self._block: panic.Block | None = None
        self._dump: coredump.Collector | None = None
        self._resets = bootlog.Resets()
        self._session: SessionInfo | None = None
        self.tally = Tally()
        """Replaced as a whole: any thread may look."""

        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._cancel = CancelToken()
        self._thread = threading.Thread(target=self._decode, name="incidents", daemon=True)
        self._thread.start()

    def __enter__(self) -> Incidents:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def begin(self, session: SessionInfo) -> None:
        """Say where the session is kept: core dumps are kept beside it."""
        self._session = session

    def feed(self, data: bytes) -> None:
        """Take the next bytes; never waits."""
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        if len(rest) > MAX_LINE:
            whole, newline, rest = whole + newline + rest, b"", b""
        self._rest = rest
        calm = self._block is None and self._dump is None
        if not whole or (calm and _SIGN.search(whole) is None):
            return
        for line in whole.split(b"\n"):
            self._line(line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r"))

    def resolve(self, lines: Sequence[str]) -> None:
        """Tell, as notes and a moment later, where the addresses in some lines lie."""
        program = self._program
        if program is None or not lines:
            return

        def tell() -> None:
            found = symbols.load(program)
            if found is None:
                return
            for line in lines:
                for place in console.places(line, found, self._root):
                    self._on_note(f"0x{place.address:08x}: {place}")

        with contextlib.suppress(queue.Full):
            self._work.put_nowait(tell)

    def close(self, timeout: float = 5.0) -> None:
        """Decode what has begun, for at most ``timeout`` seconds."""
        self._end_block()
        try:
            self._work.put(None, timeout=timeout)
        except queue.Full:
            self._cancel.cancel()
        self._thread.join(timeout)
        self._cancel.cancel()

    def _line(self, line: str) -> None:
        if self._dump is not None:
            if self._dump.feed(line):
                self._keep(self._dump)
                self._dump = None
            return
        self._resets.add(line)
        self._count()
        if coredump.START in line:
            self._end_block()
            self._dump = coredump.Collector()
            return
        if self._block is not None and not self._block.add(line):
            self._end_block()
        if self._block is None and panic.begins(line):
            self._block = panic.Block(line)
            self._count(panics=int(panic.gives_up(line)))
        if self._block is not None and self._block.is_over:
            self._end_block()

    def _count(self, *, panics: int = 0, undecoded: int = 0) -> None:
        self.tally = Tally(
            resets=self._resets.total,
            panics=self.tally.panics + panics,
            brownouts=self._resets.brownouts,
            watchdogs=self._resets.watchdogs,
            undecoded=self.tally.undecoded + undecoded,
        )

    def _end_block(self) -> None:
        block, self._block = self._block, None
        if block is not None:
            text = "\n".join(block.lines)
            self._later(
                lambda: self._tell(panic.decode(text, self._program, self._root, self._find))
            )

    def _keep(self, dump: coredump.Collector) -> None:
        if dump.problem or self._session is None:
            self._on_note(f"core dump: {dump.problem or 'no session to keep it with'}")
            return
        path, program = self._session.log, self._program

        def keep() -> None:
            kept = dump.save(path)
            self._on_note(f"core dump kept in {kept}")
            self._tell([coredump.decode(kept, program, self._root, cancel=self._cancel)])

        self._later(keep)

    def _later(self, work: Callable[[], None]) -> None:
        try:
            self._work.put_nowait(work)
        except queue.Full:
            self._count(undecoded=1)

    def _tell(self, findings: tuple[Finding, ...] | list[Finding]) -> None:
        for finding in findings:
            key = (finding.code, finding.message)
            if key not in self._told and len(self._told) < REMEMBERED:
                self._told[key] = None
                self._on_finding(finding)

    def _decode(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except EspdeckError as error:
                self._on_note(str(error))
