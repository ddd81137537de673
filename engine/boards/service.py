"""The boards of this machine: which there are, which one a build gets, one stage at a time."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from engine.boards import discovery, monitor, ports
from engine.boards.flasher import BoardIdentity, identify
from engine.boards.lock import hold
from engine.boards.sessions import Recorder
from engine.boards.virtual import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError, MissingToolError, UsageError
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow, utc_now
from engine.words import TARGETS

VIRTUAL = "virtual:"

USB = "usb-"

RELEASED = 0.5
"""Seconds between two looks whether a reserved board was given back."""

MAX_HOURS = 24 * 30
"""The longest reservation."""

BACK_AGAIN = 0.5
"""Seconds between two looks for a board that vanished."""


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """A board as a list shows it.

    Args:
        name: how it was named in the settings: a port, a URL, or ``virtual:CHIP``.
        kind: ``virtual`` or ``serial``.
        chip: the chip where it is known, else an empty string.
        reserved: who reserved it, until when, and why; empty when nobody did.
        state: ``free``, ``busy`` (a stage holds it) or ``off`` (a virtual board not started).
        url: what esptool and pyserial open.
    """

    name: str
    kind: str
    chip: str
    reserved: str
    state: str
    url: str


def check_names(names: Sequence[str]) -> None:
    """See whether boards are named in a way that means something.

    Args:
        names: ports, URLs, ``virtual:CHIP`` and identities of USB ports (``usb-…``).

    Raises:
        UsageError: one is none of these.
    """
    for name in names:
        if name.startswith(VIRTUAL) and name.removeprefix(VIRTUAL) not in TARGETS:
            raise UsageError(f"board {name!r}: no such chip (known: {', '.join(TARGETS)})")
        if not (name.startswith((VIRTUAL, USB)) or ports.is_url(name) or "/" in name):
            raise UsageError(
                f"board {name!r}: give a port (/dev/ttyUSB0), a serial URL (socket://host:port), "
                "virtual:CHIP, or an identity that espdeck boards lists (usb-...)"
            )


class Boards:
    """Boards that the settings name; virtual ones are started here and end with the process."""

    def __init__(self, names: Sequence[str], folder: Path, store: Store) -> None:
        """Know the boards; nothing is started yet.

        Args:
            names: as :func:`check_names` takes them.
            folder: where locks, sessions and the flash of virtual boards are kept.
            store: where what is known of boards is kept, and who reserved them.

        Raises:
            UsageError: a name makes no sense.
        """
        check_names(names)
        self._names = tuple(names)
        self._folder = folder
        self._store = store
        self._virtual: dict[str, VirtualBoard] = {}
        self._busy: set[str] = set()
        self._known: dict[str, BoardIdentity] = {}
        self._closed = False
        self._lock = threading.Lock()

    def list(self) -> tuple[BoardInfo, ...]:
        """Every board that the settings name."""
        rows = board_rows.all_boards(self._store)
        names = (*self._names, *sorted(name for name in rows if rows[name].is_held))
        with self._lock:
            return tuple(
                self._info(name, rows.get(name) or BoardRow(name=name))
                for name in dict.fromkeys(names)
            )

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
            board_rows.remember_board(
                self._store,
                BoardRow(
                    name=name,
                    chip=known.chip,
                    revision=known.revision,
                    mac=known.mac,
                    flash_size=known.flash_size,
                    features=", ".join(known.features),
                ),
            )
        return known

    def reserve(self, name: str, *, holder: str, note: str, hours: float) -> BoardRow:
        """Reserve a board for a person: builds wait until it is given back or time is up.

        Args:
            name: the board; one that no settings name can be reserved too.
            holder: who wants it.
            note: why.
            hours: for how long.

        Raises:
            UsageError: another person has it, or the name or the time makes no sense.
        """
        check_names([name])
        if not 0 < hours <= MAX_HOURS:
            raise UsageError(f"{hours:g} hours: give more than 0 and at most {MAX_HOURS}")
        until = utc_now() + timedelta(hours=hours)
        return board_rows.reserve_board(self._store, name, holder=holder, note=note, until=until)

    def release(self, name: str, *, holder: str, force: bool = False) -> None:
        """Give a board back.

        Raises:
            UsageError: it is not reserved, or by another person and not ``force``.
        """
        board_rows.release_board(self._store, name, holder=holder, force=force)

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
            and of the fitting ones a free one before one that is reserved or busy.

        Raises:
            UsageError: a virtual board of another chip was asked for, or no board's name.
        """
        if wanted == "none":
            return None
        if wanted != "auto":
            check_names([wanted])
            chip = wanted.removeprefix(VIRTUAL) if wanted.startswith(VIRTUAL) else target
            if chip != target:
                raise UsageError(f"board {wanted} has another chip than the target {target}")
            return wanted
        known = [board for board in self.list() if board.name in self._names]
        boards = [(board, board.chip in ("", target)) for board in known]
        fitting = [each for each in boards if each[1] or each[0].kind == "serial"]
        fitting.sort(key=lambda each: (not each[1], each[0].reserved, each[0].state == "busy"))
        return fitting[0][0].name if fitting else None

    @contextlib.contextmanager
    def use(
        self, name: str, *, cancel: CancelToken, on_wait: Callable[[str], None], holder: str = ""
    ) -> Iterator[str]:
        """Hold a board while the block runs; others wait for it.

        Args:
            name: the board.
            cancel: ends the waiting.
            on_wait: called with a line that says what is waited for.
            holder: the person who wants it; a build, which is nobody, waits while it is reserved.

        Yields:
            What esptool and pyserial open.

        Raises:
            BoardError: it cannot be had.
            CancelledError, Interrupted: as ``cancel`` says, while it waits.
        """
        while True:
            # Without the lock: who reserved it must get it.
            self._wait_for_release(name, holder, cancel, on_wait)
            with hold(name, cancel=cancel, folder=self._folder / "locks", on_wait=on_wait):
                if self._is_anothers(name, holder):
                    continue
                with self._lock:
                    self._busy.add(name)
                try:
                    yield self._url(name, cancel)
                finally:
                    with self._lock:
                        self._busy.discard(name)
                return

    def watch(
        self,
        name: str,
        *,
        baud: int,
        reset: bool,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        cancel: CancelToken,
        holder: str = "",
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
            holder: the person who watches, for a board that is reserved.

        Raises:
            BoardError: the board cannot be had, or the session cannot be kept.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        held = self.use(name, cancel=cancel, on_wait=on_note, holder=holder)
        with held as url, ExitStack() as stack:
            if reset and name.startswith(VIRTUAL):
                identify(url, cancel=cancel)  # no reset line: a flasher that leaves resets it
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
                        on_note(f"waits: {error}")
                    is_here = False
                    self._wait_for_port(url, cancel)

    def _wait_for_release(
        self, name: str, holder: str, cancel: CancelToken, on_wait: Callable[[str], None]
    ) -> None:
        told = ""
        while self._is_anothers(name, holder):
            row = board_rows.get_board(self._store, name)
            if row.reserved != told:
                told = row.reserved
                on_wait(f"waiting for {name}: reserved by {told}")
            cancel.wait(RELEASED)

    def _is_anothers(self, name: str, holder: str) -> bool:
        row = board_rows.get_board(self._store, name)
        return row.is_held and row.holder != holder

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
        if name.startswith(USB):
            return discovery.device_of(name)
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

    def _info(self, name: str, row: BoardRow) -> BoardInfo:
        virtual = name.startswith(VIRTUAL)
        board = self._virtual.get(name)
        running = board is not None and board.is_alive
        state = "busy" if name in self._busy else "off" if virtual and not running else "free"
        return BoardInfo(
            name=name,
            kind="virtual" if virtual else "serial",
            chip=name.removeprefix(VIRTUAL) if virtual else row.chip,
            reserved=row.reserved,
            state=state,
            url=board.url if board is not None and running else "" if virtual else name,
        )
