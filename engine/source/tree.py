"""Folders of others, which may be thousands in each other.

In Python 3.11 ``os.walk``, ``Path.rglob`` and ``shutil.rmtree`` call themselves for each level, and
end in a RecursionError.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 512  # bytes: the unit of st_blocks (stat(2))


def below(folder: Path, *, skip: frozenset[str] = frozenset()) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, each folder before what is in it; no link is followed.

    Args:
        folder: what cannot be read of it is passed over.
        skip: names of folders that are not entered.
    """
    folders = [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                entries = list(found)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name not in skip:
                folders.append(entry.path)
            yield entry


def size(path: Path, seen: set[tuple[int, int]] | None = None) -> int:
    """Bytes of the disk that a file, or a folder with all that is in it, takes.

    Args:
        seen: files that are counted already, under whichever name; those of this one are added.
    """
    counted = set() if seen is None else seen
    total = 0
    for status in _statuses(path):
        file = (status.st_dev, status.st_ino)
        if status.st_nlink == 1 or stat.S_ISDIR(status.st_mode) or file not in counted:
            total += status.st_blocks * _BLOCK
            counted.add(file)
    return total


def size_freed(path: Path, gone: Counter[tuple[int, int]]) -> int:
    """Bytes of the disk that are free when a folder is deleted: not what has other names, too.

    Args:
        gone: how many names each file loses before; those of this folder are added.
    """
    total = 0
    for status in _statuses(path):
        file = (status.st_dev, status.st_ino)
        gone[file] += 1
        if stat.S_ISDIR(status.st_mode) or gone[file] == status.st_nlink:
            total += status.st_blocks * _BLOCK
    return total


def _statuses(path: Path) -> Iterator[os.stat_result]:
    """Status of a file, or of a folder and of all that is in it; no link is followed."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        yield status
        if stat.S_ISDIR(status.st_mode):
            for entry in below(path):
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as that is possible."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir() or folder.is_symlink():
        return
    folders = [os.fspath(folder)]
    for entry in below(folder):
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.path)
        else:
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()
    for path in reversed(folders):
        with contextlib.suppress(OSError):
            Path(path).rmdir()
