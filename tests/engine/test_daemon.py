"""The daemon: started, asked, reloaded and stopped as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings, TaskRequest, daemon, daemon_control
from engine.daemon_control import (
    SOCKET_FILE,
    ControlServer,
    DaemonSilentError,
    answering_daemon,
    ask_daemon,
    older_version,
    own_version,
    running_daemon,
)
from engine.daemon_start import OUTPUT_FILE, start_daemon, stop_daemon
from engine.enums import RunStatus
from engine.errors import UsageError
from engine.processes.identity import ProcessIdentity
from tests.waits import wait_for

pytestmark = pytest.mark.slow

ORDER = TaskRequest(workflow="free_task", description="x", model="placeholder")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    settings = tmp_path / "config" / "config.toml"
    settings.parent.mkdir()
    settings.write_text("")
    settings.chmod(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(settings))
    folder = tmp_path / "workspace"
    yield folder
    if running_daemon(folder) is not None:
        stop_daemon(folder)


def test_it_starts_once_says_what_it_does_and_stops(workspace: Path) -> None:
    pid = start_daemon(workspace)
    assert running_daemon(workspace) == pid
    with pytest.raises(UsageError, match=f"runs already \\(process {pid}\\)"):
        start_daemon(workspace)

    status = ask_daemon(workspace, "status")
    assert (status["pid"], status["version"], status["is_running"]) == (pid, own_version(), True)
    assert status["memory_bytes"] > 1 << 20
    assert status["runs"] == []

    assert stop_daemon(workspace) == pid
    assert running_daemon(workspace) is None
    with pytest.raises(UsageError, match="no daemon runs in /"):
        ask_daemon(workspace, "status")


def test_it_carries_out_what_others_ask_for_and_they_see_it(workspace: Path) -> None:
    start_daemon(workspace)
    with Engine(Settings(workspace=workspace)) as engine:
        assert not engine.is_executor
        done = engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=60)
        assert done.status is RunStatus.SUCCESS
        assert engine.tasks.stages(done.number)


def test_it_goes_on_with_the_runs_of_a_process_that_leaves(workspace: Path) -> None:
    with Engine(Settings(workspace=workspace)) as engine:
        engine.wait_ready()
        pid = start_daemon(workspace)
        status = ask_daemon(workspace, "status")
        assert (status["executes"], status["executor"]) == (False, os.getpid())
        assert engine.has_successor
        number = engine.tasks.start(ORDER).number
    with Engine(Settings(workspace=workspace)) as engine:
        assert engine.tasks.wait(number, timeout=60).status is RunStatus.SUCCESS
        assert engine.executor_pid == pid


def test_many_that_are_started_at_once_are_one(workspace: Path) -> None:
    said: list[str] = []

    def start() -> None:
        try:
            said.append(f"started {start_daemon(workspace)}")
        except UsageError as error:
            said.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pid = running_daemon(workspace)
    others = [each for each in said if each != f"started {pid}"]
    assert others == [f"the daemon of {workspace} runs already (process {pid})"] * 3


def test_it_is_found_and_ends_in_good_order_whatever_became_of_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = start_daemon(workspace)
    with monkeypatch.context() as container:
        container.setattr(daemon_control, "lock_holders", lambda _path: ())
        assert running_daemon(workspace) == pid
    (workspace / SOCKET_FILE).unlink()
    with pytest.raises(DaemonSilentError, match=f"process {pid}.*daemon.sock was deleted"):
        ask_daemon(workspace, "status")
    os.kill(pid, signal.SIGSTOP)
    assert stop_daemon(workspace) == pid
    assert "stops" in (workspace / "espdeck.log").read_text()  # it was not killed


def test_it_ends_when_its_workspace_is_deleted(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "LOOK_SECONDS", 0.1)
    settings = Settings(workspace=workspace)
    engine = daemon.Daemon(settings, lambda: settings)
    ended: list[str] = []

    def run() -> None:
        try:
            engine.run()
        except UsageError as error:
            ended.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: answering_daemon(workspace) == os.getpid())
    workspace.rename(workspace.with_name("elsewhere"))
    later = start_daemon(workspace)
    thread.join(60)
    assert ended == [f"{workspace} was deleted or replaced: its daemon ends"]
    assert ask_daemon(workspace, "status")["pid"] == later


def test_what_it_prints_goes_through_no_link(workspace: Path) -> None:
    other = workspace.parent / "precious"
    other.write_text("kept")
    workspace.mkdir(mode=0o700)
    (workspace / OUTPUT_FILE).symlink_to(other)
    with pytest.raises(UsageError, match=OUTPUT_FILE):
        start_daemon(workspace)
    assert other.read_text() == "kept"


def test_a_workspace_that_cannot_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    (folder / SOCKET_FILE).mkdir(parents=True)
    settings = Settings(workspace=folder)
    with pytest.raises(UsageError, match=f"{SOCKET_FILE}: Is a directory"):
        daemon.Daemon(settings, lambda: settings).run()
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="no daemon runs in this workspace"):
        ask_daemon(file, "status")


FIRST_PROCESS = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from engine.daemon import go_on_in_child
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans are this process's, as of PID 1
go_on_in_child()
first = os.getppid()
children = Path(f"/proc/{first}/task/{first}/children")
subprocess.run(["sh", "-c", "sleep 0.01 & exit"], check=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
while children.read_text().split() != [str(os.getpid())]:
    time.sleep(0.01)
os.kill(first, signal.SIGTERM)
time.sleep(60)
"""


def test_the_first_process_of_a_container_leaves_no_zombies_and_hands_signals_on() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_PROCESS], timeout=60)
    assert done.returncode == 7


def test_an_answer_that_is_no_object_is_none(tmp_path: Path) -> None:
    server = ControlServer(tmp_path, lambda _question: [7])  # type: ignore[arg-type,return-value]
    try:
        with pytest.raises(DaemonSilentError):
            ask_daemon(tmp_path, "status")
    finally:
        server.close()


def test_one_that_was_killed_leaves_nothing_in_the_way(workspace: Path) -> None:
    pid = start_daemon(workspace)
    process = ProcessIdentity.of(pid)
    assert process is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not process.is_alive)
    assert running_daemon(workspace) is None
    assert start_daemon(workspace) != pid


def test_a_settings_file_is_found_from_the_folder_it_was_named_in(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.parent)
    monkeypatch.setenv("ESPDECK_CONFIG", "config/config.toml")
    (workspace.parent / "config" / "config.toml").write_text('boards = ["/dev/ttyTEST"]')
    start_daemon(workspace)
    assert [each["name"] for each in status_of(workspace, "boards")] == ["/dev/ttyTEST"]


def test_changed_settings_are_in_force_without_a_restart(workspace: Path) -> None:
    settings = workspace.parent / "config" / "config.toml"
    start_daemon(workspace)

    settings.write_text('boards = ["/dev/ttyTEST"]')
    wait_for(lambda: [each["name"] for each in status_of(workspace, "boards")] == ["/dev/ttyTEST"])
    settings.write_text("boards = 7")
    with pytest.raises(UsageError, match="settings are not valid"):
        ask_daemon(workspace, "reload")
    assert [each["name"] for each in status_of(workspace, "boards")] == ["/dev/ttyTEST"]
    settings.write_text("")
    wait_for(lambda: status_of(workspace, "boards") == [])


def status_of(workspace: Path, key: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ask_daemon(workspace, "status")[key]
    return found


def test_why_it_does_not_start_is_a_line(workspace: Path) -> None:
    (workspace.parent / "config" / "config.toml").write_text("boards = 7")
    with pytest.raises(UsageError, match=r"did not start: .*boards must be a list") as told:
        start_daemon(workspace)
    assert "\n" not in str(told.value)


def test_another_version_is_understood_and_the_older_one_named(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 60)  # longer than the address of a socket may be
    folder.mkdir()
    server = ControlServer(folder, lambda question: {"version": "0.0.9", "new": question})
    try:
        answer = ask_daemon(folder, "status")
    finally:
        server.close()
    assert answer == {"version": "0.0.9", "new": {"command": "status"}}
    assert "the daemon is older" in older_version("0.0.9")
    assert "this command is older" in older_version("99.0.0")
    assert older_version(own_version()) == ""


def test_a_question_that_makes_no_sense_is_refused_in_a_line(tmp_path: Path) -> None:
    def answer(question: object) -> dict[str, str]:
        raise KeyError("command")

    server = ControlServer(tmp_path, answer)
    try:
        with pytest.raises(UsageError, match="is not valid"):
            ask_daemon(tmp_path, "?")
    finally:
        server.close()


def test_one_that_does_not_answer_is_told_from_none(tmp_path: Path) -> None:
    server = ControlServer(tmp_path, lambda _question: {"x": "y" * (2 << 20)})
    try:
        with pytest.raises(DaemonSilentError):
            ask_daemon(tmp_path, "status")
    finally:
        server.close()
