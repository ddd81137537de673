"""What goes wrong while a console is watched: panics decoded, core dumps kept, resets counted.

The thread that reads the console feeds; it looks at lines only where one of some words is near,
which is cheap (:class:`engine.monitor.observer.Observer` says what they mean, as in a build). What
costs time, decoding, is done in a thread of its own, from which findings are told. What waits for
it is bounded: of a board that panics faster than panics are decoded, the rest is only counted.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.findings import Finding
from engine.monitor import coredump, log_lines, panic, symbols
from engine.monitor.binary_log import BinaryLog
from engine.monitor.line_splitter import MAX_LINE_BYTES, StateCutter
from engine.monitor.observer import Observer
from engine.monitor.sessions import SessionInfo

MAX_WAITING = 16
"""Panics and core dumps that may wait to be decoded."""

MAX_REMEMBERED = 256
"""Findings that are not told again."""

_CONTEXT_ROWS = 12
"""Rows of what does not matter that are looked at as what came before the next."""


@dataclass(frozen=True, slots=True)
class CrashCounts:
    """What was seen of a session so far, each a number of times.

    Args:
        resets: of any kind.
        panics: with abort() and failed assertions.
        brownouts: times that the supply was too low.
        watchdogs: resets by a watchdog.
        undecoded: panics and dumps that came faster than they were decoded.
        loop: why it boots again and again, empty where it does not.
    """

    resets: int = 0
    panics: int = 0
    brownouts: int = 0
    watchdogs: int = 0
    undecoded: int = 0
    loop: str = ""

    def __str__(self) -> str:
        """For people; empty when nothing happened."""
        counts = {
            "resets": self.resets,
            "panics": self.panics,
            "brownouts": self.brownouts,
            "watchdogs": self.watchdogs,
            "not decoded": self.undecoded,
        }
        told = [f"{name} {number}" for name, number in counts.items() if number]
        return ", ".join([*told, *([f"boot loop ({self.loop})"] if self.loop else [])])


class CrashWatcher:
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
        find: Callable[[str], panic.CrashedProgram | None] | None = None,
    ) -> None:
        self._program = program
        self._root = root
        self._on_finding = on_finding
        self._on_note = on_note
        self._find = find
        self._told: dict[tuple[str, str], None] = {}
        # Of the thread that feeds:
        self._rest = b""
        self._binary = BinaryLog(program)
        self._cutter = StateCutter()
        self._observer = Observer(
            on_finding=self._tell_later, on_panic=self._decode_panic, on_dump=self._keep
        )
        self._decoded = ""
        self._undecoded = 0
        self._session: SessionInfo | None = None
        self.counts = CrashCounts()
        """Replaced as a whole: any thread may look."""

        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._room = threading.Semaphore(MAX_WAITING)
        self._cancel = CancelToken()
        self._thread = threading.Thread(target=self._decode, name="crash-watcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> CrashWatcher:
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
        data = self._rest + self._binary.feed(data)
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        is_long = len(data) - end > MAX_LINE_BYTES
        if is_long:
            end = len(data)
        whole, self._rest = data[:end], data[end:]
        if not whole:
            return
        if self._cutter.is_between and not is_long and not self._observer.matters(whole):
            for line in StateCutter().feed(b"\n".join(whole.splitlines()[-_CONTEXT_ROWS:]) + b"\n"):
                self._observer.add_context(line)
            return
        for line in self._cutter.feed(whole):
            self._observer.add(line)
        self._count()

    def resolve(
        self, lines: Sequence[str], on_places: Callable[[Sequence[Sequence[str]]], None]
    ) -> bool:
        """Find out, a moment later, where the addresses in some lines lie.

        Args:
            lines: that came.
            on_places: called by a thread with what was found for each of them: a line for people
                for each address of the program.

        Returns:
            Whether it will be called; not where no program is known, or too much waits already.
        """
        program = self._program
        if program is None or not lines:
            return False

        def tell() -> None:
            found = symbols.load_symbols(program)
            if found is not None:
                on_places(
                    [[*log_lines.decoded_addresses(line, found, self._root)] for line in lines]
                )

        return self._later(tell)

    def close(self, timeout: float = 5.0) -> None:
        """Decode what has begun, for at most ``timeout`` seconds."""
        for line in (*self._cutter.feed(self._rest), *self._cutter.flush()):
            self._observer.add(line)
        self._rest = b""
        self._observer.end()
        self._count()
        self._work.put(None)
        self._thread.join(timeout)
        self._cancel.cancel()

    def _count(self) -> None:
        boots = self._observer.boots
        self.counts = CrashCounts(
            resets=boots.total,
            panics=self._observer.panics,
            brownouts=boots.brownouts,
            watchdogs=boots.watchdogs,
            undecoded=self._undecoded,
            loop=boots.loop,
        )

    def _decode_panic(self, text: str) -> None:
        if text == self._decoded:
            return  # firmware that panics while it panics says so a hundred times
        self._decoded = text

        def decode() -> None:
            self._tell(panic.decode(text, self._program, self._root, self._find))

        if not self._later(decode):
            self._undecoded += 1

    def _keep(self, dump: coredump.Collector) -> None:
        if dump.problem or self._session is None:
            self._on_note(f"core dump: {dump.problem or 'no session to keep it with'}")
            return
        path, program = self._session.log, self._program

        def keep() -> None:
            kept = dump.save(path)
            self._on_note(f"core dump kept in {kept}")
            self._tell([coredump.decode(kept, program, self._root, cancel=self._cancel)])

        if not self._later(keep):
            self._undecoded += 1

    def _later(self, work: Callable[[], None]) -> bool:
        """Do what costs time, when it is its turn; false where too much of it waits already."""
        if not self._room.acquire(blocking=False):
            return False

        def in_turn() -> None:
            self._room.release()
            work()

        self._work.put(in_turn)
        return True

    def _tell_later(self, finding: Finding) -> None:
        """Tell what needs no work, of which there is not much, in its turn."""
        self._work.put(lambda: self._tell([finding]))

    def _tell(self, findings: tuple[Finding, ...] | list[Finding]) -> None:
        for finding in findings:
            key = (finding.code, finding.message)
            if key not in self._told and len(self._told) < MAX_REMEMBERED:
                self._told[key] = None
                self._on_finding(finding)

    def _decode(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except EspdeckError as error:
                self._on_note(str(error))
