"""The source tree that ``dependency_check`` looks at."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.checks.git_reader import GitReader
from engine.enums import Severity
from engine.findings import Finding
from engine.source.file_policy import THIRD_PARTY_FOLDERS
from engine.source.files import FolderFiles, folder_of, is_own
from engine.text import clean, listed, mask

UNPINNED = "dependency.unpinned"
MISSING = "dependency.missing"
DRIFT = "dependency.drift"
LOCK = "dependency.lock"
INVALID = "dependency.invalid"
"""Codes of findings: it may be another version tomorrow; it is asked for and not there; lock and
manifest, or lock and what is there, say different things; the lock itself; what a tool refuses."""

_ASIDE = frozenset(
    {"example", "examples", "test_app", "test_apps", "test", "tests", "demo", "demos", "host_test"}
)
_ABSOLUTE = re.compile(r"/|~|[A-Za-z]:[\\/]|\\\\")
_MAX_NAME_CHARACTERS = 100


@dataclass
class SourceTree:
    """A source tree with its Git repository. For one thread.

    Args:
        root: its folder.
        app: the folder in it that the project builds, empty for the root.
        target: the project's chip, empty where nobody said it.
        is_working_tree: whether people work in it; else it has what the commit has.
        git: asks about it.
        submodules: paths of its submodules.
    """

    root: Path
    app: str
    target: str
    is_working_tree: bool
    git: GitReader
    submodules: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> FolderFiles:
        """All files, of others too."""
        return FolderFiles(self.root)

    @cached_property
    def own(self) -> Sequence[str]:
        """Files that are the project's own: none of submodules, of what was fetched or built."""
        return tuple(name for name in self.files.names if is_own(name) and self._is_own(name))

    @property
    def is_example(self) -> bool:
        """Whether the project builds an example or a test of a repository that is about others."""
        return is_aside(f"{self.app}/")

    def in_app(self, name: str) -> str:
        """A path within the app by its name in the tree."""
        return posixpath.join(self.app, name)

    def is_tracked(self, name: str) -> bool:
        """Whether Git tracks a file."""
        if not self.is_working_tree:
            return True
        return bool(self.git.line("--literal-pathspecs", "ls-files", "--", name))

    def is_ignored(self, name: str) -> bool:
        """Whether Git is told to leave a file out."""
        return bool(self.git.line("check-ignore", "--", name))

    def is_folder(self, name: str) -> bool:
        """Whether there is a folder, which a submodule has also where it is not checked out."""
        path = self.root / name
        try:
            is_there = path.is_dir() and not path.is_symlink()
        except (OSError, ValueError):  # as of a name that is too long
            is_there = False
        return is_there or self.is_in_submodule(name)

    def is_in_submodule(self, name: str) -> bool:
        """Whether a path leads into a submodule."""
        parts = name.split("/")
        return any("/".join(parts[: end + 1]) in self.submodules for end in range(len(parts)))

    def relative(self, file: str, path: str) -> str | None:
        """The path that a file names, from the root; None for one that leaves the tree."""
        joined = posixpath.normpath(posixpath.join(folder_of(file), path.replace("\\", "/")))
        return None if joined.startswith(("..", "/")) else joined

    def _is_own(self, name: str) -> bool:
        if not THIRD_PARTY_FOLDERS.isdisjoint(name.split("/")[:-1]):
            return False
        return not self.submodules or not self.is_in_submodule(name)


def is_aside(name: str) -> bool:
    """Whether a file belongs to an example or a test, by its folders."""
    return not _ASIDE.isdisjoint(name.lower().split("/")[:-1])


def is_absolute(path: str) -> bool:
    """Whether a path is one of a machine, by any system's rules."""
    return _ABSOLUTE.match(path) is not None


def name_of(text: str) -> str:
    """A name or an address as it may be shown."""
    return mask(clean(text))[:_MAX_NAME_CHARACTERS]


def names_of(texts: Sequence[str], most: int = 5) -> str:
    """Names as they may be shown, in a line."""
    return listed([name_of(text) for text in texts], most)


def line_of(text: str, words: str) -> int | None:
    """The first line that has some words, from 1."""
    at = text.find(words)
    return text.count("\n", 0, at) + 1 if at >= 0 else None


def finding(
    severity: Severity, code: str, message: str, file: str, line: int | None = None, hint: str = ""
) -> Finding:
    """A finding of this check."""
    return Finding(severity, code, message, name_of(file), line, hint=hint or None)
