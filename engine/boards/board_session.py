"""A board in one's hands: everything that is done with it while nobody else may."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.boards import flasher, partition_table, secure_images, serial_console
from engine.boards.board_files import BoardFiles, Flashed
from engine.boards.esptool import Connection
from engine.boards.flasher import Efuse, Written
from engine.boards.identity import BoardIdentity
from engine.boards.names import is_virtual
from engine.boards.partition_table import FoundTable
from engine.boards.reconnecting import RETRIES, Again
from engine.boards.reset_control import ByCommand, ByFlasher, ResetWanted
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput, Control
from engine.enums import ArtifactKind
from engine.errors import (
    BoardError,
    BoardGoneError,
    FlashDiffersError,
    MissingToolError,
    ToolError,
    UsageError,
)
from engine.images.image import Image
from engine.process import run
from engine.settings import BoardSettings

POWER_OFF_SECONDS = 1.0
"""How long a board is without power when it is switched off and on."""

_COMMAND_SECONDS = 30.0


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


class BoardSession:
    """A board that :meth:`engine.boards.service.Boards.use` holds; of no use after that.

    What a board that vanishes interrupts is done again when it is back.
    """

    def __init__(
        self,
        name: str,
        *,
        lock: int,
        open_url: Callable[[CancelToken], str],
        commands: BoardSettings,
        known: BoardIdentity | None,
        desk: BoardFiles,
        remember: Callable[[BoardIdentity], None],
        show: Callable[[str], None],
        hear: Callable[[bytes], None],
        cancel: CancelToken,
        on_note: Callable[[str], None],
    ) -> None:
        """Take it in hand.

        Args:
            name: as the settings name it.
            lock: the descriptor that keeps it ours, for programs that work with it to inherit.
            open_url: what esptool and pyserial open now; starts a virtual board. Raises BoardError.
            commands: what resets and powers it, where it has no DTR and RTS for that.
            known: what it is, where that cannot have changed.
            desk: where what was flashed on it is kept.
            remember: told what it says of itself.
            show: told in a few words what is being done with it, for lists of boards.
            hear: given what its console says, for lists of boards too.
            cancel: ends everything that is done with it.
            on_note: called with lines for people: that it vanished, that it is waited for.
        """
        self.name = name
        self._open = open_url
        self._commands = commands
        self._known = known
        self._desk = desk
        self._remember = remember
        self._show = show
        self._hear = hear
        self._cancel = cancel
        self._say = on_note
        self._lock = lock
        self._again = Again(
            url=lambda: self.url,
            power_cycle=(lambda: self.power("cycle")) if commands.power_command else None,
            cancel=cancel,
            say=on_note,
        )

    @property
    def lock(self) -> int:
        """The descriptor that keeps it ours, for programs that work with it to inherit."""
        return self._lock

    @property
    def url(self) -> str:
        """What esptool and pyserial open now; it may be another port after a replug.

        Raises:
            BoardError: it is not there.
        """
        return self._open(self._cancel)

    def identify(self) -> BoardIdentity:
        """Ask it what it is, and remember that; resets it.

        It is also seen whether what was flashed by espdeck is still there.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the token says.
        """

        flashed = self._desk.flashed
        sample = flashed.sample if flashed is not None and flashed.md5 else None

        def ask() -> tuple[BoardIdentity, str]:
            with self._bootloader() as reach:
                if sample is None:
                    return flasher.identify(reach, cancel=self._cancel), ""
                return flasher.look_at(reach, sample, cancel=self._cancel)

        identity, md5 = self._again(ask)
        self._remember(identity)
        if flashed is not None and md5 not in ("", flashed.md5):
            self._say(f"{self.name}: something else than {flashed} was flashed on it")
            self._desk.forget_flashed()
        return identity

    def identity(self) -> BoardIdentity:
        """What it is; asks it unless that is known for sure.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the token says.
        """
        return self._known or self.identify()

    def flash(
        self,
        image: Image,
        options: FlashOptions,
        *,
        on_output: Callable[[bytes], None],
        on_progress: Callable[[float, str], None],
        timeout: float,
        flashed: Flashed | None = None,
    ) -> Written:
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
                the chip would not start it; no app in it.
            CancelledError, Interrupted: as the token says.
        """
        if not options.secure:
            secure_images.check_plain(image)
        if options.app_only:
            whole, image = image, _app_of(image)
            image = partition_table.place_app(image, whole, self._read, self._say)
            flashed = flashed and flashed.moved(_app_of(whole).parts[0], image.parts[0])

        def progress(percent: float, what: str) -> None:
            self._show(f"flash {percent:.0f} %")
            on_progress(percent, what)

        def write() -> Written:
            before, after = options.before or image.before, options.after or image.after
            with self._bootloader(before, after, options.baud) as reach:
                return flasher.flash(
                    reach,
                    image,
                    on_output=on_output,
                    on_progress=progress,
                    cancel=self._cancel,
                    timeout=timeout,
                    on_identity=self._remember,
                    on_write=self._desk.forget_flashed,
                )

        written = self._again(write, busy=timeout)
        if flashed is not None:
            self._desk.remember_flashed(flashed)
        return written

    def verify(
        self,
        image: Image,
        options: FlashOptions,
        *,
        timeout: float,
        flashed: Flashed | None = None,
    ) -> None:
        """Compare its flash with an image.

        Args:
            image: what it should hold.
            options: how to reach it, and whether only the app matters.
            timeout: seconds for all of it.
            flashed: what the board runs if it holds that; None for nobody knows what.

        Raises:
            FlashDiffersError: it holds something else.
            BoardError: it cannot be read.
            CancelledError, Interrupted: as the token says.
        """
        if options.app_only:
            whole, image = image, _app_of(image)
            image = partition_table.place_app(image, whole, self._read, self._say)
            flashed = flashed and flashed.moved(_app_of(whole).parts[0], image.parts[0])

        self._show("verify")

        def compare() -> None:
            with self._bootloader(options.before, options.after, options.baud) as reach:
                flasher.verify(reach, image, cancel=self._cancel, timeout=timeout)

        try:
            self._again(compare, busy=timeout)
        except FlashDiffersError:
            if flashed is not None and flashed == self._desk.flashed:
                self._desk.forget_flashed()
            raise
        if flashed is not None:
            self._desk.remember_flashed(flashed)

    def read_flash(
        self,
        file: Path,
        *,
        offset: int,
        size: int,
        baud: int | None = None,
        on_progress: Callable[[float, str], None],
    ) -> None:
        """Copy ``size`` bytes of its flash from ``offset`` into a file.

        Raises:
            BoardError: it cannot be read, or ends before.
            CancelledError, Interrupted: as the token says.
        """

        def progress(percent: float, what: str) -> None:
            self._show(f"read {percent:.0f} %")
            on_progress(percent, what)

        def read() -> None:
            with self._bootloader(baud=baud) as reach:
                flasher.read_flash(
                    reach,
                    file,
                    offset=offset,
                    size=size,
                    on_progress=progress,
                    cancel=self._cancel,
                )

        self._again(read)

    def erase(self, region: tuple[int, int] | None) -> None:
        """Erase its flash, or a region (offset and size in bytes) of it.

        Raises:
            UsageError: the region does not begin or end at a sector.
            BoardError: it cannot be erased.
            CancelledError, Interrupted: as the token says.
        """
        for number in region or ():
            if number % flasher.SECTOR:
                raise UsageError(f"{number:#x}: flash is erased in sectors of {flasher.SECTOR:#x}")

        self._show("erase")

        flashed = self._desk.flashed

        def forget() -> None:
            if flashed is not None and (region is None or flashed.needs(*region)):
                self._desk.forget_flashed()

        def wipe() -> None:
            with self._bootloader() as reach:
                flasher.erase(reach, region=region, cancel=self._cancel, on_write=forget)

        self._again(wipe)

    def efuses(self) -> tuple[Efuse, ...]:
        """Read its eFuses.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the token says.
        """

        def read() -> tuple[Efuse, ...]:
            with self._bootloader() as reach:
                return flasher.efuses(reach, cancel=self._cancel)

        return self._again(read)

    def partition_table(
        self, *, at: int | None = None, expected: int | None = None
    ) -> FoundTable | None:
        """The partition table in its flash; None where there is none.

        Args:
            at: where to look, and nowhere else; None to find it.
            expected: where the build that it runs has it, None where that is not known.

        Raises:
            PartitionTableError: there is one that ESP-IDF refuses.
            BoardError: it does not answer.
            CancelledError, Interrupted: as the token says.
        """
        if at is not None:
            return partition_table.read_at(self._read, at)
        return partition_table.find(self._read, expected)

    def _read(self, offset: int, size: int) -> bytes:
        """Bytes of its flash."""
        with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
            file = Path(folder) / "flash.bin"
            self.read_flash(
                file, offset=offset, size=size, on_progress=lambda _percent, _what: None
            )
            return file.read_bytes()

    def listen(
        self,
        *,
        baud: int,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        seconds: float,
        reset: bool,
        keyboard: ConsoleInput | None = None,
        on_return: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Read its console; as :func:`engine.boards.serial_console.read_serial`.

        A board that was there and vanishes (a chip's own USB port does at each reset) is read on
        when it is back; the time without it does not count. It may be away for
        :data:`engine.boards.reconnecting.BACK_SECONDS`; for ever, where ``seconds`` is infinite.

        Args:
            baud, on_output, reset, keyboard: as there; it is reset at the beginning only.
            until: as there, told how many seconds it was listened to.
            seconds: how long to listen at the most.
            on_return: told for how many seconds it was away, when it is listened to again.

        Raises:
            BoardError: the port is absent or busy, or vanished for too long.
            CancelledError, Interrupted: as the token says.
        """
        self._show("listen")
        by_command = bool(self._commands.reset_command)
        if reset and by_command:
            self._command("reset_command", "run")
        by_lines, listened = reset and not by_command, 0.0
        gone_at: float | None = None

        def returned() -> None:
            nonlocal gone_at
            if gone_at is not None:
                away, gone_at = time.monotonic() - gone_at, None
                on_return(away)

        def take(data: bytes) -> None:
            returned()
            self._hear(data)
            on_output(data)

        def hear() -> None:
            nonlocal by_lines, listened, gone_at
            before, open_at = listened, None

            def is_enough() -> bool:
                nonlocal by_lines, listened, open_at
                returned()
                open_at = open_at or time.monotonic()
                listened = before + time.monotonic() - open_at
                by_lines, self._again.is_here = False, True
                return until(listened)

            try:
                serial_console.read_serial(
                    self.url,
                    baud=baud,
                    on_output=take,
                    until=is_enough,
                    seconds=seconds - before,
                    cancel=self._cancel,
                    reset=by_lines,
                    keyboard=keyboard,
                    control=self._control(),
                )
            except BoardError as error:
                if not self._again.is_here:
                    raise
                self._again.is_here, gone_at = False, time.monotonic()
                raise BoardGoneError(str(error)) from error

        def hear_on() -> None:
            while True:
                try:
                    return hear()
                except ResetWanted:
                    self.reset()

        # As often as a chip may well be reset in that time.
        patience = None if math.isfinite(seconds) else math.inf
        self._again(hear_on, patience=patience, tries=max(RETRIES, seconds), busy=patience)

    def reset(self) -> None:
        """Start its program anew.

        Raises:
            BoardError: the port cannot be used, or the command failed.
            CancelledError, Interrupted: as the token says.
        """
        if self._commands.reset_command:
            self._command("reset_command", "run")
        elif self.url.startswith("socket://"):
            # No reset line: what is behind it resets when a flasher leaves.
            flasher.identify(Connection(self.url, lock=self._lock), cancel=self._cancel)
        else:
            serial_console.reset(self.url, cancel=self._cancel)

    def park(self) -> bool:
        """Leave it in its bootloader, so that its program runs no more until the next reset.

        Returns:
            Whether it stays there; a ``socket://`` starts its program when a flasher leaves.

        Raises:
            BoardError: it does not answer.
            CancelledError, Interrupted: as the token says.
        """
        if self.url.startswith("socket://"):
            return False
        with self._bootloader(after="no-reset") as reach:
            flasher.identify(reach, cancel=self._cancel)
        return True

    def power(self, word: str) -> None:
        """Switch its power.

        Args:
            word: ``on``, ``off``, or ``cycle`` for off and on again.

        Raises:
            UsageError: another word, or no ``power_command`` for this board in the settings.
            BoardError: the command failed.
            CancelledError, Interrupted: as the token says.
        """
        if word not in ("on", "off", "cycle"):
            raise UsageError(f"power {word!r}: give on, off or cycle")
        if not self._commands.power_command:
            raise UsageError(
                f"{self.name}: no power_command in the settings (espdeck guide boards)"
            )
        if word != "cycle":
            self._command("power_command", word)
            return
        self._command("power_command", "off")
        self._cancel.wait(POWER_OFF_SECONDS)
        self._command("power_command", "on")

    @contextlib.contextmanager
    def _bootloader(
        self, before: str = "", after: str = "", baud: int | None = None
    ) -> Iterator[Connection]:
        """Have it in its bootloader for as long as the block runs."""
        reach = Connection(self.url, before=before, after=after, baud=baud, lock=self._lock)
        if not self._commands.reset_command:
            yield reach
            return
        self._command("reset_command", "bootloader")
        yield replace(reach, before=before or "no-reset", after="no-reset")
        if after in ("", "hard-reset"):
            self._command("reset_command", "run")

    def _control(self) -> Control | None:
        """What resets it while it is listened to, where DTR and RTS do not."""
        if self._commands.reset_command:
            return ByCommand(
                lambda word: self._command("reset_command", word), self._say, self.name
            )
        return ByFlasher(self._say) if is_virtual(self.name) else None

    def _command(self, setting: str, word: str) -> None:
        argv = [*getattr(self._commands, setting), word]
        shown = f"{self.name}: {setting} ({' '.join(argv)})"
        try:
            done = run(
                argv,
                timeout=_COMMAND_SECONDS,
                cancel=self._cancel,
                on_output=lambda _data: None,
                pass_fds=(self._lock,),
            )
        except (ToolError, MissingToolError) as error:
            raise BoardError(f"{shown}: {error}") from error
        if done.returncode:
            last = done.tail.strip().splitlines()[-1:]
            raise BoardError(
                f"{shown}: exit code {done.returncode}{': ' if last else ''}{''.join(last)}"
            )


def _app_of(image: Image) -> Image:
    parts = tuple(part for part in image.parts if part.kind is ArtifactKind.APP)
    if not parts:
        raise UsageError(f"{image.elf.name}: the image has no app of its own")
    return replace(image, parts=parts)
