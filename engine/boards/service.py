"""The boards of this machine: which there are, which one a build gets, one stage at a time."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engine.boards import discovery, labgrid, ports
from engine.boards.access import Access
from engine.boards.board_files import BoardFiles, Flashed
from engine.boards.board_info import BoardInfo, board_info
from engine.boards.board_lock import Lock
from engine.boards.board_status import BoardStatus
from engine.boards.called import CalledBoards
from engine.boards.lock_folder import LOCKS, LockFolder
from engine.boards.names import LABGRID, USB, check_names, is_virtual, virtual_chip, virtual_name
from engine.boards.virtual.lab import VirtualLab
from engine.cancel import CancelToken
from engine.enums import LINUX
from engine.errors import BoardError, UsageError
from engine.monitor.retention import SessionLimits
from engine.monitor.session_folder import SessionFolder
from engine.settings import BoardSettings
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import LONGEST_RESERVATION, BoardRow, utc_now
from engine.text import near

if TYPE_CHECKING:
    from engine.boards.board_session import BoardSession
    from engine.boards.recording import Recording
    from engine.console_input import ConsoleInput
    from engine.monitor import sessions
    from engine.monitor.crash_watcher import CrashWatcher
    from engine.monitor.sessions import Recorder

MAX_RESERVATION_HOURS = LONGEST_RESERVATION // timedelta(hours=1)
"""The longest reservation."""

MAX_REMARK_CHARACTERS = 200
"""Characters of what people write about a board."""

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,40}")
_START = "start-up check"  # what a board is held for meanwhile


class Boards:
    """Boards that the settings name, and virtual boards that run in this workspace."""

    def __init__(
        self,
        names: Sequence[str],
        folder: Path,
        store: Store,
        settings: Mapping[str, BoardSettings] | None = None,
        session_limits: SessionLimits | None = None,
        locks: LockFolder | None = None,
    ) -> None:
        """Know the boards; nothing is started yet.

        Args:
            names: as :func:`engine.boards.names.check_names` takes them.
            folder: where sessions and the flash of virtual boards are kept.
            store: where what is known of boards is kept, and what was reserved here.
            settings: what holds for one board only, by its name.
            session_limits: how long sessions are kept; None for the usual.
            locks: where all who share these boards lock and reserve them; None for a folder that
                only this workspace knows.

        Raises:
            UsageError: a name makes no sense.
        """
        self._folder = folder
        self._store = store
        self._sessions = SessionFolder(folder / "sessions", session_limits or SessionLimits())
        self._set(names, settings or {})
        self._lab = VirtualLab(folder)
        locks = locks or LockFolder(folder / LOCKS)
        self._access = Access(folder, self._lab, store, locks)
        self._access.restore()
        self._statuses: dict[str, BoardStatus] = {}

    def change(
        self,
        names: Sequence[str],
        settings: Mapping[str, BoardSettings],
        session_limits: SessionLimits,
    ) -> None:
        """Take other settings; who has a board keeps it. The arguments are the constructor's.

        Raises:
            UsageError: a name makes no sense; the settings are what they were.
        """
        self._set(names, settings)
        self._sessions.limits = session_limits

    def _set(self, names: Sequence[str], settings: Mapping[str, BoardSettings]) -> None:
        check_names((*names, *settings))
        self._names, self._settings = tuple(names), settings

    def list(self) -> tuple[BoardInfo, ...]:
        """Boards of the settings, then running virtual ones, then others that are reserved."""
        rows = board_rows.all_boards(self._store)
        running = self._lab.running()
        reserved = sorted(name for name in rows if rows[name].is_held)
        keys = self._access.keys()
        return tuple(
            self._info(name, keys.of(name), rows.get(name), running.get(name, ""))
            for name in dict.fromkeys((*self._names, *running, *reserved))
        )

    def list_all(self) -> tuple[BoardInfo, ...]:
        """Boards as :meth:`list` gives them, then USB ports that may have another one."""
        boards = self.list()
        known = {each for board in boards for each in (board.name, board.url)}
        rows = board_rows.all_boards(self._store)
        others = (port for port in discovery.usb_ports() if port.device not in known)
        return boards + tuple(
            self._info(port.identity, port.identity, rows.get(port.identity), "")
            for port in others
            if port.identity not in known
        )

    def named(self, word: str) -> str:
        """The name of a board: ``word`` itself, or of the board that people call so.

        Raises:
            UsageError: it is neither.
        """
        name = board_rows.find_by_label(self._store, word) or word
        try:
            check_names([name])
        except UsageError as error:
            labels = [each.label for each in board_rows.all_boards(self._store).values()]
            meant = near(word, filter(None, (*self._names, *labels)))
            raise UsageError(f"{error}{meant}") from error
        return name

    def called(self, name: str) -> str:
        """What people call a board; its name where they gave it none."""
        return board_rows.get_board(self._store, name).label or name

    def _called(self, *names: str) -> CalledBoards:
        labels = {name: board_rows.get_board(self._store, name).label for name in names}
        return CalledBoards({name: each for name, each in labels.items() if each}, self._port_of)

    def call(self, name: str, *, label: str, remark: str) -> None:
        """Give a board a name of one's own, which can be used wherever a board is named.

        Args:
            name: the board.
            label: letters, digits, ``-``, ``_`` and ``.``, at most 40; empty takes the name back.
            remark: anything worth knowing, at most 200 characters.

        Raises:
            UsageError: the label makes no sense or is another board's.
        """
        check_names([name])
        if label and (label in ("auto", "none") or not _LABEL.fullmatch(label)):
            raise UsageError(f"{label!r}: letters, digits, -, _ and . make a name, 40 at most")
        if len(remark) > MAX_REMARK_CHARACTERS:
            raise UsageError(f"a remark has {MAX_REMARK_CHARACTERS} characters at most")
        board_rows.label_board(self._store, name, label=label, remark=remark)

    def start_lab(
        self, chip: str, number: int, cancel: CancelToken, *, share: bool = False
    ) -> dict[str, str]:
        """Start virtual boards; they end with this process.

        Args:
            chip: which chip they are.
            number: how many.
            cancel: ends it early.
            share: whether every user of the machine may use them, else their owner alone.

        Returns:
            Their URLs by name.

        Raises:
            UsageError: no such chip, or too many.
            MissingToolError: the ``lab`` extra is not installed.
            BoardError: one did not start.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        names = [virtual_name(chip, each) for each in range(1, number + 1)]
        check_names(names)
        return {name: self._lab.url(name, cancel, share=share) for name in names}

    def keep_lab(
        self,
        names: Sequence[str],
        cancel: CancelToken,
        *,
        share: bool = False,
        on_start: Callable[[str], None],
    ) -> None:
        """Have virtual boards run until ``cancel``, also those that run in another process now.

        Args:
            names: as :meth:`start_lab` gave them.
            cancel: ends it.
            share: as :meth:`start_lab` takes it.
            on_start: called with the name of a board that ended with another process and was
                started here.

        Raises:
            BoardError: one did not start again.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        self._lab.keep(names, cancel, share=share, on_start=on_start)

    def start(self, cancel: CancelToken) -> None:
        """Start virtual boards of the settings, and ask every port of which nothing is known.

        The first build then need not wait. Ports that do not answer are left for later, and so are
        URLs: behind them may be anything.

        Raises:
            MissingToolError: the ``lab`` extra is not installed.
            BoardError: a virtual board did not start.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        known = board_rows.all_boards(self._store)
        for name in self._names:
            if is_virtual(name):
                with self.use(name, cancel=cancel, on_wait=_say_nothing, purpose=_START) as board:
                    board.chip.identify()
            elif name.startswith(("/", USB)) and (name not in known or not known[name].asked_at):
                with (
                    contextlib.suppress(BoardError),
                    self.use(name, cancel=cancel, on_wait=_say_nothing, purpose=_START) as board,
                ):
                    board.chip.identify()

    def reserve(self, name: str, *, holder: str, note: str, hours: float) -> BoardRow:
        """Reserve a board for a person: builds of all users wait until it is given back or over.

        Args:
            name: the board; one that no settings name can be reserved too.
            holder: who wants it.
            note: why.
            hours: for how long.

        Raises:
            UsageError: another person has it, or the name or the time makes no sense.
            BoardError: others cannot be told.
        """
        check_names([name])
        if not 0 < hours <= MAX_RESERVATION_HOURS:
            raise UsageError(
                f"{hours:g} hours: give more than 0 and at most {MAX_RESERVATION_HOURS}"
            )
        until = utc_now() + timedelta(hours=hours)
        return self._access.reserve(name, holder=holder, note=note, until=until)

    def release(self, name: str, *, holder: str, force: bool = False) -> None:
        """Give a board back.

        Raises:
            UsageError: it is not reserved, or by another person and not ``force``, or by another
                user of the machine and this one is not root.
        """
        self._access.release(name, holder=holder, force=force)

    def reserved_from(self, name: str, holder: str) -> str:
        """Who reserved a board, until when and why, where that is another than ``holder``.

        Empty where ``holder`` may have it.
        """
        return self._access.reserved_from(name, holder)

    def is_awaited(self, name: str) -> bool:
        """Whether somebody waits for a board that this process holds."""
        return self._access.is_awaited(name)

    def key_of(self, name: str) -> str:
        """Which board a name means now: names of one board have one key."""
        return self._access.keys().of(name)

    def holder_of(self, name: str) -> str:
        """Who holds a board now, for people; empty when it is free."""
        keys = self._access.keys()
        return self._access.holder(keys.of(name), self._port_of(name))

    def _port_of(self, name: str) -> str:
        """What is opened for a board now; empty where that is not known."""
        if is_virtual(name):
            return self._lab.running().get(name, "")
        if name.startswith(USB):
            with contextlib.suppress(BoardError):
                return discovery.device_of(name)
            return ""
        return name

    def count_resets(self, name: str, *, brownouts: int, watchdogs: int) -> None:
        """Add resets that a board did by itself; a list shows their sums."""
        if brownouts or watchdogs:
            board_rows.count_resets(
                self._store, name, brownouts=brownouts, watchdog_resets=watchdogs
            )

    def kept_sessions(self, board: str | None = None) -> Sequence[sessions.SessionInfo]:
        """Sessions that are kept, newest first.

        Args:
            board: only of this board, by its name.
        """
        from engine.monitor import sessions

        return sessions.sessions(self.sessions_folder, board=board)

    def sessions_size(self) -> int:
        """Bytes that all sessions take."""
        from engine.monitor import sessions

        return sum(file.size for file in sessions.kept_files(self.sessions_folder))

    def search_sessions(
        self, text: str, board: str | None = None
    ) -> Iterator[tuple[sessions.SessionInfo, str]]:
        """Lines of sessions that have a text in them, as :func:`sessions.search` finds them."""
        from engine.monitor import sessions

        return sessions.search(self.sessions_folder, text, board=board)

    def close(self) -> None:
        """End the virtual boards that were started here; none is started any more."""
        self._lab.close()

    def choose(self, wanted: str, target: str) -> tuple[str, ...]:
        """The boards that a build may use.

        Args:
            wanted: ``auto``, ``none``, a port, a URL, ``virtual:CHIP``, or what people call one.
            target: the chip that the image is for.

        Returns:
            Their names, the best first: ``auto`` takes those of the settings and of the lab that
            have this chip; where none is known to, those that were never asked; at last those that
            had another chip (boards are swapped). Of these, free ones come before those that are
            reserved or busy; those that left the pool (:meth:`out_of_pool`) are left out.

        Raises:
            UsageError: a virtual board of another chip was asked for, or no board's name, or a
                board for firmware that runs on none.
            BoardError: the port that was asked for is not there, or may not be used.
        """
        if wanted == "none" or (wanted == "auto" and target == LINUX):
            return ()
        if target == LINUX:
            raise UsageError(f"board {wanted}: firmware for {LINUX} runs on this machine")
        if wanted != "auto":
            name = self.named(wanted)
            chip = virtual_chip(name) if is_virtual(name) else target
            if chip != target:
                raise UsageError(f"board {wanted} has another chip than the target {target}")
            if name.startswith(("/", USB)):
                ports.check(discovery.device_of(name) if name.startswith(USB) else name)
            return (name,)
        running = self._lab.running()
        boards = [board for board in self.list() if board.name in (*self._names, *running)]
        serial = [board for board in boards if board.kind == "serial"]
        fitting = (
            [board for board in boards if board.chip == target]
            or [board for board in serial if not board.chip]
            or serial
        )
        fitting.sort(key=lambda board: (bool(board.reserved), board.state == "busy"))
        return tuple(board.name for board in fitting if not board.out_of_pool)

    def out_of_pool(self, target: str) -> Mapping[str, str]:
        """Boards with a chip that builds may not take by themselves, by name: why.

        A person can still name one.
        """
        found = (board for board in self.list() if board.chip == target)
        return {board.name: board.out_of_pool for board in found if board.out_of_pool}

    def take_from_pool(self, name: str, reason: str, now: datetime) -> None:
        """Have builds that may take any board not take this one.

        Args:
            reason: one line; empty puts it back.
            now: since when.
        """
        board_rows.take_from_pool(self._store, name, reason=reason, now=now)

    @contextlib.contextmanager
    def use(
        self,
        *names: str,
        cancel: CancelToken,
        on_wait: Callable[[str], None],
        purpose: str,
        holder: str = "",
    ) -> Iterator[BoardSession]:
        """Hold the first of some boards that is free while the block runs; others wait for it.

        Args:
            names: the boards, the best first.
            cancel: ends the waiting, and what is done with the board.
            on_wait: called with lines that say what is waited for.
            purpose: what it is held for, for those who wait: ``build 12``.
            holder: the person who wants it; a build, which is nobody, waits while it is reserved.

        Yields:
            The board.

        Raises:
            BoardError: it cannot be had.
            CancelledError, Interrupted: as ``cancel`` says, while it waits.
        """
        called = self._called(*names)

        def say(line: str) -> None:
            on_wait(called.line(line))

        with (
            called.errors(),
            self._access.hold(
                names, cancel=cancel, on_wait=say, purpose=purpose, holder=holder
            ) as lock,
            self._held(lock, cancel, say, by_hand=bool(holder)) as session,
        ):
            called.look()
            yield session

    @contextlib.contextmanager
    def use_if_free(
        self,
        name: str,
        *,
        cancel: CancelToken,
        on_note: Callable[[str], None],
        purpose: str,
        holder: str = "",
    ) -> Iterator[BoardSession | None]:
        """Hold a board while the block runs, if nobody has it, waits for it or reserved it.

        Args:
            name: the board.
            cancel: ends what is done with it.
            on_note: called with lines for people: what is seen of it meanwhile.
            purpose, holder: as :meth:`use` has them.

        Yields:
            The board, None where somebody has it.

        Raises:
            BoardError: it is not there.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        called = self._called(name)
        with (
            called.errors(),
            self._access.hold_if_free(name, cancel=cancel, purpose=purpose, holder=holder) as lock,
        ):
            if lock is None:
                yield None
                return

            def say(line: str) -> None:
                on_note(called.line(line))

            with self._held(lock, cancel, say, by_hand=bool(holder)) as session:
                called.look()
                yield session

    @contextlib.contextmanager
    def _held(
        self,
        lock: Lock,
        cancel: CancelToken,
        on_note: Callable[[str], None],
        *,
        by_hand: bool,
    ) -> Iterator[BoardSession]:
        """A session of a board whose lock is ours."""
        status = self._status(lock.name)
        status.by_hand = by_hand
        try:
            with self._opened(lock.name, cancel, on_note) as open_url:
                open_url(cancel)  # there, or started, before anything is done with it
                yield self._session(lock, open_url, cancel, on_note)
        finally:
            status.activity = ""

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
        purpose: str = "",
        console_input: ConsoleInput | None = None,
        crashes: CrashWatcher | None = None,
        on_presence: Callable[[bool], None] = lambda _is_there: None,
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
            purpose: what it is held for, for those who wait; empty says who watches.
            console_input: what is typed to the board; None when nothing is.
            crashes: told what comes, and where the session is.
            on_presence: told whether the board is there, when it is read and when it vanishes.

        Raises:
            BoardError: the board cannot be had.
            SessionError: what it says cannot be kept.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        called = self.called(name)
        purpose = purpose or f"monitor of {holder}".removesuffix(" of ")
        with (
            self.use(name, cancel=cancel, on_wait=on_note, holder=holder, purpose=purpose) as board,
            self.recording(name, on_output, on_note, crashes) as recording,
        ):
            if reset and is_virtual(name):
                board.reset.into_program()
            board.console.listen(
                baud=baud,
                on_output=recording.feed,
                until=lambda _seconds: False,
                seconds=math.inf,
                reset=reset,
                console_input=console_input,
                on_return=lambda away: on_note(f"{called}: back after {away:.1f} s"),
                on_presence=on_presence,
            )

    def recording(
        self,
        name: str,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        crashes: CrashWatcher | None,
    ) -> Recording:
        """What keeps a board's console as a session, for as long as a ``with`` block runs.

        Args:
            name: the board, which the caller holds.
            on_output, on_note, crashes: as :meth:`watch` has them.
        """
        from engine.boards.recording import Recording

        return Recording(name, self._sessions, on_output, on_note, crashes)

    def record(self, name: str) -> Recorder:
        """Begin a session of a board, also of a simulated one; old ones go meanwhile.

        Raises:
            SessionError: it cannot be kept.
        """
        return self._sessions.record(name)

    @contextlib.contextmanager
    def _opened(
        self, name: str, cancel: CancelToken, on_wait: Callable[[str], None]
    ) -> Iterator[Callable[[CancelToken], str]]:
        """What says which port to open for a board that is held; it starts a virtual one."""
        if name.startswith(LABGRID):
            with labgrid.acquired(name, cancel=cancel, on_wait=on_wait) as url:
                yield lambda _cancel: url
        elif name.startswith(USB):
            yield lambda _cancel: discovery.device_of(name)
        elif is_virtual(name):
            yield lambda token: self._lab.url(name, token)
        else:
            yield lambda _cancel: name

    def _session(
        self,
        lock: Lock,
        open_url: Callable[[CancelToken], str],
        cancel: CancelToken,
        on_note: Callable[[str], None],
    ) -> BoardSession:
        from engine.boards.board_port import BoardPort
        from engine.boards.board_session import BoardSession

        name = lock.name
        return BoardSession.begin(
            BoardPort(name, lock.descriptor, open_url, cancel, on_note),
            self._settings.get(name, BoardSettings()),
            self._status(name),
            self.board_files(name),
            called=self.called(name),
        )

    def _status(self, name: str) -> BoardStatus:
        return self._statuses.setdefault(name, BoardStatus(name, self._store))

    def _info(self, name: str, key: str, row: BoardRow | None, virtual_url: str) -> BoardInfo:
        return board_info(
            key,
            row or BoardRow(name=name),
            access=self._access,
            status=self._status(name),
            files=self.board_files(name),
            virtual_url=virtual_url,
        )

    def flashed(self) -> Mapping[str, tuple[str, Flashed]]:
        """What each board runs of which that is known, by name, and how people call the board."""
        rows = board_rows.all_boards(self._store)
        names = dict.fromkeys((*self._names, *self._lab.running(), *rows))
        found = {name: self.board_files(name).flashed for name in names}
        return {
            name: (rows[name].label if name in rows else "", each)
            for name, each in found.items()
            if each is not None
        }

    def board_files(self, name: str) -> BoardFiles:
        """What is kept of a board for the person who works with it."""
        return BoardFiles(self._folder / "desks", name)

    @property
    def sessions_folder(self) -> Path:
        """Where sessions of the monitor are kept."""
        return self._sessions.path

    @property
    def session_limits(self) -> SessionLimits:
        """How long sessions are kept."""
        return self._sessions.limits


def _say_nothing(_line: str) -> None:
    pass
