"""Standard input as the keyboard of a board: keys of a terminal, or lines of a pipe.

Keys go to the board as they are pressed, but for those of ``idf.py monitor``: Ctrl-] quits, Ctrl-T
is the menu (ESP-IDF Programming Guide, "IDF Monitor", "Interaction with IDF Monitor").
"""

from __future__ import annotations

import contextlib
import os
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine import EOLS, CancelToken, ConsoleInput
from engine.errors import EspdeckError

QUIT = 0x1D
"""Ctrl-]."""

STOP = 0x03
"""Ctrl-C, which quits too; after Ctrl-T it goes to the board."""

MENU = 0x14
"""Ctrl-T."""

_CHUNK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MenuItem:
    """What a key does after the menu key.

    Args:
        title: what, in a few words.
        do: does it.
    """

    title: str
    do: Callable[[], None]


class TerminalInput:
    """Types what comes from standard input, in a thread of its own."""

    def __init__(
        self,
        console_input: ConsoleInput,
        cancel: CancelToken,
        *,
        eol: str,
        menu: Mapping[str, MenuItem],
        on_note: Callable[[str], None],
    ) -> None:
        """Make one; nothing is read yet.

        Args:
            console_input: the board's.
            cancel: ended by the keys that quit; ends the typing.
            eol: one of :data:`~engine.console_input.EOLS`, sent for Enter and for the end of a
                line.
            menu: by letter; the same letter with Ctrl does the same.
            on_note: called with a line for people.
        """
        self._console_input = console_input
        self._cancel = cancel
        self._eol = EOLS[eol]
        self._menu = menu
        self._on_note = on_note
        self._in_menu = False

    @contextlib.contextmanager
    def reading(self, descriptor: int) -> Iterator[None]:
        """Type what comes from ``descriptor`` while the block runs.

        A terminal shows no key by itself meanwhile and is put back at the end.
        """
        if _is_behind(descriptor):
            yield
            return
        with _keys_as_they_come(descriptor) as is_terminal:
            work = self._type_keys if is_terminal else self._type_lines
            # A read of standard input cannot be ended: the thread ends with the process.
            threading.Thread(
                target=work, args=(descriptor,), name="terminal-input", daemon=True
            ).start()
            yield

    def keys(self, data: bytes) -> None:
        """Take keys of a terminal."""
        plain = bytearray()
        for byte in data:
            if self._in_menu:
                self._in_menu = False
                if byte in (MENU, QUIT, STOP):
                    plain.append(byte)
                else:
                    self._choose(byte)
            elif byte == MENU:
                self._in_menu = True
            elif byte in (QUIT, STOP):
                self._send(bytes(plain))
                self._cancel.cancel()
                return
            elif byte in b"\r\n":
                plain += self._eol
            else:
                plain.append(byte)
        self._send(bytes(plain))

    def _choose(self, byte: int) -> None:
        letter = chr(byte | 0x60 if byte < 0x20 else byte).lower()
        item = self._menu.get(letter)
        if item is None:
            self._on_note("after Ctrl-T: " + ", ".join(f"{k} {v.title}" for k, v in self._items()))
            return
        self._try(item.do)

    def _items(self) -> Iterator[tuple[str, MenuItem]]:
        yield from self._menu.items()
        yield "Ctrl-T, Ctrl-], Ctrl-C", MenuItem("that key to the board", lambda: None)

    def _send(self, data: bytes) -> None:
        if data:
            self._try(lambda: self._console_input.send(data))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except EspdeckError as error:
            self._on_note(str(error))

    def _type_keys(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # the terminal went away
            while not self._cancel.stopped and (data := os.read(descriptor, _CHUNK_BYTES)):
                self.keys(data)

    def _type_lines(self, descriptor: int) -> None:
        with (
            contextlib.suppress(OSError, EspdeckError),
            open(descriptor, "rb", closefd=False) as lines,
        ):
            # A line that does not end is typed as it comes, not collected.
            while piece := lines.readline(_CHUNK_BYTES):
                is_whole = piece.endswith(b"\n") or len(piece) < _CHUNK_BYTES
                typed = piece.rstrip(b"\r\n") + self._eol if is_whole else piece
                self._console_input.send_all(typed, self._cancel)


def _is_behind(descriptor: int) -> bool:
    """Whether this is a job in the background, whose terminal is another's."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False  # no terminal, or not the one that has jobs


@contextlib.contextmanager
def _keys_as_they_come(descriptor: int) -> Iterator[bool]:
    """Let a terminal hand on each key at once, Ctrl-C too; yields whether it is one."""
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        yield False
        return
    keys = termios.tcgetattr(descriptor)
    keys[0] &= ~(termios.ICRNL | termios.IXON)
    keys[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(descriptor, termios.TCSADRAIN, keys)
    try:
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
