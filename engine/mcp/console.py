"""A board's console watched for an agent: until lines matched, the firmware crashed or time is up.

Two threads meet here. One reads the board: it cuts what came into lines, keeps the last of them and
looks for patterns. The one of the call waits for what ends it. All that came is kept as a session,
as with ``espdeck monitor``; panics are decoded by a thread of the crash watcher.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine import BoardInfo, ConsoleInput, CrashWatcher, Finding, LineCutter
from engine.errors import BoardError, EspdeckError
from engine.mcp.lab import Lab, Patience
from engine.mcp.tool import Call
from engine.text import clean

BACK_SECONDS = 30.0
"""Seconds that a board that vanished is waited for, as a build does."""

DECODE_SECONDS = 3.0
"""How long a crash that a pattern told of is given to be decoded."""

_LOOK_SECONDS = 0.1  # also: after which a line without an end is looked at, such as a prompt
_TELL_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Outcome(StrEnum):
    """Why a console is watched no more."""

    MATCHED = "matched"
    """Every expected pattern was found, in order."""

    REJECTED = "rejected"
    """A line matched the pattern that must not come."""

    PANIC = "panic"
    """The firmware crashed; findings say where."""

    TIMEOUT = "timeout"
    """Time was up before every expected pattern was found."""

    DONE = "done"
    """Time was up, and nothing was expected."""

    LOST = "lost"
    """The board vanished and did not come back."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What ends the watching.

    Args:
        seconds: how long it lasts at the most, from when the board is read.
        expect: RE2 patterns that are to be found, one after the other.
        reject: RE2 pattern of a line that must not come; None for none.
        stop_on_panic: whether a crash ends it.
    """

    seconds: float
    expect: Sequence[Any] = ()
    reject: Any = None
    stop_on_panic: bool = True


@dataclass
class Watched:
    """What came of watching.

    Args:
        lines: the last ones, cleaned; notes of espdeck's begin with ``--``.
        total: how many lines the board said.
        matched: the lines in which the expected patterns were found.
        rejected: the line that must not have come.
        findings: what was found, such as decoded panics.
        outcome: why it ended.
        counts: resets and crashes, for people; empty where there were none.
    """

    lines: deque[str]
    total: int = 0
    matched: list[str] = field(default_factory=list)
    rejected: str = ""
    findings: list[Finding] = field(default_factory=list)
    outcome: Outcome = Outcome.DONE
    counts: str = ""


def watch_console(
    lab: Lab,
    board: BoardInfo,
    call: Call,
    wanted: Expectations,
    *,
    reset: bool,
    send: Sequence[bytes],
    most_lines: int,
) -> Watched:
    """Watch a board's console.

    Args:
        wanted: what ends it.
        reset: restart its program first, so that the lines begin with the boot.
        send: typed once the board is read.
        most_lines: that are kept, the last ones.

    Raises:
        BoardError: the board cannot be had.
        SessionError: what it says cannot be kept.
        CancelledError: the call was cancelled.
    """
    engine = lab.engine
    running = engine.programs.running_on(board.name)
    program = running.program
    console = _Console(wanted, most_lines)
    typed = ConsoleInput(console.note)
    for each in send:
        typed.send(each)
    with (
        Patience(call, board.name) as patience,
        CrashWatcher(
            program=program.elf if program else None,
            root=program.root if program else Path.cwd(),
            on_finding=console.found,
            on_note=console.note,
            find=engine.programs.with_hash,
        ) as crashes,
    ):

        def take_presence(is_there: bool) -> None:
            patience.end()
            console.tell_presence(is_there)

        def note(line: str) -> None:
            patience.note(line)
            console.note(line)

        def read() -> None:
            engine.boards.watch(
                board.name,
                baud=running.baud,
                reset=reset,
                on_output=console.feed,
                on_note=note,
                cancel=patience.cancel,
                holder=lab.user,
                purpose=f"monitor by {lab.who(call)}",
                console_input=typed,
                crashes=crashes,
                on_presence=take_presence,
            )

        reader = _Reader(read)
        try:
            console.wait(call, reader)
        finally:
            patience.cancel.cancel()
            reader.join()
        console.result.counts = str(crashes.counts)
    return console.result


class _Reader:
    """Reads a board in a thread of its own."""

    def __init__(self, read: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._read = read
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the board is let go."""
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()


class _Console:
    """What a board said, and whether that ends the watching."""

    def __init__(self, wanted: Expectations, most_lines: int) -> None:
        self.result = Watched(deque(maxlen=most_lines))
        self._wanted = wanted
        self._changed = threading.Event()
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._cutter = LineCutter()
        self._came_at = time.monotonic()
        self._presence_at = time.monotonic()
        self._is_there = False
        self._was_there = False
        self._until = float("inf")

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        with self._lock:
            self._came_at = time.monotonic()
            self._take(self._cutter.feed(data))

    def note(self, line: str) -> None:
        """Take a line of espdeck's; those of before the board is read are of no use."""
        with self._lock:
            if self._was_there:
                self.result.lines.append(f"-- {clean(line)}")

    def found(self, finding: Finding) -> None:
        """Take a problem that was found."""
        with self._lock:
            self.result.findings.append(finding)
        self._changed.set()

    def tell_presence(self, is_there: bool) -> None:
        """Take that the board is read, or vanished."""
        with self._lock:
            self._presence_at = time.monotonic()
            self._is_there = is_there
            if is_there and not self._was_there:
                self._was_there = True
                self._until = self._presence_at + self._wanted.seconds

    def wait(self, call: Call, reader: _Reader) -> None:
        """Wait until something ends the watching.

        Raises:
            CancelledError: the call was cancelled.
            EspdeckError: the board cannot be read.
        """
        told = time.monotonic()
        while (outcome := self._ended()) is None:
            call.cancel.check()
            if reader.ended.is_set():
                self._explain_end(reader)
            self._changed.wait(_LOOK_SECONDS)
            self._changed.clear()
            if self._was_there and time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                call.say(f"{self.result.total} lines read")
        self.result.outcome = outcome
        if outcome is Outcome.REJECTED:
            self._wait_for_finding(call)
        with self._lock:
            self._take(self._cutter.flush())

    def _explain_end(self, reader: _Reader) -> None:
        if isinstance(reader.error, EspdeckError):
            raise reader.error
        raise BoardError(f"the console ended: {reader.error!r}") from reader.error

    def _wait_for_finding(self, call: Call) -> None:
        until = time.monotonic() + DECODE_SECONDS
        while not self.result.findings and time.monotonic() < until and not call.cancel.stopped:
            self._changed.wait(_LOOK_SECONDS)
            self._changed.clear()

    def _ended(self) -> Outcome | None:
        with self._lock:
            now, result, wanted = time.monotonic(), self.result, self._wanted
            if now - self._came_at > _LOOK_SECONDS:
                self._settle()
            if result.rejected:
                return Outcome.REJECTED
            if wanted.expect and len(result.matched) == len(wanted.expect):
                return Outcome.MATCHED
            is_crash = any(each.code.startswith("panic") for each in result.findings)
            if is_crash and wanted.stop_on_panic:
                return Outcome.PANIC
            if now > self._until:
                return Outcome.TIMEOUT if wanted.expect else Outcome.DONE
            is_lost = self._was_there and not self._is_there
            return Outcome.LOST if is_lost and now - self._presence_at > BACK_SECONDS else None

    def _settle(self) -> None:
        """Nothing came for a moment: a line that has begun may be a prompt."""
        self._take(self._cutter.settle())
        if rest := clean(self._cutter.rest):
            self._match(rest)

    def _take(self, lines: Sequence[str]) -> None:
        for line in map(clean, lines):
            self.result.total += 1
            self.result.lines.append(line)
            self._match(line)
        if lines:
            self._changed.set()

    def _match(self, line: str) -> None:
        result, expect = self.result, self._wanted.expect
        if result.rejected or (expect and len(result.matched) == len(expect)):
            return
        if self._wanted.reject is not None and self._wanted.reject.search(line) is not None:
            result.rejected = line
            return
        if expect and expect[len(result.matched)].search(line) is not None:
            result.matched.append(line)
