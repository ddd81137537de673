"""Pairs of fences that show lines before and after a change, as search/replace blocks.

Models that explain a change show it twice: a fence below ``Before:`` and one below ``After:``, or
``replace:`` and ``with:``. Both are excerpts; neither is a file.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from engine.repair.block_paths import FENCE

_BEFORE = re.compile(
    r"(?:.{0,200}\W)?(?:before|old|original|current|replace|change|find|vorher|alt|ersetze|avant"
    r"|antes|\u4fee\u6539\u524d|\u539f\u4ee3\u7801)(?: (?:code|version|this|lines?|from))?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:after|new|updated|fixed|corrected|with|to|by|nachher|neu|durch|apr\u00e8s|despu\u00e9s"
    r"|\u4fee\u6539\u540e|\u65b0\u4ee3\u7801)(?: (?:code|version|this|lines?))?",
    re.IGNORECASE,
)
_SET_OFF = "#*_-: \t\uff1a>\u274c\u2705"
_MARKER = re.compile(r"\s*(?:={5,60}|[<>]{5,60}.*|[-+]{5,60} ?(?:SEARCH|REPLACE).*|\*{3} Begin.*)")
_LABEL_WORDS = 2
_LINES_ABOVE = 6


def as_blocks(lines: Sequence[str]) -> list[str]:
    """Lines of an answer in which such pairs are search/replace blocks.

    An answer that changes files in another way, too, stays as it is: there they illustrate.

    Args:
        lines: untrusted, without line ends.
    """
    fences = _fences(lines)
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(fences)
        if _is(_between(lines, one[1], other[0]), _AFTER) and _is(_above(lines, one[0]), _BEFORE)
    ]
    if len(pairs) * 2 != len(fences) or any(map(_MARKER.fullmatch, lines)):
        return list(lines)
    found: list[str] = []
    at = 0
    for (begin, end), (start, stop) in pairs:
        head = list(lines[at:begin])
        label = _above(lines, begin)
        if len(label.strip(_SET_OFF).split()) <= _LABEL_WORDS:
            while head.pop().strip() != label:
                pass
        old, new = lines[begin + 1 : end], lines[start + 1 : stop]
        found += [*head, "<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE"]
        at = stop + 1
    return [*found, *lines[at:]]


def _above(lines: Sequence[str], begin: int) -> str:
    """The text right above a fence."""
    near = lines[max(0, begin - _LINES_ABOVE) : begin]
    return next((line.strip() for line in reversed(near) if line.strip()), "")


def _between(lines: Sequence[str], end: int, start: int) -> str:
    """The only line of text between two fences; empty where there are more."""
    if start - end > _LINES_ABOVE:
        return ""
    found = [line.strip() for line in lines[end + 1 : start] if line.strip()]
    return found[0] if len(found) == 1 else ""


def _is(line: str, label: re.Pattern[str]) -> bool:
    return len(line) <= 240 and label.fullmatch(line.strip(_SET_OFF)) is not None


def _fences(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The first and the last line of each fence that is closed, none of them inside of another."""
    found: list[tuple[int, int]] = []
    begin, signs = -1, ""
    for at, line in enumerate(lines):
        fence = FENCE.fullmatch(line)
        if not fence:
            continue
        if begin < 0:
            begin, signs = at, fence[1]
        elif fence[1].startswith(signs) and not fence[2].strip():
            found.append((begin, at))
            begin = -1
    return found
