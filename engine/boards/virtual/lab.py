"""The virtual boards of a workspace: started when they are wanted, shared by all its processes."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.boards.names import is_virtual, virtual_chip, virtual_options
from engine.boards.virtual.board import Running, VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError, MissingToolError


class VirtualLab:
    """Virtual boards by name; those that were started here end with :meth:`close`.

    A board runs in the process that wanted it first, and ends with it. Others find it by the
    address that it leaves in its folder, so that an app flashes what ``espdeck lab`` runs beside
    it. Who keeps boards (:meth:`keep`) starts them anew when that process ends.
    """

    def __init__(self, folder: Path) -> None:
        """Know where they are kept; none is started yet.

        Args:
            folder: their flash and their addresses, a folder each.
        """
        self._folder = folder
        self._boards: dict[str, VirtualBoard] = {}
        self._closed = False
        self._lock = threading.Lock()

    def running(self) -> dict[str, str]:
        """URLs of the boards that run now, whoever started them, by name."""
        return {name: each.url for name, each in self.boards().items()}

    def boards(self) -> dict[str, Running]:
        """The boards that run now, whoever started them, by name."""
        found = {}
        for folder in sorted(self._folder.glob("virtual-*")):
            name = folder.name.replace("-", ":", 1)
            running = Running.of(folder)
            if is_virtual(name) and running:
                found[name] = running
        return found

    def url(self, name: str, cancel: CancelToken, *, share: bool = False) -> str:
        """What to open for a board; starts it if need be. The caller holds it.

        Args:
            name: of the board.
            cancel: ends the waiting.
            share: whether every user of the machine may use it, else its owner alone.

        Raises:
            MissingToolError: the ``lab`` extra is not installed.
            BoardError: it does not start, runs already and not to be shared, or espdeck is ending.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        with self._lock:
            self._check_open(name)
            board = self._boards.get(name)
        if board is None or not board.is_alive:
            board = self._started(name, cancel, share)
            try:
                with self._lock:
                    self._check_open(name)
                    self._boards[name] = board
            except BoardError:
                board.stop()
                raise
        return board.url

    def keep(
        self,
        names: Sequence[str],
        cancel: CancelToken,
        *,
        share: bool,
        on_start: Callable[[str], None],
    ) -> None:
        """Have boards run until ``cancel``: one that ends with another process starts here.

        Args:
            names: of the boards.
            share: as :meth:`url` takes it.
            on_start: called with the name of one that ended and was started.

        Raises:
            MissingToolError, BoardError: as :meth:`url`.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        wake, waker = os.pipe()

        def wake_up() -> None:
            os.write(waker, b"x")

        with contextlib.ExitStack() as stack:
            stack.callback(os.close, wake)
            stack.callback(os.close, waker)
            stack.callback(cancel.on_stop(wake_up))
            while True:
                cancel.check()
                running = self.boards()
                for name in names:
                    if name not in running:
                        self.url(name, cancel, share=share)
                        on_start(name)
                running = self.boards()
                self._wait_for_end([running[name] for name in names if name in running], wake)

    def close(self) -> None:
        """End the boards that were started here; none is started any more."""
        with self._lock:
            self._closed = True
            boards, self._boards = list(self._boards.values()), {}
        for board in boards:
            board.stop()

    def _wait_for_end(self, boards: Sequence[Running], wake: int) -> None:
        """Wait until a board ends, or ``wake`` is readable."""
        with contextlib.ExitStack() as stack:
            watched = [wake]
            for board in boards:
                try:
                    descriptor = os.pidfd_open(board.processes[0].pid)
                except ProcessLookupError:
                    return
                stack.callback(os.close, descriptor)
                watched.append(descriptor)
            select.select(watched, [], [])

    def _check_open(self, name: str) -> None:
        if self._closed:
            raise BoardError(f"{name}: not started: espdeck is ending")

    def _started(self, name: str, cancel: CancelToken, share: bool) -> VirtualBoard:
        folder = self._folder / name.replace(":", "-", 1)
        board = VirtualBoard(
            chip=virtual_chip(name), options=virtual_options(name), folder=folder, share=share
        )
        missing = board.missing()
        if missing:
            raise MissingToolError(missing)
        try:
            board.start(cancel)
        except OSError as error:
            raise BoardError(f"{name}: {error.strerror or error}") from error
        return board
