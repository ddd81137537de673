"""What is shown of a diff: changes of sources first, none of generated files or of other apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.source.bulk_data import is_numbers
from engine.source.diffs import lines_of
from engine.source.file_kinds import kind_of
from engine.text import clean, count

_HEAD = "diff --git "


@dataclass(frozen=True, slots=True)
class Section:
    """What a diff changes of one file; ``path`` is empty where Git quotes it."""

    path: str
    text: str


def sections_of(diff: str) -> tuple[Section, ...]:
    """A diff by files, in its order.

    Args:
        diff: as Git gives it, with the prefixes ``a/`` and ``b/``; its last file may be cut.
    """
    return tuple(Section(_path(text), text) for text in _split(diff))


def fitted(
    sections: Sequence[Section], room: int, refusal: Callable[[str], str | None]
) -> tuple[str, tuple[str, ...]]:
    """As much of a diff as fits, changes of sources first.

    Args:
        room: characters.
        refusal: why the change of a file is not shown, None when it may be.

    Returns:
        The diff, and what is left out of it, a line each.
    """
    pieces: list[str] = []
    left_out: list[str] = []
    for section in sorted(sections, key=lambda each: kind_of(each.path)):
        name = f"diff of {clean(section.path)[:200]}"
        reason = refusal(section.path)
        if reason is None and is_numbers(_changed(section.text)):
            reason = "mostly numbers"
        if reason is not None:
            left_out.append(f"{name}: {reason}")
            continue
        if len(section.text) <= room:
            pieces.append(section.text)
            room -= len(section.text)
            continue
        end = section.text.rfind("\n", 0, max(0, room)) + 1
        pieces.append(section.text[:end])
        missing = count(section.text.count("\n", end), "line")
        left_out.append(f"{name}: no room for {missing} of it")
        room = 0
    return "".join(pieces), tuple(left_out)


def _split(diff: str) -> Iterator[str]:
    # What stands in a file begins with a blank, a plus or a minus: none of it is taken for a head.
    rows: list[str] = []
    for row in lines_of(diff):
        if row.startswith(_HEAD) and rows:
            yield "".join(rows)
            rows = []
        rows.append(row)
    if rows:
        yield "".join(rows)


def _path(section: str) -> str:
    """The file that a section is about, empty where its name is quoted."""
    head = section.partition("\n")[0].removeprefix(f"{_HEAD}a/")
    before, after = head[: len(head) // 2 - 1], head[len(head) // 2 + 2 :]
    return before if f"{before} b/{after}" == head and before == after else ""


def _changed(section: str) -> str:
    # Also of a file that goes, which rows_of() passes over.
    rows = (row for row in section.split("\n") if not row.startswith(("--- ", "+++ ")))
    return "\n".join(row[1:] for row in rows if row[:1] in ("-", "+"))
