"""What the doctor says of machines on which daemons and sessions ended, each as somebody had it."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from engine.daemon_doctor import Answer, Machine, look_at_daemons
from engine.doctor_check import DoctorCheck

KILL = "[Login]\nKillUserProcesses=yes\n"
SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
MEMORY = "/sys/fs/cgroup/user.slice/user-1000.slice/memory.max"


class Lab:
    """A machine below a folder, on which all is well until a test says otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "ws"
        self.user = "ada"
        self.user_id = os.getuid()  # whose files tests can make
        self.runtime = f"/run/user/{self.user_id}"
        self.environ = {"XDG_RUNTIME_DIR": self.runtime}
        self.answers: dict[str, Answer | None] = {
            "systemctl --user is-system-running": (0, "running\n"),
            "systemctl --version": (0, "systemd 257 (257.7-1)\n+PAM\n"),
            "loginctl show-user ada --property=Linger": (1, "Failed to get user\n"),
        }
        self.limits: dict[int, int] = {}
        self.write("/run/systemd/system/x", "")
        self.write(f"{self.runtime}/x", "")
        self.write("/var/lib/systemd/linger/ada", "")
        self.write("/proc/self/cgroup", SESSION)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def remove(self, path: str) -> None:
        (self.root / path.lstrip("/")).unlink()

    def looks(self) -> tuple[DoctorCheck, ...]:
        def ask(words: Sequence[str]) -> Answer | None:
            return self.answers[" ".join(words)]

        machine = Machine(
            root=self.root,
            user_id=self.user_id,
            user=self.user,
            environ=self.environ,
            ask=ask,
            limit=lambda kind: self.limits.get(kind, -1),
        )
        return look_at_daemons(self.workspace, machine)

    def faults(self) -> Mapping[str, tuple[str, str]]:
        return {each.name: (each.detail, each.advice) for each in self.looks() if not each.ok}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    lab.workspace.mkdir()
    yield lab


def test_a_machine_on_which_all_is_well(lab: Lab) -> None:
    assert [(each.name, each.ok, each.needed) for each in lab.looks()] == [
        ("user services", True, False),
        ("linger", True, False),
        ("logout", True, False),
        ("open files", True, False),
        ("memory limit", True, False),
    ]


def test_a_service_that_ends_ten_seconds_after_the_logout(lab: Lab) -> None:
    """KillUserProcesses=no does not help: the user's systemd itself ends."""
    lab.write("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=no\n")
    lab.remove("/var/lib/systemd/linger/ada")
    assert lab.faults() == {
        "linger": (
            "off: systemd ends services of ada when the last session ends",
            "loginctl enable-linger ada (with sudo, where it is refused)",
        )
    }


def test_a_user_who_lingers_by_a_record_and_no_file(lab: Lab) -> None:
    lab.remove("/var/lib/systemd/linger/ada")
    lab.answers["loginctl show-user ada --property=Linger"] = (0, "Linger=yes\n")
    assert lab.faults() == {}


def test_a_service_that_ends_although_its_user_lingers(lab: Lab) -> None:
    lab.answers["systemctl --version"] = (0, "systemd 255 (255.4-1ubuntu8.17)\n")
    (linger,) = (each for each in lab.looks() if each.name == "linger")
    assert (linger.ok, linger.detail) == (
        True,
        "on, but systemd 255 may forget that at a logout (mended in 256.3)",
    )
    assert linger.advice.startswith(r"printf '[Login]\nUserStopDelaySec=infinity\n' | sudo install")

    lab.write("/etc/systemd/logind.conf.d/50-espdeck.conf", "[Login]\nUserStopDelaySec=infinity\n")
    (linger,) = (each for each in lab.looks() if each.name == "linger")
    assert linger.advice == ""


def test_tmux_that_ends_at_the_logout(lab: Lab) -> None:
    path = lab.write("/usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n")
    lab.environ["TMUX"] = "/tmp/tmux-1000/default,1,0"
    why = "ends with the session that started it (KillUserProcesses=yes, "
    advice = "start it with: systemd-run --user --scope tmux"
    assert lab.faults() == {"logout": (f"tmux {why}the default of this systemd)", advice)}

    path.write_text(KILL)
    assert lab.faults() == {"logout": (f"tmux {why}{path})", advice)}


def test_tmux_in_a_scope_of_its_own_goes_on(lab: Lab) -> None:
    lab.write("/etc/systemd/logind.conf", KILL)
    lab.environ["TMUX"] = "/tmp/tmux-1000/default,1,0"
    service = "user.slice/user-1000.slice/user@1000.service"
    lab.write("/proc/self/cgroup", f"0::/{service}/app.slice/run-u12.scope\n")
    assert lab.faults() == {}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        # The login manager knows nothing of this login: no pam_systemd.
        ("0::/system.slice/system-sshd.slice/sshd@3-22-10.service\n", "sshd@3-22-10.service"),
        ("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n", "cron.service"),
        ("0::/user.slice/u.slice/user@1000.service/app.slice/foot.service\n", "foot.service"),
        ("0::/system.slice/runner.service/job/7\n", "runner.service"),
    ],
)
def test_what_ends_with_the_service_it_was_started_from(text: str, unit: str, lab: Lab) -> None:
    lab.write("/proc/self/cgroup", text)
    assert lab.faults() == {
        "logout": (
            f"what is started here ends with {unit}, which it is a part of",
            "espdeck daemon install --write",
        )
    }


def test_nohup_that_ends_with_the_session(lab: Lab) -> None:
    path = lab.write("/etc/systemd/logind.conf.d/20-lab.conf", KILL)
    assert lab.faults() == {
        "logout": (
            "what is started here ends with the session that started it "
            f"(KillUserProcesses=yes, {path})",
            "espdeck daemon install --write",
        )
    }


def test_a_daemon_that_will_end_with_its_session(lab: Lab) -> None:
    lab.write("/etc/systemd/logind.conf", KILL)
    lock = lab.write("/ws/executor.lock", "4711")
    lab.write("/proc/4711/cgroup", SESSION)
    lab.write("/proc/4711/fd/0", "")
    lab.write("/proc/self/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/x.scope\n")
    assert lab.faults() == {}  # the number is that of a process of before

    (lab.root / "proc/4711/fd/7").symlink_to(lock)
    ((detail, advice),) = lab.faults().values()
    assert detail.startswith("process 4711, which runs the builds, ends with the session")
    assert advice == "espdeck daemon install --write"


def test_the_shell_of_su_has_the_folder_of_root(lab: Lab) -> None:
    lab.user_id += 1000
    lab.write(f"/run/user/{lab.user_id}/x", "")
    ((detail, advice),) = lab.faults().values()
    assert detail.startswith(f"XDG_RUNTIME_DIR is {lab.runtime}, which is ")
    # That of the user is there, but not the user's: a test cannot give files away.
    assert advice == "sudo loginctl enable-linger ada"


@pytest.mark.parametrize("environ", [{}, {"XDG_RUNTIME_DIR": ""}])
def test_the_shell_of_sudo_or_cron_knows_no_folder(environ: dict[str, str], lab: Lab) -> None:
    lab.environ = environ
    assert lab.faults() == {
        "user services": (
            "XDG_RUNTIME_DIR is not set (a shell of su, sudo or cron)",
            f"export XDG_RUNTIME_DIR={lab.runtime}",
        )
    }


def test_a_user_without_a_systemd_of_its_own(lab: Lab) -> None:
    lab.environ = {}
    lab.remove(f"{lab.runtime}/x")
    (lab.root / lab.runtime.lstrip("/")).rmdir()
    ((detail, advice),) = lab.faults().values()
    assert detail.endswith(f"and there is no {lab.runtime}: no systemd of ada runs")
    assert advice == "sudo loginctl enable-linger ada"


def test_a_folder_that_vanished(lab: Lab) -> None:
    lab.environ = {"XDG_RUNTIME_DIR": "/run/user/4242"}
    ((detail, advice),) = lab.faults().values()
    assert detail == "XDG_RUNTIME_DIR is /run/user/4242, which does not exist"
    assert advice == f"export XDG_RUNTIME_DIR={lab.runtime}"


def test_root_by_sudo_has_services_of_its_own(lab: Lab) -> None:
    lab.user_id = 0
    lab.environ = {"SUDO_USER": "ada"}
    ((detail, advice),) = lab.faults().values()
    assert detail == "a root shell, started by sudo: its services are root's, and not ada's"
    assert advice == "exit"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            (1, "Failed to connect to bus: No such file or directory\n"),
            "systemctl --user: Failed to connect to bus: No such file or directory",
        ),
        ((1, "offline\n"), "systemctl --user: offline"),
    ],
)
def test_a_user_manager_that_does_not_run(answer: Answer, detail: str, lab: Lab) -> None:
    lab.answers["systemctl --user is-system-running"] = answer
    advice = f"sudo systemctl start user@{lab.user_id}.service"
    assert lab.faults() == {"user services": (detail, advice)}


def test_a_user_manager_that_does_not_answer(lab: Lab) -> None:
    lab.answers["systemctl --user is-system-running"] = None
    lab.answers["systemctl --version"] = None
    advice = f"sudo systemctl restart user@{lab.user_id}.service"
    assert lab.faults() == {"user services": ("systemctl --user does not answer", advice)}


def test_a_failed_unit_of_somebody_else_is_no_fault(lab: Lab) -> None:
    lab.answers["systemctl --user is-system-running"] = (1, "degraded\n")
    assert lab.faults() == {}


@pytest.mark.parametrize(
    ("file", "text", "detail", "advice"),
    [
        (
            "/.dockerenv",
            "",
            "a container without systemd (the first process is sh)",
            "make it the container's command: espdeck daemon run",
        ),
        (
            "/proc/version",
            "Linux version 5.15.90.1-microsoft-standard-WSL2",
            "WSL without systemd (the first process is sh): no service can be installed",
            r"printf '[boot]\nsystemd=true\n' | sudo tee -a /etc/wsl.conf, then wsl --shutdown",
        ),
        (
            "/etc/alpine-release",
            "3.20",
            "no systemd (the first process is sh): no service can be installed",
            "espdeck daemon start",
        ),
    ],
)
def test_machines_without_systemd(file: str, text: str, detail: str, advice: str, lab: Lab) -> None:
    lab.remove("/run/systemd/system/x")
    (lab.root / "run/systemd/system").rmdir()
    lab.write("/proc/1/comm", "sh\n")
    lab.write(file, text)
    assert lab.faults() == {"daemon service": (detail, advice)}


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        (resource.RLIMIT_NOFILE, 256, ("256 for each process", "ulimit -n 4096")),
        (resource.RLIMIT_NOFILE, 1024, None),
        (
            resource.RLIMIT_CPU,
            3600,
            ("a process ends after 3600 s of work: a daemon, too", "ulimit -t unlimited"),
        ),
        (
            resource.RLIMIT_AS,
            2 << 30,
            ("a process may have 2048 MB of addresses: compilers fail", "ulimit -v unlimited"),
        ),
        (resource.RLIMIT_AS, 64 << 30, None),
    ],
)
def test_limits_of_the_shell(
    kind: int, value: int, fault: tuple[str, str] | None, lab: Lab
) -> None:
    lab.limits[kind] = value
    assert list(lab.faults().values()) == ([fault] if fault else [])


def test_a_memory_limit_of_the_slice_of_a_user(lab: Lab) -> None:
    lab.write(MEMORY, f"{512 << 20}\n")
    lab.write("/sys/fs/cgroup/user.slice/memory.max", f"{2 << 30}\n")
    assert lab.faults() == {
        "memory limit": (
            "512 MB (/user.slice/user-1000.slice): a build of ESP-IDF takes 1 GB",
            "sudo systemctl set-property user-1000.slice MemoryMax=infinity",
        )
    }
    lab.write(MEMORY, "max\n")
    (limit,) = (each for each in lab.looks() if each.name == "memory limit")
    assert (limit.ok, limit.detail) == (True, "2048 MB (/user.slice)")


def test_a_memory_limit_of_a_container(lab: Lab) -> None:
    """Its own cgroup is mounted as the root, whatever path the kernel names (v1)."""
    lab.write("/proc/self/cgroup", "4:memory:/docker/0123\n1:name=systemd:/docker/0123\n")
    lab.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", f"{256 << 20}\n")
    assert lab.faults() == {
        "memory limit": (
            "256 MB (/): a build of ESP-IDF takes 1 GB",
            "start the container with more: --memory 4g",
        )
    }
    lab.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert lab.faults() == {}


def test_this_machine_is_looked_at_without_a_fault_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "executor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        assert all(each.ok or each.advice for each in look_at_daemons(tmp_path))
