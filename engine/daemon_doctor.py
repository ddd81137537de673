"""Looks at what ends daemons, and sessions of tmux and screen, on machines used through SSH.

systemd ends a user's services some seconds after the last logout unless the user lingers, and may
end what was started in a session with that session; ``su``, ``sudo`` and cron start shells that do
not find the user's own systemd; limits end what grows. Each look names the one command that mends
what it found.
"""

from __future__ import annotations

import os
import re
import resource
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.doctor_check import DoctorCheck
from engine.errors import EspdeckError
from engine.files import read_file
from engine.systemd.login import lingers, read_login_settings, user_name

_ANSWER_SECONDS = 3.0  # that systemd may take to answer
_MAX_FILE_BYTES = 1 << 16
_MIN_MEMORY_BYTES = 1 << 30  # what a build of ESP-IDF takes, and a little for all else
_MIN_OPEN_FILES = 1024
_MEMORY_LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")  # of cgroup v2, of v1
_UNIT = re.compile(r".*/([^/\n]+\.(?:service|scope))(?:/.*)?")
_VERSION = re.compile(r"systemd (\d+)")
_LINGER_FAULT = range(255, 256)
"""Versions whose logind may forget that a user lingers (systemd pull request 33786, in 256.3)."""

_KEEP_USERS = (
    r"printf '[Login]\nUserStopDelaySec=infinity\n' | "
    "sudo install -D -m 644 /dev/stdin /etc/systemd/logind.conf.d/50-espdeck.conf"
)

Answer = tuple[int, str]
"""Exit code and output of a command."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is looked at.

    Args:
        root: folder that files are looked for in.
        user_id: whose daemon it is.
        user: that user's name.
        environ: variables of the shell.
        ask: runs a command for a bounded time; None when it is not there or does not answer.
        limit: soft limit of a resource (getrlimit(2)), -1 for none.
    """

    root: Path = Path("/")
    user_id: int = field(default_factory=os.getuid)
    user: str = field(default_factory=lambda: user_name(os.getuid()))
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    ask: Callable[[Sequence[str]], Answer | None] = field(default_factory=lambda: _ask)
    limit: Callable[[int], int] = field(default_factory=lambda: lambda kind: _limit(kind))

    @property
    def runtime_folder(self) -> str:
        """The folder in which the user's systemd listens."""
        return f"/run/user/{self.user_id}"

    def path(self, absolute: str) -> Path:
        """A file of this machine."""
        return self.root / absolute.lstrip("/")

    def read(self, absolute: str) -> str:
        """The text of a small file; empty where there is none."""
        try:
            return read_file(self.path(absolute), _MAX_FILE_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def has(self, absolute: str) -> bool:
        """Whether there is such a file or folder that can be looked at."""
        try:
            return self.path(absolute).exists()
        except OSError:
            return False


def look_at_daemons(workspace: Path, machine: Machine | None = None) -> tuple[DoctorCheck, ...]:
    """Look at everything that may end a daemon of this user.

    Args:
        workspace: whose daemon may run already.
        machine: what is looked at; None for this one.
    """
    machine = machine or Machine()
    looks = [*_limits(machine)]
    if machine.has("/run/systemd/system"):  # sd_booted(3)
        looks = [_user_manager(machine), _linger(machine), _logout(machine, workspace), *looks]
    else:
        looks = [_no_systemd(machine), *looks]
    return tuple(looks)


def _no_systemd(machine: Machine) -> DoctorCheck:
    first = machine.read("/proc/1/comm").strip() or "unknown"
    if "microsoft" in machine.read("/proc/version").lower():
        advice = "printf '[boot]\\nsystemd=true\\n' | sudo tee -a /etc/wsl.conf"
        detail = f"WSL without systemd (the first process is {first}): no service can be installed"
        return DoctorCheck("daemon service", False, False, detail, f"{advice}, then wsl --shutdown")
    if machine.has("/.dockerenv") or machine.has("/run/.containerenv"):
        detail = f"a container without systemd (the first process is {first})"
        advice = "make it the container's command: espdeck daemon run"
        return DoctorCheck("daemon service", False, False, detail, advice)
    detail = f"no systemd (the first process is {first}): no service can be installed"
    return DoctorCheck("daemon service", False, False, detail, "espdeck daemon start")


def _user_manager(machine: Machine) -> DoctorCheck:
    """Whether ``systemctl --user`` works in this shell."""
    name = "user services"
    behind = machine.environ.get("SUDO_USER", "")
    if machine.user_id == 0 and behind not in ("", "root"):
        detail = f"a root shell, started by sudo: its services are root's, and not {behind}'s"
        return DoctorCheck(name, False, False, detail, "exit")
    own = machine.runtime_folder
    enable = f"sudo loginctl enable-linger {machine.user}"
    said = machine.environ.get("XDG_RUNTIME_DIR", "")
    wrong = _runtime_folder_fault(machine, said)
    if wrong and _owner(machine, own) == machine.user_id:
        return DoctorCheck(name, False, False, wrong, f"export XDG_RUNTIME_DIR={own}")
    if wrong:
        detail = f"{wrong}, and there is no {own}: no systemd of {machine.user} runs"
        return DoctorCheck(name, False, False, detail, enable)
    answer = machine.ask(["systemctl", "--user", "is-system-running"])
    if answer is None:
        detail = "systemctl --user does not answer"
        advice = f"sudo systemctl restart user@{machine.user_id}.service"
        return DoctorCheck(name, False, False, detail, advice)
    _, text = answer
    state = text.strip().rpartition("\n")[2]
    if "Failed to connect" in text or state == "offline":
        advice = f"sudo systemctl start user@{machine.user_id}.service"
        return DoctorCheck(name, False, False, f"systemctl --user: {state[:200]}", advice)
    return DoctorCheck(name, True, False, f"systemctl --user: {state[:200]}")


def _runtime_folder_fault(machine: Machine, said: str) -> str:
    """What is wrong with XDG_RUNTIME_DIR; empty for nothing."""
    if not said:
        return "XDG_RUNTIME_DIR is not set (a shell of su, sudo or cron)"
    owner = _owner(machine, said)
    if owner is None:
        return f"XDG_RUNTIME_DIR is {said}, which does not exist"
    if owner != machine.user_id:
        return f"XDG_RUNTIME_DIR is {said}, which is {user_name(owner)}'s (a shell of su or sudo)"
    return ""


def _owner(machine: Machine, folder: str) -> int | None:
    """Whose a folder is; None where there is none."""
    try:
        status = machine.path(folder).stat()
    except PermissionError:
        return 0  # another's, which none but its owner may look into
    except OSError:
        return None
    return status.st_uid if stat.S_ISDIR(status.st_mode) else None


def _linger(machine: Machine) -> DoctorCheck:
    """Whether services of this user outlive the last logout."""
    name, advice = "linger", f"loginctl enable-linger {machine.user}"
    try:
        does = lingers(machine.root, machine.user)
    except OSError:
        does = False
    if not does:  # a record of systemd-homed may say it, too
        answer = machine.ask(["loginctl", "show-user", machine.user, "--property=Linger"])
        does = answer is not None and answer[1].strip() == "Linger=yes"
    if not does:
        detail = f"off: systemd ends services of {machine.user} when the last session ends"
        return DoctorCheck(name, False, False, detail, f"{advice} (with sudo, where it is refused)")
    answer = machine.ask(["systemctl", "--version"])
    version = _VERSION.match(answer[1]) if answer else None
    is_faulty = version is not None and int(version[1]) in _LINGER_FAULT
    if version and is_faulty and not read_login_settings(machine.root).keeps_users:
        detail = f"on, but systemd {version[1]} may forget that at a logout (mended in 256.3)"
        return DoctorCheck(name, True, False, detail, _KEEP_USERS)
    return DoctorCheck(name, True, False, f"on: services of {machine.user} stay after a logout")


def _logout(machine: Machine, workspace: Path) -> DoctorCheck:
    """Whether what is started here, as in tmux, outlives this login."""
    name, install = "logout", "espdeck daemon install --write"
    holder = _executor(machine, workspace)
    if holder and (why := _end_of(machine, str(holder))):
        detail = f"process {holder}, which runs the builds, {why}"
        return DoctorCheck(name, False, False, detail, install)
    why = _end_of(machine, "self")
    if not why:
        return DoctorCheck(name, True, False, "what is started here goes on after a logout")
    for program, variable in (("tmux", "TMUX"), ("screen", "STY")):
        if variable in machine.environ:
            advice = f"start it with: systemd-run --user --scope {program}"
            return DoctorCheck(name, False, False, f"{program} {why}", advice)
    return DoctorCheck(name, False, False, f"what is started here {why}", install)


def _end_of(machine: Machine, number: str) -> str:
    """With what a process ends, by the unit of systemd that it is in; empty for nothing."""
    unit = _unit_of(machine, number)
    if unit.startswith("session-"):
        settings = read_login_settings(machine.root)
        if not settings.kills(machine.user):
            return ""
        by = settings.said_by or "the default of this systemd"
        return f"ends with the session that started it (KillUserProcesses=yes, {by})"
    # A login that the login manager knows nothing of (no pam_systemd) is of the service of SSH, a
    # terminal may be of its own, what cron starts of cron's. A user's systemd has user@.
    if unit.endswith(".service") and not unit.startswith(("user@", "espdeck")):
        return f"ends with {unit}, which it is a part of"
    return ""


def _unit_of(machine: Machine, number: str) -> str:
    """The innermost unit of systemd that a process is in; empty for none."""
    for line in machine.read(f"/proc/{number}/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers in ("", "name=systemd") and (found := _UNIT.fullmatch(group)):
            return found[1]
    return ""


def _executor(machine: Machine, workspace: Path) -> int:
    """The process that runs builds of a workspace; 0 for none of this user's."""
    lock = workspace / "executor.lock"
    try:
        text = read_file(lock, 64).decode("ascii", "replace").strip()
        if not re.fullmatch("[1-9][0-9]{0,9}", text):
            return 0
        held = machine.path(f"/proc/{text}/fd")
        # The number in the file is of the last who had it; who has it still holds the file open.
        is_held = any(link.samefile(lock) for link in held.iterdir() if link.exists())
    except OSError:
        return 0
    return int(text) if is_held else 0


def _limits(machine: Machine) -> Iterator[DoctorCheck]:
    """Limits of the shell and of the cgroup that are too low for builds, or end what runs long."""
    files = machine.limit(resource.RLIMIT_NOFILE)
    detail = f"{files} for each process" if files >= 0 else "no limit"
    enough = not 0 <= files < _MIN_OPEN_FILES
    advice = "" if enough else f"ulimit -n {_MIN_OPEN_FILES * 4}"
    yield DoctorCheck("open files", enough, False, detail, advice)
    seconds = machine.limit(resource.RLIMIT_CPU)
    if seconds >= 0:
        detail = f"a process ends after {seconds} s of work: a daemon, too"
        yield DoctorCheck("processor time", False, False, detail, "ulimit -t unlimited")
    yield _memory(machine)


def _memory(machine: Machine) -> DoctorCheck:
    name = "memory limit"
    space = machine.limit(resource.RLIMIT_AS)
    if 0 <= space < 4 * _MIN_MEMORY_BYTES:  # a compiler asks for more than it uses
        detail = f"a process may have {space >> 20} MB of addresses: compilers fail"
        return DoctorCheck(name, False, False, detail, "ulimit -v unlimited")
    found = min(_cgroup_limits(machine), default=None)
    if found is None:
        return DoctorCheck(name, True, False, "none")
    most, group = found
    if most >= _MIN_MEMORY_BYTES:
        return DoctorCheck(name, True, False, f"{most >> 20} MB ({group})")
    detail = f"{most >> 20} MB ({group}): a build of ESP-IDF takes 1 GB"
    unit = next((part for part in reversed(group.split("/")) if part.endswith(".slice")), "")
    advice = (
        f"sudo systemctl set-property {unit} MemoryMax=infinity"
        if unit
        else "start the container with more: --memory 4g"
    )
    return DoctorCheck(name, False, False, detail, advice)


def _cgroup_limits(machine: Machine) -> Iterator[tuple[int, str]]:
    """Bytes that the cgroups of this process, and those they are in, may have."""
    for line in machine.read("/proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers not in ("", "memory"):
            continue
        mount = "/sys/fs/cgroup/memory" if controllers else "/sys/fs/cgroup"
        # In a container, its own group is mounted as the root: the path leads nowhere.
        for part in (group, *(str(each) for each in Path(group).parents)):
            for file in _MEMORY_LIMIT_FILES:
                text = machine.read(f"{mount}/{part}/{file}").strip()
                # v1 says a number that no machine has where there is no limit.
                if text.isascii() and text.isdigit() and len(text) < 19 and int(text) < 1 << 50:
                    yield int(text), part


def _ask(words: Sequence[str]) -> Answer | None:
    try:
        done = process.run(
            words,
            timeout=_ANSWER_SECONDS,
            cancel=CancelToken(),
            env={"LC_ALL": "C"},
            supervised=False,
        )
    except EspdeckError:
        return None
    return done.returncode, done.tail


def _limit(kind: int) -> int:
    return resource.getrlimit(kind)[0]
