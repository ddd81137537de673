"""Console lines: levels and tags, the print filter, addresses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.boards import console, symbols
from engine.boards.console import LogLine, PrintFilter
from engine.errors import UsageError
from engine.image import Image

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
    found = console.parse(line)
    assert (found.level if found else None) == level


def test_time_and_tag_are_kept_as_they_were_printed() -> None:
    assert console.parse("I (12:34:56.789) my tag: x") == LogLine("I", "12:34:56.789", "my tag")


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
    program = symbols.load(image.elf)
    assert program is not None
    start, data = program._code[0]
    line = f"MEPC : 0x{start:08x}  MTVAL : 0xdead0000 0x{start + len(data):08x} 0x{start:08x}9"

    (place,) = console.places(line, program, Path("/"))

    assert place.address == start
