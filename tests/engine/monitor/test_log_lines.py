"""Console lines: levels and tags, the print filter, addresses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.images.image import Image
from engine.monitor import log_lines, symbols
from engine.monitor.log_lines import LineSelection, LogLine, PrintFilter

LINES = {
    "E (312) wifi: no access point": "E",
    "W (312) wifi: slow": "W",
    "I (312) sensor: 21 degrees": "I",
    "\x1b[0;32mI (12:34:56.789) main: coloured\x1b[0m": "I",
    "V (9) heap: detail": "V",
    "D wifi: without a time": "D",
    "ets Jul 29 2019 12:21:46": None,
    "printf of one's own": None,
}


@pytest.mark.parametrize(("line", "level"), LINES.items())
def test_the_head_of_a_line_is_read(line: str, level: str | None) -> None:
    found = log_lines.parse_log_line(line)
    assert (found.level if found else None) == level


def test_time_and_tag_are_kept_as_they_were_printed() -> None:
    assert log_lines.parse_log_line("I (12:34:56.789) my tag: x") == LogLine(
        "I", "12:34:56.789", "my tag"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", list(LINES)),
        ("*:V", list(LINES)),
        ("*:N", []),
        ("wifi:W", list(LINES)[:2]),
        ("wifi:E", list(LINES)[:1]),
        ("wifi:N *:I", [*list(LINES)[2:4], *list(LINES)[6:]]),
        ("sensor heap:*", [list(LINES)[2], list(LINES)[4]]),
        ("*:W", [*list(LINES)[:2], *list(LINES)[6:]]),
    ],
)
def test_a_filter_shows_what_idf_monitor_shows(text: str, shown: list[str]) -> None:
    chosen = PrintFilter(text)
    assert [line for line in LINES if chosen.shows(line)] == shown


@pytest.mark.parametrize("text", ["wifi:X", ":W", "*:WW"])
def test_a_filter_that_makes_no_sense_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="give TAG:LEVEL"):
        PrintFilter(text)


@given(st.text(), st.sampled_from(["", "*:N", "a:W *:I"]))
def test_any_line_is_shown_or_not(line: str, text: str) -> None:
    assert PrintFilter(text).shows(line) in (True, False)


def test_addresses_of_code_become_places(built_sample: Callable[[str], Image]) -> None:
    image = built_sample("crash")
    program = symbols.load_symbols(image.elf)
    assert program is not None
    start, end = program._code[0]
    line = f"MEPC : 0x{start:08x}  MTVAL : 0xdead0000 0x{end:08x} 0x{start:08x}9"

    (place,) = log_lines.source_places(line, program, Path("/"))

    assert place.address == start


@given(st.binary(max_size=100), st.integers(0, 1 << 31))
def test_a_dump_has_every_byte(data: bytes, offset: int) -> None:
    rows = list(log_lines.hex_rows(data, offset))
    assert b"".join(bytes.fromhex(row[10:58]) for row in rows) == data
    assert [int(row[:8], 16) for row in rows] == [offset + 16 * n for n in range(len(rows))]
    assert "".join(rows).isprintable()


def test_what_is_muted_is_hidden_and_what_matches_is_marked() -> None:
    selection = LineSelection("*:I", highlight="[0-9]+ °C|up", mute="^D|noise")
    assert [selection.shows(line) for line in ("I (1) a: noise", "I (1) a: b", "V (1) a: b")] == [
        False,
        True,
        False,
    ]
    text = "é 21 °C, up"
    assert [text[start:end] for start, end in selection.marks(text)] == ["21 °C", "up"]


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "x" * 501, "(?=a)", "\ud800"])
def test_a_pattern_that_makes_no_sense_is_told(pattern: str) -> None:
    with pytest.raises(UsageError, match="mute"):
        LineSelection(mute=pattern)


@pytest.mark.slow
@given(st.text(max_size=30), st.text(max_size=60))
def test_marks_lie_inside_the_text_whatever_it_is(pattern: str, text: str) -> None:
    try:
        marks = LineSelection(highlight=pattern).marks(text)
    except UsageError:
        return
    ends = [0, *itertools.chain.from_iterable(marks), len(text)]
    assert ends == sorted(ends)
