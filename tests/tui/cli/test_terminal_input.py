"""Keys of a terminal and lines of a pipe on their way to a board, as a person runs it."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from tui.cli.terminal_input import MenuItem, TerminalInput

ESPDECK = (sys.executable, "-m", "tui.cli.main")


class Desk:
    """A terminal whose board takes everything."""

    def __init__(self, eol: str) -> None:
        self.done: list[str] = []
        self.notes: list[str] = []
        self.console_input, self.cancel = ConsoleInput(), CancelToken()
        menu = {
            "r": MenuItem("reset", lambda: self.done.append("reset")),
            "i": MenuItem("times", lambda: self.done.append("times")),
        }
        self.terminal = TerminalInput(
            self.console_input, self.cancel, eol=eol, menu=menu, on_note=self.notes.append
        )

    def sent(self) -> bytes:
        taken = bytearray()

        def take(data: bytes) -> int:
            taken.extend(data)
            return len(data)

        with self.console_input.reading() as wake:
            while self.console_input.pump(wake, take) is not None:
                pass
        return bytes(taken)


@pytest.mark.parametrize(
    ("eol", "keys", "sent", "done"),
    [
        ("cr", b"help\r", b"help\r", []),
        ("crlf", b"a\rb\n", b"a\r\nb\r\n", []),
        ("lf", b"\xc3\xa9\x1b[A\r", b"\xc3\xa9\x1b[A\n", []),
        ("cr", b"a\x14r\x14\x12\x14Ib", b"ab", ["reset", "reset", "times"]),
        ("cr", b"\x14\x14\x14\x1d\x14\x03", b"\x14\x1d\x03", []),
    ],
)
def test_keys_go_to_the_board_and_those_of_the_menu_do_not(
    eol: str, keys: bytes, sent: bytes, done: list[str]
) -> None:
    desk = Desk(eol)
    for key in keys:
        desk.terminal.keys(bytes([key]))
    assert (desk.sent(), desk.done, desk.cancel.stopped) == (sent, done, False)


@pytest.mark.parametrize("key", [b"\x1d", b"\x03"])
def test_what_was_typed_before_the_key_that_quits_is_sent(key: bytes) -> None:
    desk = Desk("cr")
    desk.terminal.keys(b"reboot\r" + key + b"more")
    assert desk.cancel.stopped
    assert desk.sent() == b"reboot\r"


def test_a_wrong_key_of_the_menu_says_which_there_are() -> None:
    desk = Desk("cr")
    desk.terminal.keys(b"\x14h\x14\xff")
    assert (
        desk.notes
        == ["after Ctrl-T: r reset, i times, Ctrl-T, Ctrl-], Ctrl-C that key to the board"] * 2
    )


class Terminal:
    """``espdeck monitor`` on a terminal, its board behind a socket."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.screen, child = pty.openpty()
        self.before = termios.tcgetattr(child)
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(30)
            url = f"socket://127.0.0.1:{server.getsockname()[1]}"
            self.process = subprocess.Popen(
                [*ESPDECK, "--workspace", str(folder), "monitor", url, *words],
                stdin=child, stdout=child, stderr=child, start_new_session=True,
            )  # fmt: skip
            self.board, _ = server.accept()
        self.board.settimeout(20)
        self.child = child
        self.seen = b""

    def sees(self, text: bytes) -> None:
        deadline = time.monotonic() + 20
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, self.seen
            if select.select([self.screen], [], [], left)[0]:
                self.seen += os.read(self.screen, 4096)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.board.close()
        os.close(self.child)
        os.close(self.screen)


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, *request.param)
    yield terminal
    terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [("--eol", "crlf", "--highlight", "4[0-9]")], indirect=True)
def test_a_person_talks_with_a_board(terminal: Terminal) -> None:
    terminal.board.sendall(b"esp> ")
    terminal.sees(b"esp> ")  # a prompt has no end of line
    os.write(terminal.screen, b"get\r")
    assert terminal.board.recv(100) == b"get\r\n"
    terminal.board.sendall(b"get\r\nE (7) main: it is 42 now\x1b]0;owned\x07\r\n")
    terminal.sees(b"esp> get\r\n\x1b[31mE (7) main: it is \x1b[7m42\x1b[0m\x1b[31m now\x1b[0m")
    os.write(terminal.screen, b"\x14r")
    terminal.sees(b"--- this console has no DTR and RTS lines")
    os.write(terminal.screen, b"\x1d")
    assert terminal.process.wait(20) == 0
    assert b"\x1b]" not in terminal.seen
    assert termios.tcgetattr(terminal.child) == terminal.before


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [()], indirect=True)
def test_a_terminal_is_put_back_when_espdeck_is_told_to_end(terminal: Terminal) -> None:
    terminal.board.sendall(b"hello\n")
    terminal.sees(b"hello")
    assert termios.tcgetattr(terminal.child) != terminal.before
    terminal.process.terminate()
    assert terminal.process.wait(20) == 0
    assert termios.tcgetattr(terminal.child) == terminal.before


@pytest.mark.slow
def test_a_pipe_and_a_file_are_sent(tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"\x00\x01one\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        process = subprocess.Popen(
            [
                *(*ESPDECK, "--workspace", str(tmp_path), "monitor"),
                f"socket://127.0.0.1:{server.getsockname()[1]}",
                *("--hex", "--eol", "lf", "--send-file", str(tmp_path / "script")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        board, _ = server.accept()
        board.settimeout(20)
        got = board.recv(100)
        assert process.stdin is not None
        process.stdin.write(b"two\r\nthree")
        process.stdin.close()
        process.stdin = None
        while not got.endswith(b"three\n"):
            got += board.recv(100)
        board.sendall(b"\x00\xffOK. 0123456789abcdef")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        while b"00000000" not in lines[-2]:
            lines.append(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=20)
        board.close()
    assert got == b"\x00\x01one\ntwo\nthree\n"
    assert lines[-2:] == [
        b"00000000  00 ff 4f 4b 2e 20 30 31  32 33 34 35 36 37 38 39  |..OK. 0123456789|\n",
        b"00000010  61 62 63 64 65 66                                 |abcdef|\n",
    ]
    assert process.returncode == 0


@pytest.mark.slow
def test_a_line_that_does_not_end_is_typed_as_it_comes() -> None:
    typed: list[bytes] = []

    class Heard:
        def send_all(self, data: bytes, _cancel: CancelToken) -> None:
            typed.append(data)

    terminal = TerminalInput(
        cast("ConsoleInput", Heard()),
        CancelToken(),
        eol="crlf",
        menu={},
        on_note=lambda _text: None,
    )
    begin, end = os.pipe()
    with terminal.reading(begin):
        os.write(end, b"x" * 50_000)
        while sum(map(len, typed)) < 40_000:
            threading.Event().wait(0.001)
        os.write(end, b"y\nz")
        os.close(end)
        while not typed[-1].endswith(b"z\r\n"):
            threading.Event().wait(0.001)

    assert b"".join(typed) == b"x" * 50_000 + b"y\r\nz\r\n"
    assert max(map(len, typed)) <= 4098
