"""The files of a tree that count, copied to where tools may read them.

A repository may hold links, pipes, files of gigabytes and settings for the very tools that are to
measure it. So tools never see it: they get a copy of its text files, in UTF-8, under a folder of
ours. What counts:

- files that Git tracks, and new ones that it would not ignore; in a folder without Git, all;
- nothing in :data:`FOREIGN` folders, in submodules or behind links: others wrote that;
- text only, :data:`MAX_BYTES` at most each, :data:`MAX_FILES` and :data:`MAX_TOTAL` in all.

Of these, C, C++ and Python files outside hidden folders are sources; those in :data:`TEST_FOLDERS`,
or that are called as tests are, are tests and judged as such nowhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.files import read_file
from engine.projects import git, trees
from engine.projects.lfs import is_pointer
from engine.repair.sources import C_SUFFIXES
from engine.text import count as number_of

MAX_BYTES = 1 << 20
"""Bytes of the largest file that counts."""

MAX_FILES = 5000
"""How many files count."""

MAX_TOTAL = 64 << 20
"""Bytes that all of them may have together."""

FOREIGN = frozenset(
    {"managed_components", "build", "third_party", "vendor", "node_modules", "venv", "__pycache__"}
)
"""Folders of what others wrote or a build made."""

TEST_FOLDERS = frozenset({"test", "tests", "host_test", "host_tests", "unit_test", "unit_tests"})
"""Folders of tests."""

_NO_CODE = frozenset({".s", ".inc"})
_TEST_FILE = re.compile(r"test_.*|.*_test|conftest")
_MAX_NAME = 400
_MAX_NAMES = 100_000
_ODD = frozenset('"\\')


@dataclass(frozen=True, slots=True)
class Counted:
    """The files that count, and the copy of them.

    Args:
        folder: the copy: below it, files have the names that they have in the tree.
        files: every text file, by name, relative to the app.
        names: these, and whatever else there is.
        tests: the folder of tests that the project named, empty for none.
        left_out: how many files are not there because they are too many or too large.
    """

    folder: Path
    files: tuple[str, ...]
    names: frozenset[str]
    tests: str
    left_out: int

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
        return f"; {number_of(self.left_out, 'file')} left out" if self.left_out else ""

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


def collect(tree: Path, app: str, folder: Path, *, tests: str, cancel: CancelToken) -> Counted:
    """Copy the files of a tree that count.

    Args:
        tree: a worktree, or any folder. Untrusted.
        app: the folder of it that counts, empty for all of it.
        folder: where to; empty.
        tests: the folder of tests that the project named, empty for none.
        cancel: ends it early.

    Raises:
        ToolError: Git cannot say what it tracks.
        OSError: the copy cannot be written.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    files: list[str] = []
    names: set[str] = set()
    room, left_out = MAX_TOTAL, 0
    root = (tree / app).resolve()
    for name in sorted(filter(_counts, _names(tree, app))):
        cancel.check()
        path = root / name
        # A folder on the way could be a link as well.
        if not path.is_file() or path.resolve() != path:
            continue
        names.add(name)
        if len(files) >= MAX_FILES:
            left_out += 1
            continue
        try:
            data = read_file(path, min(MAX_BYTES, room))
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
        files.append(name)
    return Counted(folder, tuple(files), frozenset(names), tests, left_out)


def _names(tree: Path, app: str) -> Iterable[str]:
    """Names of files that may count; more than :data:`_MAX_NAMES` are not looked at."""
    if not git.is_repository(tree):
        return _walk(tree / app)
    start = f"{app}/" if app else ""
    found = (name for name in git.listing(tree) if name.startswith(start))
    return [name.removeprefix(start) for name in islice(found, _MAX_NAMES)]


def _walk(tree: Path) -> list[str]:
    found: list[str] = []
    submodules: set[str] = set()
    for entry in trees.below(tree, skip=FOREIGN | {".git"}):
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
    plain = name.isprintable() and len(name) <= _MAX_NAME and _ODD.isdisjoint(name)
    return plain and FOREIGN.isdisjoint(PurePosixPath(name).parts[:-1])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # every byte is a character there
