"""Watching a console: it is kept, a board that vanishes is read again, cancelling ends it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.boards import reconnecting
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import BoardError, CancelledError, SessionError
from engine.findings import Finding
from engine.monitor.crash_watcher import CrashWatcher
from engine.monitor.sessions import Recorder, sessions
from engine.store.database import Store

ERASED = b"invalid header: 0xffffffff\r\n"


class Desk:
    """A board behind a socket, and someone who watches it in a thread."""

    def __init__(self, folder: Path) -> None:
        self.boards = Boards((), folder, Store(folder / "espdeck.db"))
        self.cancel = CancelToken()
        self.seen = b""
        self.notes: list[str] = []
        self.changed = threading.Condition()
        self.error: BaseException | None = None
        self.crashes: CrashWatcher | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.thread = threading.Thread(target=self._watch)

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    def plug(self) -> socket.socket:
        return socket.create_server(("127.0.0.1", self.port), reuse_port=False)

    def until(self, text: bytes) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.seen, 20), self.seen

    def close(self) -> None:
        self.cancel.cancel()
        self.thread.join(20)

    def _watch(self) -> None:
        try:
            self.boards.watch(
                self.url,
                baud=115200,
                reset=False,
                on_output=self._take,
                on_note=self.notes.append,
                cancel=self.cancel,
                crashes=self.crashes,
            )
        except BaseException as error:
            self.error = error

    def _take(self, data: bytes) -> None:
        with self.changed:
            self.seen += data
            self.changed.notify_all()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.02)
    desk = Desk(tmp_path)
    yield desk
    if desk.thread.is_alive():
        desk.close()


def test_a_board_that_is_unplugged_is_read_again_when_it_is_back(desk: Desk) -> None:
    rounds = 20
    server = desk.plug()
    desk.thread.start()
    for number in range(rounds):
        board, _ = server.accept()
        server.close()
        board.sendall(b"I (%d) main: round %d\n" % (number, number))
        desk.until(b"round %d\n" % number)
        board.close()
        server = desk.plug()
    server.close()
    desk.close()

    assert isinstance(desk.error, CancelledError)
    expected = b"".join(b"I (%d) main: round %d\n" % (n, n) for n in range(rounds))
    (session,) = sessions(desk.boards.sessions_folder)
    assert session.raw.read_bytes() == expected
    assert sum(note.endswith("; waiting for it") for note in desk.notes) == rounds


def test_a_board_that_was_never_there_is_told_and_keeps_no_session(desk: Desk) -> None:
    desk.thread.start()
    desk.thread.join(20)

    assert isinstance(desk.error, BoardError)
    assert "nothing answers there" in str(desk.error)
    assert list(sessions(desk.boards.sessions_folder)) == []


def test_who_watches_holds_the_board(desk: Desk) -> None:
    with desk.plug() as server:
        desk.thread.start()
        board, _ = server.accept()
        board.sendall(b"hello\n")
        desk.until(b"hello")
        waiting: list[str] = []
        other = CancelToken()

        def cancel_when_told(note: str) -> None:
            waiting.append(note)
            other.cancel()

        with (
            pytest.raises(CancelledError),
            desk.boards.use(desk.url, cancel=other, on_wait=cancel_when_told, purpose="test"),
        ):
            pass
        board.close()
    assert "waiting for" in waiting[0]


@pytest.mark.slow
def test_a_virtual_board_is_reset_by_a_key(tmp_path: Path) -> None:
    boards = Boards((), tmp_path, Store(tmp_path / "espdeck.db"))
    seen, notes, cancel = bytearray(), list[str](), CancelToken()
    console_input = ConsoleInput(notes.append)

    def take(data: bytes) -> None:
        was = seen.count(ERASED)
        seen.extend(data)
        if was < 8 <= seen.count(ERASED):  # said after each reset
            console_input.set_lines(dtr=True)
            console_input.boot()
            console_input.reset()
        if seen.count(ERASED) == 16:
            cancel.cancel()

    try:
        with pytest.raises(CancelledError):
            boards.watch(
                "virtual:esp32c3",
                baud=115200,
                reset=False,
                on_output=take,
                on_note=notes.append,
                cancel=cancel,
                console_input=console_input,
            )
    finally:
        boards.close()
    assert notes[1:] == [
        "a virtual board has no DTR and RTS lines",
        "a virtual board enters its bootloader when a flasher talks to it",
    ]
    assert len(sessions(boards.sessions_folder)) == 1


def test_what_is_found_in_output_is_told_after_the_output(desk: Desk) -> None:
    heard: list[bytes] = []
    told = threading.Event()

    class Hasty(CrashWatcher):
        """One that has found and told everything as soon as it is fed."""

        def feed(self, data: bytes) -> None:
            super().feed(data)
            assert told.wait(20)

    def found(_finding: Finding) -> None:
        heard.append(desk.seen)
        told.set()

    desk.crashes = Hasty(program=None, root=Path("/"), on_finding=found, on_note=desk.notes.append)
    with desk.plug() as server, desk.crashes:
        desk.thread.start()
        board, _ = server.accept()
        with board:
            board.sendall(b"abort() was called at PC 0x42000000 on core 0\nRebooting...\n")
            desk.until(b"Rebooting")
            assert told.wait(20)
            desk.close()

    assert [b"Rebooting" in seen for seen in heard] == [True]


def test_a_session_that_cannot_be_kept_ends_the_watching(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(_recorder: Recorder, _data: bytes) -> None:
        raise SessionError("the.raw: No space left on device")

    monkeypatch.setattr(Recorder, "feed", is_full)
    with desk.plug() as server:
        desk.thread.start()
        board, _ = server.accept()
        with board:
            board.sendall(b"hello\n")
            desk.thread.join(20)

    assert isinstance(desk.error, SessionError)
