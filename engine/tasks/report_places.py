"""Places that a report names, ``main/x.c:12``, held against the source.

A place is wrong where its line is not there, or where the code that the report quotes beside it
stands elsewhere in the file. It is mended where that code stands at one line of the file alone
that is near, or at one line at all; a name alone mends no line that is there. A line that is not
there and cannot be mended is marked, as is a file that is not. Which code belongs to a place: what
stands in backticks behind it on the same line of the report, before the next place; of the first
one also what stands before it.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.source.diffs import lines_of
from engine.source.functions import functions_of

NEAR_LINES = 3
"""Lines by which a place may be off while it is right."""

NO_LINE = "no such line"
"""Mark of a place whose file has fewer lines."""

NOT_HERE = "not in the repository"
"""Mark of a place whose file is none of the repository's."""

_MENDED_WITHIN = 60  # lines by which a place is mended where the quoted code is at several
_MAX_PLACES = 200
_MAX_QUOTES = 12
_MAX_FOUND = 200  # lines with one quoted code that are looked at
_MAX_ROW = 4000
_PLACE = re.compile(
    r"(?<![\w./+:-])([\w./+-]{1,200}\.[A-Za-z]\w{0,5}|(?:[\w./+-]{1,200}/)?Kconfig)"
    r":(\d{1,7})(?:(-|\u2013)(\d{1,7})|:\d{1,5})?(?!\w)"
)
_QUOTE = re.compile(r"`([^`\n]{2,300})`")
_NAME = re.compile(r"\w+(?:\(\))?")
_MARK_INSIDE = re.compile(rf"( \((?:{NO_LINE}|{NOT_HERE})\))`")


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """A report whose places were looked at.

    Args:
        text: it, with what was wrong mended or marked.
        places: how many it names.
        mended: how many of them were mended.
        marked: those that are marked, as the report had them.
    """

    text: str
    places: int = 0
    mended: int = 0
    marked: tuple[str, ...] = ()


def check_places(
    report: str, tracked: Sequence[str], read: Callable[[str], str | None]
) -> CheckedReport:
    """Hold the places of a report against the source.

    Args:
        report: of a model. Untrusted.
        tracked: paths of the files that places may be of.
        read: a file's text by its path, None for none.
    """
    checker = _Checker(tracked, read)
    # Fenced code is no report: an example may name any file.
    rows, fence = [], ""
    for row in report.split("\n"):
        mark = row.strip()[:3]
        if mark in ("```", "~~~"):
            fence = "" if fence == mark else fence or mark
        rows.append(row if fence or len(row) > _MAX_ROW else checker.checked(row))
    return CheckedReport("\n".join(rows), checker.places, checker.mended, tuple(checker.marked))


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that places are of: its text with single blanks, and where its functions stand."""

    text: str
    starts: Sequence[int]
    functions: Mapping[str, tuple[int, int]]

    @property
    def lines(self) -> int:
        """How many it has."""
        return len(self.starts)

    def lines_with(self, code: str) -> list[int]:
        """Lines, from 1, that have some code; not all of them where they are very many."""
        found: list[int] = []
        at = self.text.find(code)
        while at >= 0 and len(found) < _MAX_FOUND:
            found.append(bisect.bisect_right(self.starts, at))
            at = self.text.find(code, at + len(code))
        return list(dict.fromkeys(found))


class _Checker:
    def __init__(self, tracked: Sequence[str], read: Callable[[str], str | None]) -> None:
        self._read = read
        self._by_name: dict[str, list[str]] = {}
        for path in tracked:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self._sources: dict[str, _Source | None] = {}
        self.places = self.mended = 0
        self.marked: list[str] = []

    def checked(self, row: str) -> str:
        """A line of a report with its places mended or marked."""
        found = list(_PLACE.finditer(row))
        if not found or self.places + len(found) > _MAX_PLACES:
            return row
        quotes = [match for match in _QUOTE.finditer(row) if not _PLACE.search(match[1])]
        pieces, at = list[str](), 0
        for number, match in enumerate(found):
            end = found[number + 1].start() if number + 1 < len(found) else len(row)
            behind = [each[1] for each in quotes if match.end() <= each.start() < end]
            before = [each[1] for each in quotes if number == 0 and each.start() < match.start()]
            place = self._place(match, (behind or before[::-1])[:_MAX_QUOTES])
            pieces += [row[at : match.start()], place]
            at = match.end()
        # A mark belongs behind the backticks of its place.
        return _MARK_INSIDE.sub(r"`\1", "".join((*pieces, row[at:])))

    def _place(self, match: re.Match[str], quotes: Sequence[str]) -> str:
        self.places += 1
        paths = self._paths(match[1])
        if not paths:
            return self._mark(match, NOT_HERE)
        source = self._source(paths[0]) if len(paths) == 1 else None
        if source is None:
            return match[0]  # any of several, or none that can be read: nothing can be said
        first, last = int(match[2]), int(match[4] or match[2])
        is_there = 1 <= first <= last <= source.lines
        right = _right_line(source, first, last, quotes, is_there)
        if right == first:
            return match[0] if is_there else self._mark(match, NO_LINE)
        self.mended += 1
        end = min(right + last - first, source.lines)
        return f"{match[1]}:{right}" + (f"{match[3]}{end}" if match[4] and is_there else "")

    def _mark(self, match: re.Match[str], mark: str) -> str:
        self.marked.append(match[0])
        return f"{match[0]} ({mark})"

    def _paths(self, name: str) -> list[str]:
        """The files that a place can mean."""
        same = [
            path
            for path in self._by_name.get(name.rpartition("/")[2], ())
            if f"/{path}".endswith(f"/{name}") or f"/{name}".endswith(f"/{path}")
        ]
        return [path for path in same if path == name] or same

    def _source(self, path: str) -> _Source | None:
        if path not in self._sources:
            text = self._read(path)
            self._sources[path] = _source_of(path, text) if text is not None else None
        return self._sources[path]


def _source_of(path: str, text: str) -> _Source:
    functions = {each.name: (each.first, each.last) for each in functions_of(path, text)}
    rows = [" ".join(row.split()) + "\n" for row in lines_of(text)]
    starts = list(itertools.accumulate(map(len, rows[:-1]), initial=0)) if rows else []
    return _Source("".join(rows), starts, functions)


def _right_line(
    source: _Source, first: int, last: int, quotes: Sequence[str], is_there: bool
) -> int:
    """The line at which a place is right: its own, as far as nothing says otherwise."""
    for code in filter(None, (" ".join(quote.split()) for quote in quotes)):
        start, end = source.functions.get(code.partition("(")[0], (0, 0))
        if start - NEAR_LINES <= first <= end:
            return first  # inside of the function that is named
        lines = source.lines_with(code)
        if any(first - NEAR_LINES <= line <= last + NEAR_LINES for line in lines):
            return first
        # A name alone may be named for another reason; a line of code is quoted for itself.
        if is_there and _NAME.fullmatch(code):
            continue
        near = [line for line in lines if abs(line - first) <= _MENDED_WITHIN]
        if len(near) == 1:
            return near[0]
        if len(lines) == 1:
            return lines[0]
    return first
