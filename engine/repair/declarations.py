"""A map of files that are not shown: what each declares, a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from engine.repair.source_index import SourceIndex
from engine.source.symbols import HEADERS, of_header

MAX_FILES = 300
"""Files that are named."""

_MAX_DECLARATIONS = 20  # of one file
_LINE_CHARACTERS = 160
_STATIC = re.compile(r"\s*static\b")


def declaration_map(index: SourceIndex, paths: Sequence[str], room: int) -> str:
    """Names of files, and below each what it declares as far as there is room.

    All names come before any declaration: that a file is there tells more.

    Args:
        index: of the tree.
        paths: the files, the nearest first.
        room: characters.
    """
    named: list[str] = []
    for path in paths[:MAX_FILES]:
        room -= len(path) + 1
        if room < 60:
            break
        named.append(path)
    declared: dict[str, list[str]] = {}
    for path in named:
        lines = declared.setdefault(path, [])
        for line in _declarations(index, path):
            if room < len(line) + 3:
                break
            room -= len(line) + 3
            lines.append(f"  {line}")
    rows = [row for path in named for row in (path, *declared[path])]
    rest = len(paths) - len(named)
    return "\n".join([*rows, f"... and {rest} more"] if rest else rows)


def _declarations(index: SourceIndex, path: str) -> Iterator[str]:
    """What a header declares, or what a source without one defines for others."""
    text = index.read(path) or ""
    rows = text.split("\n")
    if PurePosixPath(path).suffix.lower() in HEADERS:
        for symbol in of_header(text)[:_MAX_DECLARATIONS]:
            yield _joined(rows[symbol.line - 1 : symbol.line])
    elif not any(path in index.implementing(header) for header in index.includes(path)):
        for function in index.functions(path)[:_MAX_DECLARATIONS]:
            head = _joined(rows[function.first - 1 : max(function.first, function.head)])
            if not _STATIC.match(head):
                yield head


def _joined(rows: Sequence[str]) -> str:
    line = " ".join(" ".join(rows).split()).rstrip("{ ")
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]}..."
