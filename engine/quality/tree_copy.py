"""The files of a tree that count, copied to where tools may read them.

A repository may hold links, pipes, files of gigabytes and settings for the very tools that are to
measure it. So tools never see it: they get a copy of its text files, in UTF-8, under a folder of
ours. What counts:

- files that Git tracks, and new ones that it would not ignore; in a folder without Git, all;
- nothing in :data:`THIRD_PARTY_FOLDERS` folders, in submodules or behind links: others wrote that;
- nothing that the project excludes by patterns;
- text only, :data:`MAX_BYTES` at most each, :data:`MAX_FILES` and :data:`MAX_TOTAL_BYTES` in all.

Of these, C, C++ and Python files outside hidden folders are sources; those in :data:`TEST_FOLDERS`,
or that are called as tests are, are tests and judged as such nowhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

from engine.cancel import CancelToken
from engine.files import read_file
from engine.projects import git, git_objects
from engine.projects.lfs import is_pointer
from engine.quality.globs import matcher
from engine.source import tree as source_tree
from engine.source.c_source import C_SUFFIXES
from engine.source.file_policy import THIRD_PARTY_FOLDERS
from engine.source.files import SourceFiles
from engine.text import count as number_of

MAX_BYTES = 1 << 20
"""Bytes of the largest file that counts."""

MAX_FILES = 5000
"""How many files count."""

MAX_TOTAL_BYTES = 64 << 20
"""Bytes that all of them may have together."""

TEST_FOLDERS = frozenset({"test", "tests", "host_test", "host_tests", "unit_test", "unit_tests"})
"""Folders of tests."""

_NO_CODE = frozenset({".s", ".inc"})
_TEST_FILE = re.compile(r"(?:py)?test_.*|.*_test|conftest")
_MAX_NAME_CHARACTERS = 400
_MAX_NAMES = 100_000
_QUOTE_CHARACTERS = frozenset('"\\')


@dataclass(frozen=True, slots=True)
class TreeCopy:
    """The files that count, and the copy of them.

    Args:
        folder: the copy: below it, files have the names that they have in the tree.
        files: every text file, by name, relative to the app.
        names: these, and whatever else there is.
        tests: the folder of tests that the project named, empty for none.
        left_out: how many files are not there because they are too many or too large.
        excluded: how many files are not there because the project excludes them.
        hashes: SHA256 of what each of ``files`` says.
        app: the folder of the repository that this is, with ``/`` behind it; empty for all of it.
    """

    folder: Path
    files: tuple[str, ...]
    names: frozenset[str]
    tests: str
    left_out: int
    excluded: int
    hashes: Mapping[str, str]
    app: str

    @property
    def c_sources(self) -> tuple[str, ...]:
        """C and C++ sources and headers that are not tests."""
        return tuple(self._sources(C_SUFFIXES - _NO_CODE))

    @property
    def python_sources(self) -> tuple[str, ...]:
        """Python sources that are not tests."""
        return tuple(self._sources(frozenset({".py"})))

    def text(self, name: str) -> str:
        """What a file says; line ends as they are."""
        return (self.folder / name).read_bytes().decode("utf-8")

    def note(self) -> str:
        """What a detail ends with where not everything was counted, else empty."""
        excluded = f"; {number_of(self.excluded, 'file')} excluded" if self.excluded else ""
        left_out = f"; {number_of(self.left_out, 'file')} left out" if self.left_out else ""
        return excluded + left_out

    def _sources(self, suffixes: frozenset[str]) -> Iterator[str]:
        for name in self.files:
            path = PurePosixPath(name)
            hidden = any(part.startswith(".") for part in path.parts)
            if path.suffix.lower() in suffixes and not hidden and not self._is_test(path):
                yield name

    def _is_test(self, path: PurePosixPath) -> bool:
        named = bool(self.tests) and path.is_relative_to(self.tests)
        known = any(part.lower() in TEST_FOLDERS for part in path.parts[:-1])
        return named or known or bool(_TEST_FILE.fullmatch(path.stem.lower()))


class Origin(Protocol):
    """Where files are copied from: a folder, or a commit. Untrusted."""

    def names(self) -> Iterable[str]:
        """Names of files that may count, relative to the app."""
        ...

    def is_file(self, name: str) -> bool:
        """Whether that is a file, reached through no link."""
        ...

    def read(self, name: str, most: int) -> bytes:
        """What is in a file.

        Raises:
            OSError: it cannot be read, or is larger than ``most`` bytes.
        """
        ...


def collect(
    origin: Origin,
    app: str,
    folder: Path,
    *,
    tests: str = "",
    exclude: Sequence[str] = (),
    cancel: CancelToken,
) -> TreeCopy:
    """Copy the files that count.

    Args:
        origin: where they are.
        app: the folder of the repository that ``origin`` has, empty for all of it.
        folder: where to; empty.
        tests: the folder of tests that the project named, empty for none.
        exclude: patterns of files that do not count, see :mod:`engine.quality.globs`.
        cancel: ends it early.

    Raises:
        ToolError: Git cannot say what it tracks.
        OSError: the copy cannot be written.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    hashes: dict[str, str] = {}
    names: set[str] = set()
    room, left_out, excluded = MAX_TOTAL_BYTES, 0, 0
    is_excluded = matcher(exclude)
    for name in sorted(filter(_counts, origin.names())):
        cancel.check()
        if not origin.is_file(name):
            continue
        names.add(name)
        if is_excluded(name):
            excluded += 1
            continue
        if len(hashes) >= MAX_FILES:
            left_out += 1
            continue
        try:
            data = origin.read(name, min(MAX_BYTES, room))
        except OSError:
            left_out += 1
            continue
        if b"\0" in data or is_pointer(data):
            continue
        text = _decoded(data).encode("utf-8")
        room -= len(data)
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(text)
        hashes[name] = hashlib.sha256(text).hexdigest()
    prefix = f"{app}/" if app else ""
    files = frozenset(names)
    return TreeCopy(folder, tuple(hashes), files, tests, left_out, excluded, hashes, prefix)


class FolderOrigin:
    """Files of a worktree, or of any folder.

    Args:
        tree: the folder. Untrusted.
        app: the folder of it that counts, empty for all of it.
    """

    def __init__(self, tree: Path, app: str) -> None:
        self._tree, self._app = tree, app
        self._root = (tree / app).resolve()

    def names(self) -> Iterable[str]:
        """What Git tracks or would not ignore; without Git, all."""
        return _names(self._tree, self._app)

    def is_file(self, name: str) -> bool:
        """Whether that is a file, reached through no link."""
        path = self._root / name
        # A folder on the way could be a link as well.
        return path.is_file() and path.resolve() == path

    def read(self, name: str, most: int) -> bytes:
        """What is in a file."""
        return read_file(self._root / name, most)


class CommitOrigin:
    """Files of a commit, which nobody needs to check out.

    Args:
        files: of the commit.
        app: the folder of it that counts, empty for all of it.
    """

    def __init__(self, files: SourceFiles, app: str) -> None:
        self._files, self._start = files, f"{app}/" if app else ""

    def names(self) -> Iterable[str]:
        """Every file that is no link."""
        names = self._files.names
        return [each.removeprefix(self._start) for each in names if each.startswith(self._start)]

    def is_file(self, name: str) -> bool:
        """Whether that is a file: a commit names no others."""
        return True

    def read(self, name: str, most: int) -> bytes:
        """What is in a file."""
        data = self._files.text(f"{self._start}{name}").encode("utf-8")
        if len(data) > most:
            raise OSError(errno.EFBIG, f"larger than {most} bytes", name)
        return data


def _names(tree: Path, app: str) -> Iterable[str]:
    """Names of files that may count; more than :data:`_MAX_NAMES` are not looked at."""
    if not git.is_repository(tree):
        return _walk(tree / app)
    start = f"{app}/" if app else ""
    found = (name for name in git_objects.list_files(tree) if name.startswith(start))
    return [name.removeprefix(start) for name in islice(found, _MAX_NAMES)]


def _walk(tree: Path) -> list[str]:
    found: list[str] = []
    submodules: set[str] = set()
    for entry in source_tree.below(tree, skip=THIRD_PARTY_FOLDERS | {".git"}):
        folder, _, name = entry.path.rpartition("/")
        if name == ".git" and Path(folder) != tree:
            submodules.add(f"{folder}/")
        if entry.is_file(follow_symlinks=False):
            found.append(entry.path)
        if len(found) >= _MAX_NAMES:
            break
    root = f"{os.fspath(tree)}/"
    kept = (path for path in found if not any(path.startswith(each) for each in submodules))
    return [path.removeprefix(root) for path in kept]


def _counts(name: str) -> bool:
    plain = (
        name.isprintable()
        and len(name) <= _MAX_NAME_CHARACTERS
        and _QUOTE_CHARACTERS.isdisjoint(name)
    )
    return plain and THIRD_PARTY_FOLDERS.isdisjoint(PurePosixPath(name).parts[:-1])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # every byte is a character there
