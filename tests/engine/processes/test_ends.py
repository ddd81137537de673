"""Nothing that a program started is left, however it ends and whatever its children do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine.cancel import CancelToken
from engine.errors import CancelledError, Interrupted, ToolError
from engine.process import Completed, run
from engine.processes import start
from engine.processes.members import Member, end_all, find_scope
from engine.processes.registry import ProcessRegistry, describe_processes

SLEEP = 'exec -a "$1" sleep 60'
"""A shell that becomes a child that can be found by its name."""

CHILDREN = """
import os, signal, sys
name, then = sys.argv[1:]
became, becoming = os.pipe()  # ends when each child is what it is to be
def sleep(environment):
    os.execve("/bin/sleep", [name, "60"], environment)
def plain():
    sleep(os.environ)
def left_the_session():
    os.setsid()
    sleep(os.environ)
def cleared_its_environment():
    os.setsid()
    sleep({})
def forked_twice():
    os.setsid()
    if os.fork():
        os._exit(0)
    sleep({})
def ignores_term():
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep({})
def stopped():
    os.setsid()
    os.close(becoming)
    os.kill(os.getpid(), signal.SIGSTOP)
for kind in plain, left_the_session, cleared_its_environment, forked_twice, ignores_term, stopped:
    if os.fork() == 0:
        kind()
os.close(becoming)
os.read(became, 1)
print("up", flush=True)
os.execvp("sh", ["sh", "-c", then, name])
"""
"""A program with children that try to be forgotten; then it is a shell."""


@pytest.fixture
def name() -> Iterator[str]:
    """Stands in the arguments of every process of a test, and of no other."""
    made = f"espdeck-test-{uuid.uuid4().hex}"
    yield made
    for process in found(made):
        process.kill()


def found(name: str) -> list[psutil.Process]:
    """The living processes of a test."""
    alive = []
    for process in psutil.process_iter():
        try:
            if name in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.Error:
            continue
    return [each for each in alive if each.pid != os.getpid()]


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come true")


def run_children(
    name: str,
    *,
    then: str = "sleep 60",
    cancel: CancelToken | None = None,
    timeout: float = 30,
    on_output: Callable[[bytes], None] | None = None,
) -> Completed:
    return run(
        [sys.executable, "-c", CHILDREN, name, then],
        timeout=timeout,
        cancel=cancel or CancelToken(),
        on_output=on_output,
    )


def test_nothing_is_left_of_a_normal_end(name: str) -> None:
    done = run_children(name, then="exit 7")

    assert done.returncode == 7
    assert not found(name)


@pytest.mark.parametrize(
    ("stop", "error"), [("cancel", CancelledError), ("interrupt", Interrupted)]
)
def test_nothing_is_left_of_one_that_is_stopped(
    name: str, stop: str, error: type[BaseException]
) -> None:
    token = CancelToken()

    with pytest.raises(error):
        run_children(name, cancel=token, on_output=lambda _data: getattr(token, stop)())

    assert not found(name)


def test_nothing_is_left_of_one_that_takes_too_long(name: str) -> None:
    with pytest.raises(ToolError, match="no end after"):
        run_children(name, timeout=0.6)

    assert not found(name)


def test_nothing_is_left_when_a_listener_fails(name: str) -> None:
    def fail(_data: bytes) -> None:
        raise RuntimeError("the listener")

    with pytest.raises(RuntimeError, match="the listener"):
        run_children(name, on_output=fail)

    assert not found(name)


MANY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(200):
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
print("up", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.slow
def test_two_hundred_children_that_left_the_session_end_with_it(name: str) -> None:
    run([sys.executable, "-c", MANY, name, "0"], timeout=30, cancel=CancelToken())

    assert not found(name)


@pytest.mark.slow
def test_two_hundred_children_that_left_the_session_are_cancelled(name: str) -> None:
    token = CancelToken()

    with pytest.raises(CancelledError):
        run(
            [sys.executable, "-c", MANY, name, "60"],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
        )

    assert not found(name)


FORKING = """
import os, sys
print("up", flush=True)
while True:  # each lives as long as it takes to make the next
    if os.fork():
        os._exit(0)
    os.setsid()
"""

MAKING_ANEW = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def keep():
    while True:
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        os.wait()
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        keep()
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("scope", [True, False])
@pytest.mark.parametrize("program", [FORKING, MAKING_ANEW], ids=["forking", "making anew"])
def test_what_forks_as_fast_as_it_is_killed_ends(
    name: str, program: str, scope: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not scope:
        monkeypatch.setattr(start, "own_scope", lambda: "")
    token = CancelToken()

    with contextlib.suppress(CancelledError):  # one of them ends by itself at times
        run(
            [sys.executable, "-c", program, name],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
        )

    assert not found(name)


@pytest.mark.parametrize("scope", [True, False])
def test_one_that_kills_its_supervisor_is_told_and_leaves_nothing(
    name: str, scope: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not scope:
        monkeypatch.setattr(start, "own_scope", lambda: "")

    with pytest.raises(
        ToolError, match=r"^python[\d.]*: the process that watched over it was killed$"
    ):
        run_children(name, then="kill -9 $PPID; sleep 60")

    assert not found(name)


def test_one_that_stops_its_supervisor_can_be_cancelled(name: str) -> None:
    token = CancelToken()

    with pytest.raises(CancelledError):
        run(
            ["bash", "-c", "kill -STOP $PPID; echo up; sleep 60", name],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
        )

    assert not found(name)


OWNER = """
import sys
from pathlib import Path
from engine.cancel import CancelToken
from engine.process import run
from engine.processes.registry import ProcessRegistry, use_registry
use_registry(ProcessRegistry(Path(sys.argv[1])))
run(["bash", "-c", *sys.argv[2:]], timeout=60, cancel=CancelToken(),
    on_output=lambda data: print(data.decode(), end="", flush=True))
"""


def owner(registry: Path, script: str, name: str) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(
        [sys.executable, "-c", OWNER, registry, script, "-", name], stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    assert started.stdout.readline()
    return started


@pytest.mark.slow
def test_a_killed_espdeck_takes_its_programs_along_at_once(tmp_path: Path, name: str) -> None:
    with owner(tmp_path, f"exec {sys.executable} -c '{CHILDREN}' $1 'sleep 60'", name) as killed:
        killed.kill()

    wait_until(lambda: not found(name))
    assert ProcessRegistry(tmp_path).end_orphans() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("clear", ["", "env -i "])
def test_what_outlives_espdeck_and_the_supervisor_ends_at_the_next_start(
    tmp_path: Path, name: str, clear: str
) -> None:
    script = f"{clear}setsid bash -c '{SLEEP}' - $1 & echo $PPID; sleep 60"
    with owner(tmp_path, script, name) as killed:
        (supervisor,) = [each for each in found(name) if each.ppid() == killed.pid]
        supervisor.suspend()
        killed.kill()
    supervisor.kill()
    wait_until(lambda: supervisor not in found(name))
    assert found(name)

    assert ProcessRegistry(tmp_path).end_orphans() == 1

    assert not found(name)
    assert list(tmp_path.iterdir()) == []


def test_a_supervisor_that_was_stopped_ends_at_the_next_start(tmp_path: Path, name: str) -> None:
    with owner(tmp_path, "kill -STOP $PPID; echo up; sleep 60", name) as killed:
        killed.kill()

    assert ProcessRegistry(tmp_path).end_orphans() == 1

    assert not found(name)


def test_two_at_once_do_not_end_each_other(name: str) -> None:
    token, other = CancelToken(), f"{name}-other"
    ended = threading.Event()

    def first(_data: bytes) -> None:
        token.cancel()

    def second() -> None:
        with pytest.raises(CancelledError):
            run(
                ["bash", "-c", f"setsid bash -c '{SLEEP}' - $1 & echo up; sleep 60", "-", other],
                timeout=30,
                cancel=token,
                on_output=first,
            )
        ended.set()

    def wait_for_it(_data: bytes) -> None:
        thread = threading.Thread(target=second)
        thread.start()
        assert ended.wait(20)
        thread.join()

    script = f"setsid bash -c '{SLEEP}' - $1 & child=$!; echo up; sleep 0.1; kill -0 $child"
    lasted = run(
        ["bash", "-c", script, "-", name],
        timeout=30,
        cancel=CancelToken(),
        on_output=wait_for_it,
    )

    assert lasted.returncode == 0
    assert not found(other)
    assert not found(name)


WITHIN = """
import sys
from engine.cancel import CancelToken
from engine.process import run
run(["bash", "-c", *sys.argv[1:]], timeout=60, cancel=CancelToken(),
    on_output=lambda data: print(data.decode(), end="", flush=True))
"""


def test_a_run_within_a_run_ends_with_it(name: str) -> None:
    token = CancelToken()
    script = f"env -i setsid bash -c '{SLEEP}' - $1 & echo up; sleep 60"

    with pytest.raises(CancelledError):
        run(
            [sys.executable, "-c", WITHIN, script, "-", name],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
        )

    assert not found(name)


def test_what_cannot_be_ended_is_named_in_time() -> None:
    lasting = Member(1 << 30, 1, 1, 1, "sudo")

    left = end_all(lambda: [lasting], within=0.05)

    assert describe_processes(left) == "sudo (process 1073741824)"


def test_no_zombies_are_left_here(name: str) -> None:
    before = set(psutil.Process().children())  # of other tests

    run_children(name, then="exit 0")
    run(["git", "--version"], timeout=10, cancel=CancelToken(), supervised=False)

    assert set(psutil.Process().children()) <= before


def test_a_descriptor_that_is_passed_is_held_until_nothing_is_left(
    tmp_path: Path, name: str
) -> None:
    path, token = tmp_path / "lock", CancelToken()
    held: list[bool] = []

    def is_held() -> bool:
        with path.open("w") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        descriptor = lock.fileno()

        def given(_data: bytes) -> None:
            lock.close()
            held.append(is_held())
            token.cancel()

        with pytest.raises(CancelledError):
            run(
                ["bash", "-c", f"test -w /dev/fd/{descriptor} && echo up; sleep 60", name],
                timeout=30,
                cancel=token,
                on_output=given,
                pass_fds=[descriptor],
            )

    assert held == [True]
    assert not is_held()


def test_a_short_command_takes_its_group_along(name: str) -> None:
    done = run(
        ["bash", "-c", f"bash -c '{SLEEP}' - $1 & exit 3", "-", name],
        timeout=30,
        cancel=CancelToken(),
        supervised=False,
    )

    assert done.returncode == 3
    wait_until(lambda: not found(name))


def test_a_short_command_that_is_cancelled_leaves_nothing(name: str) -> None:
    token = CancelToken()

    with pytest.raises(CancelledError):
        run(
            ["bash", "-c", f"setsid bash -c '{SLEEP}' - $1 & echo up; sleep 60", "-", name],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
            supervised=False,
        )

    assert not found(name)


@pytest.mark.skipif(not find_scope(), reason="no cgroup (v2) of our own here")
def test_a_program_has_a_cgroup_of_its_own_where_the_machine_gives_one(tmp_path: Path) -> None:
    done = run(["cat", "/proc/self/cgroup"], timeout=10, cancel=CancelToken())

    (own,) = [line[3:] for line in done.tail.splitlines() if line.startswith("0::")]
    assert Path(own).name.startswith("espdeck-")
    assert not Path(find_scope(), Path(own).name).exists()
