"""The parts of a file that matter, where it does not fit as a whole.

Parts are whole lines, exactly as the file has them: a model repeats them in what it changes. What
is left out between them is said by a line of ours with its numbers. Shown first are lines that
something names (a diff, a finding) and the functions around them; then an outline, which is what
stands outside of functions and their heads; then whole functions that fit the task's words; then
what else there is room for, from the beginning. Tables of numbers and certificates never are.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from engine.source.bulk_data import Table, tables_of
from engine.source.diffs import lines_of
from engine.source.functions import Function, functions_of
from engine.source.search_words import lines_with, rarity, words_in

Lines = tuple[int, int]
"""First and last of some lines, from 1."""

LINES_AROUND = 3
"""Lines before and after one that something names, where its function does not fit."""

_MARK_CHARACTERS = 40  # characters that the mark of a gap may take, without what tables have in it
_OUTSIDE, _HEADS = 0.25, 0.35  # parts of the room for what an outline has
_COMMENT_LINES = 30  # lines of a comment that belong to the function below it
_PART_LINES = 40  # lines that are taken of a function which does not fit
_MAX_FUNCTION_PLACES = 6
_MAX_PLACES = 20  # lines with words that are shown of what has no functions
_ENTRIES = frozenset({"app_main", "main", "setup", "loop"})
_COMMENT = re.compile(r"\s*(?://|/\*|\*|#\s|#$|--)")
_INCLUDE = re.compile(r"\s*(?:#\s*(?:include|pragma once)|import\s|from\s|use\s)")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of a text.

    Args:
        parts: the lines, in order.
        lines: how many the text has.
        text: the parts, with a mark for each gap.
        taken: characters of the parts.
        whole: characters that would be shown if there were room for all.
    """

    parts: tuple[Lines, ...]
    lines: int
    text: str
    taken: int
    whole: int


def excerpt(
    path: str,
    text: str,
    room: int,
    words: Collection[str] = frozenset(),
    lines: Collection[int] = frozenset(),
    *,
    fill: bool = True,
    outline: bool = True,
    numbered: bool = False,
) -> Excerpt:
    """The parts of a file that matter; all of it where that fits.

    Args:
        path: tells the language.
        text: all of the file.
        room: characters for the parts and the marks between them.
        words: of the task, in lower case.
        lines: that are named, from 1.
        fill: whether the room that is left is filled with what does not fit the words, too.
        outline: whether anything is shown beside the lines that are named and their functions.
        numbered: as :func:`shown` has it.
    """
    rows, tables = lines_of(text), tables_of(text)
    size = len(text) + (sum(map(len, map(_number, range(1, len(rows) + 1)))) if numbered else 0)
    if size <= room and not tables and outline:
        return shown(text, ((1, len(rows)),) if rows else (), tables, numbered=numbered)
    picked = _Picked(rows, room, tables, numbered=numbered)
    if outline and size - picked.hidden_size + _MARK_CHARACTERS * (len(tables) + 1) <= room:
        picked.take(1, len(rows))
    else:
        functions = functions_of(path, text)
        is_named = _pick_named(picked, functions, lines)
        if outline:
            _pick(picked, functions, words_in(text, words), fill, is_named)
    return shown(text, picked.parts(), tables, numbered=numbered)


def shown(
    text: str,
    parts: Sequence[Lines],
    tables: Sequence[Table] | None = None,
    *,
    numbered: bool = False,
) -> Excerpt:
    """Some lines of a text, with a mark for each gap.

    Args:
        tables: of the text; None: they are looked for.
        numbered: whether each line begins with its number and ``|``. Numbers are neither in
            ``taken`` nor in ``whole``.
    """
    rows = lines_of(text)
    tables = tables_of(text) if tables is None else tables
    pieces: list[str] = []
    at, taken = 1, 0
    for first, last in (*parts, (len(rows) + 1, len(rows))):
        if first > at:
            if pieces and not pieces[-1].endswith("\n"):
                pieces.append("\n")
            pieces.append(_gap(at, first - 1, tables))
        part = rows[first - 1 : last]
        taken += sum(map(len, part))
        pieces += (
            (f"{_number(line)}{row}" for line, row in enumerate(part, first)) if numbered else part
        )
        at = last + 1
    hidden = sum(len(row) for each in tables for row in rows[each.first - 1 : each.last])
    return Excerpt(tuple(parts), len(rows), "".join(pieces), taken, len(text) - hidden)


def describe_lines(parts: Sequence[Lines], lines: int, most: int = 8) -> str:
    """Parts as people read them: ``lines 10-80, 120-200 of 900``.

    Args:
        most: parts that are told one by one.
    """
    named = [str(first) if first == last else f"{first}-{last}" for first, last in parts[:most]]
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return f"lines {', '.join(named)}{more} of {lines}"


def _number(line: int) -> str:
    return f"{line}|"


def _gap(first: int, last: int, tables: Sequence[Table]) -> str:
    which = f"line {first}" if first == last else f"lines {first}-{last}"
    what = [each.description for each in tables if first <= each.first and each.last <= last]
    return f"[... {which} left out{': ' if what else ''}{', '.join(what[:3])} ...]\n"


class _Picked:
    """Lines that were picked, as long as there is room."""

    def __init__(
        self, rows: Sequence[str], room: int, tables: Sequence[Table], *, numbered: bool
    ) -> None:
        self.rows = rows
        self.room = room - _MARK_CHARACTERS - sum(len(each.description) + 2 for each in tables)
        self._sizes = [0, *map(len, rows)]
        if numbered:
            self._sizes = [size + len(_number(line)) for line, size in enumerate(self._sizes)]
        self._hidden = {line for each in tables for line in range(each.first, each.last + 1)}
        self._picked: set[int] = set()
        self.hidden_size = sum(self._sizes[line] for line in self._hidden)

    def cost(self, first: int, last: int) -> int:
        """Characters that lines would take."""
        new = [
            line
            for line in range(max(1, first), min(len(self.rows), last) + 1)
            if line not in self._picked and line not in self._hidden
        ]
        breaks = sum(
            line - 1 not in self._picked and line - 1 != before
            for before, line in zip([-1, *new], new, strict=False)
        )
        return sum(self._sizes[line] for line in new) + _MARK_CHARACTERS * breaks

    def take(self, first: int, last: int, most: int | None = None) -> bool:
        """Pick lines if there is room for all of them.

        Args:
            most: characters that they may take; None: all that is left.
        """
        cost = self.cost(first, last)
        if cost > (self.room if most is None else min(most, self.room)):
            return False
        self.room -= cost
        self._picked.update(
            line
            for line in range(max(1, first), min(len(self.rows), last) + 1)
            if line not in self._hidden
        )
        return True

    def take_beginning(self, first: int, last: int) -> None:
        """Pick as many lines as there is room for, from the first on."""
        size = 0
        for line in range(first, last + 1):
            size += self._sizes[line] if line not in self._hidden else 0
            if size + 2 * _MARK_CHARACTERS > self.room:
                last = line - 1
                break
        while last >= first and not self.take(first, last):
            last -= 1 + (last - first) // 4

    def parts(self) -> tuple[Lines, ...]:
        """What was picked; gaps that are smaller than their mark are closed."""
        found: list[list[int]] = []
        for line in sorted(self._picked):
            if found and self._is_small(found[-1][1] + 1, line - 1):
                found[-1][1] = line
            else:
                found.append([line, line])
        if found and self._is_small(found[-1][1] + 1, len(self.rows)):
            found[-1][1] = len(self.rows)
        if found and self._is_small(1, found[0][0] - 1):
            found[0][0] = 1
        return tuple((first, last) for first, last in found)

    def _is_small(self, first: int, last: int) -> bool:
        if last - first > 3 or any(line in self._hidden for line in range(first, last + 1)):
            return False
        return sum(self._sizes[first : last + 1]) <= _MARK_CHARACTERS // 2


def _pick_named(picked: _Picked, functions: Sequence[Function], lines: Collection[int]) -> bool:
    """Pick lines that something names, and the functions around them; whether there are any."""
    named = sorted(line for line in lines if 1 <= line <= len(picked.rows))
    for line in named:
        if not picked.take(line - LINES_AROUND, line + LINES_AROUND):
            picked.take(line, line)
    for function in functions:
        place = bisect.bisect_left(named, function.first)
        if place < len(named) and named[place] <= function.last:
            picked.take(*_with_comment(function, picked.rows))
    return bool(named)


def _pick(
    picked: _Picked,
    functions: Sequence[Function],
    words: Collection[str],
    fill: bool,
    is_named: bool,
) -> None:
    """Pick an outline, what fits the words, and as much of the rest as is wanted."""
    whole = [_with_comment(each, picked.rows) for each in functions]
    _outline(picked, functions, words)
    bodies = ["".join(picked.rows[first - 1 : last]) for first, last in whole]
    fitting = _fitting(functions, bodies, words)
    for place in fitting:
        if not picked.take(*whole[place]) and functions[place].name not in _ENTRIES:
            _take_parts(picked, functions[place], words)
    if (is_named or fitting) and not fill:
        return
    if not functions:
        found = lines_with("".join(picked.rows), words)
        for line in sorted(found, key=lambda line: (-found[line], line))[:_MAX_PLACES]:
            picked.take(line - LINES_AROUND, line + LINES_AROUND)
        if fill or not found:
            picked.take_beginning(1, len(picked.rows))
        return
    for part in (*whole, *_outside(functions, picked.rows)):
        picked.take(*part)


def _take_parts(picked: _Picked, function: Function, words: Collection[str]) -> None:
    """Pick the places of a large function that have most of the words, and its beginning."""
    first, last = function.first, function.last
    found = lines_with("".join(picked.rows[first - 1 : last]), words)
    best = max(found.values(), default=0)
    if best > 1:  # else any line is as good as its beginning
        places = sorted(found, key=lambda line: (-found[line], line))[:_MAX_FUNCTION_PLACES]
        for line in (first + each - 1 for each in places if found[each] > best / 2):
            picked.take(max(first, line - LINES_AROUND), min(last, line + LINES_AROUND))
    picked.take(first, min(last, first + _PART_LINES))


def _outline(picked: _Picked, functions: Sequence[Function], words: Collection[str]) -> None:
    """Pick what stands outside of functions, as far as it is small, and the heads of functions."""
    if not functions:
        return
    left = int(picked.room * _OUTSIDE)
    left_for_heads = int(picked.room * _HEADS)
    paragraphs = list(_outside(functions, picked.rows))
    texts = ["".join(picked.rows[first - 1 : last]) for first, last in paragraphs]
    worth = rarity(words, [words_in(text, words) for text in texts])

    def rank(place: int) -> tuple[bool, float, int]:
        includes = any(map(_INCLUDE.match, texts[place].split("\n")))
        return not includes, -sum(worth[w] for w in words_in(texts[place], words)), place

    for place in sorted(range(len(paragraphs)), key=rank):
        first, last = paragraphs[place]
        if all(_COMMENT.match(row) or not row.strip() for row in picked.rows[first - 1 : last]):
            continue  # a licence, a heading
        cost = picked.cost(first, last)
        if picked.take(first, last, left):
            left -= cost
    for function in functions:
        cost = picked.cost(function.first, function.head)
        if picked.take(function.first, function.head, left_for_heads):
            left_for_heads -= cost


def _fitting(
    functions: Sequence[Function], bodies: Sequence[str], words: Collection[str]
) -> list[int]:
    """Places of functions that fit the words, the best first; an app's entries after them."""
    names = [words_in(each.name, words) for each in functions]
    inside = [words_in(body, words) for body in bodies]
    worth = rarity(words, [one | other for one, other in zip(names, inside, strict=True)])
    scores = [
        3 * sum(worth[word] for word in one) + sum(worth[word] for word in other)
        for one, other in zip(names, inside, strict=True)
    ]
    best = max(scores, default=0.0)
    fitting = [place for place, score in enumerate(scores) if score > best / 4]
    entries = [place for place, each in enumerate(functions) if each.name in _ENTRIES]
    ordered = sorted(fitting, key=lambda place: (-scores[place], place))
    return list(dict.fromkeys((*ordered, *entries)))


def _with_comment(function: Function, rows: Sequence[str]) -> Lines:
    """A function's lines, with the comment right above it."""
    first = function.first
    while first > 1 and function.first - first < _COMMENT_LINES and _COMMENT.match(rows[first - 2]):
        first -= 1
    return first, function.last


def _outside(functions: Sequence[Function], rows: Sequence[str]) -> Iterable[Lines]:
    """Paragraphs outside of functions: lines in a row without an empty one between them.

    The comment at the beginning, which mostly is a licence, is one of its own.
    """
    inside = {line for each in functions for line in range(each.first, each.last + 1)}
    first, head = 0, True
    for line, row in enumerate(rows, 1):
        if first and head and not _COMMENT.match(row):
            yield first, line - 1
            first = 0
        head = head and bool(_COMMENT.match(row))
        if row.strip() and line not in inside:
            first = first or line
        elif first:
            yield first, line - 1
            first = 0
    if first:
        yield first, len(rows)
