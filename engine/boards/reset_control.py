"""Resets a board: by the lines of its port, by a flasher that leaves, or by a command."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from engine.boards import flasher, serial_console
from engine.boards.board_port import BoardPort, PortCommand
from engine.boards.capabilities import Reset
from engine.boards.esptool import Connection
from engine.boards.names import is_virtual
from engine.console_input import Control, Lines, ResetStep, Restart
from engine.errors import EspdeckError


class ResetRequested(Exception):  # noqa: N818 (no error)
    """The console must be let go so that the board can be reset."""


def reset_of(port: BoardPort, command: Sequence[str]) -> Reset:
    """What resets a board.

    Args:
        port: of the board.
        command: ``reset_command`` of the settings; empty for none.

    Raises:
        BoardError: the board is not there.
    """
    if command:
        return CommandReset(PortCommand(port, "reset_command", tuple(command)))
    return FlasherReset(port) if port.is_socket else LineReset(port)


class LineReset:
    """Resets a board by DTR and RTS of its port; esptool does the same by itself."""

    control: Control | None = None

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    def into_program(self) -> None:
        """Pulse RTS."""
        serial_console.reset(self._port.url, cancel=self._port.cancel)

    def into_bootloader(self) -> bool:
        """Let a flasher enter it that starts nothing when it leaves."""
        flasher.identify(self._port.connection(after="no-reset"), cancel=self._port.cancel)
        return True

    @contextlib.contextmanager
    def bootloader(
        self, before: str = "", after: str = "", baud: int | None = None
    ) -> Iterator[Connection]:
        """Leave both ways to esptool."""
        yield self._port.connection(before, after, baud)

    def with_console(self) -> bool:
        """Leave it to the lines."""
        return True


class FlasherReset:
    """Resets what is behind a ``socket://``: without lines, it restarts when a flasher leaves."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port
        self.control: Control | None = _VirtualControl(port.say) if is_virtual(port.name) else None

    def into_program(self) -> None:
        """Be a flasher that leaves."""
        flasher.identify(self._port.connection(), cancel=self._port.cancel)

    def into_bootloader(self) -> bool:
        """Do nothing: it would not stay there."""
        return False

    @contextlib.contextmanager
    def bootloader(
        self, before: str = "", after: str = "", baud: int | None = None
    ) -> Iterator[Connection]:
        """Leave both ways to what is behind it."""
        yield self._port.connection(before, after, baud)

    def with_console(self) -> bool:
        """Do nothing: whoever flashed it has reset it."""
        return False


class CommandReset:
    """Resets a board by a command of the settings, where its port has no DTR and RTS for that."""

    def __init__(self, command: PortCommand) -> None:
        self._command = command
        self._port = command.port
        self.control: Control | None = _CommandControl(command)

    def into_program(self) -> None:
        """Run the command."""
        self._command.run("run")

    def into_bootloader(self) -> bool:
        """Run the command, and see that the chip answers."""
        if self._port.is_socket:
            return False
        with self.bootloader(after="no-reset") as connection:
            flasher.identify(connection, cancel=self._port.cancel)
        return True

    @contextlib.contextmanager
    def bootloader(
        self, before: str = "", after: str = "", baud: int | None = None
    ) -> Iterator[Connection]:
        """Run the command before, and after unless the chip is to stay there."""
        connection = self._port.connection(before or "no-reset", "no-reset", baud)
        self._command.run("bootloader")
        yield connection
        if after in ("", "hard-reset"):
            self._command.run("run")

    def with_console(self) -> bool:
        """Run the command."""
        self.into_program()
        return False


class _VirtualControl:
    """Resets a virtual board while its console is read."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def set(self, lines: Lines) -> None:
        """It has no lines."""
        self._say("a virtual board has no DTR and RTS lines")

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        """Reset it; a flasher gets its bootloader without this."""
        if not restart.bootloader:
            raise ResetRequested
        self._say("a virtual board enters its bootloader when a flasher talks to it")
        return ()


class _CommandControl:
    """Resets a board by a command while its console is read on."""

    def __init__(self, command: PortCommand) -> None:
        self._command = command
        self._port = command.port

    def set(self, lines: Lines) -> None:
        """Its lines do nothing."""
        self._port.say(f"{self._port.name}: reset by a command of the settings, not by DTR and RTS")

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        """Run the command beside the reading."""
        word = "bootloader" if restart.bootloader else "run"
        threading.Thread(target=self._run, args=(word,), name="reset-command", daemon=True).start()
        return ()

    def _run(self, word: str) -> None:
        try:
            self._command.run(word)
        except EspdeckError as error:
            self._port.say(str(error))
