"""Takes numbers of lines out of code that a model gives back as it was shown: ``12|int x;``."""

from __future__ import annotations

import re

_MARK = re.compile(
    r"\s*(?:<{5,9}|={5,9}|>{5,9}|-{5,9}|\+{5,9}|`{3,}|~{3,}|@@|\*\*\* |--- |\+\+\+ )"
)
"""Where a part of an answer ends: markers of blocks, fences, heads of diffs."""

_NUMBERED = re.compile(r"([-+ ]?)[0-9]{1,6}\|")


def without_numbers(answer: str) -> str:
    """An answer without the numbers that its code has at the beginning of its lines.

    They are taken out of a part, which is what stands between two markers, when all of its lines
    have one that are not empty. Of what is to take the place of something, they are taken out of
    the lines that have one if what it replaces had them. The sign of a diff stays. Linear.
    """
    found: list[str] = []
    part: list[str] = []
    marker, numbered = "", False
    for row in (*answer.split("\n"), None):
        if row is not None and not _MARK.match(row):
            part.append(row)
            continue
        if not marker.startswith("="):
            with_text = [each for each in part if each.strip(" +-")]
            numbered = bool(with_text) and all(map(_NUMBERED.match, with_text))
        found += map(_without, part) if numbered else part
        part = []
        if row is not None:
            marker = row.strip()
            found.append(row)
    return "\n".join(found)


def _without(row: str) -> str:
    match = _NUMBERED.match(row)
    return match[1] + row[match.end() :] if match else row
