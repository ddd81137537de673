"""What can be done with a board that is held, one protocol a capability.

Callers name what they need: a console to listen to, a reset, a power switch, the flash, the chip.
How a board provides it, by its port or by a command of the settings, is chosen once, when a
session begins (:mod:`engine.boards.board_session`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.boards.board_files import Flashed
from engine.boards.esptool import Connection
from engine.boards.flasher import Efuse, FlashResult
from engine.boards.identity import BoardIdentity
from engine.boards.partition_table import PartitionTable
from engine.console_input import ConsoleInput, Control
from engine.images.image import Image


@dataclass(frozen=True, slots=True)
class FlashOptions:
    """How to flash.

    Args:
        baud: speed in bits a second.
        app_only: write the program and leave bootloader, partition table and data alone.
        before, after: as esptool takes them; empty for what fits the board.
        secure: also an image that is signed or encrypted.
    """

    baud: int = 460800
    app_only: bool = False
    before: str = ""
    after: str = ""
    secure: bool = False


class Console(Protocol):
    """What the firmware prints, and what is typed to it."""

    def listen(
        self,
        *,
        baud: int,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        seconds: float,
        reset: bool,
        console_input: ConsoleInput | None = None,
        on_return: Callable[[float], None] = lambda _seconds: None,
        on_presence: Callable[[bool], None] = lambda _is_there: None,
    ) -> None:
        """Read the console until enough was seen or time is up.

        A board that was there and vanishes (a chip's own USB port does at each reset) is read on
        when it is back; the time without it does not count. It may be away for
        :data:`engine.boards.reconnecting.BACK_SECONDS`; for ever, where ``seconds`` is infinite.

        Args:
            baud: speed in bits a second.
            on_output: called with each piece as it comes; nothing is kept here.
            until: asked after each piece and some times a second without any, told how many
                seconds it was listened to; true ends the listening.
            seconds: how long to listen at the most.
            reset: reset the board first, so that the log begins with the boot.
            console_input: what is typed to the board; None when nothing is.
            on_return: told for how many seconds it was away, when it is listened to again.
            on_presence: told whether it is there, when it is listened to and when it vanishes.

        Raises:
            BoardError: the port is absent or busy, or vanished for too long.
            CancelledError, Interrupted: as the session's token says.
        """
        ...


class Reset(Protocol):
    """Starts the chip anew: its program, or its ROM's bootloader."""

    def into_program(self) -> None:
        """Start the program anew.

        Raises:
            BoardError: the port cannot be used, or the command failed.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def into_bootloader(self) -> bool:
        """Leave the board in its bootloader: its program runs no more until the next reset.

        Returns:
            Whether it stays there; a ``socket://`` starts its program when a flasher leaves.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def bootloader(
        self, before: str = "", after: str = "", baud: int | None = None
    ) -> AbstractContextManager[Connection]:
        """Have the board in its bootloader for as long as the block runs.

        Args:
            before, after: as esptool takes them; empty for what fits the board.
            baud: speed of the transfer in bits a second, None for the ROM's.
        """
        ...

    def with_console(self) -> bool:
        """Reset the board as its console is about to be opened.

        Returns:
            Whether that is left to the lines of its port, once they are open.
        """
        ...

    @property
    def control(self) -> Control | None:
        """What resets the board while its console is read; None for the lines of its port."""
        ...


class Power(Protocol):
    """Switches the board's power."""

    is_switchable: bool
    """Whether there is anything that switches it."""

    def on(self) -> None:
        """Switch it on.

        Raises:
            UsageError: nothing switches the power of this board.
            BoardError: the command failed.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def off(self) -> None:
        """Switch it off; raises as :meth:`on`."""
        ...

    def cycle(self) -> None:
        """Switch it off and on again; raises as :meth:`on`."""
        ...

    def restore(self) -> None:
        """Switch it on whatever the session's token says; raises as :meth:`on` else."""
        ...


class Chip(Protocol):
    """What the board says of itself."""

    def identify(self) -> BoardIdentity:
        """Ask it what it is, and remember that; resets it.

        It is also seen whether what was flashed by espdeck is still there.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def identity(self) -> BoardIdentity:
        """What it is; asks it unless that is known for sure. Raises as :meth:`identify`."""
        ...

    def efuses(self) -> tuple[Efuse, ...]:
        """Read its eFuses. Raises as :meth:`identify`."""
        ...


class Flash(Protocol):
    """The board's flash."""

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
        """Write an image, verify it, and start it; as :func:`engine.boards.flasher.flash`.

        Where the image wants another start (:attr:`engine.images.image.Image.after`), and
        ``options`` say nothing else, that is done.

        Args:
            image: what to write.
            options: how.
            on_output, on_progress, timeout: as there.
            flashed: what the board runs then, for who asks later; None for nobody knows what.

        Raises:
            BoardError: it cannot be written; its start would burn eFuses and that is not wanted;
                the chip would not start it.
            UsageError: the program alone is wanted, and the image has none.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def verify(
        self,
        image: Image,
        options: FlashOptions,
        *,
        timeout: float,
        flashed: Flashed | None = None,
    ) -> None:
        """Compare the flash with an image.

        Args:
            image: what it should hold.
            options: how to reach the board, and whether only the app matters.
            timeout: seconds for all of it.
            flashed: what the board runs if it holds that; None for nobody knows what.

        Raises:
            FlashDiffersError: it holds something else.
            BoardError: it cannot be read.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def read(
        self,
        file: Path,
        *,
        offset: int,
        size: int,
        baud: int | None = None,
        on_progress: Callable[[float, str], None],
    ) -> None:
        """Copy ``size`` bytes of the flash from ``offset`` into a file.

        Raises:
            BoardError: it cannot be read, or ends before.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def erase(self, region: tuple[int, int] | None) -> None:
        """Erase the flash, or a region (offset and size in bytes) of it.

        Raises:
            UsageError: the region does not begin or end at a sector.
            BoardError: it cannot be erased.
            CancelledError, Interrupted: as the session's token says.
        """
        ...

    def partition_table(
        self, *, at: int | None = None, expected: int | None = None
    ) -> PartitionTable | None:
        """The partition table in the flash; None where there is none.

        Args:
            at: where to look, and nowhere else; None to find it.
            expected: where the build that the board runs has it, None where that is not known.

        Raises:
            PartitionTableError: there is one that ESP-IDF refuses.
            BoardError: it does not answer.
            CancelledError, Interrupted: as the session's token says.
        """
        ...
