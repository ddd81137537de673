"""The one README that says what a project is, and the part of it that does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from engine.source.diffs import lines_of
from engine.source.file_kinds import FileKind, kind_of

MAX_CHARACTERS = 1500
"""Characters of it that are shown."""

_PLAIN = ("readme.md", "readme.rst", "readme.adoc", "readme.txt", "readme")
_HEADING = re.compile(r"#{1,6}\s+\S|(?:=|-){3,}\s*$")
_NO_PROSE = re.compile(
    r"\s*(?:<[^>\n]{0,500}>?\s*)+$|\s*(?:\[?!\[[^\n]{0,1000}|\[[^\]\n]{0,200}\]:\s.*|[*-]\s+\[[^\n]{0,500}\))\s*$"
)
_PROSE_CHARACTERS = 40  # characters of a line that says something


def readme_of(paths: Sequence[str], app: str) -> str | None:
    """The README of a project: the app's own, else the root's.

    A translation (``README_CN.md``) is taken only where there is nothing else.

    Args:
        paths: from the root of the repository.
        app: folder of the project's app, empty for the root.
    """
    places = tuple(dict.fromkeys((app, "", "docs")))
    found = [path for path in paths if kind_of(path) is FileKind.README and _folder(path) in places]

    def rank(path: str) -> tuple[bool, int, int, str]:
        name = PurePosixPath(path).name.lower()
        plain = name in _PLAIN
        place = places.index(_folder(path))
        return not plain, place, _PLAIN.index(name) if plain else len(_PLAIN), path

    return min(found, key=rank, default=None)


def first_part(text: str, most: int = MAX_CHARACTERS) -> tuple[tuple[int, int], ...]:
    """The lines of a README that say what it is about: up to the first heading behind some prose.

    Badges, pictures and HTML are left out.

    Args:
        most: characters of all of them.

    Returns:
        First and last of lines in a row, from 1.
    """
    parts: list[list[int]] = []
    has_prose = False
    for line, row in enumerate(lines_of(text), 1):
        if has_prose and _HEADING.match(row):
            break
        if _NO_PROSE.match(row):
            continue
        if len(row) > most:
            break
        most -= len(row)
        has_prose = has_prose or (len(row.strip()) >= _PROSE_CHARACTERS and not _HEADING.match(row))
        if parts and parts[-1][1] == line - 1:
            parts[-1][1] = line
        elif row.strip():
            parts.append([line, line])
    return tuple((first, last) for first, last in parts)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
