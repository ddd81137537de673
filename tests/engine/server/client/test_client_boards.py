"""Boards, consoles, jobs and checks by both clients, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import ApiError, CancelToken, Client, ConsoleInput, ConsoleSocket
from engine.builds import shared_console
from engine.enums import RunStatus, Scope
from engine.errors import CancelledError
from engine.store.database import Store
from tests.engine.server.client.conftest import Connect
from tests.engine.server.lab import PlayedBoard, ServedLab, served
from tests.engine.server.test_build_routes import project
from tests.waits import wait_for
from tui.remote.lab import RemoteLab

__all__ = ["project"]  # a fixture


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


@pytest.fixture
def store(lab: ServedLab) -> Iterator[Store]:
    store = Store(lab.engine.settings.workspace / "espdeck.db")
    yield store
    store.close()


@pytest.fixture
def client(connect: Connect, lab: ServedLab) -> Client:
    return connect(lab.server.url, token=lab.token("ci", Scope.ADMIN), patience=20.0)


def test_a_board_is_listed_reserved_and_given_back(
    client: Client, connect: Connect, lab: ServedLab, board: PlayedBoard
) -> None:
    reader = connect(lab.server.url, token=lab.token("reader", Scope.READ))

    assert [each.name for each in client.boards()] == [board.url]
    assert client.board(board.url).state == "free"
    assert client.reserve(board.url, hours=2, note="trying").reserved.startswith("ci until")
    assert client.release(board.url).reserved == ""
    with pytest.raises(ApiError) as caught:
        reader.reserve(board.url)
    assert caught.value.status == 403
    with pytest.raises(ApiError, match="no board 'nosuch'"):
        next(client.monitor("nosuch"))


def test_a_console_is_read(client: Client, board: PlayedBoard) -> None:
    console = client.monitor(board.url)
    assert next(console).kind == "state"
    board.say(b"one\r\ntwo\r\n")
    lines: list[str] = []
    while lines[-1:] != ["two"]:
        message = next(console)
        if message.kind == "line":
            lines.append(message.text)
            assert message.at is not None
    assert lines == ["one", "two"]


def test_a_flash_and_a_check_are_jobs(client: Client, board: PlayedBoard, project: object) -> None:
    with pytest.raises(ApiError, match="no build 1") as caught:
        client.flash(board.url, 1)
    assert caught.value.status == 404
    job = client.wait_for_job(client.run_check("doc_check", "fw").id, timeout=60)
    assert job.status is RunStatus.SUCCESS
    assert job.result is not None
    (result,) = client.check_results(check_name="doc_check", project="fw")
    assert result.id == job.result["result_id"]
    (state,) = client.checks(check_name="doc_check", project="fw")
    assert state.status == result.status
    assert client.job(job.id).id == job.id
    with pytest.raises(ApiError, match="ended") as caught:
        client.cancel_job(job.id)
    assert caught.value.status == 409
    assert client.health().scheduler is not None
    assert client.version().api == "v1"


def test_a_console_is_watched_and_typed_to_byte_for_byte(
    lab: ServedLab, board: PlayedBoard
) -> None:
    token = lab.token("ada", Scope.FLASH)
    with Client(lab.server.url, token=token) as client, ConsoleSocket(client, board.url) as console:
        board.say(b"\xffhello\x1b[2J")
        said = b""
        for message in console:
            said += message if isinstance(message, bytes) else b""
            if said.endswith(b"J"):
                break
        console.send(b"\x00go\r")
        board.wait_for_typed(b"\x00go\r")
        console.close()
        assert said == b"\xffhello\x1b[2J"
        assert [each for each in console if isinstance(each, bytes)] == []
        with pytest.raises(ApiError, match="no board 'nosuch'"):
            ConsoleSocket(client, "nosuch")
    with Client(lab.server.url) as client, pytest.raises(ApiError) as caught:
        ConsoleSocket(client, board.url)
    assert caught.value.status == 401


@pytest.mark.slow  # the end of a connection is waited for
def test_a_remote_monitor_goes_on_when_its_connection_broke_off(
    lab: ServedLab, board: PlayedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.remote.console._COME_AGAIN_SECONDS", 0.05)
    cancel, said, notes = CancelToken(), bytearray(), list[str]()
    sockets: list[ConsoleSocket] = []

    def opened(client: Client, board: str) -> ConsoleSocket:
        sockets.append(ConsoleSocket(client, board))
        return sockets[-1]

    monkeypatch.setattr("tui.remote.console.ConsoleSocket", opened)
    typed = ConsoleInput(notes.append)
    with Client(lab.server.url, token=lab.token("ada", Scope.FLASH)) as client:

        def watch() -> None:
            with pytest.raises(CancelledError):
                RemoteLab(client).boards.watch(
                    board.url,
                    baud=0,
                    reset=True,
                    on_output=said.extend,
                    on_note=notes.append,
                    cancel=cancel,
                    console_input=typed,
                )

        thread = threading.Thread(target=watch)
        thread.start()
        typed.send(b"hello\r")
        board.wait_for_typed(b"hello\r")
        board.say(b"one\r\n")
        wait_for(lambda: b"one" in said)
        lab.server._streams.end()
        wait_for(lambda: len(sockets) == 2)
        cancel.cancel()
        thread.join(20)

    assert not thread.is_alive()
    assert any("broke off: trying again" in each for each in notes), notes
