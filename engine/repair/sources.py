"""The files of a source tree that a repair may read and change, and diffs of them."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_BYTES = 1 << 20
"""The largest file that is read."""

C_SUFFIXES = frozenset({".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".s", ".inc"})
"""Endings of C and C++ sources, in lower case."""

_MAX_FILES = 2000
_NAME = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,400}")
_OPAQUE = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Edit:
    """Text of a file to be replaced; ``start`` and ``end`` count characters.

    Args:
        file: relative to the source root.
        why: what it does, for people.
    """

    file: str
    start: int
    end: int
    text: str
    why: str


class Sources:
    """Reads source files of one tree, each once.

    Args:
        root: root of the tree.
    """

    def __init__(self, root: Path) -> None:
        self._given, self._root = root, root.resolve()
        self._texts: dict[str, str | None] = {}

    def read(self, name: str) -> str | None:
        """Text of a C source or CMake file, None for anything that a repair must not touch.

        Args:
            name: relative to the root, with ``/``. A name that leaves the tree, follows a link, or
                belongs to Git is refused, as are large and binary files.
        """
        if name not in self._texts:
            self._texts[name] = self._read(name)
        return self._texts[name]

    def relative(self, path: str) -> str:
        """A path inside the tree relative to its root, any other as it is."""
        for root in (self._given, self._root):
            path = path.removeprefix(f"{root}{os.sep}")
        return path

    @functools.cached_property
    def c_files(self) -> tuple[str, ...]:
        """Every C source of the tree, hidden folders left out, at most 2,000."""
        found: list[str] = []
        for folder, folders, files in os.walk(self._root):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(files):
                path = Path(folder, name)
                if path.suffix.lower() in C_SUFFIXES:
                    found.append(path.relative_to(self._root).as_posix())
            if len(found) >= _MAX_FILES:
                break
        return tuple(found[:_MAX_FILES])

    def _read(self, name: str) -> str | None:
        pure = PurePosixPath(name)
        known = pure.suffix.lower() in C_SUFFIXES | {".cmake"} or pure.name == "CMakeLists.txt"
        if not known or not _NAME.fullmatch(name) or str(pure) != name:
            return None
        if pure.is_absolute() or any(part in ("..", ".git") for part in pure.parts):
            return None
        path = self._root / name
        try:
            if path.resolve() != path or not path.is_file() or path.stat().st_size > MAX_BYTES:
                return None
            # Line ends stay as they are.
            text = path.read_bytes().decode("utf-8")
        except (OSError, ValueError):
            return None
        return None if "\0" in text else text


def masked(text: str) -> str:
    """C source of the same length without what is in comments, strings and character constants.

    Comments become blanks altogether; strings keep their quotes.
    """

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        inner = re.sub(r"[^\n]", " ", found)
        return inner if found[0] == "/" else f"{found[0]}{inner[1:-1]}{found[-1]}"

    return _OPAQUE.sub(blank, text)


def offset_of(text: str, line: int | None, column: int | None) -> int | None:
    """Where a compiler's line and column lie, clamped to the line; columns count bytes of UTF-8."""
    lines = text.split("\n")
    if line is None or not 1 <= line <= len(lines):
        return None
    start = sum(len(each) + 1 for each in lines[: line - 1])
    before = lines[line - 1].encode()[: max(0, (column or 1) - 1)]
    return start + len(before.decode("utf-8", "ignore"))


def patch_of(file: str, sources: Sources, edits: Sequence[Edit]) -> str:
    """A file's edits as a unified diff, empty when they change nothing.

    Edits that overlap an earlier one are left out: they are tried again in the next round.
    """
    old = sources.read(file)
    if old is None:
        return ""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        if edit.start >= at:
            pieces += [old[at : edit.start], edit.text]
            at = edit.end
    new = "".join(pieces) + old[at:]
    # Git ends a name with a tab where it has blanks (git-apply(1) reads GNU diff's form).
    end = "\t" if " " in file else ""
    diff = "".join(_hunks(_lines(old), _lines(new)))
    if not diff:
        return ""
    return f"diff --git a/{file} b/{file}\n--- a/{file}{end}\n+++ b/{file}{end}\n{diff}"


def _lines(text: str) -> list[str]:
    """Lines with their ends; only ``\\n`` ends a line, as for Git."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    for index, line in enumerate(difflib.unified_diff(old, new, lineterm="\n")):
        if index < 2:
            continue
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
