"""Reads and writes the flash of a board through esptool."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.boards import flasher, partition_table, secure_images
from engine.boards.board_files import BoardFiles, Flashed
from engine.boards.board_port import BoardPort
from engine.boards.board_status import BoardStatus
from engine.boards.capabilities import FlashOptions, Reset
from engine.boards.flasher import FlashResult
from engine.boards.partition_table import PartitionTable
from engine.boards.reconnecting import Reconnector
from engine.enums import ArtifactKind
from engine.errors import FlashDiffersError, UsageError
from engine.images.image import Image


class EsptoolFlash:
    """The flash behind a board's port. What a board that vanishes interrupts is done again."""

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
            status: told what is being done, and what the board is.
            files: where what was flashed on it is kept.
        """
        self._port = port
        self._reset = reset
        self._reconnector = reconnector
        self._status = status
        self._files = files

    def write(
        self,
        image: Image,
        options: FlashOptions,
        *,
        on_output: Callable[[bytes], None],
        on_progress: Callable[[float, str], None],
        timeout: float,
        flashed: Flashed | None = None,
    ) -> FlashResult:
        """As :meth:`engine.boards.capabilities.Flash.write`."""
        if not options.secure:
            secure_images.check_plain(image)
        if options.app_only:
            image, flashed = self._app_alone(image, flashed)

        def progress(percent: float, what: str) -> None:
            self._status.activity = f"flash {percent:.0f} %"
            on_progress(percent, what)

        def write() -> FlashResult:
            before, after = options.before or image.before, options.after or image.after
            with self._reset.bootloader(before, after, options.baud) as connection:
                return flasher.flash(
                    connection,
                    image,
                    on_output=on_output,
                    on_progress=progress,
                    cancel=self._port.cancel,
                    timeout=timeout,
                    on_identity=self._status.remember,
                    on_write=self._before_write,
                )

        written = self._reconnector.run(write, busy=timeout)
        if flashed is not None:
            self._files.remember_flashed(flashed)
        return written

    def verify(
        self,
        image: Image,
        options: FlashOptions,
        *,
        timeout: float,
        flashed: Flashed | None = None,
    ) -> None:
        """As :meth:`engine.boards.capabilities.Flash.verify`."""
        if options.app_only:
            image, flashed = self._app_alone(image, flashed)
        self._status.activity = "verify"

        def compare() -> None:
            with self._reset.bootloader(options.before, options.after, options.baud) as connection:
                flasher.verify(connection, image, cancel=self._port.cancel, timeout=timeout)

        try:
            self._reconnector.run(compare, busy=timeout)
        except FlashDiffersError:
            if flashed is not None and flashed == self._files.flashed:
                self._files.forget_flashed()
            raise
        if flashed is not None:
            self._files.remember_flashed(flashed)

    def read(
        self,
        file: Path,
        *,
        offset: int,
        size: int,
        baud: int | None = None,
        on_progress: Callable[[float, str], None],
    ) -> None:
        """As :meth:`engine.boards.capabilities.Flash.read`."""

        def progress(percent: float, what: str) -> None:
            self._status.activity = f"read {percent:.0f} %"
            on_progress(percent, what)

        def read() -> None:
            with self._reset.bootloader(baud=baud) as connection:
                flasher.read_flash(
                    connection,
                    file,
                    offset=offset,
                    size=size,
                    on_progress=progress,
                    cancel=self._port.cancel,
                )

        self._reconnector.run(read)

    def erase(self, region: tuple[int, int] | None) -> None:
        """As :meth:`engine.boards.capabilities.Flash.erase`."""
        for number in region or ():
            if number % flasher.SECTOR_BYTES:
                raise UsageError(
                    f"{number:#x}: flash is erased in sectors of {flasher.SECTOR_BYTES:#x}"
                )

        self._status.activity = "erase"
        flashed = self._files.flashed

        def forget() -> None:
            self._status.note_change()
            if flashed is not None and (region is None or flashed.needs(*region)):
                self._files.forget_flashed()

        def wipe() -> None:
            with self._reset.bootloader() as connection:
                flasher.erase(connection, region=region, cancel=self._port.cancel, on_write=forget)

        self._reconnector.run(wipe)

    def partition_table(
        self, *, at: int | None = None, expected: int | None = None
    ) -> PartitionTable | None:
        """As :meth:`engine.boards.capabilities.Flash.partition_table`."""
        if at is not None:
            return partition_table.read_at(self._bytes, at)
        return partition_table.find(self._bytes, expected)

    def _before_write(self) -> None:
        self._status.note_change()
        self._files.forget_flashed()

    def _app_alone(self, image: Image, flashed: Flashed | None) -> tuple[Image, Flashed | None]:
        """The app of an image, put where the board starts it; and what the board then runs."""
        parts = tuple(part for part in image.parts if part.kind is ArtifactKind.APP)
        if not parts:
            raise UsageError(f"{image.elf.name}: the image has no app of its own")
        app = replace(image, parts=parts)
        placed = partition_table.place_app(app, image, self._bytes, self._port.say)
        return placed, flashed and flashed.moved(app.parts[0], placed.parts[0])

    def _bytes(self, offset: int, size: int) -> bytes:
        """Read ``size`` bytes from ``offset``."""
        with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
            file = Path(folder) / "flash.bin"
            self.read(file, offset=offset, size=size, on_progress=lambda _percent, _what: None)
            return file.read_bytes()
