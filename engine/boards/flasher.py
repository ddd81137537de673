"""Flashing: the real esptool, in a process of its own.

What it prints is documented by example only (esptool documentation, "Basic Commands"); the lines
that are read here are those of esptool 5.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.boards import ports
from engine.cancel import CancelToken
from engine.errors import BoardError, ToolError
from engine.image import FlashPart, Image
from engine.process import Completed, run

CONNECT_ATTEMPTS = 5
"""How often esptool tries to get an answer; each takes a second or two."""

_PROGRESS = re.compile(rb"^Writing at 0x([0-9a-fA-F]+) .*?([0-9.]+)%")
_VERIFIED = "Hash of data verified."
_SIZES = {1 << 20: "MB", 1 << 10: "KB"}
_QUIET_TERMINAL = {"TERM": "dumb", "NO_COLOR": "1", "PYTHONUTF8": "1", "COLUMNS": "100"}


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


def identify(
    port: str,
    *,
    cancel: CancelToken,
    on_output: Callable[[bytes], None] | None = None,
    timeout: float = 30.0,
) -> BoardIdentity:
    """Ask a board what it is; resets it.

    Args:
        port: a serial port or URL.
        cancel: ends it early.
        on_output: called with what esptool prints, line by line.
        timeout: seconds for all of it.

    Raises:
        BoardError: the port cannot be used or the board does not answer.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    done = _esptool(port, ["flash-id"], on_output or (lambda line: None), cancel, timeout)
    if done.returncode != 0:
        raise BoardError(_reason(port, done.tail))
    identity = parse_identity(done.tail)
    if identity is None:
        raise BoardError(f"{port}: esptool did not say which chip it found")
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
    port: str,
    image: Image,
    *,
    on_output: Callable[[bytes], None],
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
    timeout: float = 120.0,
    baud: int = 460800,
) -> float:
    """Write an image to a board, verify it by its hash, and reset the board into it.

    Args:
        port: a serial port or URL.
        image: what to write, for the chip it is for.
        on_output: called with what esptool prints, line by line, without its progress lines.
        on_progress: called with percent (0 to 100, of all parts by their size) and what is done.
        cancel: ends it early; the flash is then half written.
        timeout: seconds for all of it.
        baud: speed while flashing, in bits a second.

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
    arguments = ["write-flash", "--flash-mode", image.flash_mode, "--flash-freq", image.flash_freq]
    arguments += ["--flash-size", _size_word(image.flash_size)]
    for part in image.parts:
        arguments += [hex(part.offset), str(part.path)]
    options = ["--chip", image.target, "--baud", str(baud)]
    done = _esptool(port, [*options, *arguments], take, cancel, timeout)
    if done.returncode != 0:
        raise BoardError(_reason(port, done.tail))
    if _VERIFIED not in done.tail:
        raise BoardError(f"{port}: esptool did not verify what it wrote")
    on_progress(100.0, "verified")
    return time.monotonic() - started


def _esptool(
    port: str,
    arguments: Sequence[str],
    on_line: Callable[[bytes], None],
    cancel: CancelToken,
    timeout: float,
) -> Completed:
    ports.check(port)
    command = [sys.executable, "-P", "-m", "esptool", "--port", port]
    command += ["--connect-attempts", str(CONNECT_ATTEMPTS), *arguments]
    rest = b""

    def split(chunk: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
        for line in lines:
            on_line(line + b"\n")

    try:
        done = run(command, timeout=timeout, cancel=cancel, on_output=split, env=_QUIET_TERMINAL)
    except ToolError as error:
        raise BoardError(f"{port}: esptool took longer than {timeout:g} s") from error
    if rest:
        on_line(rest + b"\n")
    return done


def _reason(port: str, text: str) -> str:
    """One line for what esptool complained of."""
    wrong = re.search(r"This chip is ([\w-]+), not ([\w-]+)", text)
    if wrong:
        return f"{port}: the board is an {wrong[1]}, the image is for {wrong[2]}"
    if "Failed to connect to" in text:
        return f"{port}: no answer; hold BOOT, press RESET, let go of BOOT, and try again"
    known = ports.explain(port, text)
    if known:
        # Once it has talked to a board, a port that cannot be opened again is one that went.
        return ports.vanished(port) if "\nConnected to " in text else known
    if "MD5 of file does not match" in text:
        return f"{port}: the flash did not keep what was written; it may be worn out or locked"
    fatal = re.findall(r"(?:A fatal error occurred|[Ee]rror): (.+)", text)
    lines = [line for line in text.splitlines() if line.strip()]
    return f"{port}: esptool: {(fatal or lines or ['no reason given'])[-1].strip()}"


def _part_at(address: int, parts: Sequence[FlashPart]) -> int:
    """Which part an address is in; progress lines give the end of what is written."""
    before = [i for i, part in enumerate(parts) if part.offset < address]
    return max(before, key=lambda i: parts[i].offset, default=0)


def _size_word(size: int | None) -> str:
    for unit, name in _SIZES.items():
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    return "keep"
