"""Waits until a file of a folder changes: by inotify(7), so that waiting costs nothing.

Two calls by ctypes: inotify-simple, the library for it, starts ``ldconfig`` to find the C
library, which every start of espdeck would pay for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

_IN_MODIFY, _IN_CLOSE_WRITE, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x2, 0x8, 0x80, 0x100, 0x200
_CHANGES = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC  # inotify_init1(2)
_IN_Q_OVERFLOW = 0x4000
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, bytes of the name
_READ_BYTES = 1 << 16

FALLBACK_SECONDS = 0.1
"""Between two looks at the files where the kernel has no inotify for us."""

_FileState = tuple[int, ...] | None


class FolderWatch:
    """Changes of some files of one folder. One thread waits, any thread ends that.

    Files are told by their names: they may be made later, or be replaced. Of a folder on another
    machine only what this one writes is seen.

    Args:
        folder: it is there.
        names: of the files.
        echoes: seconds after a change at which it is told again: SQLite writes into its file before
            others can see what it wrote.
    """

    def __init__(self, folder: Path, names: Collection[str], echoes: Sequence[float] = ()) -> None:
        self._echoes = tuple(sorted(echoes))
        self._due: list[float] = []
        self._names = {os.fsencode(name) for name in names}
        self._closed = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._inotify = _watch(folder)
        self._paths = [folder / name for name in names] if self._inotify < 0 else []
        self._states = [_state(path) for path in self._paths]
        self._poll = select.poll()
        for descriptor in (self._wake_read, self._inotify):
            if descriptor >= 0:
                self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Wait for a change.

        Returns:
            Whether one of the files may have changed; False after ``seconds``, or when closed.
        """
        until = time.monotonic() + seconds
        while not self._closed.is_set():
            now = time.monotonic()
            wake = min([until, *self._due])
            if self._inotify < 0:
                wake = min(wake, now + FALLBACK_SECONDS)
            if wake > now:
                self._poll.poll((wake - now) * 1000)
            now = time.monotonic()
            if self._changed():
                self._due = [now + echo for echo in self._echoes]
                return True
            if self._due and self._due[0] <= now:
                del self._due[0]
                return True
            if now >= until:
                return False
        return False

    def pause(self, seconds: float) -> bool:
        """Wait, whatever changes; True when it was closed."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """End the wait; any thread."""
        self._closed.set()
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\0")

    def release(self) -> None:
        """Give the descriptors back; for the thread that waited."""
        for descriptor in (self._inotify, self._wake_read, self._wake_write):
            if descriptor >= 0:
                os.close(descriptor)
        self._inotify = self._wake_read = self._wake_write = -1

    def _changed(self) -> bool:
        if self._inotify < 0:
            before, self._states = self._states, [_state(path) for path in self._paths]
            return self._states != before
        changed = False
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self._inotify, _READ_BYTES)
                place = 0
                while place < len(data):
                    _, mask, _, size = _EVENT.unpack_from(data, place)
                    place += _EVENT.size + size
                    name = data[place - size : place].rstrip(b"\0")
                    changed = changed or name in self._names or bool(mask & _IN_Q_OVERFLOW)
        return changed


def _state(path: Path) -> _FileState:
    """What tells a file that was written to from what it was; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _watch(folder: Path) -> int:
    """A descriptor of inotify; -1 where there is none to be had (a limit of the user)."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = int(libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC))
    except (OSError, AttributeError):
        return -1
    if descriptor >= 0 and libc.inotify_add_watch(descriptor, os.fsencode(folder), _CHANGES) < 0:
        os.close(descriptor)
        return -1
    return descriptor
