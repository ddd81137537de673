"""Who else has a serial port: programs of any user that know nothing of espdeck.

They say so in four ways: by flock(2) on the device (esptool, pyserial, picocom, tio, ``flock``), by
a lock file with their number in the lock folder (FHS 3.0, "/var/lock: Lock files": minicom, older
picocom), by refusing others to open it (``TIOCEXCL`` of ioctl_tty(2): screen, ModemManager), or not
at all. The first two are seen of every user, the third when the port is opened, the last of one's
own processes, and by root. Nothing here opens the port: that alone may reset a board.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from engine.processes.programs import ProcessInfo, is_running, lockers, process_info

LOCK_FOLDERS = (Path("/run/lock"), Path("/var/lock"), Path("/run/lock/lockdev"))
"""Where lock files of the old kind are."""

_HIDDEN = "another program"
_LEFT = "a process that ended and left it locked"
_MAX_FILE_BYTES = 64
_PTYS = "/dev/pts/"


def device_file(path: str) -> str:
    """The device file that the kernel names so, for a link to it or another file of that device."""
    path = os.path.realpath(path)
    try:
        number = Path(path).stat().st_rdev
        node = Path(f"/sys/dev/char/{os.major(number)}:{os.minor(number)}").resolve(strict=True)
        device = f"/dev/{node.name}"
        return device if number and Path(device).stat().st_rdev == number else path
    except OSError:
        return path


def other_user(port: str) -> ProcessInfo | None:
    """The program beside this process that has a port; None when nobody is known to.

    Args:
        port: a device, or a link to one; nothing is known of a URL.
    """
    found = who_locked(port)
    # Who offers a pseudo terminal may well have both ends of it open.
    if found is not None or device_file(port).startswith(_PTYS):
        return found
    return who_opened(port)


def who_locked(port: str) -> ProcessInfo | None:
    """The program that says that it has a port; costs little, as a list of boards may ask."""
    device, own = device_file(port), os.getpid()
    try:
        pids = lockers(Path(device).stat())
    except OSError:
        return None
    for pid in pids:
        if pid != own:
            # A shell that has the device open lets flock(1) lock it, which then ends.
            name = _HIDDEN if is_running(pid) else _LEFT
            return (
                process_info(pid)
                or who_opened(device)
                or ProcessInfo(pid, name, os.geteuid(), os.geteuid())
            )
    files = _by_lock_file(port, device)
    return next((found for found in files if found.pid != own), None)


def who_opened(port: str) -> ProcessInfo | None:
    """A process that has a device open beside this one, where this user may see it."""
    device, own = device_file(port), str(os.getpid())
    if not Path(device).exists():
        return None
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or entry.name == own:
            continue
        with contextlib.suppress(OSError):
            for descriptor in Path(entry.path, "fd").iterdir():
                if str(descriptor.readlink()) == device:
                    return process_info(int(entry.name))
    return None


def _by_lock_file(*ports: str) -> Iterator[ProcessInfo]:
    """Living programs that left a lock file; one of a dead program means nothing."""
    names = {f"LCK..{port.removeprefix('/dev/').replace('/', '_')}" for port in ports}
    names |= {f"LCK..{Path(port).name}" for port in ports}
    for folder in LOCK_FOLDERS:
        for name in names:
            with contextlib.suppress(OSError, ValueError):
                descriptor = os.open(
                    folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                )
                try:
                    text, owner = os.read(descriptor, _MAX_FILE_BYTES), os.fstat(descriptor).st_uid
                finally:
                    os.close(descriptor)
                found = process_info(_number(text))
                # A number that was given out again is another user's more often than not; a minicom
                # that is setuid leaves the file to who started it.
                if found is not None and owner in (0, found.uid, found.started_by):
                    yield found


def _number(text: bytes) -> int:
    """The process in a lock file: ten digits and a newline, or four bytes from before that."""
    if len(text) == 4 and not text.strip().isdigit():
        return int(struct.unpack("=i", text)[0])
    return int(text.split()[0] if text.split() else b"")
