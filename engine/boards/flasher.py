"""A board's flash and eFuses through esptool: identify, write, verify, read, erase."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.boards import esptool as boards_esptool
from engine.boards import esptool_child
from engine.boards.esptool import Connection, espefuse, esptool
from engine.boards.esptool_child import Description, Request
from engine.boards.identity import BoardIdentity, parse_identity
from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.images.image import FlashPart, Image

SECTOR_BYTES = 4096
"""Bytes that are erased at once: offsets and sizes of an erasure are multiples of it."""

_ANSWER_SECONDS = 30.0
_PROGRESS = re.compile(rb"^(?:Writing at|Reading from) 0x([0-9a-fA-F]+) .*?([0-9.]+)%")
_VERIFIED = "Hash of data verified."
_NOT_COMPARED = "Cannot verify written data if encrypted"
_SIZES = {1 << 20: "MB", 1 << 10: "KB"}

OnLine = Callable[[bytes], None]
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class FlashResult:
    """An image that was written.

    Args:
        seconds: that it took.
        identity: what the board said of itself.
        verified: whether what is in flash was compared; what a chip encrypts cannot be.
    """

    seconds: float
    identity: BoardIdentity
    verified: bool


@dataclass(frozen=True, slots=True)
class Efuse:
    """One eFuse field: ``category`` groups it as espefuse does, ``value`` is for people."""

    name: str
    category: str
    value: str
    description: str


def identify(
    connection: Connection, *, cancel: CancelToken, timeout: float = _ANSWER_SECONDS
) -> BoardIdentity:
    """Ask a board what it is; resets it.

    Args:
        connection: the board.
        cancel: ends it early.
        timeout: seconds for all of it.

    Raises:
        BoardError: the port cannot be used, the board does not answer, or is an ESP8266.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    return look_at(connection, None, cancel=cancel, timeout=timeout)[0]


def look_at(
    connection: Connection,
    region: tuple[int, int] | None,
    *,
    cancel: CancelToken,
    timeout: float = _ANSWER_SECONDS,
) -> tuple[BoardIdentity, str]:
    """Ask a board what it is, and for the MD5 of a region of its flash; resets it.

    Args:
        connection: the board.
        region: offset and length in bytes; None for none.
        cancel: ends it early.
        timeout: seconds for all of it.

    Returns:
        What it is, and the MD5 in hex; empty where the flash is encrypted or ends before.

    Raises:
        BoardError, CancelledError, Interrupted: as :func:`identify`.
    """
    said = _Said()
    request = replace(_request(connection), look=region)
    boards_esptool.ask(connection, request, cancel=cancel, timeout=timeout, on_line=said.take)
    return said.identity(connection.port), said.md5


def flash(
    connection: Connection,
    image: Image,
    *,
    on_output: OnLine,
    on_progress: OnProgress,
    cancel: CancelToken,
    timeout: float = 120.0,
    on_identity: Callable[[BoardIdentity], None] = lambda _identity: None,
    on_write: Callable[[], None] = lambda: None,
) -> FlashResult:
    """Write an image to a board, verify it by its hash, and leave it as ``connection`` says.

    Args:
        connection: the board; another chip than the image's is refused before a byte is written,
            and so is what the chip's eFuses would not start.
        image: what to write.
        on_output: called with what esptool prints, line by line, without its progress lines.
        on_progress: called with percent (0 to 100, of all parts by their size) and what is done.
        cancel: ends it early; the flash is then half written.
        timeout: seconds for all of it.
        on_identity: told what the board is, before anything is written.
        on_write: called before the first byte is written.

    Raises:
        BoardError: the port cannot be used, the board does not answer, is of another chip, vanished
            or did not keep what was written.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    started = time.monotonic()
    sizes = [part.path.stat().st_size for part in image.parts]
    total, said = max(1, sum(sizes)), _Said(on_identity)

    def take(line: bytes) -> None:
        said.take(line)
        found = _PROGRESS.match(line)
        if _is_writing(line):
            on_write()
        elif found is None:
            if not line.startswith(esptool_child.SAYS.encode()):
                on_output(line)
        else:
            index = _part_at(int(found[1], 16), image.parts)
            share = sum(sizes[:index]) + sizes[index] * float(found[2]) / 100
            name = image.parts[index].path.name
            on_progress(min(100.0, 100 * share / total), f"writing {name}")

    on_progress(0.0, "connecting")
    request = replace(_request(connection, image), command=("write-flash", *_header(image)))
    text = boards_esptool.ask(connection, request, cancel=cancel, timeout=timeout, on_line=take)
    verified = _VERIFIED in text
    if not verified and _NOT_COMPARED not in text:
        raise BoardError(f"{connection.port}: esptool did not verify what it wrote")
    on_progress(100.0, "verified" if verified else "written")
    return FlashResult(time.monotonic() - started, said.identity(connection.port), verified)


def verify(
    connection: Connection, image: Image, *, cancel: CancelToken, timeout: float = 120.0
) -> None:
    """Compare a board's flash with an image, by hash; nothing is written.

    Raises:
        BoardError: it holds something else, or as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    request = replace(
        _request(connection, image), command=("verify-flash", *_header(image)), compares=True
    )
    boards_esptool.ask(
        connection, request, cancel=cancel, timeout=timeout, on_line=lambda _line: None
    )


def read_flash(
    connection: Connection,
    file: Path,
    *,
    offset: int,
    size: int,
    on_progress: OnProgress,
    cancel: CancelToken,
    timeout: float = 600.0,
) -> None:
    """Copy a part of a board's flash into a file.

    Args:
        connection: the board.
        file: where to; replaced.
        offset, size: in bytes.
        on_progress: called with percent (0 to 100) and what is done.
        cancel: ends it early.
        timeout: seconds for all of it.

    Raises:
        BoardError: the flash ends before, the file cannot be written, or as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """

    def take(line: bytes) -> None:
        found = _PROGRESS.match(line)
        if found:
            on_progress(float(found[2]), "reading")

    on_progress(0.0, "connecting")
    made = file.with_name(f"{file.name}.part")
    try:
        made.touch()  # esptool would find out at the end only
    except OSError as error:
        raise BoardError(f"{file}: cannot be written: {error.strerror or error}") from error
    try:
        arguments = ["read-flash", hex(offset), hex(size), str(made)]
        esptool(connection, arguments, cancel=cancel, timeout=timeout, on_line=take)
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    on_progress(100.0, "read")


def erase(
    connection: Connection,
    *,
    region: tuple[int, int] | None,
    cancel: CancelToken,
    timeout: float = 180.0,
    on_write: Callable[[], None] = lambda: None,
) -> None:
    """Erase a board's flash.

    Args:
        connection: the board.
        region: offset and size in bytes, multiples of :data:`SECTOR_BYTES`; None erases all of it.
        cancel: ends it early.
        timeout: seconds for all of it.
        on_write: called before the first byte is erased.

    Raises:
        BoardError: as :func:`flash`, or the chip has flash encryption or Secure Boot.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    command = ("erase-flash",) if region is None else ("erase-region", *map(hex, region))

    def take(line: bytes) -> None:
        if _is_writing(line):
            on_write()

    request = replace(_request(connection), command=command, erases=True)
    boards_esptool.ask(connection, request, cancel=cancel, timeout=timeout, on_line=take)


def efuses(
    connection: Connection, *, cancel: CancelToken, timeout: float = 60.0
) -> tuple[Efuse, ...]:
    """Read a board's eFuses; none is ever written. Keys that cannot be read stay unknown.

    Raises:
        BoardError: as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
        file = Path(folder) / "efuses.json"
        arguments = ["summary", "--format", "json", "--file", str(file)]
        espefuse(connection, arguments, cancel=cancel, timeout=timeout)
        found = json.loads(file.read_text("utf-8"))
    return tuple(
        Efuse(
            name=str(each["name"]),
            category=str(each["category"]),
            value=str(each["value"]),
            description=str(each["description"]),
        )
        for each in found.values()
    )


class _Said:
    """What esptool says of a board, from its first lines."""

    def __init__(
        self, on_identity: Callable[[BoardIdentity], None] = lambda _identity: None
    ) -> None:
        self._on_identity = on_identity
        self._told = False
        self._text = b""
        self._found: Description | None = None

    def take(self, line: bytes) -> None:
        """Take the next line."""
        if self._found is None:
            if line.startswith(esptool_child.SAYS.encode()):
                said = line.decode("utf-8", "replace").removeprefix(esptool_child.SAYS)
                self._found = Description.from_json(said)
        elif not self._told and line.strip():
            self._text += line
        elif not self._told and self._text:  # an empty line ends what it is
            self._told = True
            self._on_identity(self._identity(self._found))

    @property
    def md5(self) -> str:
        """Of the flash that was looked at."""
        return self._found.md5 if self._found else ""

    def identity(self, port: str) -> BoardIdentity:
        """What the board is.

        Raises:
            BoardError: esptool did not say.
        """
        if self._found is None:
            raise BoardError(f"{port}: esptool did not say which chip it found")
        return self._identity(self._found)

    def _identity(self, found: Description) -> BoardIdentity:
        """The chip and its protection from esptool's library, details as esptool prints them."""
        printed = parse_identity(self._text.decode("utf-8", "replace"))
        details = printed or BoardIdentity(found.chip, "", "", None, ())
        return replace(
            details, chip=found.chip, flash_size=found.flash_size, protection=found.protection
        )


def _is_writing(line: bytes) -> bool:
    """Whether esptool goes on to change the flash."""
    return line.rstrip() == esptool_child.WRITES.encode()


def _request(connection: Connection, image: Image | None = None) -> Request:
    return Request(
        port=connection.port,
        before=connection.before,
        after=connection.after,
        baud=connection.baud,
        image=image,
    )


def _header(image: Image) -> tuple[str, ...]:
    """Mode, frequency and size lie in the header of the bootloader: written, they are these."""
    return (
        *("--flash-mode", image.flash_mode),
        *("--flash-freq", image.flash_freq),
        *("--flash-size", _size_word(image.flash_size)),
    )


def _part_at(address: int, parts: Sequence[FlashPart]) -> int:
    """Which part an address is in; progress lines give the end of what is written."""
    before = [i for i, part in enumerate(parts) if part.offset < address]
    return max(before, key=lambda i: parts[i].offset, default=0)


def _size_word(size: int | None) -> str:
    for unit, name in _SIZES.items():
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    return "keep"
