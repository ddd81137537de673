"""Consoles of boards: watched by several at once, over SSE and WebSockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from engine.builds import shared_console
from engine.cancel import CancelToken
from engine.enums import Scope
from engine.server import token_watch
from engine.server.models.boards import board_id
from tests.engine.server.lab import PlayedBoard, ServedLab, events, served
from tests.waits import wait_for


@pytest.fixture
def board() -> PlayedBoard:
    return PlayedBoard()


@pytest.fixture
def lab(tmp_path: Path, board: PlayedBoard, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedLab]:
    monkeypatch.setattr(shared_console, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(shared_console, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(shared_console, "LINGER_SECONDS", 0.2)
    with served(tmp_path / "lab", [board.url]) as lab:
        yield lab


def monitor(board: PlayedBoard) -> str:
    return f"/boards/{board_id(board.url)}/monitor"


def socket_of(
    lab: ServedLab, board: PlayedBoard, scope: Scope, query: str = ""
) -> ClientConnection:
    url = f"{lab.server.url}/api/v1{monitor(board)}/ws{query}".replace("http", "ws", 1)
    token = lab.token(f"{scope} socket", scope)
    return connect(url, additional_headers={"Authorization": f"Bearer {token}"})


def received(websocket: ClientConnection, event: str) -> dict[str, Any]:
    """The next message of a kind."""
    while True:
        message: dict[str, Any] = json.loads(websocket.recv(20))
        if message["event"] == event:
            return message


def test_a_console_is_streamed_with_times(lab: ServedLab, board: PlayedBoard) -> None:
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        board.say(b"I (10) main: \x1b[31mhello\x1b[0m\r\nhalf")
        found = stream.until("half", "partial")

    assert stream.response.headers["x-accel-buffering"] == "no"
    assert [(name, data["text"]) for name, data in found if name != "note"] == [
        ("state", f"reading {board.url} at 115200 baud"),
        ("line", "I (10) main: hello"),
        ("partial", "half"),
    ]
    assert found[-1][1]["at"].endswith("Z")


def test_two_watch_one_board_and_its_port_is_opened_once(
    lab: ServedLab, board: PlayedBoard
) -> None:
    with (
        events(lab.client("ada", Scope.READ), monitor(board)) as first,
        events(lab.client("bob", Scope.READ), monitor(board)) as second,
    ):
        first.until("reading")
        board.say(b"one\ntwo\n")

        assert first.lines("two") == ["one", "two"]
        assert second.lines("two") == ["one", "two"]
    assert board.opened == 1


def test_the_port_is_let_go_when_nobody_watches(lab: ServedLab, board: PlayedBoard) -> None:
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        stream.until("reading")

    board.wait_until_let_go()
    wait_for(lambda: lab.engine.boards.holder_of(board.url) == "")


def test_who_comes_again_misses_nothing(lab: ServedLab, board: PlayedBoard) -> None:
    client = lab.client("ada", Scope.READ)
    with events(lab.client("bob", Scope.READ), monitor(board)) as other:
        with events(client, monitor(board)) as stream:
            stream.until("reading")
            board.say(b"one\n")
            stream.until("one")
        board.say(b"two\nthree\n")
        other.until("three")
        again = {"Last-Event-ID": stream.last_id}
        with events(client, monitor(board), headers=again) as stream:
            assert stream.lines("three") == ["two", "three"]
        with events(client, f"{monitor(board)}?tail=1") as stream:
            assert stream.lines("three") == ["three"]


def test_a_slow_watcher_is_told_and_slows_nobody(
    lab: ServedLab, board: PlayedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_console, "WAITING_BYTES", 100_000)
    lines, text = 12_000, b"x" * 200
    small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)]
    slow = lab.client("slow", Scope.READ, transport=httpx.HTTPTransport(socket_options=small))
    with (
        events(slow, monitor(board)) as stream,
        socket_of(lab, board, Scope.READ, "?format=bytes") as fast,
    ):
        received(fast, "state")
        for number in range(0, lines, 1000):
            board.say(b"".join(b"%d %s\n" % (n, text) for n in range(number, number + 1000)))
            last, came = b"\n%d " % (number + 999), b""
            while last not in came:
                message = fast.recv(20)
                came = came[-1000:] + (message if isinstance(message, bytes) else b"")
        board.say(b"end\n")
        found = stream.until("end", "line")

    lost = sum(data["events"] for name, data in found if name == "lagged")
    seen = sum(name == "line" for name, _data in found)
    assert lost > 0
    assert lines < lost + seen < lines + 20  # notes count too


def test_lines_and_keys_are_typed(lab: ServedLab, board: PlayedBoard) -> None:
    with socket_of(lab, board, Scope.FLASH) as websocket:
        received(websocket, "state")
        websocket.send(json.dumps({"line": "help"}))
        board.wait_for_typed(b"help\r")
        websocket.send(json.dumps({"text": "y", "eol": "lf"}))
        board.wait_for_typed(b"help\ry")
        websocket.send(b"\x03")
        board.wait_for_typed(b"help\ry\x03")
        websocket.send("no JSON")

        assert "Invalid JSON" in received(websocket, "error")["detail"]


def test_bytes_go_both_ways_as_they_are(lab: ServedLab, board: PlayedBoard) -> None:
    with socket_of(lab, board, Scope.FLASH, "?format=bytes") as websocket:
        received(websocket, "state")
        board.say(b"\x00\xff\x1b[31m")
        message = websocket.recv(20)
        while isinstance(message, str):
            message = websocket.recv(20)
        assert message == b"\x00\xff\x1b[31m"
        websocket.send("ä")
        board.wait_for_typed("ä".encode())


def test_who_may_only_read_types_nothing(lab: ServedLab, board: PlayedBoard) -> None:
    with socket_of(lab, board, Scope.READ) as websocket:
        received(websocket, "state")
        websocket.send(json.dumps({"line": "erase"}))

        assert "flash is needed" in received(websocket, "error")["detail"]
    assert board.typed == b""


def test_nobody_types_to_a_board_that_another_reserved(lab: ServedLab, board: PlayedBoard) -> None:
    lab.engine.boards.reserve(board.url, holder="ada", note="mine", hours=1)
    with (
        events(lab.client("ada", Scope.READ), monitor(board)) as stream,
        socket_of(lab, board, Scope.FLASH) as websocket,
    ):
        stream.until("reading")
        websocket.send(json.dumps({"line": "x"}))

        assert "reserved by ada" in received(websocket, "error")["detail"]


def test_a_reserved_board_is_waited_for(lab: ServedLab, board: PlayedBoard) -> None:
    lab.engine.boards.reserve(board.url, holder="ada", note="mine", hours=1)
    with events(lab.client("bob", Scope.READ), monitor(board)) as stream:
        stream.until("reserved by ada")
        assert board.opened == 0
        lab.engine.boards.release(board.url, holder="ada")
        stream.until("reading")


def test_a_board_that_vanishes_is_read_again(lab: ServedLab, board: PlayedBoard) -> None:
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        stream.until("reading")
        board.say(b"before\n")
        stream.until("before")
        board.unplug()
        stream.until("waiting for it", "note")
        board.plug()
        board.wait_for_openings(2)
        board.say(b"after\n")

        assert stream.lines("after") == ["after"]


def test_a_board_that_is_not_there_is_waited_for(lab: ServedLab, board: PlayedBoard) -> None:
    board.unplug()
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        stream.until("nothing answers there", "state")
        board.plug()
        stream.until("reading")


def test_a_console_makes_way_for_who_wants_the_board(lab: ServedLab, board: PlayedBoard) -> None:
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        stream.until("reading")
        with lab.engine.boards.use(
            board.url,
            cancel=CancelToken(),
            on_wait=lambda _line: None,
            purpose="build 7",
        ):
            stream.until("is let go")
            stream.until("waiting for")
        stream.until("reading")


def test_a_revoked_token_watches_no_more(
    lab: ServedLab, board: PlayedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_watch, "LOOK_SECONDS", 0.05)
    with events(lab.client("ada", Scope.READ), monitor(board)) as stream:
        stream.until("reading")
        lab.engine.access.revoke_token("ada")

        assert list(stream) == []


def test_sessions_are_listed_and_searched(lab: ServedLab, board: PlayedBoard) -> None:
    client = lab.client("ada", Scope.READ)
    with events(client, monitor(board)) as stream:
        stream.until("reading")
        board.say(b"a rare word\n")
        stream.until("rare")
    board.wait_until_let_go()
    (session,) = client.get("/sessions").json()

    assert client.get(f"/boards/{board_id(board.url)}/sessions").json() == [session]
    assert session["size"] == len(b"a rare word\n")
    assert client.get("/sessions", params={"before": session["began"]}).json() == []
    of_board = f"/boards/{board_id(board.url)}/sessions"
    assert client.get(of_board, params={"before": session["began"]}).json() == []
    without_zone = {"before": session["began"].rstrip("Z")}
    assert client.get("/sessions", params=without_zone).status_code == 422
    (match,) = client.get("/sessions/search", params={"text": "RARE"}).json()
    assert match["session"] == session["name"]
    assert match["line"].endswith("Z a rare word")
