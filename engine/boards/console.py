"""Lines of a firmware's console: levels and tags, what to show of them, addresses in them.

ESP-IDF's log lines are ``L (time) tag: text`` with a level of E, W, I, D or V, maybe coloured and
maybe without the time (ESP-IDF Programming Guide, "Logging library"). The filter's words are those
of ``idf.py monitor --print-filter`` (same guide, "IDF Monitor", "Output Filtering").
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.boards.symbols import Place, Symbols
from engine.errors import UsageError

LEVELS = "NEWIDV"
"""From nothing to everything; a filter's level shows its own and those before it."""

EVERY_TAG = "*"
MAX_LINE = 4096
"""Characters of a line without an end after which it is cut."""

MAX_ADDRESSES = 32
"""Addresses that are looked up in one line: a backtrace has fewer."""

_LOG = re.compile(r"(?:\x1b\[[0-9;]{0,16}m)?([EWIDV]) (?:\(([^)]{1,32})\) )?([^:]{1,128}): ")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{8}(?![0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class LogLine:
    """What ESP-IDF's logging says of a line: ``time`` as it was printed, empty without one."""

    level: str
    time: str
    tag: str


def parse(line: str) -> LogLine | None:
    """Read the head of a log line; None for any other line, such as a bootloader's or printf's."""
    found = _LOG.match(line)
    return LogLine(found[1], found[2] or "", found[3]) if found else None


class LineCutter:
    """Cuts the bytes of a console into lines, for people to read.

    A line without an end is given when it is longer than :data:`MAX_LINE` characters.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes; the lines that they ended."""
        *lines, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        if len(self._rest) > MAX_LINE:
            lines.append(self._rest)
            self._rest = ""
        return [line.rstrip("\r") for line in lines]


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
        found = parse(line)
        if found is None:
            return self._others > LEVELS.index("N")
        return LEVELS.index(found.level) <= self._levels.get(found.tag, self._others)


def places(line: str, symbols: Symbols, root: Path) -> Iterator[Place]:
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
