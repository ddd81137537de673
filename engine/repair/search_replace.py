"""Search/replace blocks: the form that many coding models know.

A line with the file's path, then the block, with or without a fence around either::

    main/main.c
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they are to be
    >>>>>>> REPLACE

Aider's documentation describes it ("Edit formats", "diff"). Models write the markers in other
lengths, as ``ORIGINAL`` and ``UPDATED``, as Git's conflict markers, or as Cline has them
(``------- SEARCH``, ``+++++++ REPLACE``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.repair.block_paths import FENCE

DIVIDER = re.compile(r"={5,60}")
"""What stands between the two parts of a block."""

_REMARK = r"(?: {1,4}(?:\(|//|#|<!--).{0,200})?"
_BEGIN = re.compile(rf"(?:<{{5,60}} ?(?:SEARCH|ORIGINAL|HEAD)|-{{5,60}} ?SEARCH)>?{_REMARK}")
_END = re.compile(rf"(?:>{{5,60}} ?(?:REPLACE|UPDATED)|\+{{5,60}} ?REPLACE)>?{_REMARK}")
_END_OF_CONFLICT = re.compile(r">{5,60}(?: \S.{0,200})?")
_START_LINE = re.compile(r":(?:start|end)_line ?[:=>] ?(\d{1,7})")
_RULE = re.compile(r"-{5,60}")
_RULE_OF_LINE = "-------"
"""What stands below the number of a line; models lose the line end after it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A search/replace block as it stands in an answer.

    Args:
        search, replace: its lines.
        line: where the model says that they begin, from 1; 0 where it does not.
        end: the line after it.
    """

    search: tuple[str, ...]
    replace: tuple[str, ...]
    line: int
    end: int


def begins(line: str) -> bool:
    """Whether a block begins in a line."""
    text = line.strip()
    return text[:1] in ("<", "-") and _BEGIN.fullmatch(text) is not None


def ends(line: str) -> bool:
    """Whether a block ends in a line."""
    text = line.strip()
    return text[:1] in (">", "+") and _END.fullmatch(text) is not None


def read(lines: Sequence[str], begin: int, fenced: bool) -> Part | int:
    """The block that begins in a line.

    Args:
        lines: of the answer.
        fenced: whether a fence is open; the end of that may stand for that of the block.

    Returns:
        The block; where it has no end, the line to go on with.
    """
    conflict = "HEAD" in lines[begin]
    divider = fence = 0
    at = begin + 1
    while at < len(lines):
        line = lines[at].strip()
        if begins(line):
            break
        if ends(line) or (conflict and divider and _END_OF_CONFLICT.fullmatch(line)):
            return _part(lines, begin, divider, at) if divider else at + 1
        if not divider and DIVIDER.fullmatch(line):
            divider = at
        elif divider and not fence and (found := FENCE.fullmatch(line)) and not found[2]:
            fence = at
        at += 1
    if fenced and fence:
        return _part(lines, begin, divider, fence)
    return at


def _part(lines: Sequence[str], begin: int, divider: int, end: int) -> Part:
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    search = [line.removeprefix(indent) for line in lines[begin + 1 : divider]]
    replace = [line.removeprefix(indent) for line in lines[divider + 1 : end]]
    number = 0
    while search and (found := _START_LINE.fullmatch(search[0].strip())):
        number = number or int(found[1])
        del search[0]
    if number and search and _RULE.fullmatch(search[0].strip()):
        del search[0]
    elif number and search:
        search[0] = search[0].removeprefix(_RULE_OF_LINE)
    return Part(tuple(search), tuple(replace), number, end + 1)
