"""What takes the place of lines that were found in a file, though they were not copied exactly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from engine.repair.line_search import Place, reindent


def replacement(
    place: Place, search: Sequence[str], lines: Sequence[str]
) -> list[str | int] | None:
    """What takes the place of the lines that were found; what stays keeps its ends and its blanks.

    Returns:
        New lines, and numbers of lines that stay; None where no rule says how a line is indented.
    """
    kept = _kept(search, lines)
    if place.indents is None:
        return [place.start + kept[at] if at in kept else line for at, line in enumerate(lines)]
    indented, gaps = reindent(place.indents), _Gaps(place, search)
    parts: list[str | int] = []
    last: int | None = None  # line of the search that stayed last
    blanks = 0  # lines that came after it
    for at, line in enumerate(lines):
        if not line:
            blanks += 1
            continue
        index = kept.get(at)
        parts += gaps.between(last, index, blanks)
        row = place.rows[index] if index is not None else None
        new = row if row is not None else indented(line)
        if new is None:
            return None
        parts.append(new)
        last, blanks = index, 0
    return _without_edges([*parts, *[""] * blanks], search)


class _Gaps:
    """The blank lines between lines of a search, as the file has them: a model loses or adds some.

    Args:
        place: where the search was found, blank lines apart.
    """

    def __init__(self, place: Place, search: Sequence[str]) -> None:
        self._rows = place.rows
        written = [index for index, line in enumerate(search) if line]
        self._after = dict(itertools.pairwise(written))
        self._before = {two: one for one, two in self._after.items()}
        self._taken = -1

    def between(self, last: int | None, index: int | None, blanks: int) -> Sequence[str | int]:
        """The blank lines before a line that takes its place.

        Args:
            last: the line of the search that stayed right before it; None for a new one.
            index: the line of the search that it is; None for a new one.
            blanks: blank lines that the model writes there.
        """
        one = last if last is not None or index is None else self._before.get(index)
        two = index if index is not None or last is None else self._after.get(last)
        if one is None or two is None or self._after.get(one) != two or two - one - 1 != blanks:
            return [""] * blanks
        start, stop = self._rows[one], self._rows[two]
        if start is None or stop is None:
            return [""] * blanks
        rows = range(max(start, self._taken) + 1, stop)
        self._taken = max(self._taken, stop - 1)
        return rows


def _without_edges(parts: list[str | int], search: Sequence[str]) -> list[str | int]:
    """Lines without as many blank ones at both ends as the search had, which the file has not."""
    start = min(leading_blanks(search), leading_blanks(parts))
    stop = min(leading_blanks(search[::-1]), leading_blanks(parts[::-1]))
    return parts[start : max(start, len(parts) - stop)]


def leading_blanks(lines: Sequence[str | int]) -> int:
    """How many lines are blank before the first that is not."""
    return next((at for at, line in enumerate(lines) if line != ""), len(lines))


def _kept(search: Sequence[str], lines: Sequence[str]) -> dict[int, int]:
    """Which of the new lines stay, and which line of the search each of them is."""
    head = common_prefix(search, lines)
    tail = common_prefix(search[head:][::-1], lines[head:][::-1])
    kept = {at: at for at in range(head)}
    where: dict[str, list[int]] = {}
    for at in range(len(search) - tail - 1, head - 1, -1):
        where.setdefault(search[at], []).append(at)
    last = head - 1
    for at in range(head, len(lines) - tail):
        rows = where.get(lines[at], [])
        while rows and rows[-1] <= last:
            rows.pop()
        if rows and lines[at]:
            last = rows.pop()
            kept[at] = last
    for back in range(tail):
        kept[len(lines) - tail + back] = len(search) - tail + back
    return kept


def common_prefix(some: Sequence[str], others: Sequence[str]) -> int:
    """How many lines two sequences begin with alike."""
    alike = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        alike += 1
    return alike
