"""Programs that lie about themselves cost neither time nor memory, whoever reads them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.formats.elf import open_elf
from engine.images.memory import program_regions
from engine.monitor import debug_info, panic
from engine.monitor.binary_log import NO_PROGRAM, BinaryLog
from engine.monitor.symbols import load_symbols
from engine.sizes import from_elf
from tests.hostile import CODE, Section, debug, elf, frames, lines

ROOT = Path("/w")
PANIC = (
    "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\n"
    f"MEPC    : 0x{CODE + 16:08x}  RA      : 0x{CODE + 32:08x}  SP      : 0x3fcbffe0\n"
    f"Stack memory:\n3fcbffe0: 0x{CODE + 16:08x} 0x{CODE + 32:08x}\nRebooting...\n"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        elf(shentsize=0, shnum=0xFFFF),
        elf(shentsize=0),
        elf(phentsize=0, phnum=0xFFFE),
        elf(phnum=0xFFFF),
        elf(shnum=0xFFFF),
        elf(*(Section(f".t{number}", 1024, flags=6) for number in range(3))),
        elf(Section(".debug_info", 0xF000000, 8)),
        elf(Section(".symtab", 0xF000000, 8, entry=16)),
        elf(Section(".strtab", 0xF000000, 8, flags=2)),
        elf(Section(".debug_info", b"", flags=0x800)),
    ],
    ids=[
        "sections without bytes",
        "sections of no size",
        "segments without bytes",
        "segments counted elsewhere",
        "more sections than the file has",
        "sections over one another",
        "debug information not in the file",
        "symbols not in the file",
        "names not in the file",
        "compressed",
    ],
)
def test_what_no_linker_writes_is_not_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(data)

    with path.open("rb") as stream, pytest.raises(Exception, match=r"."):
        open_elf(stream)
    assert load_symbols(path) is None
    assert from_elf.read(path, "esp32c3") is None
    assert program_regions(path, "esp32c3") == ()
    assert "addresses only" in (panic.decode(PANIC, path, ROOT)[0].evidence or "")
    # A frame of a binary log: an app's, an error.
    frame = bytes.fromhex("01081100000900000009000000013600")
    assert BinaryLog(path).feed(frame[:-1]) == b""
    assert NO_PROGRAM.startswith("---")


def test_a_program_without_sections_has_none(tmp_path: Path) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(elf(shnum=0, shentsize=0))
    with path.open("rb") as stream:
        assert list(open_elf(stream).iter_sections()) == []


@pytest.mark.parametrize(
    "data",
    [
        debug(lines(b"\0\5\2" + struct.pack("<I", CODE) + b"\x02" + b"\xff" * 200_000)),
        debug(lines(b"\0\5\2" + struct.pack("<I", CODE) + b"\x14" * 500_000 + b"\0\1\1")),
        elf(Section(".debug_info", bytes(200_000)), Section(".debug_abbrev", b"\xff" * 200_000)),
    ],
    ids=["a number without end", "half a million rows", "an abbreviation without end"],
)
def test_debug_information_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(debug_info, "MAX_SECONDS", 0.05)
    path = tmp_path / "app.elf"
    path.write_bytes(data)

    symbols = load_symbols(path)

    assert symbols is not None
    assert symbols.place(CODE + 16, ROOT).file is None


@pytest.mark.parametrize("copies", [b"\x41", b"\x0a"], ids=["rows", "remembered"])
def test_call_frame_information_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, copies: bytes
) -> None:
    saved = b"".join(bytes([5, number & 0x7F | 0x80, number >> 7, 1]) for number in range(2000))
    path = tmp_path / "app.elf"
    path.write_bytes(elf(frames(saved + copies * 20_000)))

    symbols = load_symbols(path)

    assert symbols is not None
    assert symbols.frame(CODE + 16) is None


def test_call_frame_information_of_a_long_function_is_read(tmp_path: Path) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(elf(frames(b"\x81\x01\x41" * 1000)))

    symbols = load_symbols(path)

    assert symbols is not None
    assert (found := symbols.frame(CODE + 16)) is not None
    assert found.cfa == (2, 0)


def test_a_name_without_an_end_is_cut(tmp_path: Path) -> None:
    entry = struct.pack("<IIIBBH", 0, CODE, 64, 2, 0, 1)
    path = tmp_path / "app.elf"
    path.write_bytes(
        elf(Section(".symtab", entry, 2, link=3, entry=16), Section(".strtab", b"A" * 100_000, 3))
    )

    symbols = load_symbols(path)

    assert symbols is not None
    assert symbols.function(CODE + 4) == "A" * 1000
