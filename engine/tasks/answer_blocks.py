"""Fenced blocks of a model's answer.

Fences are CommonMark's (https://spec.commonmark.org, "Fenced code blocks"), with allowances for
what models write: a fence may stand deep in a list; in a document, a fence that names a language
opens a block inside it, and so does one without a language where enough fences follow to close all;
in any other block a fence with a language begins the next one, as the first was never closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.tasks.file_names import (
    DOCUMENTS,
    LOOKS_BACK,
    fits,
    is_citation,
    kind_of_info,
    kind_of_name,
    name_before,
    name_in_info,
)

_FENCE = re.compile(r"([ \t]*)((?:[-*+]|\d{1,2}[.)])[ \t]+)?(`{3,}|~{3,})(.*)")
_TAB = 4
_ASIDE = 3
"""Columns by which a fence may be further in than the one that it closes."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Args:
        begin, end: its first and last line: the fences.
        info: what its first fence says.
        lines: what is in it, moved to the left as far as the fence is in.
        closed: whether its end was there.
        before: the name that the lines before it give, empty for none.
    """

    begin: int
    end: int
    info: str
    lines: tuple[str, ...]
    closed: bool
    before: str


@dataclass(frozen=True, slots=True)
class _Fence:
    indent: int
    signs: str
    info: str


def blocks(lines: Sequence[str]) -> Iterator[Block]:
    """The blocks of an answer, in order. Every line is looked at a few times, whatever it is.

    Args:
        lines: untrusted, without line ends.
    """
    fences = [_fence(line) for line in lines]
    left = {sign: _unmatched(fences, sign) for sign in "`~"}
    at = last = 0
    while at < len(lines):
        fence = fences[at]
        if fence is None:
            at += 1
            continue
        name = name_before(lines[max(last, at - LOOKS_BACK) : at])
        before = name if name and fits(name, fence.info) else ""
        end, closed = _end(lines, fences, at, before, left[fence.signs[0]])
        inner = tuple(_outdented(line, fence.indent) for line in lines[at + 1 : end])
        yield Block(at, end if closed else end - 1, fence.info, inner, closed, before)
        at = last = end + 1 if closed else end


def _fence(line: str) -> _Fence | None:
    found = _FENCE.fullmatch(line)
    # Backticks may not be closed in the line of a fence: that is code in a line.
    if found is None or (found[3][0] == "`" and "`" in found[4]):
        return None
    indent = len(f"{found[1]}{found[2] or ''}".expandtabs(_TAB))
    return _Fence(indent, found[3], found[4].strip())


def _unmatched(fences: Sequence[_Fence | None], sign: str) -> list[int]:
    """From each line on, how many more fences can close a block than open one for sure."""
    counts = [0] * (len(fences) + 1)
    for at in range(len(fences) - 1, -1, -1):
        fence = fences[at]
        counts[at] = counts[at + 1]
        if fence is not None and fence.signs[0] == sign:
            counts[at] += -1 if fence.info else 1
    return counts


def _end(
    lines: Sequence[str],
    fences: Sequence[_Fence | None],
    begin: int,
    before: str,
    left: Sequence[int],
) -> tuple[int, bool]:
    """The line that closes a block; else the one after it, and that it was not closed."""
    opened = fences[begin]
    assert opened is not None
    nests = _is_document(opened.info, before)
    depth = 0
    for at in range(begin + 1, len(lines)):
        fence = fences[at]
        if fence is None or fence.signs[0] != opened.signs[0]:
            continue
        if len(fence.signs) < len(opened.signs) or fence.indent > opened.indent + _ASIDE:
            continue
        if not fence.info and depth:
            depth -= 1
        elif not fence.info:
            if not (nests and left[at] > 1 and _opens(lines, at)):
                return at, True
            depth = 1
        elif nests:
            depth += 1
        elif len(fence.signs) == len(opened.signs):
            return at, False  # the one before was never closed
    return len(lines), False


def _is_document(info: str, before: str) -> bool:
    """Whether a block is a text that can have blocks of its own."""
    if is_citation(info):
        return False
    name = name_in_info(info) or before
    kind = (kind_of_name(name) if name else None) or kind_of_info(info)
    return kind is not None and kind.name in DOCUMENTS


def _opens(lines: Sequence[str], at: int) -> bool:
    """Whether a bare fence looks like the first of two: a text follows at once, none precedes."""
    above, below = lines[at - 1].strip(), lines[at + 1].strip() if at + 1 < len(lines) else ""
    return bool(below) and (not above or above.endswith(":"))


def _outdented(line: str, width: int) -> str:
    """A line without so many columns of blanks at its begin."""
    column = 0
    for at, sign in enumerate(line):
        if column >= width or sign not in " \t":
            return line[at:]
        column += _TAB - column % _TAB if sign == "\t" else 1
    return ""
