"""Boards that several builds, people and processes want at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, UsageError
from engine.processes.programs import lockers
from engine.store.database import Store

LAB = """
import sys
from pathlib import Path
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.store.database import Store
folder = Path(sys.argv[1])
boards = Boards((), folder / "boards", Store(folder / "espdeck.db"))
print(*boards.start_lab("esp32c3", 2, CancelToken()).values(), flush=True)
sys.stdin.read()
boards.close()
"""


class Bench:
    def __init__(self, folder: Path, *names: str) -> None:
        self.boards = Boards(names, folder / "boards", Store(folder / "espdeck.db"))

    def hold(self, *names: str, go: threading.Event) -> tuple[threading.Thread, list[str]]:
        """Hold the first free one in a thread until ``go``; its name comes into the list."""
        got, held = list[str](), threading.Event()

        def run() -> None:
            with self.boards.use(
                *names, cancel=CancelToken(), on_wait=lambda _line: held.set(), purpose="build 7"
            ) as board:
                got.append(board.name)
                held.set()
                go.wait(20)

        thread = threading.Thread(target=run)
        thread.start()
        assert held.wait(20)
        return thread, got


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "/dev/a", "/dev/b")


def test_builds_share_the_boards_of_one_chip(bench: Bench) -> None:
    go = [threading.Event() for _build in range(3)]
    first, second, third = (bench.hold("/dev/a", "/dev/b", go=each) for each in go)
    assert (first[1], second[1], third[1]) == (["/dev/a"], ["/dev/b"], [])
    go[1].set()  # whichever is free first is taken
    go[2].set()
    for thread, _got in (second, third):
        thread.join(20)
    assert third[1] == ["/dev/b"]
    go[0].set()
    first[0].join(20)


def test_a_list_says_what_a_board_is_held_for(bench: Bench) -> None:
    go = threading.Event()
    thread, _got = bench.hold("/dev/a", go=go)
    states = {board.name: (board.state, board.holder) for board in bench.boards.list()}
    go.set()
    thread.join(20)
    assert states["/dev/b"] == ("free", "")
    assert states["/dev/a"][0] == "busy"
    assert states["/dev/a"][1] == "build 7 (this espdeck)"
    assert {board.state for board in bench.boards.list()} == {"free"}


def test_a_build_that_may_use_two_boards_takes_the_one_that_nobody_reserved(bench: Bench) -> None:
    bench.boards.reserve("/dev/a", holder="ada", note="", hours=1)
    go = threading.Event()
    go.set()
    thread, got = bench.hold("/dev/a", "/dev/b", go=go)
    thread.join(20)
    assert got == ["/dev/b"]


def test_who_waits_for_any_board_leaves_no_place_in_a_queue_behind(bench: Bench) -> None:
    go = threading.Event()
    holders = [bench.hold(name, go=go) for name in ("/dev/a", "/dev/b")]
    cancel = CancelToken()
    with (
        pytest.raises(CancelledError),
        bench.boards.use(
            "/dev/a", "/dev/b", cancel=cancel, on_wait=lambda _: cancel.cancel(), purpose="build 8"
        ),
    ):
        raise AssertionError("none is free")
    go.set()
    for thread, _got in holders:
        thread.join(20)
    for name in ("/dev/a", "/dev/b"):
        thread, got = bench.hold(name, go=go)
        thread.join(20)
        assert got == [name]


def test_people_call_boards_by_names_of_their_own(bench: Bench) -> None:
    bench.boards.call("/dev/b", label="desk", remark="left of the scope")
    assert bench.boards.named("desk") == "/dev/b"
    with pytest.raises(BoardError, match="/dev/b: no such port"):
        bench.boards.choose("desk", "esp32c3")
    with pytest.raises(UsageError, match="/dev/b is called desk already"):
        bench.boards.call("/dev/a", label="desk", remark="")
    assert [board.remark for board in bench.boards.list()] == ["", "left of the scope"]
    bench.boards.call("/dev/b", label="", remark="")
    with pytest.raises(UsageError, match="give a port"):
        bench.boards.named("desk")


@pytest.mark.parametrize("label", ["auto", "none", "a b", "x" * 41, "é", "\x1b[2J"])
def test_a_label_that_is_no_name_is_refused(bench: Bench, label: str) -> None:
    with pytest.raises(UsageError, match="make a name"):
        bench.boards.call("/dev/a", label=label, remark="")


@pytest.mark.parametrize("name", ["virtual:esp32c3-1", "virtual:esp32c3-33", "virtual:esp32c3-x"])
def test_a_virtual_board_of_a_wrong_number_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(UsageError, match="virtual:esp32c3-"):
        bench.boards.named(name)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", LAB, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.kill()


@pytest.mark.slow
def test_boards_of_another_process_are_found_shared_and_missed(
    lab: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert lab.stdout is not None
    assert lab.stdin is not None
    urls = lab.stdout.readline().split()
    boards = Bench(tmp_path).boards
    assert boards.choose("auto", "esp32c3") == ("virtual:esp32c3", "virtual:esp32c3-2")
    assert [board.url for board in boards.list()] == urls

    with boards.use(
        "virtual:esp32c3-2", cancel=CancelToken(), on_wait=print, purpose="test"
    ) as board:
        assert board.url == urls[1]
        assert board.chip.identify().chip == "esp32c3"

    lab.stdin.close()
    lab.wait(20)
    assert boards.list() == ()
    assert boards.choose("auto", "esp32c3") == ()
    boards.close()
    with (
        pytest.raises(BoardError, match="espdeck is ending"),
        boards.use("virtual:esp32c3", cancel=CancelToken(), on_wait=print, purpose="test"),
    ):
        pass


ASK = """
import sys
from pathlib import Path
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.store.database import Store
folder, port = Path(sys.argv[1]), sys.argv[2]
boards = Boards((), folder / "boards", Store(folder / "espdeck.db"))
with boards.use(port, cancel=CancelToken(), on_wait=print, purpose="build 7") as board:
    board.chip.identify()
"""


@pytest.mark.slow
def test_an_esptool_whose_espdeck_was_killed_keeps_the_board(tmp_path: Path) -> None:
    chip, device = os.openpty()
    port = os.ttyname(device)
    boards = Bench(tmp_path, port).boards
    with subprocess.Popen([sys.executable, "-c", ASK, str(tmp_path), port]) as espdeck:
        while not (found := lockers(os.fstat(device))):
            assert espdeck.poll() is None
            time.sleep(0.01)
        (esptool,) = found
        ender = psutil.Process(esptool).ppid()
        os.kill(ender, signal.SIGSTOP)  # who would end it at once
        espdeck.kill()
    (board,) = boards.list()
    left = f"build 7 (process {espdeck.pid}, which ended and left a program that goes on)"
    assert (board.state, board.holder) == ("busy", left)

    for pid in (esptool, ender):
        os.kill(pid, signal.SIGKILL)
    while boards.list()[0].state == "busy":
        time.sleep(0.01)
    os.close(chip)
    os.close(device)


def test_who_keeps_a_board_starts_it_anew_where_it_was_when_its_process_ends(
    tmp_path: Path,
) -> None:
    app, keeper = Bench(tmp_path).boards, Bench(tmp_path).boards
    started = app.start_lab("esp32c3", 1, CancelToken())
    assert keeper.start_lab("esp32c3", 1, CancelToken()) == started  # the same board
    cancel, again, ends = CancelToken(), threading.Event(), list[BaseException]()

    def keep() -> None:
        try:
            keeper.keep_lab(list(started), cancel, on_start=lambda _name: again.set())
        except CancelledError as error:
            ends.append(error)

    thread = threading.Thread(target=keep)
    thread.start()
    app.close()
    assert again.wait(30)
    (board,) = keeper.list()
    assert {board.name: board.url} == started
    cancel.cancel()
    thread.join(30)
    keeper.close()
    assert len(ends) == 1
