"""``fix.patch``: what a build's repairs come to, as a file that ``git apply`` takes.

Before the diff stand lines with ``# `` before them, which Git passes over: what was changed, one a
line. That is all that is kept of it, so that the file says by itself what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.files import read_file
from engine.text import clean

NAME = "fix.patch"
"""The artifact."""

MAX_BYTES = 16 << 20

_COMMENT_SIGN = "# "
_LINE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class FixFile:
    """The changes, one line each, and their diff against the build's commit.

    The diff is empty where nothing helped, in what older versions kept.
    """

    changes: tuple[str, ...]
    diff: str


def write(path: Path, changes: Sequence[str], diff: str) -> None:
    """Write the file.

    Args:
        changes: what was changed, a line each. Untrusted.
        diff: all of the difference, as Git made it; may hold lone surrogates.
    """
    head = "".join(
        f"{_COMMENT_SIGN}{clean(' '.join(line.split()))[:_LINE_CHARACTERS]}\n" for line in changes
    )
    path.write_bytes(f"{head}{diff}".encode("utf-8", "surrogateescape"))


def read(path: Path) -> FixFile:
    """Read the file.

    Raises:
        OSError: it is gone, or too large.
    """
    text = read_file(path, MAX_BYTES).decode("utf-8", "surrogateescape")
    changes: list[str] = []
    at = 0
    while text.startswith(_COMMENT_SIGN, at):
        end = text.find("\n", at)
        end = end if end >= 0 else len(text)
        changes.append(text[at + len(_COMMENT_SIGN) : end])
        at = end + 1
    return FixFile(tuple(changes), text[at:])
