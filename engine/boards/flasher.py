"""A board's flash and eFuses through esptool: identify, write, verify, read, erase."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.boards.tool import Reach, espefuse, esptool
from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.image import FlashPart, Image

SECTOR = 4096
"""Bytes that are erased at once: offsets and sizes of an erasure are multiples of it."""

_ANSWER_SECONDS = 30.0
_PROGRESS = re.compile(rb"^(?:Writing at|Reading from) 0x([0-9a-fA-F]+) .*?([0-9.]+)%")
_VERIFIED = "Hash of data verified."
_SIZES = {1 << 20: "MB", 1 << 10: "KB"}

OnLine = Callable[[bytes], None]
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class BoardIdentity:
    """What a board says of itself.

    Args:
        chip: as a target is spelled, such as ``esp32c3``.
        revision: of the chip, such as ``v0.4``.
        mac: base address, six bytes in hex.
        flash_size: bytes, None where it could not be detected.
        features: as esptool lists them.
    """

    chip: str
    revision: str
    mac: str
    flash_size: int | None
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Efuse:
    """One eFuse field: ``category`` groups it as espefuse does, ``value`` is for people."""

    name: str
    category: str
    value: str
    description: str


def identify(
    reach: Reach, *, cancel: CancelToken, timeout: float = _ANSWER_SECONDS
) -> BoardIdentity:
    """Ask a board what it is; resets it.

    Args:
        reach: the board.
        cancel: ends it early.
        timeout: seconds for all of it.

    Raises:
        BoardError: the port cannot be used or the board does not answer.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    identity = parse_identity(esptool(reach, ["flash-id"], cancel=cancel, timeout=timeout))
    if identity is None:
        raise BoardError(f"{reach.port}: esptool did not say which chip it found")
    return identity


def parse_identity(text: str) -> BoardIdentity | None:
    """What esptool's ``flash-id`` printed, None if it names no chip."""
    chip = re.search(r"^Chip type:\s+(ESP[\w-]+).*?(?:\(revision (v[\d.]+)\))?\s*$", text, re.M)
    if chip is None:
        return None
    mac = re.search(r"^(?:BASE )?MAC:\s+([0-9a-f:]{17})", text, re.M)
    size = re.search(r"^Detected flash size:\s+(\d+)(KB|MB)", text, re.M)
    features = re.search(r"^Features:[ \t]+(\S.*)$", text, re.M)
    unit = {"KB": 1 << 10, "MB": 1 << 20}
    return BoardIdentity(
        chip=chip[1].lower().replace("-", ""),
        revision=chip[2] or "",
        mac=mac[1] if mac else "",
        flash_size=int(size[1]) * unit[size[2]] if size else None,
        features=tuple(re.split(r",\s*", features[1].strip())) if features else (),
    )


def flash(
    reach: Reach,
    image: Image,
    *,
    on_output: OnLine,
    on_progress: OnProgress,
    cancel: CancelToken,
    timeout: float = 120.0,
) -> float:
    """Write an image to a board, verify it by its hash, and reset the board into it.

    Args:
        reach: the board; another chip than the image's is refused before a byte is written.
        image: what to write.
        on_output: called with what esptool prints, line by line, without its progress lines.
        on_progress: called with percent (0 to 100, of all parts by their size) and what is done.
        cancel: ends it early; the flash is then half written.
        timeout: seconds for all of it.

    Returns:
        Seconds it took.

    Raises:
        BoardError: the port cannot be used, the board does not answer, is of another chip, vanished
            or did not keep what was written.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    started = time.monotonic()
    sizes = [part.path.stat().st_size for part in image.parts]
    total = max(1, sum(sizes))

    def take(line: bytes) -> None:
        found = _PROGRESS.match(line)
        if found is None:
            on_output(line)
            return
        index = _part_at(int(found[1], 16), image.parts)
        share = sum(sizes[:index]) + sizes[index] * float(found[2]) / 100
        name = image.parts[index].path.name
        on_progress(min(100.0, 100 * share / total), f"writing {name}")

    on_progress(0.0, "connecting")
    arguments = ["--chip", image.target, "write-flash", "--flash-mode", image.flash_mode]
    arguments += ["--flash-freq", image.flash_freq, "--flash-size", _size_word(image.flash_size)]
    said = esptool(
        reach, [*arguments, *_files(image)], cancel=cancel, timeout=timeout, on_line=take
    )
    if _VERIFIED not in said:
        raise BoardError(f"{reach.port}: esptool did not verify what it wrote")
    on_progress(100.0, "verified")
    return time.monotonic() - started


def verify(reach: Reach, image: Image, *, cancel: CancelToken, timeout: float = 120.0) -> None:
    """Compare a board's flash with an image, by hash; nothing is written.

    Raises:
        BoardError: it holds something else, or as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    # Mode, frequency and size lie in the image's header: written, they are the flasher's.
    arguments = ["--chip", image.target, "verify-flash", "--flash-mode", image.flash_mode]
    arguments += ["--flash-freq", image.flash_freq, "--flash-size", _size_word(image.flash_size)]
    esptool(reach, [*arguments, *_files(image)], cancel=cancel, timeout=timeout)


def read_flash(
    reach: Reach,
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
        reach: the board.
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
        esptool(reach, arguments, cancel=cancel, timeout=timeout, on_line=take)
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    on_progress(100.0, "read")


def erase(
    reach: Reach, *, region: tuple[int, int] | None, cancel: CancelToken, timeout: float = 180.0
) -> None:
    """Erase a board's flash.

    Args:
        reach: the board.
        region: offset and size in bytes, multiples of :data:`SECTOR`; None erases all of it.
        cancel: ends it early.
        timeout: seconds for all of it.

    Raises:
        BoardError: as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    arguments = ["erase-flash"] if region is None else ["erase-region", *map(hex, region)]
    esptool(reach, arguments, cancel=cancel, timeout=timeout)


def efuses(reach: Reach, *, cancel: CancelToken, timeout: float = 60.0) -> tuple[Efuse, ...]:
    """Read a board's eFuses; none is ever written. Keys that cannot be read stay unknown.

    Raises:
        BoardError: as :func:`flash`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
        file = Path(folder) / "efuses.json"
        arguments = ["summary", "--format", "json", "--file", str(file)]
        espefuse(reach, arguments, cancel=cancel, timeout=timeout)
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


def _files(image: Image) -> list[str]:
    return [word for part in image.parts for word in (hex(part.offset), str(part.path))]


def _part_at(address: int, parts: Sequence[FlashPart]) -> int:
    """Which part an address is in; progress lines give the end of what is written."""
    before = [i for i, part in enumerate(parts) if part.offset < address]
    return max(before, key=lambda i: parts[i].offset, default=0)


def _size_word(size: int | None) -> str:
    for unit, name in _SIZES.items():
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    return "keep"
