"""Folders of others, which may be thousands in each other.

In Python 3.11 ``os.walk``, ``Path.rglob`` and ``shutil.rmtree`` call themselves for each level, and
end in a RecursionError.
"""

from __future__ import annotations

import contextlib
import os
import shutil
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


def size(path: Path) -> int:
    """Bytes of the disk that a file, or a folder with all that is in it, takes."""
    total = 0
    with contextlib.suppress(OSError):
        total += path.lstat().st_blocks * _BLOCK
        if path.is_dir() and not path.is_symlink():
            for entry in below(path):
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    return total


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
