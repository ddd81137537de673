"""Excerpts of sources around the places that errors name, for a question to a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.files import read_file
from engine.findings import Finding
from engine.llm.fences import fenced
from engine.repair.sources import MAX_FILE_BYTES
from engine.source.c_source import ends_of
from engine.source.editable_tree import EditableTree
from engine.source.file_policy import write_refusal

LINES_AROUND = (80, 40, 20, 8, 3)
"""Lines before and after a place that are shown: the most that the room allows."""

_MAX_PLACES = 40
_WHOLE_FILE_LINES = 200  # a file of at most so many is shown whole
_LINE_CHARACTERS = 2000
_PLACE = re.compile(r"([\w./+-]{1,300}\.\w{1,8})(?::|\"?,? line )(\d{1,7})")
"""Compilers' ``a.c:3``, and Python's ``File "a.py", line 3`` as generators of code say it too."""


def source_excerpts(tree: EditableTree, findings: Sequence[Finding], room: int) -> str:
    """The places that findings name, with as many lines around them as there is room for.

    Args:
        tree: the worktree.
        findings: what failed, in order. Untrusted.
        room: characters that it may take.
    """
    places = _places(tree, findings)
    for around in LINES_AROUND:
        text = "\n\n".join(_excerpts(tree, places, around))
        if len(text) <= room:
            return text
    kept = ""
    for part in _excerpts(tree, places, LINES_AROUND[-1]):
        if len(kept) + len(part) > room:
            return f"{kept}(more places are left out for lack of room)"
        kept += f"{part}\n\n"
    return kept


def _places(tree: EditableTree, findings: Sequence[Finding]) -> dict[str, list[int]]:
    """Lines of the tree's files that findings name, in the order of their files."""
    places: dict[str, list[int]] = {}
    for finding in findings:
        named = [(finding.file or "", finding.line or 1)]
        named += [(m[1], int(m[2])) for m in _PLACE.finditer(finding.evidence or "")]
        for name, line in named:
            file = _known(name, tree)
            if file and sum(map(len, places.values())) < _MAX_PLACES:
                places.setdefault(file, []).append(line)
    return places


def _known(name: str, tree: EditableTree) -> str | None:
    """The file of the tree that is meant by a name, which may have folders before it or lack some.

    None when there is none, several, or one that must not be changed.
    """
    if not name or len(name) > 400:
        return None
    ends = list(ends_of(name.removeprefix("./")))
    found = next((end for end in ends if end in tree.files), None)
    if found is None:
        last = f"/{ends[-1]}"
        like = [file for file in tree.files if file.endswith(last)]
        found = like[0] if len(like) == 1 else None
    return found if found and write_refusal(found) is None else None


def _excerpts(tree: EditableTree, places: dict[str, list[int]], around: int) -> Iterator[str]:
    for file, lines in places.items():
        text = read_shown(tree, file)
        if text is None:
            continue
        rows = text.split("\n")
        rows = rows[:-1] if not rows[-1] else rows
        if len(rows) <= _WHOLE_FILE_LINES and around == LINES_AROUND[0]:
            yield f"{file}, whole:\n{fenced(text.removesuffix(chr(10)))}"
            continue
        for first, last in _ranges(lines, len(rows), around):
            part = "\n".join(row[:_LINE_CHARACTERS] for row in rows[first - 1 : last])
            yield f"{file}, lines {first} to {last} of {len(rows)}:\n{fenced(part)}"


def _ranges(lines: Sequence[int], end: int, around: int) -> Iterator[tuple[int, int]]:
    """Ranges of lines around some, from 1, where they touch as one."""
    ranges: list[tuple[int, int]] = []
    for line in sorted(line for line in lines if 1 <= line <= end):
        first, last = max(1, line - around), min(end, line + around)
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    yield from ranges


def read_shown(tree: EditableTree, file: str) -> str | None:
    """Text of a file of a worktree, None where it cannot be shown."""
    try:
        data = read_file(tree.root / file, MAX_FILE_BYTES)
    except OSError:
        return None
    return None if b"\0" in data else data.decode("utf-8", "replace")
