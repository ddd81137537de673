"""A copy of a project in which its tests may run: what they leave behind stays there.

Kept between runs, so that only what changed is copied and built again. Copied is what Git tracks
or would not ignore, with submodules; links only where they stay inside.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.files import explain
from engine.source import tree as source_tree

MAX_FILES = 60_000
"""Files of the largest project that is copied."""

MAX_BYTES = 1 << 30
"""Bytes of it."""


def update(root: Path, names: Sequence[str], copy: Path, cancel: CancelToken) -> None:
    """Make a folder the copy of a project, whatever it holds.

    Args:
        root: the project. Untrusted; only read.
        names: of its files, and of its submodules, whose files are taken with them.
        copy: where to; ours.
        cancel: ends it early.

    Raises:
        ToolError: there is too much of it, or the copy cannot be written; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    try:
        _update(root, names, copy, cancel)
    except OSError as error:
        raise ToolError(f"tests cannot be copied: {explain(error, copy)}") from error


def _update(root: Path, names: Sequence[str], copy: Path, cancel: CancelToken) -> None:
    wanted: set[str] = set()
    size = 0
    for name in _files(root, names):
        cancel.check()
        source, target = root / name, copy / name
        wanted.add(os.fspath(target))
        status = source.lstat()
        size += status.st_size
        if len(wanted) > MAX_FILES or size > MAX_BYTES:
            raise ToolError(f"tests are not run: the project has over {MAX_BYTES >> 20} MiB")
        if _same(target, source):
            continue
        if target.is_dir() and not target.is_symlink():
            source_tree.delete(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    copy.mkdir(parents=True, exist_ok=True)
    _remove_others(copy, wanted)


def _files(root: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        path = root / name
        if path.is_symlink():
            # An absolute one would lead from the copy into the project itself.
            inside = path.exists() and path.resolve().is_relative_to(root.resolve())
            if inside and not path.readlink().is_absolute():
                yield name
        elif path.is_dir():
            start = f"{os.fspath(root)}/"
            for entry in source_tree.below(path, skip=frozenset({".git"})):
                if entry.is_file(follow_symlinks=False) and entry.name != ".git":
                    yield entry.path.removeprefix(start)
        elif path.is_file():
            yield name


def _same(target: Path, source: Path) -> bool:
    """Whether a file was copied already, by its size and time."""
    if source.is_symlink():
        return target.is_symlink() and target.readlink() == source.readlink()
    try:
        old, new = target.lstat(), source.lstat()
    except OSError:
        return False
    return (old.st_size, old.st_mtime_ns, old.st_mode) == (
        new.st_size,
        new.st_mtime_ns,
        new.st_mode,
    )


def _remove_others(copy: Path, wanted: set[str]) -> None:
    """Delete what tests left in the copy, and what is no longer in the project."""
    folders = {os.fspath(copy)}
    for each in wanted:
        above = os.path.dirname(each)  # noqa: PTH120 - of thousands
        while above not in folders and len(above) > len(os.fspath(copy)):
            folders.add(above)
            above = os.path.dirname(above)  # noqa: PTH120
    stale: list[str] = []
    for entry in source_tree.below(copy):
        if entry.is_dir(follow_symlinks=False):
            if entry.path not in folders:
                stale.append(entry.path)
        elif entry.path not in wanted:
            Path(entry.path).unlink(missing_ok=True)
    for folder in stale:
        if os.path.isdir(folder):  # noqa: PTH112
            source_tree.delete(Path(folder))
