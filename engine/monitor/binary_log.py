r"""ESP-IDF's binary logs (``CONFIG_LOG_MODE_BINARY``), made lines again by the program's ELF.

A frame is, in big-endian order: a byte that says who logs (1 bootloader, 2 app); 16 bits with
version (2), width of the time (1), level (3) and length of the whole frame (10); format and tag,
each an address in the ELF or, where its first bits are ones, a negative length and the text; the
time, 32 or 64 bits of milliseconds; the arguments; a CRC-8 (polynomial 0x07) that makes that of the
whole frame zero (``components/log/src/log_format_binary.c`` and ``README.rst`` there).

esp-idf-monitor reads them too, in an internal module that opens the ELF anew for every text and
trusts what it reads; this one has it read once, in a child process with bounds.
"""

from __future__ import annotations

import contextlib
import functools
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, ClassVar

from engine.formats.elf import MAX_BYTES, open_elf
from engine.processes.bounded import Reader, UnreadableError

NO_PROGRAM = (
    "--- binary log (CONFIG_LOG_MODE_BINARY): not shown, the program's ELF is not known; "
    "espdeck monitor --build N reads it"
)
NO_BOOTLOADER = "--- binary log of the bootloader: not shown, its ELF is not known"

_BOOTLOADER, _APP = 1, 2
_STARTS = re.compile(rb"[\x01\x02]")
_HEAD_BYTES = 3
_MIN_FRAME_BYTES = 15
_LEVELS = "NEWIDV"
_EMBEDDED = 0xFC
_MAX_WIDTH = 256
_MAX_TEXT_BYTES = 1024
_MAX_SECTION_BYTES = 32 << 20
_MAX_KEPT_TEXTS = 4096  # texts
_MAX_WAIT_SECONDS = 5.0  # that a program may keep its console waiting
_ROW_BYTES = 16
_BUFFER = re.compile(r"__ESP_BUFFER_(HEX|CHAR|HEXDUMP)_FORMAT__")
_SHF_ALLOC = 0x2
_CONVERSION = re.compile(
    r"%(?:%|(?P<flags>[-+ #0]{0,5})(?P<width>\*|\d{0,9})(?:\.(?P<precision>\*|\d{0,9}))?"
    r"(?P<length>hh|h|ll|l|z|j|t|L)?(?P<kind>[diuoxXfFeEgGaAcspS]))"
)


def _crc_table() -> bytes:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ 0x07) & 0xFF if value & 0x80 else value << 1
        table.append(value)
    return bytes(table)


_CRC = _crc_table()


class _Checksums:
    """CRC-8 of any frame in some bytes, each byte read once however many frames may begin.

    The checksum is linear: that of a piece is what it adds to the checksum of all before it, had
    as many zeros followed there.
    """

    _behind: ClassVar[list[bytes]] = [bytes(range(256))]  # by how many zeros follow

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sums: list[int] = []

    def of(self, at: int, length: int) -> int:
        """The checksum of so many bytes from a place on."""
        if not self._sums:
            self._sums = list(accumulate(self._data, lambda crc, byte: _CRC[crc ^ byte], initial=0))
        while len(self._behind) <= length:
            self._behind.append(self._behind[-1].translate(_CRC))
        return self._sums[at + length] ^ self._behind[length][self._sums[at]]


class BinaryLog:
    """Replaces the frames in what a console says by the lines that they stand for.

    Args:
        program: ELF of the program that runs; None when nobody knows. Its bootloader's is looked
            for beside it, as ESP-IDF's build has it.
    """

    def __init__(self, program: Path | None = None) -> None:
        self._programs: dict[int, Path | None] = {_APP: program, _BOOTLOADER: None}
        if program is not None:
            self._programs[_BOOTLOADER] = program.parent / "bootloader" / "bootloader.elf"
        self._texts: dict[int, _Texts | None] = {}
        self._held = b""
        self._is_in_line = False
        self._told: set[str] = set()

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; what they say as text. A frame that has begun is waited for."""
        if not self._held and b"\x01" not in data and b"\x02" not in data:
            if data:
                self._is_in_line = not data.endswith((b"\n", b"\r"))
            return data
        data = self._held + data
        self._held = b""
        out: list[bytes] = []
        begin = at = 0
        checksums = _Checksums(data)
        while found := _STARTS.search(data, at):
            at = found.start()
            length = _frame_length(data, at)
            if length is None:
                at += 1
                continue
            if at + length > len(data):
                self._held = data[at:]
                data = data[:at]
                break
            if checksums.of(at, length):
                at += 1
                continue
            self._add(data[begin:at], out)
            for line in self._lines(data[at : at + length]):
                self._add(b"\n" if self._is_in_line else b"", out)
                self._add(line.encode("utf-8", "replace") + b"\n", out)
            at = begin = at + length
        self._add(data[begin:], out)
        return b"".join(out)

    def _add(self, text: bytes, out: list[bytes]) -> None:
        if text:
            out.append(text)
            self._is_in_line = not text.endswith((b"\n", b"\r"))

    def _lines(self, frame: bytes) -> Iterator[str]:
        texts = self._load(frame[0])
        if texts is not None:
            yield from _Frame(frame, texts).lines()
            return
        note = NO_PROGRAM if frame[0] == _APP else NO_BOOTLOADER
        if note not in self._told:
            self._told.add(note)
            yield note

    def _load(self, source: int) -> _Texts | None:
        if source not in self._texts:
            path = self._programs[source]
            found = None
            with contextlib.suppress(OSError, UnreadableError):
                found = _Texts(path) if path is not None else None
            self._texts[source] = found
        return self._texts[source]


class _Texts:
    """Texts of a program by their addresses, those that are not loaded among them.

    Args:
        path: ELF of the program. Untrusted.

    Raises:
        OSError, UnreadableError: it is none.
    """

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path, __name__, MAX_BYTES)
        self._reader.ask("sections", seconds=_MAX_WAIT_SECONDS)
        self._is_given_up = False
        self.at = functools.lru_cache(_MAX_KEPT_TEXTS)(self._at)

    def _at(self, address: int, size: int | None = None) -> bytes:
        """What lies at an address: so many bytes, or up to the NUL."""
        if address == 0 and size is None:
            return b"(null)"
        found = None
        if not self._is_given_up:
            try:
                found = self._reader.ask("text", address, size, seconds=_MAX_WAIT_SECONDS)
            except UnreadableError:
                self._is_given_up = True  # else each text would be waited for
        if isinstance(found, str) and len(found) <= _MAX_TEXT_BYTES:
            return found.encode("latin-1", "replace")
        return b"<0x%08x>" % address


@dataclass(frozen=True, slots=True)
class _Sections:
    """What of a program has texts: sections that are loaded, and the one that is not."""

    loaded: tuple[tuple[int, bytes], ...]
    noload: tuple[int, bytes]


@functools.lru_cache(maxsize=1)
def _sections(file: BinaryIO) -> _Sections:
    loaded, noload = [], (0, b"")
    for section in open_elf(file).iter_sections():
        if section["sh_type"] == "SHT_NOBITS" or section["sh_size"] > _MAX_SECTION_BYTES:
            continue
        if section.name == ".noload":
            noload = (section["sh_addr"], section.data())
        elif section["sh_flags"] & _SHF_ALLOC:
            loaded.append((section["sh_addr"], section.data()))
    return _Sections(tuple(loaded), noload)


def sections(file: BinaryIO) -> None:
    """See that a program can be read. Runs in a child process, as does :func:`text`."""
    _sections(file)


def text(file: BinaryIO, address: int, size: int | None) -> str | None:
    """What lies at an address of a program, a character a byte; None where nothing does."""
    found = _sections(file)
    for start, data in (found.noload,) if address < 1 << 24 else found.loaded:
        if start <= address < start + len(data):
            at = address - start
            end = at + size if size is not None else data.find(b"\0", at, at + _MAX_TEXT_BYTES)
            return (data[at:end] if end >= 0 else data[at : at + _MAX_TEXT_BYTES]).decode("latin-1")
    return None


class _Frame:
    """One frame, read from its beginning on."""

    def __init__(self, frame: bytes, texts: _Texts) -> None:
        control = int.from_bytes(frame[1:_HEAD_BYTES], "big")
        self._level = _LEVELS[control >> 10 & 7]
        self._rest = memoryview(frame)[_HEAD_BYTES:-1]
        self._texts = texts
        self._format = self._text()
        self._tag = self._text()
        self._time = self._number(8 if control >> 13 & 1 else 4)

    def lines(self) -> Iterator[str]:
        """As a text log would have it."""
        head = f"{self._level} ({self._time}) {self._tag}: "
        buffer = _BUFFER.match(self._format)
        for text in self._rows(buffer[1]) if buffer else (self._message(),):
            yield head + text

    def _take(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)

    def _number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "big", signed=signed)

    def _data(self, size: int | None = None) -> bytes:
        if self._rest and self._rest[0] >= _EMBEDDED:
            return self._take(1 - self._number(2, signed=True))
        return self._texts.at(self._number(4), size)

    def _text(self) -> str:
        return self._data().rstrip(b"\0").decode("utf-8", "replace")

    def _message(self) -> str:
        return _CONVERSION.sub(self._formatted, self._format)

    def _formatted(self, found: re.Match[str]) -> str:
        kind = found["kind"]
        if kind is None:
            return "%"
        if not self._rest:
            return found[0]  # the frame has fewer arguments than its format
        width, precision = (self._size(found[name]) for name in ("width", "precision"))
        shape = f"%{found['flags']}{width}" + (
            f".{precision}" if found["precision"] is not None else ""
        )
        if kind in "sS":
            return f"{shape}s" % self._text()
        if kind in "fFeEgGaA":
            number = float(struct.unpack(">d", self._take(8).ljust(8, b"\0"))[0])
            return number.hex() if kind in "aA" else f"{shape}{kind}" % number
        if kind == "c":
            return f"{shape}s" % chr(self._number(4) & 0xFF)
        if kind == "p":
            return f"{shape}s" % f"0x{self._number(4):x}"
        signed = kind in "di"
        number = self._number(8 if found["length"] in ("ll", "j") else 4, signed=signed)
        narrow = {"h": 16, "hh": 8}.get(found["length"] or "")
        if narrow:
            number &= (1 << narrow) - 1
            number -= (1 << narrow) if signed and number >> narrow - 1 else 0
        if kind == "o" and "#" in found["flags"]:  # Python writes 0o17 for it, C 017
            side = "-" if "-" in found["flags"] else ""
            return f"%{side}{width}s" % f"0{number:o}"
        return f"{shape}{kind if kind in 'oxX' else 'd'}" % number

    def _size(self, text: str | None) -> str:
        if not text:
            return ""
        return str(min(self._number(4) if text == "*" else int(text), _MAX_WIDTH))

    def _rows(self, kind: str) -> Iterator[str]:
        """A buffer, as ``ESP_LOG_BUFFER_HEX``, ``_CHAR`` and ``_HEXDUMP`` show it."""
        size = min(self._number(4), _MAX_TEXT_BYTES)
        data = self._data(size)
        address = self._number(4)
        for start in range(0, len(data), _ROW_BYTES):
            row = data[start : start + _ROW_BYTES]
            if kind == "HEX":
                yield row.hex(" ")
            elif kind == "CHAR":
                yield "".join(chr(byte) for byte in row if 32 <= byte < 127)
            else:
                half = _ROW_BYTES // 2
                characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
                numbers = f"{row[:half].hex(' ')}  {row[half:].hex(' ')}"
                yield f"0x{address + start:08x}   {numbers:<48}  |{characters}|"


def _frame_length(data: bytes, at: int) -> int | None:
    """Bytes of the frame that may begin there; None where none does."""
    head = data[at : at + _HEAD_BYTES + 1]
    if len(head) < 2:
        return _MIN_FRAME_BYTES
    if head[1] >> 6 or not 1 <= head[1] >> 2 & 7 <= 5:
        return None
    if len(head) < _HEAD_BYTES:
        return _MIN_FRAME_BYTES
    length = (head[1] & 3) << 8 | head[2]
    if length < _MIN_FRAME_BYTES:
        return None
    # A text's address lies in .noload, in flash or in RAM; a text itself begins with ones.
    if len(head) > _HEAD_BYTES and not (
        head[3] == 0 or 0x3C <= head[3] <= 0x50 or head[3] >= _EMBEDDED
    ):
        return None
    return length
