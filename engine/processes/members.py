"""Which processes belong to one run of a program, and how all of them are ended.

They are told by descent and by two marks that every child inherits: an environment variable, and
a limit that nothing else uses. A child can leave its parents (``setsid``, a second ``fork``) and
clear its environment, but it cannot take a hard limit back (setrlimit(2); root can).

A supervisor (:mod:`engine.processes.supervisor`) starts with this module for every program: it
imports little.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # the other loads enum: 5 ms
import os
import resource
import time
from collections.abc import Callable

GROUP_VARIABLE = "ESPDECK_GROUP"
"""Environment variable that tells the processes of one run."""

RTTIME = 15
"""``RLIMIT_RTTIME``: microseconds that a real-time process may run without a pause. A group id
is so high that it limits nothing."""

KILL_TIMEOUT_SECONDS = 5.0
"""Seconds that killed processes may take to be gone."""

MAX_KILL_SECONDS = 30.0
"""Seconds after which nothing more is tried, however much there still is."""

_MAX_PAUSE_SECONDS = 0.1
_MIN_GROUP_ID = 1 << 48  # a group id below it might be a limit that matters
_SCOPE_MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")  # of cgroup v2: alone, beside v1


class Member:
    """A living process, as ``/proc/PID/stat`` has it (proc_pid_stat(5)).

    Args:
        pid: its number.
        parent: its parent's.
        session: its session's.
        ticks: when it started, in clock ticks since the boot.
        name: of its program. Untrusted.
    """

    __slots__ = ("name", "parent", "pid", "session", "ticks")

    def __init__(self, pid: int, parent: int, session: int, ticks: int, name: str) -> None:
        self.pid = pid
        self.parent = parent
        self.session = session
        self.ticks = ticks
        self.name = name


def find_process(pid: int) -> Member | None:
    """A process; None when there is none, or it is dead and only waits to be asked how it ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The program's name stands in parentheses and may hold any character, parentheses too.
    end = text.rindex(b")")
    name = text[text.index(b"(") + 1 : end].decode("utf-8", "replace")
    words = text[end + 2 :].split()  # begin with field 3, the state; field 20 counts threads
    # A dead leader has living threads when main() called pthread_exit(3).
    if words[0] == b"X" or (words[0] == b"Z" and int(words[17]) < 2):
        return None
    return Member(pid, int(words[1]), int(words[3]), int(words[19]), name)


def living_processes() -> dict[int, Member]:
    """Every living process by its number."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            member = find_process(int(name))
            if member is not None:
                found[member.pid] = member
    return found


def descendants(root: int, among: dict[int, Member]) -> list[Member]:
    """The children of a process, their children, and so on; a parent before its children."""
    children: dict[int, list[Member]] = {}
    for member in among.values():
        children.setdefault(member.parent, []).append(member)
    found = list(children.pop(root, []))
    for member in found:  # grows meanwhile
        found += children.pop(member.pid, [])
    return found


def new_group_id() -> str:
    """A group id for a new run: 16 hexadecimal digits."""
    most = resource.getrlimit(RTTIME)[1]
    # A run within a run can only have a lower limit.
    most = 1 << 60 if most == resource.RLIM_INFINITY or most < _MIN_GROUP_ID else min(most, 1 << 60)
    return f"{most - 1 - int.from_bytes(os.urandom(8)) % (most >> 8):016x}"


def members(group_id: str, leader: tuple[int, int] | None = None) -> list[Member]:
    """The living processes of a run, but for this process.

    Args:
        group_id: the run's.
        leader: number and ticks of the process that all others descend from; None when unknown.
    """
    among = living_processes()
    among.pop(os.getpid(), None)
    found: dict[int, Member] = {}
    root = among.get(leader[0]) if leader is not None else None
    # Its group id is asked for: whoever wrote it down may have been a build, which named another's.
    if root is not None and (root.pid, root.ticks) == leader and _is_in_group(root.pid, group_id):
        found = {each.pid: each for each in [root, *descendants(root.pid, among)]}
        found |= {each.pid: each for each in among.values() if each.session == root.pid}
    for pid, member in among.items():
        if pid not in found and _is_in_group(pid, group_id):
            found[pid] = member
    return list(found.values())


def _is_in_group(pid: int, group_id: str) -> bool:
    variable = f"{GROUP_VARIABLE}={group_id}".encode()
    return variable in _read(pid, "environ").split(b"\0") or _limit(pid) == int(group_id, 16)


def _limit(pid: int) -> int:
    """The hard limit that is the group id of a process; -1 where it is none."""
    for line in _read(pid, "limits").split(b"\n"):
        if line.startswith(b"Max realtime timeout "):  # name, soft limit, hard limit, unit
            hard = line.split()[4]
            # Lower ones are real limits: a group id that is read from a file must not fit them.
            return int(hard) if hard.isdigit() and int(hard) >= _MIN_GROUP_ID else -1
    return -1


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""  # gone, or another user's


def send(member: Member, number: int) -> None:
    """Send a signal to a process, never to a later one of the same number."""
    try:
        handle = os.pidfd_open(member.pid)
    except ProcessLookupError:
        return
    except (OSError, AttributeError):  # Linux before 5.3, or a container that forbids it
        handle = -1
    try:
        now = find_process(member.pid)
        if now is None or now.ticks != member.ticks:
            return
        if handle < 0:
            os.kill(member.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except OSError:
        pass  # gone, or it became another user's: whoever looks for it next finds it
    finally:
        if handle >= 0:
            os.close(handle)


def end_all(
    find: Callable[[], list[Member] | None],
    *,
    scope: str = "",
    within: float = KILL_TIMEOUT_SECONDS,
) -> list[Member]:
    """Kill processes until none is left, however fast they make new ones.

    All are stopped before the first is killed: so nobody sees a death that it answers with a fork.

    Args:
        find: who is left; None for nobody.
        scope: their cgroup; empty for none.
        within: seconds after which it gives up on those that are left, if no new ones came.

    Returns:
        Who could not be ended: another user's (``sudo``), one that waits for a device, or what
        forked faster than it was killed for :data:`MAX_KILL_SECONDS`.
    """
    now = time.monotonic()
    until, last, pause = now + within, now + max(within, MAX_KILL_SECONDS), 0.001
    known: set[tuple[int, int]] = set()
    while True:
        _kill_scope(scope)
        found = find()
        while found and (now := time.monotonic()) < last:
            new = [each for each in found if (each.pid, each.ticks) not in known]
            if not new:
                break
            until = min(now + within, last)
            for member in new:
                send(member, signal.SIGSTOP)
                known.add((member.pid, member.ticks))
            found = find()
        if found is None:
            _remove_scope(scope)
            return []
        for member in found:
            send(member, signal.SIGKILL)
        if time.monotonic() >= until:
            return found
        time.sleep(pause)
        pause = min(2 * pause, _MAX_PAUSE_SECONDS)


def find_scope() -> str:
    """The cgroup (v2) of this process, if it may divide it; empty when it may not.

    Where systemd runs, what it did not delegate is its own (systemd.resource-control(5),
    ``Delegate=``): a service of espdeck has it when its unit says so, a login has not.
    """
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            own = next((line[3:-1] for line in file if line.startswith("0::")), "")
    except OSError:
        return ""
    for mount in _SCOPE_MOUNTS:
        if own and os.path.exists(f"{mount}/cgroup.controllers"):
            folder = (mount + own).rstrip("/")
            may = os.access(folder, os.W_OK) and os.access(f"{folder}/cgroup.procs", os.W_OK)
            return folder if may and _is_delegated(folder) else ""
    return ""


def _is_delegated(folder: str) -> bool:
    if not os.path.exists("/run/systemd/system"):  # sd_booted(3)
        return True
    try:
        return os.getxattr(folder, "user.delegate") == b"1"
    except OSError:
        return False


def _kill_scope(scope: str) -> None:
    """Kill all of a cgroup at once; Linux before 5.14 cannot, there the others are enough."""
    if scope:
        try:
            with open(f"{scope}/cgroup.kill", "w", encoding="ascii") as file:
                file.write("1")
        except OSError:
            pass


def _remove_scope(scope: str) -> None:
    if scope:
        try:
            os.rmdir(scope)
        except OSError:
            pass
