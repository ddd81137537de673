"""The files of a source tree, of a commit or of a folder: which there are, and what is in one.

Both are untrusted: no link is followed, and names and texts are bounded.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from engine.errors import ToolError
from engine.files import read_file
from engine.source.repository import open_repository

MAX_NAMES = 100_000
"""Files of a tree that are looked at; Linux has some 90,000."""

MAX_TEXT = 1 << 20
"""Bytes of a file that is read."""

FETCHED = frozenset(
    {
        *("managed_components", "node_modules", "build"),
        *(".pio", ".pioenvs", ".piolibdeps", "libdeps"),
        *(".venv", "venv", "site-packages", "__pycache__", ".embuild"),
    }
)
"""Folders of what tools fetched or made: what lies in them is no part of a project."""

_MAX_KEPT = 16 << 20
_CHUNK = 1 << 16
_REGULAR = "100"  # 100644 and 100755; 120000 is a link, 160000 a submodule
_OWN = frozenset({".git", ".hg", ".svn"})


class SourceFiles(Protocol):
    """What there is to read of a source tree."""

    @property
    def names(self) -> Sequence[str]:
        """Path of every regular file from the root, with ``/``, sorted; at most MAX_NAMES.

        Untrusted: may hold control characters and, for bytes that are no UTF-8, lone surrogates.

        Raises:
            ToolError: the tree cannot be read.
        """
        ...

    def text(self, name: str) -> str:
        """A file's text; empty for what is absent, a link, binary, or larger than MAX_TEXT."""
        ...


def is_own(name: str) -> bool:
    """Whether a path lies in no folder of what tools fetched or made."""
    return FETCHED.isdisjoint(name.split("/")[:-1])


def folder_of(name: str) -> str:
    """The folder of a path, empty for the root."""
    return name.rpartition("/")[0]


class _Texts(ABC):
    """Keeps texts that were read, as several look at the same files."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._kept = 0

    def text(self, name: str) -> str:
        """As :meth:`SourceFiles.text`."""
        kept = self._texts.get(name)
        if kept is not None:
            return kept
        data = self._read(name)
        text = "" if b"\0" in data else data.decode("utf-8-sig", "replace")
        if self._kept + len(text) <= _MAX_KEPT:
            self._kept += len(text)
            self._texts[name] = text
        return text

    @abstractmethod
    def _read(self, name: str) -> bytes:
        """A file's bytes; empty for what has no text to give."""


class CommitFiles(_Texts):
    """The files of a commit, read from Git without a checkout. For one thread.

    Args:
        repository: a clone or a worktree.
        commit: its hash, or ``HEAD``.
    """

    def __init__(self, repository: Path, commit: str) -> None:
        super().__init__()
        self._repository = open_repository(repository)
        self._commit = commit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the ``git cat-file`` that texts come from; the next text starts another."""
        self._repository.close()

    @property
    def names(self) -> Sequence[str]:
        """As :attr:`SourceFiles.names`."""
        return self._sorted

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        return tuple(sorted(self._objects))

    @cached_property
    def _objects(self) -> dict[str, str]:
        """The object of every regular file."""
        if self._commit.startswith("-"):
            raise ToolError(f"{self._commit[:80]!r} is not a commit")
        from git import GitCommandError

        arguments = ["git", "ls-tree", "-rz", "--full-tree", self._commit]
        listing = self._repository.git.execute(arguments, as_process=True)
        found: dict[str, str] = {}
        for entry in _entries(listing.stdout):  # MODE SP TYPE SP OBJECT TAB NAME
            head, _tab, name = entry.decode("utf-8", "surrogateescape").partition("\t")
            mode, _type, sha = head.split(" ", 2)
            if mode.startswith(_REGULAR):
                found[name] = sha
            if len(found) == MAX_NAMES:
                return found  # and Git is ended with ``listing``
        try:
            listing.wait()
        except GitCommandError as error:
            reason = f"commit {self._commit[:40]} cannot be read: sync the project"
            raise ToolError(f"git: {reason}") from error
        return found

    def _read(self, name: str) -> bytes:
        sha = self._objects.get(name)
        if sha is None:
            return b""
        try:
            _sha, _type, size, stream = self._repository.git.stream_object_data(sha)
        except (ValueError, OSError) as error:
            raise ToolError(f"git: {name[:80]!r} cannot be read: sync the project") from error
        if size <= MAX_TEXT:
            return bytes(stream.read())
        del stream  # which reads the rest of it, so that the next begins where it should
        return b""


class FolderFiles(_Texts):
    """The files of a folder, whether Git tracks them or not.

    Args:
        folder: the root.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    @property
    def names(self) -> Sequence[str]:
        """As :attr:`SourceFiles.names`."""
        return self._sorted

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._sorted)

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        found: list[str] = []
        folders = [""]
        while folders and len(found) < MAX_NAMES:
            inside = folders.pop()
            try:
                with os.scandir(self._folder / inside) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            # Last, so that a bound cuts off what nobody wrote.
                            at = 0 if entry.name in FETCHED else len(folders)
                            if entry.name not in _OWN:
                                folders.insert(at, f"{inside}{entry.name}/")
                        elif entry.is_file(follow_symlinks=False):
                            found.append(f"{inside}{entry.name}")
            except OSError as error:
                if not inside:
                    raise ToolError(f"{self._folder}: {error.strerror or error}") from error
        return tuple(sorted(found[:MAX_NAMES]))

    def _read(self, name: str) -> bytes:
        # What is listed lies inside the folder, and no link leads to it.
        if name not in self._known:
            return b""
        try:
            return read_file(self._folder / name, MAX_TEXT)
        except OSError:
            return b""


class FilesBelow:
    """The files of one folder of others.

    Args:
        files: of the whole tree.
        folder: from its root, not empty.
    """

    def __init__(self, files: SourceFiles, folder: str) -> None:
        self._files = files
        self._start = f"{folder}/"

    @cached_property
    def names(self) -> Sequence[str]:
        """As :attr:`SourceFiles.names`, from the folder."""
        start = self._start
        return tuple(name[len(start) :] for name in self._files.names if name.startswith(start))

    def text(self, name: str) -> str:
        """As :meth:`SourceFiles.text`."""
        return self._files.text(self._start + name)


def _entries(stream: IO[bytes]) -> Iterator[bytes]:
    """What ``-z`` lists, one by one."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
