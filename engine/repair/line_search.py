"""Where the lines of a block stand in a file, though a model did not copy them exactly.

Looked for are, in this order: the very lines; the same with other white space in them; the same
with blank lines lost or added. The first that is found counts. Indentation may differ by a rule
that holds for all lines, which is then the rule for the lines that take their place. Lines are
looked for in whole texts, in linear time: line by line, lines that are all alike would take
quadratic time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from engine.repair.edited_text import BLANKS, MAX_OF_A_KEY, EditedText, key_of

MAX_PLACES = 9
"""Places that are told apart."""

_LOOKED_AT = 200
_NEAREST = 10
_NAME = re.compile(r"\w{3,100}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of lines in a file.

    Args:
        start, stop: its lines, from 0, the last one excluded.
        rows: for each line that was looked for the line of the file; None for a blank one.
        indents: the indentation of the file for each of the lines'; None where they are the same.
    """

    start: int
    stop: int
    rows: tuple[int | None, ...]
    indents: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where lines stand.

    Args:
        places: :data:`MAX_PLACES` at most.
        uneven: whether they were found with indentations that follow no rule, and not otherwise.
    """

    places: tuple[Place, ...]
    uneven: bool = False


@dataclass(frozen=True, slots=True)
class Nearest:
    """Lines of a file, from 0, the last one excluded; ``differs`` is where they first differ."""

    start: int
    stop: int
    differs: int


def find(text: EditedText, wanted: Sequence[str]) -> Places:
    """The places of lines in a file.

    Args:
        wanted: the lines; at least one is not blank.
    """
    plain = [line.rstrip(BLANKS) for line in wanted]
    first = next(at for at, line in enumerate(plain) if line)
    last = next(at for at in range(len(plain) - 1, -1, -1) if plain[at])
    core = plain[first : last + 1]
    keys = list(map(key_of, core))
    if any(key and key not in text.places for key in keys):
        return Places(())
    exact = _runs(text.lines, plain)
    if exact:
        size = len(plain)
        return Places(tuple(Place(at, at + size, tuple(range(at, at + size))) for at in exact))
    uneven = False
    for look in (_in_a_row, _without_blank_lines):
        found = []
        for rows in look(text.keys, keys):
            indents = _indents(text.lines, core, rows)
            if indents is None:
                uneven = True
                continue
            before, after = (None,) * first, (None,) * (len(plain) - last - 1)
            stop = next(row for row in reversed(rows) if row is not None) + 1
            start = next(row for row in rows if row is not None)
            found.append(Place(start, stop, (*before, *rows, *after), indents))
        if found:
            return Places(tuple(found))
    return Places((), uneven)


def reindent(indents: Mapping[str, str]) -> Callable[[str], str | None]:
    """A function that gives a line the indentation of a file; None where no rule says which.

    Args:
        indents: the indentation of the file for each known one of the lines.
    """
    unit = _unit(indents)
    known = sorted(indents, key=len)

    @cache
    def indent_of(indent: str) -> str | None:
        if indent in indents:
            return indents[indent]
        shorter = [each for each in known if indent.startswith(each)]
        if shorter:
            return indents[shorter[-1]] + _steps(indent[len(shorter[-1]) :], unit)
        longer = next((each for each in known if each.startswith(indent)), None)
        if longer is None:
            return None
        less = _steps(longer[len(indent) :], unit)
        whole = indents[longer]
        return whole.removesuffix(less) if whole.endswith(less) else None

    def reindented(line: str) -> str | None:
        indent = indent_of(_indent(line))
        return None if indent is None else f"{indent}{line.lstrip()}"

    return reindented


def nearest(text: EditedText, wanted: Sequence[str]) -> Nearest:
    """The lines of a file that are nearest to lines that are not there.

    They lie around the first line that differs, where most of the others say that the place is;
    lines that a file has often say nothing.
    """
    keys = [key_of(line) for line in wanted]
    votes: dict[int, int] = {}
    for index, key in enumerate(keys):
        places = text.places.get(key, ()) if key else ()
        if len(places) <= MAX_OF_A_KEY:
            for at in places:
                votes[at - index] = votes.get(at - index, 0) + len(key)
    if votes:
        start = max(votes, key=lambda each: (votes[each], -each))
        rows = range(start, start + len(keys))
        differs = next((row for row in rows if _key_at(text, row) != keys[row - start]), start)
    else:
        differs = _most_alike(text.places, keys)
    differs = max(0, min(differs, len(text.lines) - 1))
    begin = max(0, min(differs - _NEAREST // 2, len(text.lines) - _NEAREST))
    return Nearest(begin, min(begin + _NEAREST, len(text.lines)), differs)


def _key_at(text: EditedText, row: int) -> str | None:
    return text.keys[row] if 0 <= row < len(text.keys) else None


def _runs(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where lines stand in a row in others, from 0."""
    text, part = "\n".join(("", *lines, "")), "\n".join(("", *wanted, ""))
    found: list[int] = []
    at, line = text.find(part), 0
    counted = 0
    while at >= 0 and len(found) < MAX_PLACES:
        line += text.count("\n", counted, at)
        counted = at
        found.append(line)
        at = text.find(part, at + 1)
    return found


def _in_a_row(keys: Sequence[str], wanted: Sequence[str]) -> list[tuple[int | None, ...]]:
    return [
        tuple(at + index if key else None for index, key in enumerate(wanted))
        for at in _runs(keys, wanted)
    ]


def _without_blank_lines(
    keys: Sequence[str], wanted: Sequence[str]
) -> list[tuple[int | None, ...]]:
    rows = [at for at, key in enumerate(keys) if key]
    found = []
    for at in _runs([keys[row] for row in rows], [key for key in wanted if key]):
        following = iter(rows[at:])
        found.append(tuple(next(following) if key else None for key in wanted))
    return found


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _indents(
    lines: Sequence[str], wanted: Sequence[str], rows: Sequence[int | None]
) -> dict[str, str] | None:
    """The indentation of a file for each of some lines'; None where they follow no rule."""
    found: dict[str, str] = {}
    for line, row in zip(wanted, rows, strict=True):
        if row is None:
            continue
        indent = _indent(lines[row])
        if found.setdefault(_indent(line), indent) != indent:
            return None
    return found


def _unit(indents: Mapping[str, str]) -> tuple[str, str] | None:
    """What one step of the lines' indentation is in the file; None where it is the same."""
    known = sorted(indents, key=len)
    for one, other in itertools.pairwise(known):
        if other.startswith(one) and indents[other].startswith(indents[one]):
            theirs, ours = other[len(one) :], indents[other][len(indents[one]) :]
            return None if theirs == ours or not ours else (theirs, ours)
    only = known[-1] if known else ""
    ours = indents.get(only, "")
    if only and ours and set(only) == {" "} and set(ours) == {"\t"} and len(only) % len(ours) == 0:
        return " " * (len(only) // len(ours)), "\t"
    if only and ours and set(only) == {"\t"} and set(ours) == {" "} and len(ours) % len(only) == 0:
        return "\t", " " * (len(ours) // len(only))
    return None


def _steps(indent: str, unit: tuple[str, str] | None) -> str:
    if unit is None or not indent:
        return indent
    theirs, ours = unit
    times = len(indent) // len(theirs)
    return (
        ours * times + indent[times * len(theirs) :]
        if indent.startswith(theirs * times)
        else indent
    )


def _most_alike(places: Mapping[str, Sequence[int]], wanted: Sequence[str]) -> int:
    """The line that has most words in common with some of others, by words that are rare."""
    rows: dict[str, list[int]] = {word: [] for key in wanted[:_LOOKED_AT] for word in _words(key)}
    for key, known in places.items():
        for word in _words(key):
            found = rows.get(word)
            if found is not None and len(found) <= MAX_OF_A_KEY:
                found += known
    score: dict[int, int] = {}
    for found in rows.values():
        if len(found) <= MAX_OF_A_KEY:
            for at in found:
                score[at] = score.get(at, 0) + 1
    return max(score, key=lambda at: (score[at], -at)) if score else 0


def _words(key: str) -> set[str]:
    """Names in a line, and what they are made of."""
    names = _NAME.findall(key[:500])
    return {word for name in names for word in (name, *name.split("_")) if len(word) > 2}
