"""Unified diffs as ``git apply`` takes them (git-apply(1), "Generating patch text with -p")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

CONTEXT = 3
"""Lines around a change."""

Opcode = tuple[str, int, int, int, int]
"""What became of some lines, as :meth:`difflib.SequenceMatcher.get_opcodes` has it."""


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


def _groups(opcodes: Sequence[Opcode]) -> Iterator[list[Opcode]]:
    """Changes that are near each other, with the lines around them."""
    group: list[Opcode] = []
    for place, (tag, a1, a2, b1, b2) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, a1, a2, b1, b2))
            continue
        if group:
            last = place == len(opcodes) - 1
            if not last and a2 - a1 <= 2 * CONTEXT:
                group.append((tag, a1, a2, b1, b2))
                continue
            keep = min(CONTEXT, a2 - a1)
            yield [*group, (tag, a1, a1 + keep, b1, b1 + keep)]
        keep = min(CONTEXT, a2 - a1)
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
