"""TOML of a repository: read within bounds, each mistake with the line that it stands on.

Python's own reader (:mod:`tomllib`) tells no lines of what it has read, and a key of many parts
costs it the square of them.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping

from engine.errors import MistakeError

MAX_PARTS = 100
"""Parts of a dotted key."""

MAX_DIGITS = 1000
"""Digits of a number; Python refuses more than some thousand."""

KeyPath = tuple[str | int, ...]
"""Keys, and numbers from 0, that lead to a part of a document."""

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LONG = re.compile(rf"(?:[A-Za-z0-9_\"'-][ \t]*\.[ \t]*[^.=\n]{{0,1000}}){{{MAX_PARTS}}}")
_DIGITS = re.compile(rf"[0-9_]{{{MAX_DIGITS}}}")
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_KEY})[ \t]*\]")
_VALUE = re.compile(rf"[ \t]*({_KEY})[ \t]*=")
_PARTS = re.compile(_PART)
_PLAINER = {
    "Cannot overwrite a value": "this key is already set further up",
    "Illegal character '\\n'": "a text that does not end on its line: its closing quote is missing",
}
"""Messages of :mod:`tomllib` that tell a person little."""

_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load(text: str) -> dict[str, object]:
    """What a text says.

    Args:
        text: untrusted; its size is bounded by whoever read it.

    Raises:
        ValueError: it is no TOML, or has what is not accepted; one line.
    """
    # In a text of several lines it would be no key, but who writes such a line?
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= MAX_PARTS and _LONG.search(line):
            raise ValueError(f"a key with more than {MAX_PARTS} parts (at line {number}, column 1)")
        if len(line) > MAX_DIGITS and _DIGITS.search(line):
            what = f"a number with more than {MAX_DIGITS} digits"
            raise ValueError(f"{what} (at line {number}, column 1)")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply: maximum recursion depth exceeded") from error


class Document:
    """The tables of a file, and the lines on which they stand.

    Args:
        text: untrusted; its size is bounded by whoever read it.
        file: how mistakes call it.

    Raises:
        MistakeError: it is no TOML, or has what is not accepted.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._text = text
        try:
            self.data: Mapping[str, object] = load(text)
        except ValueError as error:
            said = str(error)
            where = _WHERE.search(said)
            last = max(1, len(text.splitlines()))
            line = (int(where[1]) if where[1] else last) if where is not None else None
            what = _WHERE.sub("", said)
            raise MistakeError(file, line, _PLAINER.get(what, what)[:500]) from error

    def wrong(self, place: KeyPath, what: str) -> MistakeError:
        """The error of a part of the file, which is to be raised.

        Args:
            place: one that is not there stands where the part around it begins.
        """
        while place and self.line_of(place) is None:
            place = place[:-1]
        return MistakeError(self.file, self.line_of(place), what)

    def line_of(self, place: KeyPath) -> int | None:
        """The line on which a key or a table stands, None where it begins none."""
        return self._lines.get(place)

    @functools.cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return _lines_of(self._text)


def _lines_of(text: str) -> dict[KeyPath, int]:
    """The line of every key and table that begins one; not of those inside a value."""
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if (match := _HEADER.match(line)) is not None:
            table = _keys(match[2])
            # What stands below an entry of a list belongs to its last one.
            for end in range(1, len(table)):
                if table[:end] in counts and not isinstance(table[end], int):
                    table = (*table[:end], counts[table[:end]] - 1, *table[end:])
            if match[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                found.setdefault(table, number)
                table = (*table, counts[table] - 1)
            found.setdefault(table, number)
        elif (match := _VALUE.match(line)) is not None:
            keys = _keys(match[1])
            for end in range(1, len(keys) + 1):
                found.setdefault((*table, *keys[:end]), number)
        for quote in ('"""', "'''"):
            if line.count(quote) % 2:
                inside = quote
                break
    return found


def _keys(text: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in _PARTS.findall(text))
