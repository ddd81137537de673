"""What a task's models are shown of a repository: which files, why, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.source.excerpts import Lines, describe_lines, shown
from engine.text import clean, count

MAX_LISTED_PATHS = 200
"""Paths of the repository that models are told."""


class SelectionReason(StrEnum):
    """Why a file was selected, spelled as people see it."""

    NAMED = "named"
    CHANGED = "in the diff"
    BUILD = "how it is built and tested"
    FITS = "fits the task"
    ANSWER = "named in an answer"


@dataclass(frozen=True, slots=True)
class SelectedFile:
    """A file that models are shown.

    Args:
        path: from the root of the repository.
        why: why it was selected.
        size: characters that it has.
        taken: characters of it that are shown.
        lines: that it has.
        parts: first and last of the lines that are shown, from 1, in order.
    """

    path: str
    why: SelectionReason
    size: int
    taken: int
    lines: int
    parts: tuple[Lines, ...]

    @property
    def part(self) -> str:
        """Which of its lines are shown, as people read it; empty for all."""
        return describe_lines(self.parts, self.lines) if self.taken < self.size else ""


@dataclass(frozen=True, slots=True)
class SelectedContext:
    """What models are shown of a repository.

    Args:
        files: the most important first.
        left_out: what was named, touched or generated and is not shown, with the reason, one line
            each.
        listing: paths of the repository, at most :data:`MAX_LISTED_PATHS`.
        unlisted: how many paths are not in the listing.
        diff: the diff, as far as it is shown.
        diff_size: characters of the whole diff.
    """

    files: tuple[SelectedFile, ...] = ()
    left_out: tuple[str, ...] = ()
    listing: tuple[str, ...] = ()
    unlisted: int = 0
    diff: str = ""
    diff_size: int = 0


def table(choice: SelectedContext) -> str:
    """What was selected, as Markdown for people."""
    lines = ["# Context", ""]
    if choice.diff_size:
        lines += [f"Diff: {len(choice.diff)} of {count(choice.diff_size, 'character')}", ""]
    lines += ["| file | why | shown |", "| --- | --- | --- |"]
    for each in choice.files:
        part = f"{each.part}, {each.taken} of {each.size}" if each.part else "all"
        lines.append(f"| {_cell(each.path)} | {each.why} | {part} characters |")
    if not choice.files:
        lines.append("| none | | |")
    if choice.left_out:
        lines += ["", "Left out:", "", *(f"- {_cell(line)}" for line in choice.left_out)]
    return "\n".join(lines) + "\n"


def text_of(text: str, selected: SelectedFile, *, numbered: bool = False) -> str:
    """What is shown of a file: its parts, with a mark for each gap.

    Args:
        text: all of it, as it was when it was selected.
        numbered: whether its lines begin with their numbers.
    """
    if selected.taken >= selected.size and not numbered:
        return text
    return shown(text, selected.parts, numbered=numbered).text


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("`", "'")
