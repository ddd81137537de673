"""Patterns for names of files, as ``.gitignore`` has them: ``third_party/**``, ``*.gen.c``.

``*`` and ``?`` stand for characters of one name, ``**`` for any folders. A pattern without ``/``
may match in any folder, and one that matches a folder matches all that is in it. They come from
repositories: RE2 takes linear time whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import re2

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A function that says whether a name with ``/`` matches one of some patterns."""
    if not patterns:
        return lambda _name: False
    compiled = [re2.compile(_regex(each)) for each in patterns]
    return lambda name: any(each.fullmatch(name) is not None for each in compiled)


def _regex(pattern: str) -> str:
    anywhere = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    pieces = _PIECE.findall(pattern.strip("/").removeprefix("./"))
    meant = "".join(_MEANING.get(each) or re2.escape(each) for each in pieces)
    return f"{anywhere}{meant}(?:/.*)?"
