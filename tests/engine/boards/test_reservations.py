"""Reservations: builds wait, the person who has a board gets it, time runs out."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from engine.boards import service
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, UsageError
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import utc_now

BOARD = "socket://127.0.0.1:7777"


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boards:
    monkeypatch.setattr(service, "RELEASED", 0.02)
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


def test_a_reservation_ends_by_itself(boards: Boards) -> None:
    board_rows.reserve_board(
        boards._store, BOARD, holder="ada", note="", until=utc_now() - timedelta(seconds=1)
    )
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
