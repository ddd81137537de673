"""A cache of tools' reports on unchanged files, in espdeck's own folder.

An entry is a small file: JSON behind its checksum, named by a key that its maker derives from all
that its value depends on. Whatever is not as it was written is no entry, and is measured again; the
oldest go when all of them take more than :data:`MAX_BYTES`. Never in a project's folder: a
repository could bring an entry of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from engine.files import read_file
from engine.source import tree

MAX_BYTES = 256 << 20
"""Bytes of all entries together; then the oldest tenth goes."""

_MAX_ENTRY_BYTES = 32 << 20
_KEPT_FRACTION = 0.9
_TOUCH_AFTER_SECONDS = 24 * 3600.0  # seconds; being read makes an entry young, once a day
_TIDY_INTERVAL_SECONDS = 3600.0  # looks at how much there is
_TIDY_STAMP = "tidied"


def key_of(*parts: str) -> str:
    """A key for a value that depends on these texts, and on nothing else."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


class Cache:
    """Values by keys, shared by all processes and threads of a workspace.

    Args:
        folder: of espdeck's own; made when it is needed.
        most: bytes that it may take.
    """

    def __init__(self, folder: Path, most: int = MAX_BYTES) -> None:
        self._folder = folder
        self._most = most

    def get(self, key: str) -> Any:
        """The value of a key as JSON has it, None where there is none."""
        path = self._path(key)
        try:
            checksum, _, data = read_file(path, _MAX_ENTRY_BYTES).partition(b"\n")
            if checksum.decode() != _checksum(key, data):
                return None
            value = json.loads(data)
            # One that is of later than now, as after a step of the clock, gets its time again.
            if not 0 <= time.time() - path.stat().st_mtime <= _TOUCH_AFTER_SECONDS:
                os.utime(path)
        except (OSError, ValueError, RecursionError):
            return None
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep a value that JSON can say; where that is not possible, nothing is kept."""
        data = json.dumps(value, separators=(",", ":")).encode()
        if len(data) > min(_MAX_ENTRY_BYTES, self._most):
            return
        path = self._path(key)
        # A name of its own: others may be writing the same entry.
        new = path.with_name(f"{path.name}.{os.getpid()}-{time.monotonic_ns()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(_checksum(key, data).encode() + b"\n" + data)
            new.replace(path)

    def tidy(self) -> None:
        """Delete the oldest entries where they take too much; looks once an hour."""
        mark = self._folder / _TIDY_STAMP
        with contextlib.suppress(OSError):
            if 0 <= time.time() - mark.stat().st_mtime < _TIDY_INTERVAL_SECONDS:
                return
        self.shrink()
        with contextlib.suppress(OSError):
            mark.touch()

    def shrink(self) -> None:
        """Delete the oldest entries where they take too much."""
        entries: list[tuple[float, int, str]] = []
        for entry in tree.below(self._folder):
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if entry.is_file(follow_symlinks=False):
                    entries.append((status.st_mtime, status.st_blocks * 512, entry.path))
        total = sum(size for _, size, _ in entries)
        if total <= self._most:
            return
        for _, size, path in sorted(entries):
            with contextlib.suppress(OSError):
                Path(path).unlink()
                total -= size
            if total <= self._most * _KEPT_FRACTION:
                return

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]


def _checksum(key: str, data: bytes) -> str:
    return hashlib.sha256(key.encode() + b"\n" + data).hexdigest()
