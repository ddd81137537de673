"""What a board says cannot steer the terminal, in any view of it: the bytes are looked at."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow
from tests.tui.test_hostile import GOT_THROUGH, MARK, SEQUENCES, Terminal

pytestmark = [pytest.mark.xdist_group("hostile"), pytest.mark.slow]

CUT_SHORT = (b"\x1b", b"\x1b[", b"\x1b]0;" + MARK.encode(), b"\x1bP", b"\xc2\x9b", b"\xc2", b"\x9b")
"""What is completed by what comes next, or never."""


def talk() -> bytes:
    """Every sequence at the beginning, in the middle and at the end of every kind of line."""
    lines = []
    for text in [*(each.encode() for each in SEQUENCES), *CUT_SHORT]:
        lines += [text, b"E (1) " + text + b": x" + text, b"I (2) main: " + text + b"31337m y"]
        lines.append(b"Guru Meditation Error: Core  0 panic'ed (" + text + b")")
        lines += [b"MEPC    : 0x40380000 " + text, b"Rebooting..."]
        lines.append(b"temp=1 " + text + b"temp=2")
    return b"\r\n".join(lines) + b"\r\n"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A board's end of the line, before anybody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("ESPDECK_BOARDS", json.dumps([url]))
        store = Store(tmp_path / "espdeck.db")
        board_rows.remember_board(store, BoardRow(name=url, chip="esp32c3"))
        store.close()
        yield server


@pytest.mark.parametrize("size", [(24, 80), (60, 200)], ids=["80x24", "200x60"])
def test_no_view_of_a_console_lets_anything_through(
    tmp_path: Path, board: socket.socket, size: tuple[int, int]
) -> None:
    terminal = Terminal(tmp_path, *size)
    try:
        terminal.sees("no projects yet")
        terminal.keys("B")
        terminal.sees("health  ")
        terminal.keys("\r")
        line, _ = board.accept()
        line.sendall(talk() + b"the first end\r\n")
        terminal.sees("the first end")
        terminal.keys("t")
        terminal.keys("m")
        terminal.sees("mark what matches")
        terminal.keys("31337\r")
        terminal.sees("mark 31")
        terminal.keys("P")
        terminal.sees("draw the numbers")
        terminal.keys("(31337)\r")
        terminal.sees("1 -")
        line.sendall(talk() + b"\x1b]0;the second end")  # a line that does not end
        terminal.sees("1 31337")
        terminal.keys("g")
        terminal.keys("G")
        terminal.keys("x")
        terminal.sees("|")
        terminal.keys("x")
        terminal.keys("v")
        if terminal.sees("FINDING", "enter choose") == "enter choose":  # both panics are found
            terminal.keys("\r")
            terminal.sees("FINDING")
        terminal.keys("\x1b")
        line.sendall(b"\r\nthe last end\r\n")
        terminal.sees("the last end")
        line.close()
    finally:
        terminal.close()

    assert MARK.encode() in terminal.output
    assert not GOT_THROUGH.search(terminal.output)
    assert "\u202e".encode() not in terminal.output


@pytest.mark.slow
def test_the_monitor_of_the_command_line_lets_nothing_through(
    tmp_path: Path, board: socket.socket
) -> None:
    url = json.loads(os.environ["ESPDECK_BOARDS"])[0]
    screen, child = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tui.cli.main", "--workspace", str(tmp_path), "monitor", url),
            *("--highlight", "31337"),
        ],
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    line, _ = board.accept()
    line.sendall(talk() + b"\x1b]0;31337")
    output, deadline = b"", time.monotonic() + 20

    def sees(text: bytes) -> None:
        nonlocal output
        while text not in output:
            left = deadline - time.monotonic()
            assert left > 0, output
            if select.select([screen], [], [], left)[0]:
                output += os.read(screen, 1 << 16)

    sees(b"31337")
    for piece in (b"\x07", b"\r\n", b"\x1b", b"]0;31337", b"\r\nthe end"):
        line.sendall(piece)
    sees(b"the end")
    os.write(screen, b"\x1d")
    assert process.wait(20) == 0
    os.close(screen)
    line.close()
    assert not GOT_THROUGH.search(output)
    assert b"\x1b]" not in output
