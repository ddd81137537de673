"""C and C++ sources as text: what is code in them, and which headers they include."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

C_SUFFIXES = frozenset({".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".s", ".inc"})
"""Endings of C and C++ sources, in lower case."""

# A string that is not closed is matched too, and a character constant is short: else each quote
# in it would be tried as the start of another one.
_OPAQUE = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|\b(?:u8|[uUL])?R"(?P<raw>[^()\\\s"]{0,16})\(.*?(?:\)(?P=raw)"|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\\?\Z)"""
    r"""|'(?:\\.|[^'\\\n]){0,32}'""",
    re.DOTALL,
)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]{1,200})[>\"]", re.M)


@dataclass(frozen=True, slots=True)
class Include:
    """An ``#include``: the header as it is spelled, whether in ``<>``, and where that ends."""

    header: str
    system: bool
    start: int
    end: int

    @property
    def path(self) -> str:
        """The header without ``./`` and ``../`` before it."""
        return self.header.lstrip("./")


def includes_of(text: str) -> Iterator[Include]:
    """Every include of a C source, in order."""
    for match in _INCLUDE.finditer(text):
        yield Include(match[2], match[1] == "<", match.start(), match.end())


def masked(text: str) -> str:
    """C source of the same length without what is in comments, strings and character constants.

    Comments become blanks altogether; strings keep their quotes. A string that is not closed stays
    as it is: nobody knows where it was meant to end.
    """

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] == '"' and (len(found) == 1 or found[-1] != '"'):
            return found
        inner = re.sub(r"[^\n]", " ", found)
        if match["raw"] is not None:
            begin = found.index('"') + 1
            return f"{found[:begin]}{inner[begin:-1]}{found[-1]}" if found[-1] == '"' else found
        return inner if found[0] == "/" else f"{found[0]}{inner[1:-1]}{found[-1]}"

    return _OPAQUE.sub(blank, text)


def ends_of(file: str) -> Iterator[str]:
    """A file's name with fewer and fewer of its folders."""
    yield file
    while "/" in file:
        file = file.partition("/")[2]
        yield file


def offset_of(text: str, line: int | None, column: int | None) -> int | None:
    """Where a compiler's line and column lie, clamped to the line; columns count bytes of UTF-8."""
    lines = text.split("\n")
    if line is None or not 1 <= line <= len(lines):
        return None
    start = sum(len(each) + 1 for each in lines[: line - 1])
    before = lines[line - 1].encode()[: max(0, (column or 1) - 1)]
    return start + len(before.decode("utf-8", "ignore"))
