"""A board's console that several people watch at once: its port is opened once, for all of them.

A console is read as long as somebody watches it, and some seconds more, so that who comes back
misses nothing. It is the least important use of a board: where a build or a person wants the board,
or another one reserves it, the console is let go, and read on when the board is free again. Readers
are slow or gone without a word: what waits for each is bounded, and nobody waits for them.

Three threads meet here. One reads the port and puts what came into a bounded queue; one takes it
from there, makes lines of it, gives each watcher's queue what it wants and decides when the board
is let go; and the watcher takes from its queue, in a thread of its own or on an event loop.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from engine.boards.service import Boards
from engine.bounded_queue import BoundedQueue
from engine.builds.board_program import BoardPrograms
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, ConflictError, EspdeckError, Interrupted
from engine.findings import Finding
from engine.monitor.binary_log import BinaryLog
from engine.monitor.crash_watcher import CrashWatcher
from engine.monitor.line_splitter import LineCutter
from engine.monitor.line_times import LineTimes
from engine.monitor.log_lines import has_address
from engine.text import clean

LINGER_SECONDS = 5.0
"""How long a console is read on when the last watcher left, unless somebody wants the board."""

WAITING_BYTES = 1 << 20
"""What may wait for one watcher."""

KEPT_EVENTS = 1000
"""Events of a console that are kept for who comes later."""

_UNREAD_BYTES = 8 << 20  # what may wait to be made lines of
_EVENT_BYTES = 200  # what an event takes beside its text
_QUIET_SECONDS = 0.1  # after which a line without an end is told: a prompt, an echo
_LOOK_SECONDS = 0.5  # between two looks whether the board is wanted
_RETRY_SECONDS = 2.0  # until a board that could not be had is tried again
_STOP_SECONDS = 5.0

_LOG = logging.getLogger("espdeck")


class ConsoleKind(StrEnum):
    """What is told of a console."""

    LINE = "line"
    PARTIAL = "partial"
    STATE = "state"
    NOTE = "note"
    FINDING = "finding"
    BYTES = "bytes"


_KEPT_KINDS = (ConsoleKind.LINE, ConsoleKind.STATE, ConsoleKind.NOTE, ConsoleKind.FINDING)


@dataclass(frozen=True, slots=True)
class ConsoleEvent:
    """What a console said, or what is to be said of it.

    Args:
        kind: a whole line; a line that has begun, which the next one of either kind replaces;
            whether the board is read now, or what that waits for; a note of espdeck's; a problem
            that was found, such as a decoded panic; bytes as they came, for those who want them
            instead of lines.
        at: when it came.
        text: what it says, cleaned: no control characters.
        data: the bytes.
        finding: the problem.
        number: counts whole lines, states, notes and problems from 1; that of the last one for
            other kinds.
    """

    kind: ConsoleKind
    at: datetime
    text: str = ""
    data: bytes = b""
    finding: Finding | None = None
    number: int = 0


class ConsoleWatch:
    """What one watcher gets of a console; ends with :meth:`close`."""

    def __init__(
        self,
        console: SharedConsole,
        holder: str,
        wants_bytes: bool,
        on_ready: Callable[[], None],
    ) -> None:
        self.holder = holder
        """Who watches."""

        self.lost = 0
        """Events that were kept no more when the watching began."""

        self._console = console
        self._unwanted = ConsoleKind.LINE if wants_bytes else ConsoleKind.BYTES
        self._queue = BoundedQueue[ConsoleEvent](WAITING_BYTES, _size_of, on_ready)

    @property
    def epoch(self) -> str:
        """Names the console's reading: numbers of events of another one mean nothing here."""
        return self._console.epoch

    @property
    def is_over(self) -> bool:
        """Whether all was taken and nothing more comes."""
        return self._queue.is_over

    def take(self) -> tuple[list[ConsoleEvent], int]:
        """All that waits, in order, and how many events before it were dropped; never waits."""
        return self._queue.take()

    def send(self, data: bytes) -> None:
        """Type to the board.

        Raises:
            ConflictError: the board is not read now, or somebody else reserved it.
            BoardError: it does not take what was typed before; nothing of ``data`` is sent.
        """
        self._console.input_of(self.holder).send(data)

    def reset(self) -> None:
        """Restart the board's program; raises as :meth:`send`."""
        self._console.input_of(self.holder).reset()

    def close(self) -> None:
        """Watch no more; never waits."""
        self._console.leave(self)
        self._queue.close()

    def put(self, event: ConsoleEvent) -> None:
        """Have an event wait for the watcher; never waits."""
        is_unwanted = event.kind is self._unwanted or (
            self._unwanted is ConsoleKind.LINE and event.kind is ConsoleKind.PARTIAL
        )
        if not is_unwanted:
            self._queue.put(event)

    def end(self) -> None:
        """Nothing more comes."""
        self._queue.close()


class SharedConsole:
    """One board's console and who watches it. It is read from the first :meth:`join` on.

    Args:
        board: its name.
        boards: of the workspace.
        programs: gives what finds the programs that boards run; asked in the thread that reads.
    """

    def __init__(self, board: str, boards: Boards, programs: Callable[[], BoardPrograms]) -> None:
        self.board = board
        self.epoch = secrets.token_hex(4)
        self.is_reading = False
        self._boards = boards
        self._programs = programs
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._watches: list[ConsoleWatch] = []
        self._kept: deque[ConsoleEvent] = deque(maxlen=KEPT_EVENTS)
        self._number = 0
        self._state: ConsoleEvent | None = None
        self._left_at = time.monotonic()
        self._ended = False
        self._token = CancelToken()
        # Of the thread that reads, but for what is put:
        self._said = ""
        self._came = threading.Event()
        self._unread = BoundedQueue[ConsoleEvent](_UNREAD_BYTES, _size_of, self._came.set)
        self._input = ConsoleInput(self._note)
        # Of the thread that shows:
        self._cutter = LineCutter()
        self._times = LineTimes()
        self._binary = BinaryLog(None)
        self._partial = ""
        self._crashes: CrashWatcher | None = None
        self._threads = [
            threading.Thread(target=self._read_on, name=f"console {board}", daemon=True),
            threading.Thread(target=self._show, name=f"show {board}", daemon=True),
        ]

    def join(self, watch: ConsoleWatch, tail: int, after: str) -> bool:
        """Let somebody watch; false when it has ended."""
        with self._lock:
            if self._ended:
                return False
            for event in self._before(watch, tail, after):
                watch.put(event)
            is_first = not self._watches
            self._watches.append(watch)
            if not self.is_reading:
                self._token.cancel()  # whoever comes may have it reserved
            if is_first and not self._threads[0].ident:
                for thread in self._threads:
                    thread.start()
        return True

    def leave(self, watch: ConsoleWatch) -> None:
        """Let somebody watch no more."""
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)
                self._left_at = time.monotonic()

    def input_of(self, holder: str) -> ConsoleInput:
        """What somebody types with.

        Raises:
            ConflictError: the board is not read now, or somebody else reserved it.
        """
        if not self.is_reading:
            who = self._boards.holder_of(self.board)
            raise ConflictError(f"{self.board}: not sent: {who or 'nobody'} has the board now")
        if reserved := self._boards.reserved_from(self.board, holder):
            raise ConflictError(f"{self.board}: not sent: it is reserved by {reserved}")
        return self._input

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._ended = True
            self._token.cancel()
        self._came.set()

    def join_threads(self) -> None:
        """Wait until it has ended."""
        for thread in self._threads:
            if thread.ident:
                thread.join(_STOP_SECONDS)

    def _before(self, watch: ConsoleWatch, tail: int, after: str) -> Sequence[ConsoleEvent]:
        """What a new watcher is to know of what was before."""
        kept, state = list(self._kept), [self._state] if self._state is not None else []
        epoch, _, number = after.rpartition("-")
        if epoch == self.epoch and number.isdecimal():
            known = int(number)
            if kept:
                watch.lost = max(0, kept[0].number - known - 1)
            return [event for event in kept if event.number > known]
        before = kept[-tail:] if tail else []
        return before if self._state in before else [*state, *before]

    # The thread that reads.

    def _read_on(self) -> None:
        try:
            while not self._ended:
                with self._lock:
                    self._token = token = CancelToken()
                    if self._ended:
                        return
                with contextlib.suppress(CancelledError):
                    self._read(token)
        except Interrupted:
            return
        except Exception:
            _LOG.exception("console of %s", self.board)
        finally:
            self.stop()

    def _read(self, token: CancelToken) -> None:
        """Read the console until ``token``, if the board can be had; else wait a moment."""
        holder = self._holder()
        try:
            with self._boards.use_if_free(
                self.board,
                cancel=token,
                on_note=self._note,
                purpose=f"monitor of {holder}",
                holder=holder,
            ) as board:
                if board is not None:
                    self._listen(board.console.listen, token)
                    return
            who = self._boards.reserved_from(self.board, holder)
            who = f"reserved by {who}" if who else self._boards.holder_of(self.board)
            self._tell_state(f"waiting for {self.board}: {who or 'another user wants it'}")
            wait = _LOOK_SECONDS
        except CancelledError:
            raise
        except EspdeckError as error:
            self._tell_state(str(error))
            wait = _RETRY_SECONDS
        token.wait(wait)

    def _listen(self, listen: Callable[..., None], token: CancelToken) -> None:
        running = self._programs().running_on(self.board)
        program = running.program
        elf = program.elf if program is not None else None
        with (
            CrashWatcher(
                program=elf,
                root=program.root if program is not None else Path.cwd(),
                on_finding=self._found,
                on_note=self._note,
                find=self._programs().with_hash,
            ) as crashes,
            self._boards.recording(self.board, self._take, self._note, crashes) as recording,
        ):
            build = f" of build {program.build}" if program is not None else ""
            self._tell_state(f"reading {self.board} at {running.baud} baud{build}")
            self._binary, self._crashes = BinaryLog(elf), crashes
            self.is_reading = True
            try:
                listen(
                    baud=running.baud,
                    on_output=recording.feed,
                    until=lambda _seconds: token.stopped,
                    seconds=math.inf,
                    reset=False,
                    console_input=self._input,
                    on_return=lambda away: self._note(f"{self.board}: back after {away:.1f} s"),
                )
            finally:
                self.is_reading = False
                self._crashes = None

    def _holder(self) -> str:
        """For whom the board is had: one who may, where it is reserved."""
        with self._lock:
            names = list(dict.fromkeys(watch.holder for watch in self._watches))
        free = (name for name in names if not self._boards.reserved_from(self.board, name))
        return next(free, names[0] if names else "nobody")

    def _take(self, data: bytes) -> None:
        self._unread.put(ConsoleEvent(ConsoleKind.BYTES, _now(), data=data))

    def _note(self, text: str) -> None:
        # Who watches from elsewhere knows sessions by their names.
        text = text.replace(f"{self._boards.sessions_folder}/", "")
        self._unread.put(ConsoleEvent(ConsoleKind.NOTE, _now(), clean(text)))

    def _tell_state(self, text: str) -> None:
        """Tell whether the board is read, or what hinders, unless that was told last."""
        if text != self._said:
            self._said = text
            self._unread.put(ConsoleEvent(ConsoleKind.STATE, _now(), clean(text)))

    def _found(self, finding: Finding) -> None:
        event = ConsoleEvent(ConsoleKind.FINDING, _now(), clean(finding.title), finding=finding)
        self._unread.put(event)

    # The thread that shows.

    def _show(self) -> None:
        looked = 0.0
        try:
            while not self._ended:
                is_quiet = not self._came.wait(_QUIET_SECONDS if self._has_begun else _LOOK_SECONDS)
                self._came.clear()
                self._tell_all()
                if is_quiet:
                    self._settle()
                if time.monotonic() - looked > _LOOK_SECONDS:
                    self._give_way()
                    looked = time.monotonic()
            self._tell_all()
        except Exception:
            _LOG.exception("console of %s", self.board)
        finally:
            self.stop()
            with self._lock:
                watches, self._watches = self._watches, []
            for watch in watches:
                watch.end()

    @property
    def _has_begun(self) -> bool:
        return self._cutter.is_redrawn or self._cutter.rest != self._partial

    def _tell_all(self) -> None:
        events, dropped = self._unread.take()
        if dropped:
            self._tell(ConsoleEvent(ConsoleKind.NOTE, _now(), f"{dropped} pieces not shown"))
        for event in events:
            self._tell(event)
            if event.kind is ConsoleKind.BYTES:
                self._tell_lines(self._cutter.feed(self._binary.feed(event.data)), event.at)

    def _tell_lines(self, lines: Sequence[str], at: datetime) -> None:
        begun = bool(self._cutter.rest)
        first = self._times.take(at, ended=bool(lines), begun=begun)
        if not lines:
            return
        self._partial = ""
        for number, line in enumerate(lines):
            came = at if number else first
            self._tell(ConsoleEvent(ConsoleKind.LINE, came, clean(line)))
        crashes = self._crashes
        if crashes is not None:
            crashes.resolve([line for line in lines if has_address(line)], self._tell_places)

    def _tell_places(self, found: Sequence[Sequence[str]]) -> None:
        for place in itertools.chain.from_iterable(found):
            self._note(place)

    def _settle(self) -> None:
        """Nothing came for a while: tell the line that has begun."""
        self._tell_lines(self._cutter.settle(), _now())
        rest = self._cutter.rest
        if rest != self._partial:
            self._partial = rest
            self._tell(ConsoleEvent(ConsoleKind.PARTIAL, _now(), clean(rest)))

    def _tell(self, event: ConsoleEvent) -> None:
        with self._lock:
            if event.kind in _KEPT_KINDS:
                self._number += 1
            event = replace(event, number=self._number)
            if event.kind in _KEPT_KINDS:
                self._kept.append(event)
            if event.kind is ConsoleKind.STATE:
                self._state = event
            for watch in self._watches:
                watch.put(event)

    def _give_way(self) -> None:
        """Let the board go where nobody watches any more, or somebody else is to have it."""
        with self._lock:
            holders = {watch.holder for watch in self._watches}
            if not holders and time.monotonic() - self._left_at >= LINGER_SECONDS:
                self._ended = True
            if not holders and not self.is_reading:
                self._ended = True
            if self._ended:
                self._token.cancel()
                return
        if not self.is_reading:
            return
        is_reserved = holders and all(
            self._boards.reserved_from(self.board, holder) for holder in holders
        )
        if is_reserved or self._boards.is_awaited(self.board):
            self._tell_state(f"{self.board} is let go for who wants it, and read on after that")
            self._token.cancel()


def _now() -> datetime:
    return datetime.now(UTC)


def _size_of(event: ConsoleEvent) -> int:
    return len(event.text) + len(event.data) + _EVENT_BYTES
