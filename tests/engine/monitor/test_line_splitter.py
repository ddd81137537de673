"""Line ends: the same lines however the bytes come, states of lines, what is cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.monitor.line_splitter import (
    MAX_LINE_BYTES,
    ColouredLine,
    LineCutter,
    RowCutter,
    StateCutter,
)
from engine.text import clean

PIECES = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r\n", b"ota 10 %", b"ota 20 %", b"I (1) a: b"),
        *(b"\x1b[31m", b"\x1b[0m", b"\x1b[K", b"\x1b]0;title\x07", b"\x1bP1\x1b\\", b"\x1b", b"["),
        *("é".encode(), b"\xff", b"x" * 4000, b" ", b"[#  ]", b"50%", b"\x1b]", b"\xc2\x9b2K"),
    ]
)


def cut(text: bytes, sizes: list[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(text[:size])
        text = text[size:]
    return [*chunks, text]


@given(st.lists(PIECES, max_size=30).map(b"".join), st.lists(st.integers(0, 900), max_size=40))
def test_lines_and_states_do_not_depend_on_the_chunks(data: bytes, sizes: list[int]) -> None:
    for make in (LineCutter, StateCutter):
        whole, pieces = make(), make()
        expected = [*whole.feed(data), *whole.flush()]
        found = [line for chunk in cut(data, sizes) for line in pieces.feed(chunk)]
        assert [*found, *pieces.flush()] == expected
        assert not any("\x1b" in line for line in expected)


@pytest.mark.slow
@given(st.binary(max_size=200), st.lists(st.integers(0, 20), max_size=20))
def test_whatever_comes_is_cut_alike(data: bytes, sizes: list[int]) -> None:
    for make in (LineCutter, StateCutter):
        whole, pieces = make(), make()
        expected = [*whole.feed(data), *whole.flush()]
        found = [line for chunk in cut(data, sizes) for line in pieces.feed(chunk)]
        assert [*found, *pieces.flush()] == expected


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_every_line_is_a_state_too(data: bytes) -> None:
    lines, states = LineCutter(), StateCutter()
    shown = [*lines.feed(data), *lines.flush()]
    assert set(filter(None, shown)) <= {*states.feed(data), *states.flush()}


@given(st.binary(max_size=300), st.lists(st.integers(0, 20), max_size=20))
def test_rows_have_every_byte_but_line_ends(data: bytes, sizes: list[int]) -> None:
    cutter = RowCutter()
    rows = [row for chunk in cut(data, sizes) for row in cutter.feed(chunk)]
    rows += cutter.flush()
    kept = b"".join(rows).translate(None, b"\r\n")
    assert kept == data.translate(None, b"\r\n")


def test_rows_keep_each_state_of_a_line() -> None:
    cutter = RowCutter()
    assert cutter.feed(b"a\rb\r\nc\n\r") == [b"a\r", b"b\r", b"c"]
    assert cutter.feed(b"d\r") == [b"d\r"]
    assert cutter.feed(b"\n\ne") == [b""]
    assert cutter.flush() == [b"e"]


def test_a_prompt_is_what_has_begun() -> None:
    lines, states = LineCutter(), StateCutter()
    for cutter in (lines, states):
        cutter.feed(b"boot\r\nesp> \x1b[31m\xc3")
        assert cutter.rest == "esp> "
        assert cutter.flush()
    assert lines.feed(b"prompt\r\x1b[6C") == []
    assert lines.rest == "prompt"


def test_lines_that_end_with_a_return_are_whole_at_once_when_it_did_so_before() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"one\r") == []
    assert cutter.settle() == []  # a progress bar, maybe
    assert cutter.rest == "one"
    assert cutter.feed(b"two\r") == ["one"]
    assert cutter.settle() == ["two"]
    assert cutter.feed(b"\nthree\r\n") == ["three"]


def test_what_has_begun_after_a_return_says_whether_the_line_is_whole() -> None:
    cutter = LineCutter()
    cutter.feed(b"done 10 %\rdone 2")
    assert cutter.settle() == []
    cutter.feed(b"0 %\rready> ")
    assert cutter.settle() == ["done 20 %"]
    assert cutter.rest == "ready> "


def test_a_long_line_is_cut_and_a_sequence_in_it_is_not() -> None:
    text = (
        b"x" * (MAX_LINE_BYTES - 2)
        + b"\x1b[31mred"
        + b"\x1b]0;"
        + b"t" * 3 * MAX_LINE_BYTES
        + b"\x07end\n"
    )
    assert LineCutter().feed(text) == ["x" * (MAX_LINE_BYTES - 2), "red", "end"]
    assert (
        LineCutter().feed("é".encode() * MAX_LINE_BYTES + b"\n")
        == ["é" * (MAX_LINE_BYTES // 2)] * 2
    )


@pytest.mark.slow
@pytest.mark.parametrize("piece", [b"\x1b[", b"\x1b]", b"\r", b"a\r", b"\xc2", b"\x1b[1;", b"1 "])
@pytest.mark.parametrize("make", [LineCutter, StateCutter])
def test_a_megabyte_of_noise_takes_linear_time(
    piece: bytes, make: type[LineCutter] | type[StateCutter]
) -> None:
    started = time.process_time()
    cutter = make()
    for _ in range(16):
        cutter.feed(piece * (65536 // len(piece)))

    assert time.process_time() - started < 8


def test_tabs_reach_patterns_and_become_blanks_on_screens() -> None:
    (line,) = LineCutter().feed(b"a\tb\x07\n")
    assert line == "a\tb"
    assert clean(line) == "a    b"


@pytest.mark.slow
def test_a_line_without_an_end_is_cut_in_linear_time() -> None:
    data = b"abcdefg\x1b[" * (3 << 20)
    began = time.process_time()

    assert len(RowCutter().feed(data)) == (len(data) - 1) // MAX_LINE_BYTES
    assert sum(map(len, StateCutter().feed(data))) > len(data) // 2

    assert time.process_time() - began < 8.0


@pytest.mark.parametrize(
    ("row", "colour"),
    [
        (b"\x1b[0;31mE (1) a: bad\x1b[0m", "31"),
        (b"a.c:1:b:\x1b[1;31mFAIL\x1b[0m", "31"),
        (b"\x1b[32m\x1b[0mplain", ""),
        (b"\x1b[92mbright", "92"),
        (b"\x1b[38;5;31mby number", ""),
        (b"\x1b[1mbold", ""),
        (b"at the end\x1b[31m", ""),
        (b"no colour", ""),
    ],
)
def test_a_line_keeps_the_colour_of_the_firmware(row: bytes, colour: str) -> None:
    (line,) = LineCutter().feed(row + b"\r\n")
    assert (line.colour if isinstance(line, ColouredLine) else "") == colour
