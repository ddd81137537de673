"""Format strings of printf and scanf: what they write at most, what they read without bounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.quality.c.names import OPAQUE

_PRINTED = re.compile(
    r"%(?P<flags>[-+ #0]{0,5})(?P<width>\*|\d{0,6})(?:\.(?P<precision>\*|\d{0,6}))?"
    r"(?P<length>hh|h|ll|l|q|j|z|t|L)?(?P<kind>[diouxXcsSpfFeEgGaAn%])"
)
_READ = re.compile(
    rf"%(?P<skipped>\*)?(?P<width>\d{{1,6}}|{OPAQUE})?(?P<length>hh|h|ll|l|q|j|z|t|L|m)?(?P<kind>[sS\[])"
)
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)")

_MAX_PRINTED_CHARACTERS = {
    **dict.fromkeys("di", 11),
    **dict.fromkeys("u", 10),
    **dict.fromkeys("o", 12),
    **dict.fromkeys("xX", 10),
    **dict.fromkeys("p", 10),
    **dict.fromkeys("c%", 1),
    **dict.fromkeys("eEgGaA", 24),
    **dict.fromkeys("fF", 310),
}
"""Characters of a value, at most, on a chip of 32 bits."""

_LONG_MODIFIERS = ("ll", "j", "q")
_MORE = 10  # characters that a value of 64 bits has more than one of 32


@dataclass(frozen=True, slots=True)
class Printed:
    """What a format of printf writes.

    Args:
        least: characters, but for its ``texts``, where every number has one digit.
        length: the same with the longest numbers; None where it cannot be told.
        texts: which of its values are texts without a bound, from 0.
    """

    least: int
    length: int | None
    texts: tuple[int, ...]


def length_of(text: str) -> int | None:
    """Characters of a literal, as it is spelled; None where parts are not known."""
    return None if OPAQUE in text else len(_ESCAPE.sub("x", text))


def printed(format_text: str) -> Printed:
    """Read a format of printf."""
    words = _PRINTED.sub("", format_text)
    length = length_of(words)
    least = len(_ESCAPE.sub("x", words.replace(OPAQUE, "")))
    texts: list[int] = []
    value = 0
    for match in _PRINTED.finditer(format_text):
        kind, width, precision = match["kind"], match["width"], match["precision"]
        value += (width == "*") + (precision == "*")
        bound = int(precision) if precision and precision.isdigit() else None
        if "*" in (width, precision):
            length = None
        if kind in "sS":
            if precision is None:
                texts.append(value)
            size = bound or 0
        elif kind == "n":
            size = 0
        else:
            size = _MAX_PRINTED_CHARACTERS[kind] + (
                _MORE if match["length"] in _LONG_MODIFIERS else 0
            )
            size += bound or 0 if kind in "fFeEgGaAdiouxX" else 0
        wide = int(width) if width.isdigit() else 0
        least += max(wide, kind not in "sSn")
        if length is not None:
            length += max(size, wide)
        value += kind != "%"
    return Printed(least, length, tuple(texts))


def unbounded(format_text: str) -> Sequence[int]:
    """Which values a format of scanf reads without a bound, from 0."""
    return [value for value, width in _texts_read(format_text) if width is None]


def bounds(format_text: str) -> Sequence[tuple[int, int | None]]:
    """Which values of a format of scanf are texts with a bound, and how many characters they may
    have; None where that is not known."""
    return [
        (value, int(width) if width.isdigit() else None)
        for value, width in _texts_read(format_text)
        if width is not None
    ]


def _texts_read(format_text: str) -> list[tuple[int, str | None]]:
    found: list[tuple[int, str | None]] = []
    value = 0
    for match in re.finditer(r"%%|%(?P<skipped>\*)?", format_text):
        if match[0] == "%%":
            continue
        text = _READ.match(format_text, match.start())
        if match["skipped"]:
            continue
        if text is not None and text["length"] != "m":  # which makes its own room
            found.append((value, text["width"]))
        value += 1
    return found
