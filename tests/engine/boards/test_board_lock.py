from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from engine.boards.board_lock import Lock, file_of, hold_one
from engine.boards.keys import Keys
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError
from engine.file_lock import FileLock

HOLDER = """
import sys
from pathlib import Path
from engine.boards.board_lock import hold_one
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
folder, token = LockFolder(Path(sys.argv[1])), CancelToken()
with hold_one({"board": "board"}, cancel=token, folder=folder, on_wait=print, purpose="test"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(
    port: str,
    *,
    cancel: CancelToken,
    folder: Path,
    on_wait: Callable[[str], None],
    purpose: str,
) -> AbstractContextManager[Lock | None]:
    return hold_one(
        {Keys(folder, {}).of(port) if "/" in port else port: port},
        cancel=cancel,
        folder=LockFolder(folder),
        on_wait=on_wait,
        purpose=purpose,
    )


class Stage(threading.Thread):
    """A thread that holds the board until it is let go."""

    def __init__(self, folder: Path, port: str, order: list[str], name: str) -> None:
        super().__init__(name=name)
        self.held, self.let_go, self.waits = (threading.Event() for _ in range(3))
        self._folder, self._port, self._order = folder, port, order

    def run(self) -> None:
        with hold(
            self._port,
            cancel=CancelToken(),
            folder=self._folder,
            on_wait=lambda message: self.waits.set(),
            purpose=self.name,
        ):
            self._order.append(self.name)
            self.held.set()
            assert self.let_go.wait(20)


def test_who_comes_first_is_served_first(tmp_path: Path) -> None:
    order: list[str] = []
    stages = [Stage(tmp_path, "board", order, str(number)) for number in range(4)]
    stages[0].start()
    assert stages[0].held.wait(10)
    for stage in stages[1:]:
        stage.start()
        assert stage.waits.wait(10)

    for stage in stages:
        assert stage.held.wait(10)
        stage.let_go.set()
    for stage in stages:
        stage.join()

    assert order == ["0", "1", "2", "3"]


def test_two_boards_do_not_wait_for_each_other(tmp_path: Path) -> None:
    one, two = (Stage(tmp_path, port, [], port) for port in ("a", "b"))
    for stage in (one, two):
        stage.start()
        assert stage.held.wait(10)
    for stage in (one, two):
        stage.let_go.set()
        stage.join()
    assert not one.waits.is_set()
    assert not two.waits.is_set()


def test_waiting_ends_when_it_is_cancelled_and_the_line_moves_on(tmp_path: Path) -> None:
    first, third = (Stage(tmp_path, "board", [], name) for name in ("first", "third"))
    first.start()
    assert first.held.wait(10)
    cancel = CancelToken()
    with (
        pytest.raises(CancelledError),
        hold(
            "board",
            cancel=cancel,
            folder=tmp_path,
            on_wait=lambda message: cancel.cancel(),
            purpose="test",
        ),
    ):
        raise AssertionError("it is not ours")
    third.start()
    assert third.waits.wait(10)
    first.let_go.set()
    assert third.held.wait(10)
    third.let_go.set()
    for stage in (first, third):
        stage.join()


def test_a_board_that_another_process_holds_is_waited_for_even_if_that_one_is_killed(
    tmp_path: Path,
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    messages: list[str] = []

    def told(message: str) -> None:
        messages.append(message)
        other.kill()

    with hold("board", cancel=CancelToken(), folder=tmp_path, on_wait=told, purpose="test"):
        assert messages == [f"waiting for board: test (process {other.pid}) holds it"]
    with other:
        pass


def test_waiting_for_another_process_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    cancel = CancelToken()
    with (
        pytest.raises(CancelledError),
        hold(
            "board",
            cancel=cancel,
            folder=tmp_path,
            on_wait=lambda message: cancel.cancel(),
            purpose="test",
        ),
    ):
        raise AssertionError("it is not ours")
    other.kill()
    with other:
        pass


def test_a_device_and_a_link_to_it_are_one_board(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    one, two = (Stage(tmp_path / "locks", str(port), [], "") for port in (device, link))
    one.start()
    assert one.held.wait(10)
    two.start()
    assert two.waits.wait(10)
    for stage in (one, two):
        stage.let_go.set()
        stage.join()
    assert two.held.is_set()


def test_a_lock_file_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file is in the way")

    with (
        pytest.raises(BoardError, match=r"^board: cannot be locked: .*(File exists|Not a dir)"),
        hold(
            "board", cancel=CancelToken(), folder=tmp_path / "locks", on_wait=print, purpose="test"
        ),
    ):
        raise AssertionError("it is not ours")


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tmp_path.is_dir()  # made by writing, so before the disk is full

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for call in ("write", "pwrite"):
        monkeypatch.setattr(os, call, full)


@pytest.mark.usefixtures("full_disk")
def test_a_board_can_be_held_on_a_full_disk(tmp_path: Path) -> None:
    held = 0
    for _turn in range(2):
        with hold("board", cancel=CancelToken(), folder=tmp_path, on_wait=print, purpose="test"):
            held += 1
    assert held == 2


@pytest.mark.usefixtures("full_disk")
def test_a_file_lock_is_held_and_given_back_on_a_full_disk(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


ORPHAN = """
import subprocess, sys
from pathlib import Path
from engine.boards.board_lock import hold_one
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
from engine.process import run
folder, token = LockFolder(Path(sys.argv[1])), CancelToken()
with hold_one({"board": "board"}, cancel=token, folder=folder, on_wait=print, purpose="b") as lock:
    say = lambda data: print(data.decode(), end="", flush=True)
    run(["sh", "-c", "echo $$; exec sleep 60"], timeout=60, cancel=token, on_output=say,
        pass_fds=[lock.descriptor])
"""


def test_a_flasher_whose_espdeck_was_killed_keeps_the_board_until_it_ends(tmp_path: Path) -> None:
    messages: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(tmp_path)],
        stdout=subprocess.PIPE,
    ) as espdeck:
        assert espdeck.stdout is not None
        flasher = int(espdeck.stdout.readline())
        ender = psutil.Process(flasher).ppid()
        os.kill(ender, signal.SIGSTOP)  # who would end the flasher at once
        espdeck.kill()

    def told(message: str) -> None:
        messages.append(message)
        for pid in (flasher, ender):
            os.kill(pid, signal.SIGKILL)

    with hold("board", cancel=CancelToken(), folder=tmp_path, on_wait=told, purpose="test"):
        pass
    left = "which ended and left a program that goes on"
    assert messages == [f"waiting for board: b (process {espdeck.pid}, {left}) holds it"]


MANY = """
import sys, threading
from pathlib import Path
from engine.boards.board_lock import hold_one
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
from engine.boards import board_lock
board_lock.LOCK_POLL_SECONDS = 0.005
folder, waiting = LockFolder(Path(sys.argv[1])), threading.Semaphore(0)
def stage():
    def wait(_line):
        waiting.release()
    token, boards = CancelToken(), {"board": "board"}
    with hold_one(boards, cancel=token, folder=folder, on_wait=wait, purpose="test"):
        print(sys.argv[2], flush=True)
        waiting.release()
        sys.stdin.readline()
threads = [threading.Thread(target=stage) for _ in range(4)]
for thread in threads:
    thread.start()
    waiting.acquire()
print("all", flush=True)
for thread in threads:
    thread.join()
"""


def test_processes_that_want_one_board_take_turns(tmp_path: Path) -> None:
    """Whoever gives it back comes after the other who waits, however many threads it has."""
    order: list[str] = []
    folder, said = LockFolder(tmp_path), queue.SimpleQueue[str]()
    with contextlib.ExitStack() as stack:
        processes = {}
        for name in "ab":
            process = subprocess.Popen(
                [sys.executable, "-c", MANY, str(tmp_path), name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            )  # fmt: skip
            processes[name] = stack.enter_context(process)
            stack.callback(process.kill)
            threading.Thread(target=_copy, args=(process, said), daemon=True).start()
            while said.get(timeout=20) != "all":
                order.append(name)
        while len(order) < 8:
            if len(order) < 7:
                _wait_for_one_who_waits(folder)
            stdin = processes[order[-1]].stdin
            assert stdin is not None
            stdin.write("go\n")
            order.append(said.get(timeout=20))
    assert order == list("abababab")


def _copy(process: subprocess.Popen[str], said: queue.SimpleQueue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said.put(line.strip())


def _wait_for_one_who_waits(folder: LockFolder) -> None:
    deadline = time.monotonic() + 20
    while True:
        status = folder.status(f"{file_of('board')}.next")
        if status is not None and status[1]:
            return
        assert time.monotonic() < deadline
        time.sleep(0.002)
