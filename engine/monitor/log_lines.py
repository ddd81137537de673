"""A firmware's console: its lines, levels and tags, what to show of them, addresses in them.

ESP-IDF's log lines are ``L (time) tag: text`` with a level of E, W, I, D or V, maybe coloured and
maybe without the time (ESP-IDF Programming Guide, "Logging library"). The filter's words are those
of ``idf.py monitor --print-filter`` (same guide, "IDF Monitor", "Output Filtering").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import re2

from engine.errors import UsageError
from engine.monitor.symbols import Place, Symbols

LEVELS = "NEWIDV"
"""From nothing to everything; a filter's level shows its own and those before it."""

EVERY_TAG = "*"
MAX_ADDRESSES = 32
"""Addresses that are looked up in one line: a backtrace has fewer."""

MAX_PATTERN_CHARACTERS = 500
"""Characters of a pattern that a person gives."""

MAX_MARKS = 64
"""Matches that are marked in one line."""

HEX_BYTES = 16
"""Bytes in a row of a dump."""

_LOG = re.compile(
    r"(?:\x1b\[[0-9;]{0,16}m){0,4}([EWIDV]) (?:\(([^)]{1,32})\) )?([^:]{1,128}):(?: |$)"
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{8}(?![0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class LogLine:
    """What ESP-IDF's logging says of a line: ``time`` as it was printed, empty without one."""

    level: str
    time: str
    tag: str


def parse_log_line(line: str) -> LogLine | None:
    """Read the head of a log line; None for any other line, such as a bootloader's or printf's."""
    found = _LOG.match(line)
    return LogLine(found[1], found[2] or "", found[3]) if found else None


class PrintFilter:
    """Which lines to show, by tag and level.

    Args:
        text: items ``tag:level`` separated by spaces; ``*`` is every other tag, a tag without a
            level (or with ``*``) shows all of it. Empty shows everything.

    Raises:
        UsageError: an item makes no sense.
    """

    def __init__(self, text: str) -> None:
        self._levels: dict[str, int] = {}
        for item in text.split():
            tag, _, level = item.partition(":")
            level = "V" if level in ("", "*") else level.upper()
            if not tag or level not in LEVELS:
                raise UsageError(
                    f"print filter {item!r}: give TAG:LEVEL with a level of {', '.join(LEVELS)}"
                )
            self._levels[tag] = LEVELS.index(level)
        # With an item for some tags, nothing of the others is shown; with none, everything is.
        nothing = LEVELS.index("N") if self._levels else LEVELS.index("V")
        self._others = self._levels.get(EVERY_TAG, nothing)

    def shows(self, line: str) -> bool:
        """Whether a line is to be shown; one without a level is, unless others are hidden."""
        if not self._levels:
            return True
        found = parse_log_line(line)
        if found is None:
            return self._others > LEVELS.index("N")
        return LEVELS.index(found.level) <= self._levels.get(found.tag, self._others)


class LineSelection:
    """What a person wants to see of a console.

    Args:
        print_filter: as :class:`PrintFilter` reads it.
        highlight: RE2 pattern of what to mark in a line; empty marks nothing.
        mute: RE2 pattern; lines in which it is found are not shown. Empty mutes nothing.

    Raises:
        UsageError: one of them makes no sense.
    """

    def __init__(self, print_filter: str = "", highlight: str = "", mute: str = "") -> None:
        self._filter = PrintFilter(print_filter)
        self._highlight = compile_pattern("highlight", highlight) if highlight else None
        self._mute = compile_pattern("mute", mute) if mute else None

    def shows(self, line: str) -> bool:
        """Whether a line is to be shown."""
        muted = self._mute is not None and self._mute.search(line) is not None
        return not muted and self._filter.shows(line)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """What to mark: where each match begins and ends."""
        if self._highlight is None:
            return []
        found = itertools.islice(self._highlight.finditer(text), MAX_MARKS)
        return [match.span() for match in found if match.end() > match.start()]


def compile_pattern(name: str, pattern: str) -> Any:
    """A person's pattern in RE2's syntax, which no text can make slow.

    Args:
        name: what it is for, for the message.
        pattern: at most :data:`MAX_PATTERN_CHARACTERS` characters.

    Raises:
        UsageError: it is none.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise UsageError(f"{name}: longer than {MAX_PATTERN_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise UsageError(f"{name} {pattern!r}: {told}") from error
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} {pattern!r}: {error}") from error


def hex_rows(data: bytes, offset: int) -> Iterator[str]:
    """Bytes as rows of numbers and characters.

    Args:
        data: the bytes.
        offset: which byte of the console the first one is, from 0.
    """
    for start in range(0, len(data), HEX_BYTES):
        piece = data[start : start + HEX_BYTES]
        half = HEX_BYTES // 2
        numbers = f"{piece[:half].hex(' '):<{half * 3}} {piece[half:].hex(' '):<{half * 3}}"
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in piece)
        yield f"{offset + start:08x}  {numbers} |{shown}|"


def has_address(line: str) -> bool:
    """Whether something in a line may be an address of the program."""
    return _ADDRESS.search(line) is not None


def source_places(line: str, symbols: Symbols, root: Path) -> Iterator[Place]:
    """Where the addresses in a line lie, of those that are code of the program.

    Args:
        symbols: of the program that printed it.
        root: files inside it are given relative to it.
    """
    for number, found in enumerate(_ADDRESS.finditer(line)):
        if number == MAX_ADDRESSES:
            return
        address = int(found[0], 16)
        if symbols.is_code(address):
            yield symbols.place(address, root)


def decoded_addresses(line: str, symbols: Symbols, root: Path) -> Iterator[str]:
    """The same for people, a line an address."""
    for place in source_places(line, symbols, root):
        yield f"0x{place.address:08x}: {place}"
