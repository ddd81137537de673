"""``espdeck monitor`` and ``espdeck sessions``, as a person runs them."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.image import Image
from tui.monitor import ConsolePrinter, View

HOSTILE = b"E (1) main: \x1b]0;owned\x07bad\xff\nW (2) wifi: slow\r\nI (3) main: fine\nno end"


def espdeck(workspace: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tui.cli", "--workspace", str(workspace), *words]


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
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        board.close()

    assert process.returncode == 0
    assert lines[0].startswith(b"--- kept in ")
    assert [line.decode().rstrip() for line in lines[1:]] == [
        "E (1) main: bad\N{REPLACEMENT CHARACTER}",
        "I (3) main: fine",
    ]
    assert b"Traceback" not in rest

    listed = subprocess.run(espdeck(tmp_path, "sessions"), capture_output=True, timeout=20)
    assert str(len(HOSTILE)).encode() in listed.stdout
    found = subprocess.run(
        espdeck(tmp_path, "sessions", "--search", "SLOW"), capture_output=True, timeout=20
    )
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
    done = subprocess.run(
        espdeck(tmp_path, "monitor", *words), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_addresses_are_decoded_by_the_program(built_sample: Callable[[str], Image]) -> None:
    from engine.boards import symbols

    image = built_sample("crash")
    program = symbols.load(image.elf)
    assert program is not None
    start, _data = program._code[0]
    out = io.StringIO()
    printer = ConsolePrinter(out, View(program=image.elf, root=Path("/")))

    printer.feed(f"MEPC    : 0x{start:08x}\n".encode())
    printer.close()

    lines = out.getvalue().splitlines()
    assert lines[0].startswith("MEPC")
    assert lines[1].startswith(f"--- 0x{start:08x}: ")
    assert "startup.S" in lines[1]


def test_the_boards_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_BOARDS", '["virtual:esp32c3"]')
    done = subprocess.run(espdeck(tmp_path, "boards"), capture_output=True, text=True, timeout=20)
    assert "virtual:esp32c3" in done.stdout
