"""The files of a source tree that a repair may read and change, and diffs of them."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.source.c_source import C_SUFFIXES, Include, ends_of, includes_of, masked
from engine.source.diffs import diff_of, lines_of

MAX_FILE_BYTES = 1 << 20
"""The largest file that is read."""

MAX_TOTAL_BYTES = 16 << 20
"""How many bytes of files are read in all."""

_MAX_FILES = 2000
_NAME = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,400}")
_DECLARED = re.compile(
    r"^(?:[A-Za-z_][\w \t*]{0,200}\b([A-Za-z_]\w{0,127})[ \t]*\("
    r"|[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w{0,127})\b)",
    re.M,
)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A replacement of a part of a file's text; ``start`` and ``end`` count characters.

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
    """Reads source files of one tree, each once and :data:`MAX_TOTAL_BYTES` in all.

    Args:
        root: root of the tree.
    """

    def __init__(self, root: Path) -> None:
        self._given, self._root = root, root.resolve()
        self._texts: dict[str, str | None] = {}
        self._codes: dict[str, str] = {}
        self._includes: dict[str, tuple[Include, ...]] = {}
        self._bytes_left = MAX_TOTAL_BYTES

    def read(self, name: str) -> str | None:
        """Text of a C source or CMake file, None for anything that a repair must not touch.

        Args:
            name: relative to the root, with ``/``. A name that leaves the tree, follows a link, or
                belongs to Git is refused, as are large and binary files, and all that comes when
            :data:`MAX_TOTAL_BYTES` is used up.
        """
        if name not in self._texts:
            self._texts[name] = self._read(name)
        return self._texts[name]

    def code(self, name: str) -> str:
        """What :meth:`read` gives, :func:`masked`; empty where that is None."""
        if name not in self._codes:
            self._codes[name] = masked(self.read(name) or "")
        return self._codes[name]

    def includes(self, name: str) -> tuple[Include, ...]:
        """Every include of a file that :meth:`read` gives."""
        if name not in self._includes:
            self._includes[name] = tuple(includes_of(self.read(name) or ""))
        return self._includes[name]

    @functools.cached_property
    def declaring(self) -> Mapping[str, Sequence[str]]:
        """The headers of the tree in which a name is declared as a function or a macro."""
        found: dict[str, list[str]] = {}
        for file in self.c_files:
            if file.endswith((".h", ".hpp")):
                matches = _DECLARED.finditer(self.code(file))
                for name in {match[1] or match[2] for match in matches}:
                    found.setdefault(name, []).append(file)
        return found

    @functools.cached_property
    def included(self) -> frozenset[str]:
        """Every header that some file of the tree includes."""
        return frozenset(each.header for file in self.c_files for each in self.includes(file))

    def spelling(self, header: str) -> str:
        """How files include a header of the tree; by its bare name where none does."""
        found = [self._spellings[end] for end in ends_of(header) if end in self._spellings]
        return min(found)[1] if found else header.rpartition("/")[2]

    @functools.cached_property
    def _spellings(self) -> Mapping[str, tuple[int, str]]:
        """What stands in ``""`` in includes by the path in it, with when it came first."""
        found: dict[str, tuple[int, str]] = {}
        for file in self.c_files:
            for include in self.includes(file):
                if not include.system:
                    found.setdefault(include.path, (len(found), include.header))
        return found

    def relative(self, path: str) -> str:
        """A path inside the tree relative to its root, any other as it is."""
        for root in (self._given, self._root):
            path = path.removeprefix(f"{root}{os.sep}")
        return path

    @functools.cached_property
    def c_files(self) -> tuple[str, ...]:
        """Every C source of the tree, hidden folders left out, at most 2,000."""
        found: list[str] = []
        # No os.walk: it calls itself for each level, and a repository may have thousands.
        folders = [self._root]
        while folders and len(found) < _MAX_FILES:
            inner = []
            for entry in _entries(folders.pop()):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        inner.append(path)
                elif path.suffix.lower() in C_SUFFIXES:
                    found.append(path.relative_to(self._root).as_posix())
            folders += reversed(inner)
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
            size = path.stat().st_size
            if (
                path.resolve() != path
                or not path.is_file()
                or size > min(MAX_FILE_BYTES, self._bytes_left)
            ):
                return None
            self._bytes_left -= size
            # Line ends stay as they are.
            text = path.read_bytes().decode("utf-8")
        except (OSError, ValueError):
            return None
        return None if "\0" in text else text


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def patch_of(file: str, sources: Sources, edits: Sequence[TextEdit]) -> str:
    """A file's edits as a unified diff, empty when they change nothing.

    Edits that overlap an earlier one are left out: they are tried again in the next attempt.
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
    before, after = lines_of(old), lines_of("".join(pieces) + old[at:])
    return diff_of(file, before, after, difflib.SequenceMatcher(None, before, after).get_opcodes())
