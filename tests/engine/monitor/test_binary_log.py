"""Binary logs: frames become lines, whatever is around them and however they come."""

from __future__ import annotations

import functools
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.monitor.binary_log import NO_PROGRAM, BinaryLog

NOLOAD, DROM = 0x10, 0x3C00_0020
FORMATS = (
    *("count %d of %u", "%s is %5.2f V", "0x%08x %#x %#o %p %c%%", "%lld %hhd %-6s|%*d|"),
    "__ESP_BUFFER_HEX_FORMAT__ len %d, array %s, address %p",
    "__ESP_BUFFER_CHAR_FORMAT__ len %d, array %s, address %p",
    "__ESP_BUFFER_HEXDUMP_FORMAT__ len %d, array %s, address %p",
    "%999999d",
)


def crc(data: bytes) -> int:
    found = 0
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = (found << 1 ^ 0x07) & 0xFF if found & 0x80 else found << 1
    return found


def word(number: int) -> bytes:
    return number.to_bytes(4, "big")


def embedded(data: bytes) -> bytes:
    return (1 - len(data)).to_bytes(2, "big", signed=True) + data


def frame(
    format_at: bytes, *arguments: bytes, level: int = 3, time: int = 310, source: int = 2
) -> bytes:
    long = time >> 32 != 0
    body = format_at + word(DROM) + time.to_bytes(8 if long else 4, "big") + b"".join(arguments)
    size = 3 + len(body) + 1
    data = bytes([source]) + (long << 13 | level << 10 | size).to_bytes(2, "big") + body
    return data + bytes([crc(data)])


def where(text: str) -> bytes:
    """Address of a format in the program."""
    before = FORMATS[: FORMATS.index(text)]
    return word(NOLOAD + sum(len(each) + 1 for each in before))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ELF with formats that are not loaded, and a tag in flash."""
    names = b"\0.noload\0.rodata\0.shstrtab\0"
    contents = ["".join(f"{each}\0" for each in FORMATS).encode(), b"app\0word\0", names]
    sections, at = [struct.pack("<10I", *[0] * 10)], 52
    for name, address, flags, data in zip(
        (1, 9, 17), (NOLOAD, DROM, 0), (0, 2, 0), contents, strict=True
    ):
        kind = 3 if name == 17 else 1
        sections.append(struct.pack("<10I", name, kind, flags, address, at, len(data), 0, 0, 1, 0))
        at += len(data)
    head = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 243, 1, 0, 0, at, 0, 52, 0, 0, 40, 4, 3
    )
    path = tmp_path_factory.mktemp("program") / "app.elf"
    path.write_bytes(head + b"".join(contents) + b"".join(sections))
    return path


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (frame(where(FORMATS[0]), word(7), word(2**32 - 1)), "I (310) app: count 7 of 4294967295"),
        (
            frame(where(FORMATS[1]), word(DROM + 4), struct.pack(">d", 3.3), level=1),
            "E (310) app: word is  3.30 V",
        ),
        (
            frame(where(FORMATS[1]), embedded(b"stack"), struct.pack(">d", 3.3), level=2),
            "W (310) app: stack is  3.30 V",
        ),
        (
            frame(where(FORMATS[2]), *map(word, (10, 255, 8, 0x3FC9_0000, ord("x")))),
            "I (310) app: 0x0000000a 0xff 010 0x3fc90000 x%",
        ),
        (
            frame(
                where(FORMATS[3]),
                *((-5).to_bytes(8, "big", signed=True), word(0x1FE), embedded(b"ab")),
                *(word(4), word(9)),
                time=1 << 40,
            ),
            f"I ({1 << 40}) app: -5 -2 ab    |   9|",
        ),
        (
            frame(where(FORMATS[4]), word(3), embedded(b"\x01\n\xff"), word(DROM)),
            "I (310) app: 01 0a ff",
        ),
        (frame(where(FORMATS[5]), word(3), embedded(b"a\nb"), word(DROM)), "I (310) app: ab"),
        (
            frame(where(FORMATS[6]), word(3), embedded(b"a\nb"), word(DROM)),
            f"I (310) app: 0x3c000020   {'61 0a 62':<48}  |a.b|",
        ),
        (frame(where(FORMATS[7]), word(1)), "I (310) app: " + "1".rjust(256)),
        (frame(embedded(b"text %d"), word(4)), "I (310) app: text 4"),
        (frame(word(0x900)), "I (310) app: <0x00000900>"),
    ],
)
def test_a_frame_is_the_line_that_it_stands_for(program: Path, data: bytes, line: str) -> None:
    text = BinaryLog(program).feed(b"boot\r\n> " + data + b"next\r\n").decode()
    assert text == f"boot\r\n> \n{line}\nnext\r\n"


@pytest.mark.slow
@given(
    st.lists(
        st.binary(max_size=8)
        | st.sampled_from(
            [frame(word(NOLOAD), word(1), word(2)), b"\x02", b"\x01\x0c\x10", b"a\n"]
        ),
        max_size=12,
    ).map(b"".join),
    st.integers(1, 9),
)
def test_the_text_does_not_depend_on_the_chunks(data: bytes, size: int) -> None:
    whole, pieces = BinaryLog(), BinaryLog()
    expected = whole.feed(data)
    found = b"".join(pieces.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert found == expected


@given(st.lists(st.binary(max_size=60), max_size=6), st.sampled_from(FORMATS))
def test_any_arguments_are_read_without_an_error(
    program: Path, arguments: list[bytes], text: str
) -> None:
    _log_of(program).feed(frame(where(text), *arguments))


@functools.cache
def _log_of(program: Path) -> BinaryLog:
    return BinaryLog(program)


def test_what_cannot_be_decoded_is_named_once() -> None:
    text = BinaryLog()
    said = text.feed(frame(word(NOLOAD), word(1), word(2)) * 5 + b"printf\r\n").decode()
    assert said == f"{NO_PROGRAM}\nprintf\r\n"


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no program" * 50])
def test_a_program_that_is_none_is_not_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(content)
    assert NO_PROGRAM in BinaryLog(path).feed(frame(word(NOLOAD))).decode()


def test_text_with_such_bytes_is_text() -> None:
    text = b"\x02 21.5\x03\r\n" * 50 + b"\x01\x02\x01\x02"
    binary = BinaryLog()
    assert binary.feed(text) + binary.feed(b"\r\n" * 600) == text + b"\r\n" * 600


@pytest.mark.slow
@pytest.mark.parametrize("begin", [b"\x01\x07\xff\x00", b"\x02\x04\x80\xfd", b"\x01"])
def test_what_begins_frames_and_is_none_costs_linear_time(begin: bytes) -> None:
    data = begin * ((1 << 20) // len(begin))
    binary, began = BinaryLog(), time.process_time()

    said = b"".join(binary.feed(data[at : at + 4096]) for at in range(0, len(data), 4096))

    assert data.startswith(said)
    assert len(said) > len(data) - 2048
    assert time.process_time() - began < 4.0
