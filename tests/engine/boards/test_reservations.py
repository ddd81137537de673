"""Reservations: builds wait, the person who has a board gets it, time runs out."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.boards import access
from engine.boards.lock_folder import LockFolder
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, UsageError
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import utc_now
from tests.users import ADA, BOB, as_user, home, needs_root

BOARD = "socket://127.0.0.1:7777"


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boards:
    monkeypatch.setattr(access, "RESERVATION_POLL_SECONDS", 0.02)
    return Boards([BOARD, "/dev/ttyUSB0"], tmp_path, Store(tmp_path / "espdeck.db"))


def reserve(boards: Boards, holder: str = "ada") -> None:
    boards.reserve(BOARD, holder=holder, note="scope attached", hours=2)


def test_a_build_waits_until_the_board_is_given_back(boards: Boards) -> None:
    reserve(boards)
    told, used = threading.Event(), threading.Event()
    lines: list[str] = []

    def on_wait(line: str) -> None:
        lines.append(line)
        told.set()

    def build() -> None:
        with boards.use(BOARD, cancel=CancelToken(), on_wait=on_wait, purpose="build 1"):
            used.set()

    thread = threading.Thread(target=build)
    thread.start()
    assert told.wait(10)
    assert "reserved by ada until" in lines[0]
    assert "scope attached" in lines[0]
    # Meanwhile the person who has it uses it.
    with boards.use(
        BOARD, cancel=CancelToken(), on_wait=lines.append, holder="ada", purpose="ada"
    ) as board:
        assert board.url == BOARD
        assert not used.is_set()

    boards.release(BOARD, holder="ada")
    assert used.wait(10)
    thread.join(10)
    assert len(lines) == 1


def test_waiting_for_a_person_can_be_cancelled(boards: Boards) -> None:
    reserve(boards)
    token = CancelToken()
    with (
        pytest.raises(CancelledError),
        boards.use(BOARD, cancel=token, on_wait=lambda _line: token.cancel(), purpose="test"),
    ):
        pass


def test_a_board_is_one_persons(boards: Boards) -> None:
    reserve(boards)
    reserve(boards)  # one's own is made anew
    with pytest.raises(UsageError, match="reserved by ada"):
        reserve(boards, "eve")
    with pytest.raises(UsageError, match="--force"):
        boards.release(BOARD, holder="eve")
    boards.release(BOARD, holder="eve", force=True)
    reserve(boards, "eve")
    assert [board.reserved.split()[0] for board in boards.list() if board.reserved] == ["eve"]
    boards.release(BOARD, holder="eve")
    with pytest.raises(UsageError, match="is not reserved"):
        boards.release(BOARD, holder="eve")


def test_many_who_want_it_at_once_are_one_who_has_it(boards: Boards) -> None:
    got: list[str] = []
    start = threading.Barrier(8)

    def want(who: str) -> None:
        start.wait(10)
        try:
            reserve(boards, who)
        except UsageError:
            return
        got.append(who)

    threads = [threading.Thread(target=want, args=(f"person-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 1


@pytest.mark.parametrize(
    "left", [timedelta(seconds=-1), timedelta(days=70)], ids=["over", "made while the clock was"]
)
def test_a_reservation_ends_by_itself(boards: Boards, left: timedelta) -> None:
    board_rows.reserve_board(boards._store, BOARD, holder="ada", note="", until=utc_now() + left)
    with boards.use(BOARD, cancel=CancelToken(), on_wait=pytest.fail, purpose="test") as board:
        assert board.url == BOARD
    assert not any(board.reserved for board in boards.list())


def test_a_free_board_is_chosen_before_a_reserved_one(boards: Boards) -> None:
    assert boards.choose("auto", "esp32c3")[0] == BOARD
    reserve(boards)
    assert boards.choose("auto", "esp32c3") == ("/dev/ttyUSB0", BOARD)


@pytest.mark.parametrize("hours", [0, -1, float("nan"), 10_000])
def test_a_time_that_makes_no_sense_is_refused(boards: Boards, hours: float) -> None:
    with pytest.raises(UsageError, match="hours"):
        boards.reserve(BOARD, holder="ada", note="", hours=hours)


def test_a_name_that_is_no_board_is_refused(boards: Boards) -> None:
    with pytest.raises(UsageError, match="give a port"):
        boards.reserve("nonsense", holder="ada", note="", hours=1)


def test_a_usb_identity_that_is_not_plugged_in_is_told(boards: Boards) -> None:
    with (
        pytest.raises(BoardError, match="not plugged in"),
        boards.use("usb-10c4:ea60-0001", cancel=CancelToken(), on_wait=pytest.fail, purpose="test"),
    ):
        pass


USER = """
import json, os, sys
from pathlib import Path
from engine.boards.lock_folder import LockFolder
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.store.database import Store
board, locks, holder = sys.argv[1:]
home = Path.home()
boards = Boards(
    [board], home / "boards", Store(home / "espdeck.db"),
    locks=LockFolder.find(Path(locks), home / "locks"),
)
def reserve():
    boards.reserve(board, holder=holder, note="scope" + chr(27) + "[2J", hours=2)
def release(force=False):
    boards.release(board, holder=holder, force=force)
def state():
    return boards.list()[0].reserved
def use():
    cancel, lines = CancelToken(), []
    def on_wait(line):
        lines.append(line)
        cancel.cancel()
    try:
        with boards.use(board, cancel=cancel, on_wait=on_wait, purpose="build 1", holder=holder):
            pass
    except EspdeckError:
        pass
    return lines
for line in sys.stdin:
    try:
        print(json.dumps(eval(line)), flush=True)
    except EspdeckError as error:
        print(json.dumps(str(error)), flush=True)
"""


class User:
    """A user with a workspace, in a process that does what it is told."""

    def __init__(self, folder: Path, uid: int, name: str) -> None:
        own = home(folder, uid)
        argv = [sys.executable, "-P", "-c", USER, BOARD, str(folder / "lock" / "espdeck"), name]
        self.process = subprocess.Popen(
            as_user(uid, *argv), cwd=own, env={**os.environ, "HOME": str(own)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def does(self, what: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        return json.loads(self.process.stdout.readline())


@pytest.mark.slow
@needs_root
def test_a_reservation_holds_for_every_user_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock").chmod(0o1777)
    ada, bob = User(tmp_path, ADA, "ada"), User(tmp_path, BOB, "bob")
    locks = LockFolder.find(tmp_path / "lock" / "espdeck", tmp_path)
    root = Boards([BOARD], tmp_path / "root", Store(tmp_path / "espdeck.db"), locks=locks)
    with ada.process, bob.process:
        assert ada.does("reserve()") is None
        whose = rf"user {ADA} \(ada\) until [-\d]+ [:\d]+: scope"
        assert re.fullmatch(whose, bob.does("state()"))
        assert re.fullmatch(r"ada until [-\d]+ [:\d]+: scope", ada.does("state()"))
        (line,) = bob.does("use()")
        assert re.fullmatch(f"waiting for {BOARD}: reserved by {whose}", line)
        assert ada.does("use()") == []
        assert re.fullmatch(f"{BOARD} is reserved by {whose}", bob.does("reserve()"))
        refused = f"{BOARD} is reserved by {whose}; only user {ADA} and root can give it back"
        assert re.fullmatch(refused, bob.does("release()"))
        assert re.fullmatch(refused, bob.does("release(force=True)"))

        with pytest.raises(UsageError, match="--force takes it"):
            root.release(BOARD, holder="root")
        root.release(BOARD, holder="root", force=True)
        assert (ada.does("state()"), bob.does("state()")) == ("", "")
        assert bob.does("reserve()") is None
        assert bob.does("release()") is None
        assert ada.does("reserve()") is None  # the file is still hers
        ada.process.kill()
        bob.process.kill()


def test_a_reservation_survives_a_restart_of_the_machine(tmp_path: Path) -> None:
    locks, store = LockFolder(tmp_path / "locks"), Store(tmp_path / "espdeck.db")
    reserve(Boards([BOARD], tmp_path, store, locks=locks))
    other = Boards([BOARD], tmp_path / "b", Store(tmp_path / "b" / "espdeck.db"), locks=locks)
    assert other.list()[0].reserved.startswith("ada until")

    shutil.rmtree(locks.path)
    assert not other.list()[0].reserved
    Boards([BOARD], tmp_path, store, locks=locks)
    assert other.list()[0].reserved.startswith("ada until")


def test_a_reservation_that_was_taken_back_elsewhere_does_not_come_back(tmp_path: Path) -> None:
    locks, store = LockFolder(tmp_path / "locks"), Store(tmp_path / "espdeck.db")
    mine = Boards([BOARD], tmp_path, store, locks=locks)
    reserve(mine)
    other = Boards([BOARD], tmp_path / "b", Store(tmp_path / "b" / "espdeck.db"), locks=locks)
    other.release(BOARD, holder="ada")
    assert not mine.list()[0].reserved

    shutil.rmtree(locks.path)
    assert not Boards([BOARD], tmp_path, store, locks=locks).list()[0].reserved


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n\n", "never\nada\n\n", "2999-13-01\nada\n", "[" * 9000),
        *("9999-12-31T23:59-23:59\n", "2999-01-01T00:00:00+00:00\nada\n\n"),
    ],
)
def test_a_reservation_that_makes_no_sense_is_none(
    boards: Boards, tmp_path: Path, text: str
) -> None:
    reserve(boards)
    (file,) = (tmp_path / "locks").glob("*.reserved.*")
    file.write_text(text)
    assert not boards.list()[0].reserved


def test_a_board_that_is_free_is_had_by_who_reserved_it(boards: Boards) -> None:
    boards.reserve(BOARD, holder="ada", note="", hours=1)

    def had(holder: str) -> bool:
        with boards.use_if_free(
            BOARD, cancel=CancelToken(), on_note=pytest.fail, purpose="look", holder=holder
        ) as board:
            return board is not None

    assert (had("ada"), had("bob"), had("")) == (True, False, False)
    assert boards.reserved_from(BOARD, "ada") == ""
    assert boards.reserved_from(BOARD, "bob").startswith("ada until ")


def test_who_holds_a_board_sees_that_another_waits(boards: Boards) -> None:
    cancel, waits = CancelToken(), threading.Event()

    def wait() -> None:
        with (
            contextlib.suppress(CancelledError),
            boards.use(BOARD, cancel=cancel, on_wait=lambda _line: waits.set(), purpose="two"),
        ):
            pass

    with boards.use(BOARD, cancel=CancelToken(), on_wait=pytest.fail, purpose="one"):
        assert not boards.is_awaited(BOARD)
        other = threading.Thread(target=wait)
        other.start()
        assert waits.wait(20)
        assert boards.is_awaited(BOARD)
        cancel.cancel()
        other.join(20)
        assert not boards.is_awaited(BOARD)
