"""Locks between processes: advisory locks on files (flock(2)) that end with their process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class FileLock:
    """An advisory lock (``flock``) that ends with the process, whatever ends it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; writes this process's id into the file.

        Raises:
            OSError: the file cannot be made or locked.
        """
        if self._descriptor is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return False
            raise
        if not self._is_there(descriptor):
            # Who held it deleted it: the next one locks another file of that name.
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        # The id is for people only: a full disk does not matter.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        return True

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except OSError:
            return False

    @property
    def is_lost(self) -> bool:
        """Whether it is held by a file that was deleted or replaced: others can lock another."""
        if self._descriptor is None:
            return False
        try:
            return not os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False  # a network folder that does not answer

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
