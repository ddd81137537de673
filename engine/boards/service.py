"""The boards of this machine: which there are, which one a build gets, one stage at a time."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from engine.boards import monitor, ports
from engine.boards.flasher import BoardIdentity, identify
from engine.boards.lock import hold
from engine.boards.sessions import Recorder
from engine.boards.virtual import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError, MissingToolError, UsageError
from engine.words import TARGETS

VIRTUAL = "virtual:"

BACK_AGAIN = 0.5
"""Seconds between two looks for a board that vanished."""


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """A board as a list shows it.

    Args:
        name: how it was named in the settings: a port, a URL, or ``virtual:CHIP``.
        kind: ``virtual`` or ``serial``.
        chip: the chip where it is known, else an empty string.
        state: ``free``, ``busy`` (a stage holds it) or ``off`` (a virtual board not started).
        url: what esptool and pyserial open.
    """

    name: str
    kind: str
    chip: str
    state: str
    url: str


class Boards:
    """Boards that the settings name; virtual ones are started here and end with the process."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        """Know the boards; nothing is started yet.

        Args:
            names: ports, URLs and ``virtual:CHIP``.
            folder: where locks and the flash of virtual boards are kept.

        Raises:
            UsageError: a name makes no sense.
        """
        for name in names:
            if name.startswith(VIRTUAL) and name.removeprefix(VIRTUAL) not in TARGETS:
                raise UsageError(f"board {name!r}: no such chip (known: {', '.join(TARGETS)})")
        self._names = tuple(names)
        self._folder = folder
        self._virtual: dict[str, VirtualBoard] = {}
        self._busy: set[str] = set()
        self._known: dict[str, BoardIdentity] = {}
        self._closed = False
        self._lock = threading.Lock()

    def list(self) -> tuple[BoardInfo, ...]:
        """Every board that the settings name."""
        with self._lock:
            return tuple(self._info(name) for name in self._names)

    def start(self, cancel: CancelToken) -> None:
        """Start the virtual boards that the settings name, so that the first build need not wait.

        Raises:
            MissingToolError: the ``lab`` extra is not installed.
            BoardError: one did not start.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        for name in self._names:
            if name.startswith(VIRTUAL):
                with self.use(name, cancel=cancel, on_wait=lambda _line: None) as url:
                    self.identity(name, url, cancel)

    def identity(self, name: str, url: str, cancel: CancelToken) -> BoardIdentity:
        """What a board is: a virtual one is asked once, a port each time (boards are swapped).

        Args:
            name: the board, held by the caller.
            url: what :meth:`use` gave.
            cancel: ends it early.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        with self._lock:
            known = self._known.get(name) if name.startswith(VIRTUAL) else None
        if known is None:
            known = identify(url, cancel=cancel)
            with self._lock:
                self._known[name] = known
        return known

    def close(self) -> None:
        """End the virtual boards; none is started any more."""
        with self._lock:
            self._closed = True
            boards, self._virtual = list(self._virtual.values()), {}
        for board in boards:
            board.stop()

    def choose(self, wanted: str, target: str) -> str | None:
        """The board for a build.

        Args:
            wanted: ``auto``, ``none``, a port, a URL, or ``virtual:CHIP``.
            target: the chip that the image is for.

        Returns:
            Its name, None for none: ``auto`` takes a board of the settings that may have this
            chip, a port that had another when it was asked last only for want of a better one,
            and of the fitting ones a free one before one that is busy.

        Raises:
            UsageError: a virtual board of another chip was asked for.
        """
        if wanted == "none":
            return None
        if wanted != "auto":
            chip = wanted.removeprefix(VIRTUAL) if wanted.startswith(VIRTUAL) else target
            if chip != target:
                raise UsageError(f"board {wanted} has another chip than the target {target}")
            return wanted
        boards = [(board, board.chip in ("", target)) for board in self.list()]
        fitting = [each for each in boards if each[1] or each[0].kind == "serial"]
        fitting.sort(key=lambda each: (not each[1], each[0].state == "busy"))
        return fitting[0][0].name if fitting else None

    @contextlib.contextmanager
    def use(
        self, name: str, *, cancel: CancelToken, on_wait: Callable[[str], None]
    ) -> Iterator[str]:
        """Hold a board while the block runs; others wait for it.

        Yields:
            What esptool and pyserial open.

        Raises:
            BoardError: it cannot be had.
            CancelledError, Interrupted: as ``cancel`` says, while it waits.
        """
        with hold(name, cancel=cancel, folder=self._folder / "locks", on_wait=on_wait):
            with self._lock:
                self._busy.add(name)
            try:
                yield self._url(name, cancel)
            finally:
                with self._lock:
                    self._busy.discard(name)

    def watch(
        self,
        name: str,
        *,
        baud: int,
        reset: bool,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        cancel: CancelToken,
    ) -> None:
        """Read a board's console until ``cancel``; what it says is kept as a session.

        A board that vanishes is waited for, and read again when it is back.

        Args:
            name: the board; it is held meanwhile, and waited for.
            baud: speed in bits a second.
            reset: reset it first, so that the log begins with the boot.
            on_output: called with each piece as it comes.
            on_note: called with a line for people: what is waited for, where the session is kept.
            cancel: ends it.

        Raises:
            BoardError: the board cannot be had, or the session cannot be kept.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        with self.use(name, cancel=cancel, on_wait=on_note) as url, ExitStack() as stack:
            recorder: Recorder | None = None
            is_here = False

            def take(data: bytes) -> None:
                nonlocal recorder, is_here
                is_here = True
                if recorder is None:
                    recorder = stack.enter_context(Recorder(self.sessions_folder, name))
                    on_note(f"kept in {recorder.info.log}")
                recorder.feed(data)
                on_output(data)

            while True:
                try:
                    monitor.read_serial(
                        url,
                        baud=baud,
                        on_output=take,
                        until=lambda: False,
                        seconds=math.inf,
                        cancel=cancel,
                        reset=reset and recorder is None,
                    )
                except BoardError as error:
                    if recorder is None:
                        raise
                    if is_here:
                        on_note(f"{error}; waits for it")
                    is_here = False
                    self._wait_for_port(url, cancel)

    def _wait_for_port(self, url: str, cancel: CancelToken) -> None:
        cancel.wait(BACK_AGAIN)
        while not (ports.is_url(url) or Path(url).exists()):
            cancel.wait(BACK_AGAIN)

    @property
    def sessions_folder(self) -> Path:
        """Where sessions of the monitor are kept."""
        return self._folder / "sessions"

    def _url(self, name: str, cancel: CancelToken) -> str:
        """What to open; starts a virtual board, which the caller holds, if need be."""
        if not name.startswith(VIRTUAL):
            return name
        with self._lock:
            self._check_open(name)
            board = self._virtual.get(name)
        if board is None or not board.is_alive:
            board = self._started(name.removeprefix(VIRTUAL), cancel)
            try:
                with self._lock:
                    self._check_open(name)
                    self._virtual[name] = board
            except BoardError:
                board.stop()
                raise
        return board.url

    def _check_open(self, name: str) -> None:
        if self._closed:
            raise BoardError(f"{name}: not started: espdeck is ending")

    def _started(self, chip: str, cancel: CancelToken) -> VirtualBoard:
        board = VirtualBoard(chip=chip, folder=self._folder / f"virtual-{chip}")
        missing = board.missing()
        if missing:
            raise MissingToolError(missing)
        try:
            board.start(cancel)
        except OSError as error:
            raise BoardError(f"virtual board {chip}: {error}") from error
        return board

    def _info(self, name: str) -> BoardInfo:
        virtual = name.startswith(VIRTUAL)
        board = self._virtual.get(name)
        running = board is not None and board.is_alive
        known = self._known.get(name)
        state = "busy" if name in self._busy else "off" if virtual and not running else "free"
        return BoardInfo(
            name=name,
            kind="virtual" if virtual else "serial",
            chip=name.removeprefix(VIRTUAL) if virtual else known.chip if known else "",
            state=state,
            url=board.url if board is not None and running else "" if virtual else name,
        )
