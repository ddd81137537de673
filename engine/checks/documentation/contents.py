"""What Git has by a hash, read by one process and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.source.repository import open_repository

if TYPE_CHECKING:
    from git import Repo

_MAX_BYTES = 1 << 20  # of one file
_MAX_KEPT_BYTES = 32 << 20


class Contents:
    """Contents of files by their hashes in a repository."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._repository: Repo | None = None
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._repository is not None:
            self._repository.close()

    def get(self, sha: str) -> bytes:
        """A file's bytes; empty where it is not there, as in a partial clone, or very large."""
        if sha in self._kept:
            self._kept.move_to_end(sha)
            return self._kept[sha]
        data = self._read(sha)
        self._kept[sha] = data
        self._size += len(data)
        while self._size > _MAX_KEPT_BYTES and self._kept:
            self._size -= len(self._kept.popitem(last=False)[1])
        return data

    def _read(self, sha: str) -> bytes:
        if self._repository is None:
            self._repository = open_repository(self._root)
        git = self._repository.git
        try:
            if git.get_object_header(sha)[2] > _MAX_BYTES:
                return b""
            return bytes(git.get_object_data(sha)[3])
        except ValueError:
            return b""
