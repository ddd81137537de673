from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.boards.lock import hold
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError
from engine.lock import FileLock

HOLDER = """
import sys
from pathlib import Path
from engine.boards.lock import hold
from engine.cancel import CancelToken
with hold("board", cancel=CancelToken(), folder=Path(sys.argv[1]), on_wait=print, purpose="test"):
    print("held", flush=True)
    sys.stdin.read()
"""


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
