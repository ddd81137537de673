"""Unified diffs as ``git apply`` takes them (git-apply(1), "Generating patch text with -p")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

CONTEXT_LINES = 3
"""Lines around a change."""

Opcode = tuple[str, int, int, int, int]
"""What became of some lines, as :meth:`difflib.SequenceMatcher.get_opcodes` has it."""

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


@dataclass(frozen=True, slots=True)
class Row:
    """A line that a diff adds or takes away; ``line`` is its place in the new file, from 1."""

    file: str
    line: int
    text: str
    added: bool


def lines_of(text: str) -> list[str]:
    """Lines with their ends; only ``\\n`` ends a line, as for Git."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def diff_of(
    file: str, old: Sequence[str] | None, new: Sequence[str], opcodes: Sequence[Opcode]
) -> str:
    """A file's change as a diff, empty when it is none.

    Args:
        file: path from the root, without quotes and control characters.
        old: its lines, as :func:`lines_of` gives them; None for a file that is to be made.
        new: its lines afterwards.
        opcodes: how they come of each other, in order and without gaps.
    """
    hunks = "".join(_hunk(old or (), new, group) for group in _groups(opcodes))
    if not hunks:
        return ""
    # Git ends a name with a tab where it has blanks (git-apply(1) reads GNU diff's form).
    end = "\t" if " " in file else ""
    made = "" if old is not None else "new file mode 100644\n"
    source = f"a/{file}{end}" if old is not None else "/dev/null"
    return f"diff --git a/{file} b/{file}\n{made}--- {source}\n+++ b/{file}{end}\n{hunks}"


def rows_of(patch: str) -> Iterator[Row]:
    """The lines that a diff adds and takes away; files that only go are passed over.

    Lines are counted as hunks say, so that no text of a file is taken for a head.

    Args:
        patch: unified diff with the prefixes ``a/`` and ``b/``.
    """
    file, at, old, new = "", 0, 0, 0
    for line in patch.split("\n"):
        if old <= 0 and new <= 0:
            if line.startswith("+++ "):
                file = line[6:].rstrip("\t") if line.startswith("+++ b/") else ""
            elif hunk := _HUNK.match(line):
                old, at, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
            continue
        sign = line[:1]
        if sign in "+-" and sign and file:
            yield Row(file, at, line[1:], sign == "+")
        old -= sign not in ("+", "\\")
        new -= sign not in ("-", "\\")
        at += sign not in ("-", "\\")


def texts_before(patch: str, after: Callable[[str], str | None]) -> dict[str, str | None]:
    """The files that a diff changes as they were before it; None for one that it makes.

    Args:
        patch: unified diff with the prefixes ``a/`` and ``b/``.
        after: gives the text of a file after it; None where it is not there.
    """
    found: dict[str, str | None] = {}
    file, made, at, old, new = "", False, 0, 0, 0
    lines, kept = list[str](), list[str]()

    def close() -> None:
        if file:
            found[file] = None if made else "".join((*kept, *lines[at:]))

    for row in lines_of(patch):
        if old <= 0 and new <= 0:
            if row.startswith("--- "):
                close()
                file, made = "", row.startswith("--- /dev/null")
                if row.startswith("--- a/"):
                    file = row[6:].rstrip("\t\n")
            elif row.startswith("+++ "):
                file = row[6:].rstrip("\t\n") if row.startswith("+++ b/") else file
                lines, kept, at = lines_of(after(file) or "") if file else [], [], 0
            elif hunk := _HUNK.match(row):
                old, new = int(hunk[1] or 1), int(hunk[3] or 1)
                start = int(hunk[2]) - (new > 0)  # a range of none names the line before it
                kept += lines[at:start]
                at = start
            continue
        if row[:1] in ("-", " "):
            kept.append(row[1:])
        old -= row[:1] not in ("+", "\\")
        new -= row[:1] not in ("-", "\\")
        at += row[:1] not in ("-", "\\")
    close()
    return found


def lines_changed(patch: str) -> dict[str, frozenset[int]]:
    """The lines of the new files that a diff adds, or takes something away at, by file."""
    found: dict[str, set[int]] = {}
    for row in rows_of(patch):
        found.setdefault(row.file, set()).add(row.line)
    return {file: frozenset(lines) for file, lines in found.items()}


def _groups(opcodes: Sequence[Opcode]) -> Iterator[list[Opcode]]:
    """Changes that are near each other, with the lines around them."""
    group: list[Opcode] = []
    for place, (tag, a1, a2, b1, b2) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, a1, a2, b1, b2))
            continue
        if group:
            last = place == len(opcodes) - 1
            if not last and a2 - a1 <= 2 * CONTEXT_LINES:
                group.append((tag, a1, a2, b1, b2))
                continue
            keep = min(CONTEXT_LINES, a2 - a1)
            yield [*group, (tag, a1, a1 + keep, b1, b1 + keep)]
        keep = min(CONTEXT_LINES, a2 - a1)
        group = [(tag, a2 - keep, a2, b2 - keep, b2)] if place < len(opcodes) - 1 else []
    if group and group[-1][0] != "equal":
        yield group


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[Opcode]) -> str:
    first, last = group[0], group[-1]
    head = f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
    rows: list[str] = []
    for tag, a1, a2, b1, b2 in group:
        if tag == "equal":
            rows += (f" {line}" for line in old[a1:a2])
        else:
            rows += (f"-{line}" for line in old[a1:a2])
            rows += (f"+{line}" for line in new[b1:b2])
    without = "\n\\ No newline at end of file\n"
    return head + "".join(row if row.endswith("\n") else f"{row}{without}" for row in rows)


def _range(start: int, end: int) -> str:
    """Lines from 1; a range of none names the line before it."""
    size = end - start
    if size == 1:
        return str(start + 1)
    return f"{start + 1 if size else start},{size}"
