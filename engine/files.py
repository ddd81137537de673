"""Files: those of others read without waiting and up to a bound, new ones whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine import private_files
from engine.errors import UsageError


def read_file(path: Path, most: int) -> bytes:
    """Read a file of a repository, or one that a build wrote.

    A link may lead to a device that never ends, and a pipe that nobody writes to would keep us.

    Args:
        path: the file; links are followed.
        most: bytes that it may have.

    Raises:
        OSError: it is absent, no file, or larger; ``strerror`` says which.
    """
    with open_file(path, most) as stream:
        data = stream.read(most + 1)
        if len(data) > most:
            raise _too_large(path, most)
        return data


def open_file(path: Path, most: int | None = None) -> io.BufferedReader:
    """Open a file as :func:`read_file` does; None for one of any size, of which little is read.

    Raises:
        OSError: it is absent, no file, or larger; ``strerror`` says which.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        if most is not None and status.st_size > most:
            raise _too_large(path, most)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _too_large(path: Path, most: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than {most} bytes", str(path))


def explain(error: OSError, path: Path | None = None) -> str:
    """One line for a file that cannot be read or written: which, why, and what to do.

    Args:
        path: which, where the error names another one or none.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full: free some space" if full else error.strerror or repr(error)
    name = path or error.filename
    return f"{name}: {reason}" if name else reason


@contextlib.contextmanager
def new_file(path: Path, name: str) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file where a person wants one: whole at the end of the block, or not there.

    Args:
        path: where to; a folder gets it as ``name``; ``~`` is the home folder.
        name: of the file in a folder.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    target, begun = path, False
    try:
        target = path.expanduser()
        target = target / name if target.is_dir() else target
        with target.open("xb") as file:
            begun = True
            private_files.apply_user_umask(file.fileno())
            yield target, file
    except FileExistsError:
        raise UsageError(f"{target} exists already: choose another name") from None
    except (RuntimeError, ValueError) as error:  # no such home folder, a null in the name
        raise UsageError(f"{path}: {error}") from None
    except OSError as error:
        if begun:  # a part of it would be taken for all
            target.unlink(missing_ok=True)
        raise UsageError(explain(error, error.filename or path)) from error


def plain_name(name: str) -> str:
    """Any name, such as a board's, as one of a file."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")[:80] or "board"
