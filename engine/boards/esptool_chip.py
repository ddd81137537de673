"""Asks the chip of a board what it is, through esptool."""

from __future__ import annotations

from engine.boards import flasher
from engine.boards.board_files import BoardFiles
from engine.boards.board_port import BoardPort
from engine.boards.board_status import BoardStatus
from engine.boards.capabilities import Reset
from engine.boards.flasher import Efuse
from engine.boards.identity import BoardIdentity
from engine.boards.names import is_virtual
from engine.boards.reconnecting import Reconnector


class EsptoolChip:
    """The chip behind a board's port."""

    def __init__(
        self,
        port: BoardPort,
        reset: Reset,
        reconnector: Reconnector,
        status: BoardStatus,
        files: BoardFiles,
    ) -> None:
        """Know the board.

        Args:
            port: of the board.
            reset: gets it into its bootloader.
            reconnector: does again what the board interrupts by vanishing.
            status: remembers what it is.
            files: what was flashed on it.
        """
        self._port = port
        self._reset = reset
        self._reconnector = reconnector
        self._status = status
        self._files = files

    def identify(self) -> BoardIdentity:
        """As :meth:`engine.boards.capabilities.Chip.identify`."""
        flashed = self._files.flashed
        sample = flashed.sample if flashed is not None and flashed.md5 else None

        def ask() -> tuple[BoardIdentity, str]:
            with self._reset.bootloader() as connection:
                return flasher.look_at(connection, sample, cancel=self._port.cancel)

        identity, md5 = self._reconnector.run(ask)
        self._status.remember(identity)
        if flashed is not None and md5 not in ("", flashed.md5):
            self._port.say(f"{self._port.name} no longer holds {flashed}")
            self._files.forget_flashed()
        return identity

    def identity(self) -> BoardIdentity:
        """As :meth:`engine.boards.capabilities.Chip.identity`; a virtual chip never changes."""
        known = self._status.identity if is_virtual(self._port.name) else None
        return known or self.identify()

    def efuses(self) -> tuple[Efuse, ...]:
        """As :meth:`engine.boards.capabilities.Chip.efuses`."""

        def read() -> tuple[Efuse, ...]:
            with self._reset.bootloader() as connection:
                return flasher.efuses(connection, cancel=self._port.cancel)

        return self._reconnector.run(read)
