"""The log of a workspace: one file that all of its processes write, and the older ones of it.

The app, the daemon and commands of one workspace write the same file at the same time. Each record
is one ``write`` to a file that is open for appending, which Linux does not mix with others', and no
lock is waited for: a process that is stopped in the midst of its work must not stop the others.
A file that is full is renamed by whoever gets its lock (flock(2)), the others go on in it until
they see, before their next record, that the name leads to another file. So nothing is lost; that a
record stands in the file before the newest is no matter to readers (:mod:`engine.logs.reader`).

``logging.handlers.RotatingFileHandler`` keeps its own file for as long as it lives, and deletes
what others write; ``concurrent-log-handler`` waits for a lock with each record.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.logs.formats import JsonFormat, TextFormat
from engine.logs.secrets import SecretFilter, environment_secrets

if TYPE_CHECKING:
    from engine.settings import LogSettings

LOG_FILE = "espdeck.log"
"""Name of the log in a workspace; older ones have ``.1``, ``.2`` ... behind it."""

OWN_LOGGERS = ("espdeck", "engine", "tui")
"""Loggers of espdeck itself: theirs is the level of the settings. Of libraries, warnings are kept
at the most."""

_NUMBER = re.compile("[1-9][0-9]{0,5}")
_TRIES = 3  # to write a record into a file that is there still


class LogFileHandler(logging.Handler):
    """Writes records to a log that other processes write, too; silent where it cannot.

    Args:
        path: the newest file of the log.
        max_bytes: that it may have before it is renamed; a few more come to it from processes that
            did not see that yet.
        files: that are kept, with the newest.
    """

    def __init__(self, path: Path, *, max_bytes: int, files: int) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._descriptor = -1

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record. The lock of the handler is held: one thread at a time."""
        try:
            self._append(f"{self.format(record)}\n".encode("utf-8", "backslashreplace"))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Say nothing, where the disk is full or the folder is gone: there is only the screen."""

    def close(self) -> None:
        """Close the file."""
        with self.lock or contextlib.nullcontext():
            self._close()
        super().close()

    def _append(self, data: bytes) -> None:
        for attempt in range(_TRIES):
            status = self._open()
            is_file = stat.S_ISREG(status.st_mode)
            size = status.st_size if is_file else 0
            is_full = size > 0 and size + len(data) > self._max_bytes
            if is_full and attempt < _TRIES - 1 and self._rotate():
                continue
            if size:
                # What a full disk cut off, or a process that was killed, is a line of its own.
                last = os.pread(self._descriptor, 1, size - 1)
                data = data if last in (b"\n", b"") else b"\n" + data
            os.write(self._descriptor, data)
            if not is_file or os.fstat(self._descriptor).st_nlink:
                return  # else it was so old by then that another process has deleted it

    def _open(self) -> os.stat_result:
        """See to it that the file is open that the name leads to now."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                own = os.fstat(self._descriptor)
                if os.path.samestat(own, self._path.stat()):
                    return own
            self._close()
        # A pipe in its place, which nobody reads, must not keep us.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        self._descriptor = os.open(self._path, flags, 0o600)
        own = os.fstat(self._descriptor)
        if stat.S_ISREG(own.st_mode) and own.st_mode & 0o077:
            with contextlib.suppress(OSError):
                os.fchmod(self._descriptor, 0o600)
        return own

    def _close(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self) -> bool:
        """Rename the file, unless another process does; whether there is a new one to be opened."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        try:
            # While the name leads to the locked file nobody else has the right to rename any.
            if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                self._rename_all()
        except OSError:
            return False
        finally:
            self._close()  # which gives the lock back
        return True

    def _rename_all(self) -> None:
        for number, path in older_files(self._path):  # the oldest first
            if number >= self._files - 1:
                path.unlink(missing_ok=True)
            else:
                path.rename(_numbered(self._path, number + 1))
        self._path.rename(_numbered(self._path, 1))


def older_files(path: Path) -> list[tuple[int, Path]]:
    """The older files of a log with their numbers, the oldest, which has the highest, first.

    Raises:
        OSError: its folder cannot be read.
    """
    found = []
    for each in path.parent.iterdir():
        number = each.name.removeprefix(f"{path.name}.")
        if number != each.name and _NUMBER.fullmatch(number):
            found.append((int(number), each))
    return sorted(found, reverse=True)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def log_to(path: Path, settings: LogSettings, secrets: Iterable[str] = ()) -> None:
    """Send the log records of this process to a file; the file of an earlier call gets no more.

    None reaches the screen. May be called again, as with settings that have changed.

    Args:
        path: the newest file of the log.
        secrets: values that must not be seen in it, beside those of the environment.
    """
    hide = SecretFilter({*environment_secrets(os.environ), *secrets})
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    handler = LogFileHandler(path, max_bytes=settings.max_megabytes << 20, files=settings.files)
    handler.setFormatter(JsonFormat(hide) if settings.format == "json" else TextFormat(hide))
    handler.setLevel(level)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(level)
    root = logging.getLogger()
    earlier = [each for each in root.handlers if isinstance(each, LogFileHandler)]
    root.addHandler(handler)
    for each in earlier:
        root.removeHandler(each)
        each.close()
