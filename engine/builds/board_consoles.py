"""Consoles of boards that several people watch at once (:mod:`engine.builds.shared_console`)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.boards.service import Boards
from engine.builds.board_program import BoardPrograms
from engine.builds.shared_console import ConsoleWatch, SharedConsole
from engine.errors import ConflictError


class BoardConsoles:
    """The consoles that are watched, by board.

    Args:
        boards: of the workspace.
        programs: gives what finds the programs that boards run; asked in another thread.
    """

    def __init__(self, boards: Boards, programs: Callable[[], BoardPrograms]) -> None:
        self._boards = boards
        self._programs = programs
        self._lock = threading.Lock()
        self._closed = False
        self._consoles: dict[str, SharedConsole] = {}

    def watch(
        self,
        board: str,
        *,
        holder: str,
        on_ready: Callable[[], None],
        wants_bytes: bool = False,
        tail: int = 0,
        after: str = "",
    ) -> ConsoleWatch:
        """Begin to watch a console.

        Args:
            board: its name. Where it cannot be had, that is told as a note and tried again.
            holder: who watches.
            on_ready: called whenever something waits, by another thread; must not wait.
            wants_bytes: bytes as they come, instead of lines.
            tail: how many events that were before to begin with, the newest.
            after: ``EPOCH-NUMBER`` of the last event that is known: what came after it, as far as
                it is kept; ``tail`` means nothing then.

        Raises:
            ConflictError: espdeck is ending.
        """
        key = self._boards.key_of(board)
        while True:
            with self._lock:
                if self._closed:
                    raise ConflictError("espdeck is ending")
                console = self._consoles.get(key)
                if console is None:
                    console = SharedConsole(board, self._boards, self._programs)
                    self._consoles[key] = console
            watch = ConsoleWatch(console, holder, wants_bytes, on_ready)
            if console.join(watch, tail, after):
                return watch
            with self._lock:
                if self._consoles.get(key) is console:
                    del self._consoles[key]  # it had just ended

    def is_reading(self, board: str) -> bool:
        """Whether a board's console is read here, for those who watch it."""
        return self._reading(board) is not None

    def reset(self, board: str, holder: str) -> bool:
        """Restart a board's program where its console is read here; whether it is.

        Raises:
            ConflictError: somebody else reserved the board.
            BoardError: its port is still busy with what came before.
        """
        console = self._reading(board)
        if console is not None:
            console.input_of(holder).reset()
        return console is not None

    def _reading(self, board: str) -> SharedConsole | None:
        key = self._boards.key_of(board)
        with self._lock:
            console = self._consoles.get(key)
        return console if console is not None and console.is_reading else None

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._closed = True
            consoles, self._consoles = list(self._consoles.values()), {}
        for console in consoles:
            console.stop()
        for console in consoles:
            console.join_threads()
