"""``espdeck monitor`` and ``espdeck sessions``, as a person runs them."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.images.image import Image
from tests.forked import run_espdeck
from tui.cli.console_printer import ConsolePrinter
from tui.presentation.console_formatter import ConsoleView

HOSTILE = b"E (1) main: \x1b]0;owned\x07bad\xff\nW (2) wifi: slow\r\nI (3) main: fine\nno end"


def espdeck(workspace: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tui.cli.main", "--workspace", str(workspace), *words]


@pytest.mark.slow
def test_a_console_is_shown_until_ctrl_c_and_found_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        process = subprocess.Popen(
            espdeck(tmp_path, "monitor", url, "--print-filter", "main:I"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        board, _ = server.accept()
        board.sendall(HOSTILE)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        board.close()

    assert process.returncode == 0
    about = b"--- espdeck monitor on %s, 115200 baud, what it runs is not known\n"
    assert lines[0] == about % url.encode()
    assert lines[1].startswith(b"--- kept in ")
    assert [line.decode().rstrip() for line in lines[2:]] == [
        "E (1) main: bad\N{REPLACEMENT CHARACTER}",
        "I (3) main: fine",
    ]
    assert b"Traceback" not in rest

    listed = run_espdeck("--workspace", tmp_path, "sessions")
    assert str(len(HOSTILE)).encode() in listed.stdout
    found = run_espdeck("--workspace", tmp_path, "sessions", "--search", "SLOW")
    assert b"W (2) wifi: slow" in found.stdout
    assert b"\x1b" not in found.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("/dev/ttyUSB77",), "no such port"),
        (("socket://127.0.0.1:9",), "nothing answers there"),
        (("socket://127.0.0.1:9", "--print-filter", "main:Q"), "give TAG:LEVEL"),
        (("socket://127.0.0.1:9", "--build", "5"), "no build 5"),
    ],
)
def test_what_cannot_be_watched_is_one_line(
    tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    done = run_espdeck("--workspace", tmp_path, "monitor", *words)
    assert done.returncode == 2
    assert reason.encode() in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_addresses_are_decoded_by_the_program(built_sample: Callable[[str], Image]) -> None:
    from engine.monitor import symbols

    image = built_sample("crash")
    program = symbols.load_symbols(image.elf)
    assert program is not None
    start, _data = program._code[0]
    out = io.StringIO()
    printer = ConsolePrinter(out, ConsoleView(), program=image.elf, root=Path("/"))

    printer.feed(f"MEPC    : 0x{start:08x}\n".encode())
    printer.close()

    lines = out.getvalue().splitlines()
    assert lines[0].startswith("MEPC")
    assert lines[1].startswith(f"--- 0x{start:08x}: ")
    assert "startup.S" in lines[1]


def test_the_boards_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_BOARDS", '["virtual:esp32c3"]')
    assert b"virtual:esp32c3" in run_espdeck("--workspace", tmp_path, "boards").stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(out: io.StringIO, *chunks: bytes, pauses: float = 0.0) -> str:
    printer = ConsolePrinter(out, ConsoleView())
    for chunk in chunks:
        printer.feed(chunk)
        threading.Event().wait(pauses)
    printer.close()
    return out.getvalue()


def test_a_pipe_gets_the_last_state_of_a_progress_bar() -> None:
    data = b"begin\r\n\rota  10 %\rota  90 %\rota 100 %\r\ndone\r"
    assert printed(io.StringIO(), data) == "begin\nota 100 %\ndone\n"


def test_a_terminal_sees_a_progress_bar_grow_in_its_place() -> None:
    states = (b"ota  10 %\r", b"ota  90 %\r", b"ota 100 %\r", b"\nnext\n")
    said = printed(Terminal(), *states, pauses=0.3)
    shown = said.split("\n")[0].split("\r\x1b[K")
    assert shown == ["ota  10 %", "ota  90 %", "ota 100 %"]
    assert said.endswith("\nnext\n")


def test_a_line_that_a_return_ended_is_printed_before_the_next_one_comes() -> None:
    out = io.StringIO()
    printer = ConsolePrinter(out, ConsoleView())
    printer.feed(b"I (1) a: one\rI (2) a: two\r")
    for _ in range(200):
        if "two" in out.getvalue():
            break
        threading.Event().wait(0.02)
    assert out.getvalue() == "I (1) a: one\nI (2) a: two\n"
    printer.close()
    assert out.getvalue() == "I (1) a: one\nI (2) a: two\n"


@pytest.mark.slow
def test_a_brownout_loop_by_its_handler_is_told_and_counted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        process = subprocess.Popen(
            espdeck(tmp_path, "monitor", url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        board, _ = server.accept()
        board.sendall(b"rst:0xc (SW_CPU_RESET),boot:0x13\rBrownout detector was triggered\r" * 4)
        assert process.stdout is not None
        said = b""
        while b"boot loop: " not in said:
            said += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        board.close()

    assert b"--- error: brownout: the supply voltage fell too low" in said
    assert b"--- resets 4, brownouts 4, boot loop (brownout)" in rest


class Watched:
    """``espdeck monitor`` of a board behind a socket."""

    def __init__(self, workspace: Path, server: socket.socket, *words: str) -> None:
        server.settimeout(30)
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        self.process = subprocess.Popen(
            espdeck(workspace, "monitor", url, *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.board, _ = server.accept()

    def end(self) -> tuple[int, bytes]:
        """Its exit code, and what it complained of."""
        _, told = self.process.communicate(timeout=30)
        self.board.close()
        return self.process.returncode, told


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.slow
def test_it_ends_when_a_line_matches(tmp_path: Path, server: socket.socket) -> None:
    watched = Watched(tmp_path, server, "--until", "^ready [0-9]+$", "--for", "60", "--json")
    watched.board.sendall(b"not ready 7\nready 7\n")
    assert watched.process.stdout is not None
    lines = [json.loads(line) for line in watched.process.stdout]
    code, told = watched.end()
    assert code == 0
    assert [line["text"] for line in lines if line["kind"] == "output"] == [
        "not ready 7",
        "ready 7",
    ]
    assert b"115200 baud" in told
    assert b"Traceback" not in told


@pytest.mark.slow
def test_a_prompt_matches_though_its_line_does_not_end(
    tmp_path: Path, server: socket.socket
) -> None:
    watched = Watched(tmp_path, server, "--until", "esp>")
    watched.board.sendall(b"hello\nesp> ")
    assert watched.end()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [((), 0), (("--until", "never"), 1)])
def test_it_ends_when_the_time_is_up(
    tmp_path: Path, server: socket.socket, words: tuple[str, ...], code: int
) -> None:
    watched = Watched(tmp_path, server, "--for", "0.3", *words)
    watched.board.sendall(b"hello\n")
    assert watched.end()[0] == code


@pytest.mark.slow
def test_a_board_that_is_lost_has_an_exit_code_of_its_own(
    tmp_path: Path, server: socket.socket
) -> None:
    watched = Watched(tmp_path, server, "--for", "3", "--until", "never")
    watched.board.sendall(b"hello\n")
    assert watched.process.stdout is not None
    while watched.process.stdout.readline() != b"hello\n":
        pass
    server.close()
    watched.board.close()
    assert watched.end()[0] == 4


@pytest.mark.slow
def test_it_ends_when_nobody_reads_the_pipe_any_more(tmp_path: Path, server: socket.socket) -> None:
    watched = Watched(tmp_path, server)
    watched.board.sendall(b"one\ntwo\n")
    assert watched.process.stdout is not None
    watched.process.stdout.readline()
    watched.process.stdout.close()  # the board says nothing more
    assert watched.process.wait(30) == 141
    assert watched.process.stderr is not None
    told = watched.process.stderr.read()
    watched.process.stderr.close()
    watched.board.close()
    assert [line for line in told.splitlines() if not line.startswith(b"--- ")] == []
