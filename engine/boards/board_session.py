"""A board that is held: a session of capabilities, made for the port that it has."""

from __future__ import annotations

from dataclasses import dataclass

from engine.boards.board_files import BoardFiles
from engine.boards.board_port import BoardPort, PortCommand
from engine.boards.board_status import BoardStatus
from engine.boards.capabilities import Chip, Console, Flash, Power, Reset
from engine.boards.esptool_chip import EsptoolChip
from engine.boards.esptool_flash import EsptoolFlash
from engine.boards.power import CommandPower
from engine.boards.reconnecting import Reconnector
from engine.boards.reconnecting_console import ReconnectingConsole
from engine.boards.reset_control import reset_of
from engine.settings import BoardSettings


@dataclass(frozen=True, slots=True)
class BoardSession:
    """A board that :meth:`engine.boards.service.Boards.use` holds; of no use after that.

    What a board that vanishes interrupts is done again when it is back.

    Args:
        port: where it is.
        console: what it prints, and what is typed to it.
        reset: starts it anew.
        power: switches it off and on.
        chip: what it is.
        flash: what is stored in it.
        called: what people call it; its name where they gave it none.
    """

    port: BoardPort
    console: Console
    reset: Reset
    power: Power
    chip: Chip
    flash: Flash
    called: str

    @classmethod
    def begin(
        cls,
        port: BoardPort,
        settings: BoardSettings,
        status: BoardStatus,
        files: BoardFiles,
        *,
        called: str = "",
    ) -> BoardSession:
        """Begin a session of a board that is held.

        Args:
            port: of the board.
            settings: what resets and powers it, where it has no DTR and RTS for that.
            status: what this process knows of it.
            files: where what was flashed on it is kept.
            called: what people call it, empty for nothing.

        Raises:
            BoardError: it is not there.
        """
        reset = reset_of(port, settings.reset_command)
        power = CommandPower(PortCommand(port, "power_command", tuple(settings.power_command)))
        reconnector = Reconnector(port, power)
        return cls(
            port=port,
            console=ReconnectingConsole(port, reset, reconnector, status),
            reset=reset,
            power=power,
            chip=EsptoolChip(port, reset, reconnector, status, files),
            flash=EsptoolFlash(port, reset, reconnector, status, files),
            called=called or port.name,
        )

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.port.name

    @property
    def url(self) -> str:
        """What esptool and pyserial open now; it may be another port after a replug.

        Raises:
            BoardError: it is not there.
        """
        return self.port.url
