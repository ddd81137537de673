"""The boundary to the terminal: text from outside becomes text, whatever it was meant to do.

Firmware, compilers, repositories and models print what they like; a terminal obeys it. Stripped
are the control functions of ECMA-48 (C0, C1, CSI, OSC, DCS, APC, PM, SOS and the two-character
escapes) and the bidirectional controls of Unicode (UAX #9), which reorder what is around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

TAB = "    "

TOKEN_PREFIX = "espdeck_"  # noqa: S105 (scanners for leaked secrets look for it)
"""How every token of the HTTP API begins."""

_SEQUENCE = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?              # CSI, also one that was cut short
  | (?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])         # OSC, DCS, SOS, PM, APC ...
    [^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?        # ... up to its end, or the end of the line
  | \x1b[ -/]*[0-~]?                               # any other escape
    """,
    re.VERBOSE,
)
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_SECRETS = re.compile(r"(?<=://)[^/\s]*@|^[^/\s:@]*:[^/\s]*@")
_LIKE_A_TOKEN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{16,}}")


def clean(text: str) -> str:
    """One line of text that cannot steer a terminal.

    Args:
        text: anything. Newlines are stripped too: cut into lines first.

    Returns:
        The text without control sequences; tabs become four spaces, lone surrogates U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return plain(text).replace("\t", TAB)


def plain(text: str) -> str:
    """A line as a person reads it, its tabs as they came: what patterns are looked for in.

    Args:
        text: anything, one line.

    Returns:
        The text without control sequences and control characters but tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    if _CONTROLS.search(text) is not None:
        text = _CONTROLS.sub("", _SEQUENCE.sub("", text))
    return _SURROGATES.sub("\ufffd", text)


def escape(text: str) -> str:
    """One line of text whose control characters are written out, as ``\\n`` or ``\\x1b``: for logs.

    Nothing of it is lost, it stays one line, and whoever prints the log is not steered by it.
    """
    if text.isascii() and text.isprintable():
        return text
    return _ESCAPED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def mask(text: str) -> str:
    """A URL, or text with URLs in it, without users and passwords: for logs and screens.

    This is how a front end shows ``Project.source``.
    """
    return _SECRETS.sub("***@", text)


def mask_tokens(text: str) -> str:
    """A text without tokens of the HTTP API, also mistyped ones."""
    return _LIKE_A_TOKEN.sub(f"{TOKEN_PREFIX}***", text)


def first_lines(lines: Sequence[str], most: int = 20) -> tuple[str, ...]:
    """The first of many lines, and how many more there are: what is untrusted may give thousands.

    Args:
        most: lines that are kept.
    """
    more = len(lines) - most
    return (*lines[:most], f"{more} more of this kind") if more > 0 else tuple(lines)


def count(number: int, noun: str) -> str:
    """A number of things, as ``1 test`` and ``2 tests``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a line, separated by commas.

    Args:
        most: names that are written; of the others, how many there are.
    """
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def near(name: str, known: Iterable[str]) -> str:
    """What a name may have been meant to be: `` (did you mean X?)``, or an empty string.

    The case of letters does not count; a name that another one begins with is near to it.
    """
    import difflib  # only for mistakes

    wanted = name[:100].casefold()
    names = {each.casefold(): each for each in reversed([*known])}
    found = difflib.get_close_matches(wanted, names, 1)
    found = found or [each for each in names if len(wanted) >= 2 and each.startswith(wanted)]
    return f" (did you mean {clean(names[found[0]])}?)" if found else ""


def near_or_all(name: str, known: Iterable[str]) -> str:
    """What a name may have been meant to be, as :func:`near`; else which names there are."""
    names = [*known]
    there = f" (there are {clean(listed(names))})" if names else " (there are none)"
    return near(name, names) or there
