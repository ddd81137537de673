"""Copies of artifacts on this machine: whole ones found, fetched ones put where they belong."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from engine.artifacts import run_files
from engine.files import open_file
from engine.store import artifacts as rows
from engine.store.artifacts import Content, KeptFile
from engine.store.database import Store
from engine.store.tables import Artifact

_MAX_NAMES = 100_000  # of one file; file systems have a lower bound
_IN_USE_SECONDS = 3600.0  # a file that was fetched so lately may be being read


class LocalCopies:
    """Files of artifacts below the workspace, and a bounded folder of what was fetched back.

    A fetched file is in that folder, and in the folder of each run for which it was fetched as
    another name of the same file.

    Args:
        store: has the rows.
        folder: of what was fetched back.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def whole(self, content: Content) -> Path | None:
        """A file that has this content, as it was read just now; None where there is none."""
        files = (kept_path(each) for each in rows.files_with(self._store, content.sha256))
        for path in (*files, self._folder / content.sha256):
            if is_whole(path, content):
                return path
        return None

    def put(self, source: Path, artifact: Artifact, target: Path) -> None:
        """Put a file where an artifact lies, as another name of it where it may be shared.

        Raises:
            OSError: that cannot be.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            if artifact.kind not in rows.FIRMWARE or not _link(source, part):
                shutil.copyfile(source, part)
            if artifact.kind in rows.FIRMWARE:
                run_files.protect(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def fetch(self, content: Content, read: Callable[[BinaryIO], None]) -> Path:
        """Have content be written into the folder, whole or not at all.

        Args:
            read: writes it, and raises where it is not what it should be.

        Raises:
            OSError: it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{content.sha256}.{uuid.uuid4().hex}"
        try:
            with part.open("wb") as file:
                read(file)
            path = self._folder / content.sha256
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def shrink(self, most: int, now: float, may_go: Callable[[Content], bool]) -> None:
        """Delete what was fetched longest ago until the rest has no more than some bytes.

        What was fetched within the last hour stays.

        Args:
            most: bytes.
            now: in seconds since the epoch.
            may_go: says whether another copy of it is safe.
        """
        found = []
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for fetched, size, path in sorted(found):
            if total <= most or now - fetched < _IN_USE_SECONDS:
                return
            total -= size
            if path.name.startswith("."):  # what a killed process began
                path.unlink(missing_ok=True)
            elif may_go(Content(path.name, size)):
                self._forget(path)

    def _forget(self, path: Path) -> None:
        """Delete a fetched file under all of its names."""
        for each in rows.files_with(self._store, path.name, _MAX_NAMES):
            with contextlib.suppress(OSError):
                if kept_path(each).samefile(path):
                    kept_path(each).unlink()
        path.unlink(missing_ok=True)


def _link(source: Path, part: Path) -> bool:
    """Whether a file got another name."""
    try:
        os.link(source, part)
    except OSError:  # a file system without links, or a file that has all that it can have
        return False
    return True


def is_whole(path: Path, content: Content) -> bool:
    """Whether a file has this content."""
    file = open_whole(path, content)
    if file is not None:
        file.close()
    return file is not None


def open_whole(path: Path, content: Content) -> BinaryIO | None:
    """Open a file that has this content, and no other; None where it has not."""
    try:
        file = open_file(path)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        if (
            os.fstat(file.fileno()).st_size == content.size
            and hashlib.file_digest(file, "sha256").hexdigest() == content.sha256
        ):
            file.seek(0)
            return file
    file.close()
    return None


def kept_path(kept: KeptFile) -> Path:
    """Where an artifact lies."""
    return run_files.path_of(Path(kept.folder), kept.artifact)
