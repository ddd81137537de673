"""Files: those of others read without waiting and up to a bound, and why one could not be used."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path, most: int) -> bytes:
    """Read a file of a repository, or one that a build wrote.

    A link may lead to a device that never ends, and a pipe that nobody writes to would keep us.

    Args:
        path: the file; links are followed.
        most: bytes that it may have.

    Raises:
        OSError: it is absent, no file, or larger; ``strerror`` says which.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        data = stream.read(most + 1) if status.st_size <= most else b""
        if status.st_size > most or len(data) > most:
            raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
        return data


def explain(error: OSError, path: Path | None = None) -> str:
    """One line for a file that cannot be read or written: which, why, and what to do.

    Args:
        path: which, where the error names another one or none.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full: free some space" if full else error.strerror or repr(error)
    name = path or error.filename
    return f"{name}: {reason}" if name else reason
