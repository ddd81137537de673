"""What the machine says of processes: who is there, and who was left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.processes.identity import ProcessIdentity

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_PROC = Path("/proc")
_FLASHES = (b"-P", b"-m", b"engine.boards.esptool_child")  # behind the interpreter


@dataclass(frozen=True, slots=True)
class Found:
    """A process that has to do with a folder."""

    who: ProcessIdentity
    parent: int
    command: str

    def __str__(self) -> str:
        return f"{self.who.pid} (child of {self.parent}): {self.command}"


def adopt_orphans() -> None:
    """Become the parent of what killed processes leave, instead of init (PR_SET_CHILD_SUBREAPER).

    Then none of it hides by clearing its environment: it is found as a child.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def bury(known: frozenset[int]) -> None:
    """Take the exit status of adopted children that have ended.

    Args:
        known: children whose status somebody else waits for.
    """
    for pid in _children(os.getpid()) - known:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def belonging_to(folder: Path, adopted: bool, known: frozenset[int] = frozenset()) -> list[Found]:
    """The living processes that have to do with a folder.

    Args:
        folder: in their environment, their command line, as their folder or their program.
        adopted: count children of this process that are not ``known`` as well.
    """
    mine = _children(os.getpid()) - known if adopted else set[int]()
    found = []
    for pid in _pids():
        if pid == os.getpid() or not (pid in mine or _is_about(pid, os.fsencode(folder))):
            continue
        who = ProcessIdentity.of(pid)
        if who is not None:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                found.append(Found(who, process.ppid(), " ".join(process.cmdline())[:300]))
    return found


def flashing(folder: Path) -> list[Found]:
    """The processes that write a board on behalf of a folder's espdeck."""
    found = []
    for pid in _pids():
        command = _read(pid, "cmdline")
        # Not those whose arguments have it, as its supervisor's.
        begins = tuple(command.split(b"\0")[1:4])
        if begins == _FLASHES and os.fsencode(folder) in _read(pid, "environ"):
            who = ProcessIdentity.of(pid)
            if who is not None:
                words = command.replace(b"\0", b" ").decode("utf-8", "replace")
                found.append(Found(who, 0, words[:300]))
    return found


def wait_for(done: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Look until something is so; False when it was not within some seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def _is_about(pid: int, folder: bytes) -> bool:
    inside = folder + b"/"
    if any(inside in _read(pid, name) for name in ("environ", "cmdline")):
        return True
    for link in ("cwd", "exe"):
        with contextlib.suppress(OSError):
            if os.fsencode((_PROC / str(pid) / link).readlink() / "x").startswith(inside):
                return True
    return False


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in _tasks(pid):
        with contextlib.suppress(OSError):
            found.update(map(int, (task / "children").read_text().split()))
    return found


def _tasks(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (_PROC / str(pid) / "task").iterdir()


def describe(found: Sequence[Found]) -> str:
    """Processes in a line."""
    return "; ".join(map(str, found))
