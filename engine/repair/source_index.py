"""What a worktree's sources define, include, use and print: by name, without a compiler.

Only files that a model may be shown are read, each once and :data:`MAX_TOTAL_BYTES` in all, and
nothing through links.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from engine.files import read_file
from engine.repair.sources import MAX_FILE_BYTES, MAX_TOTAL_BYTES
from engine.source.bulk_data import exposure_refusal as bulk_refusal
from engine.source.c_source import ends_of, includes_of, masked
from engine.source.editable_tree import EditableTree
from engine.source.file_kinds import SOURCES, FileKind, kind_of
from engine.source.file_policy import exposure_refusal
from engine.source.functions import Function, functions_of

_MAX_FILES = 4000
_LINE_CHARACTERS = 2000  # of a line whose strings are read
_NAME = re.compile(r"[A-Za-z_]\w{1,127}")
_DEFINED = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w{1,128})"
    r"|\b(?:struct|union|enum|class)[ \t]+(?:class[ \t]+)?(\w{1,128})[^;{}()\n]{0,200}\{"
    r"|\}[ \t]*(\w{1,128})[ \t]*;"
    r"|^(?:static[ \t]+|const[ \t]+|volatile[ \t]+)*[A-Za-z_][\w \t*]{0,100}[ \t*]"
    r"(\w{1,128})[ \t]{0,20}(?:\[[^\]\n]{0,80}\])?[ \t]{0,20}=",
    re.MULTILINE,
)
_STRING = re.compile(r'"((?:\\.|[^"\\\n]){0,400})"')


class SourceIndex:
    """The texts of a worktree that a model may be shown, and what is in them.

    Args:
        tree: the worktree.
    """

    def __init__(self, tree: EditableTree) -> None:
        self._tree = tree
        self._root = tree.root.resolve()
        self._texts: dict[str, str | None] = {}
        self._functions: dict[str, tuple[Function, ...]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._bytes_left = MAX_TOTAL_BYTES

    @functools.cached_property
    def paths(self) -> tuple[str, ...]:
        """Files that a model may be shown without asking, in order."""
        shown = (path for path in sorted(self._tree.files) if exposure_refusal(path) is None)
        return tuple(path for path in shown if self._tree.write_refusal(path) is None)

    @functools.cached_property
    def sources(self) -> tuple[str, ...]:
        """Those that a person wrote in a language that is compiled or run."""
        found = [path for path in self.paths if PurePosixPath(path).suffix.lower() in SOURCES]
        return tuple(path for path in found[:_MAX_FILES] if self.is_written(path))

    def read(self, path: str) -> str | None:
        """Text of a file; None where it cannot be shown."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def is_written(self, path: str) -> bool:
        """Whether a person wrote it: no table of numbers, nothing that a tool made.

        Configuration counts as written: ESP-IDF's ``save-defconfig`` says that it made it.
        """
        text = self.read(path)
        if kind_of(path) is FileKind.CONFIGURATION:
            return text is not None
        return text is not None and bulk_refusal(path, text) is None

    def functions(self, path: str) -> tuple[Function, ...]:
        """The functions of a file."""
        if path not in self._functions:
            self._functions[path] = functions_of(path, self.read(path) or "")
        return self._functions[path]

    def names(self, path: str) -> frozenset[str]:
        """Every identifier of a file's code."""
        if path not in self._names:
            self._names[path] = frozenset(_NAME.findall(masked(self.read(path) or "")))
        return self._names[path]

    def names_in(self, path: str, function: Function) -> frozenset[str]:
        """Every identifier of one function."""
        rows = (self.read(path) or "").split("\n")
        return frozenset(_NAME.findall(masked("\n".join(rows[function.first - 1 : function.last]))))

    def function_at(self, path: str, line: int) -> Function | None:
        """The function that a line lies in."""
        return next((f for f in self.functions(path) if f.first <= line <= f.last), None)

    def strings(self, path: str) -> Iterator[tuple[int, str]]:
        """Every string of a file with its line."""
        for number, row in enumerate((self.read(path) or "").split("\n"), 1):
            for match in _STRING.finditer(row[:_LINE_CHARACTERS]):
                yield number, match[1]

    def includes(self, path: str) -> tuple[str, ...]:
        """The tree's own headers that a file includes."""
        found = (
            self._nearest(each.path, path)
            for each in includes_of(self.read(path) or "")
            if not each.path.startswith("/")
        )
        return tuple(dict.fromkeys(each for each in found if each and each != path))

    def implementing(self, header: str) -> tuple[str, ...]:
        """The sources that have a header's name: mostly ``x.c`` beside ``x.h``."""
        stem, suffix = PurePosixPath(header).stem, PurePosixPath(header).suffix
        return tuple(
            path
            for path in self._by_stem.get(stem, ())
            if path != header and PurePosixPath(path).suffix != suffix
        )

    @functools.cached_property
    def defining(self) -> Mapping[str, Sequence[str]]:
        """The files that define a function with a body, a macro, a type or a variable."""
        found: dict[str, dict[str, None]] = {}
        for path in self.sources:
            code = masked(self.read(path) or "")
            for match in _DEFINED.finditer(code):
                name = next(filter(None, match.groups()))
                found.setdefault(name, {})[path] = None
            for function in self.functions(path):
                found.setdefault(function.name.rpartition("::")[2], {})[path] = None
        return {name: tuple(paths) for name, paths in found.items()}

    @functools.cached_property
    def using(self) -> Mapping[str, Sequence[str]]:
        """The files whose code has a name."""
        found: dict[str, list[str]] = {}
        for path in self.sources:
            for name in self.names(path):
                found.setdefault(name, []).append(path)
        return found

    def resolve(self, name: str) -> str | None:
        """The file of the tree that a tool means; its name may have more folders, or lack some.

        None where there is none or several, or one that is not shown.
        """
        if not name or len(name) > 400:
            return None
        ends = list(ends_of(name.removeprefix("./")))
        known = frozenset(self.paths)
        found = next((end for end in ends if end in known), None)
        if found is None:
            like = [path for path in self._by_name.get(ends[-1], ()) if "/" in path]
            found = like[0] if len(like) == 1 else None
        return found

    def _nearest(self, header: str, path: str) -> str | None:
        """The header that a file means: the one that has most of its folders in common."""
        last = header.rpartition("/")[2]
        found = [each for each in self._by_name.get(last, ()) if f"/{each}".endswith(f"/{header}")]
        folders = PurePosixPath(path).parts[:-1]

        def common(other: str) -> int:
            pairs = zip(folders, PurePosixPath(other).parts, strict=False)
            return next((at for at, (a, b) in enumerate(pairs) if a != b), len(folders))

        return max(found, key=common, default=None)

    @functools.cached_property
    def _by_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @functools.cached_property
    def _by_stem(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for path in self.sources:
            found.setdefault(PurePosixPath(path).stem, []).append(path)
        return found

    def _read(self, path: str) -> str | None:
        try:
            if (self._tree.root / path).resolve() != self._root / path:
                return None
            data = read_file(self._tree.root / path, MAX_FILE_BYTES)
        except (OSError, RuntimeError, ValueError):
            return None
        if b"\0" in data or len(data) > self._bytes_left:
            return None
        self._bytes_left -= len(data)
        return data.decode("utf-8", "replace")
