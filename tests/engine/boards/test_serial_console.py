from __future__ import annotations

import os
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator

import pytest

from engine.boards.esptool import Connection
from engine.boards.flasher import flash
from engine.boards.serial_console import read_serial
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError
from engine.images.image import Image

BuildSample = Callable[[str], Image]


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    """The board's end of a pseudo terminal, and the port that a program opens."""
    board, port = os.openpty()
    tty.setraw(port)
    name = os.ttyname(port)
    os.close(port)
    yield board, name
    os.close(board)


def read(port: str, until: bytes | None = None, seconds: float = 60, **options: bool) -> bytes:
    output = bytearray()
    read_serial(
        port,
        baud=115200,
        on_output=output.extend,
        until=lambda: until is not None and until in output,
        seconds=seconds,
        cancel=CancelToken(),
        reset=options.get("reset", False),
    )
    return bytes(output)


@pytest.mark.slow
def test_after_flashing_the_console_is_read_from_its_first_byte(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    flash(
        Connection(virtual_board.url),
        built_sample("hello"),
        on_output=lambda data: None,
        on_progress=lambda percent, message: None,
        cancel=CancelToken(),
    )

    output = read(virtual_board.url, until=b"OK\r\n", reset=True)

    assert output.startswith(b"I (0) boot: rst:0x")
    assert output.endswith(b"3 Tests 0 Failures 0 Ignored \r\nOK\r\n")


@pytest.mark.slow
def test_every_byte_of_a_flood_arrives_in_order() -> None:
    flood = os.urandom(1 << 20) * 8
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(flood + b"the end"))
        thread.start()
        output = read(f"socket://127.0.0.1:{server.getsockname()[1]}", until=b"the end")
        thread.join()

    assert output == flood + b"the end"


def test_a_terminal_is_read_and_its_missing_reset_line_is_no_trouble(
    pty: tuple[int, str],
) -> None:
    board, port = pty
    arrives = threading.Timer(0.3, lambda: os.write(board, b"\x00\xffready\n"))
    arrives.start()

    assert read(port, until=b"ready\n", reset=True) == b"\x00\xffready\n"


def test_silence_lasts_as_long_as_it_was_asked_for(pty: tuple[int, str]) -> None:
    started = time.monotonic()
    assert read(pty[1], seconds=0.3) == b""
    assert 0.3 <= time.monotonic() - started < 2


def test_an_absent_port_is_told() -> None:
    with pytest.raises(BoardError, match="no such port"):
        read("/dev/no-such-port")


@pytest.mark.parametrize("url", ["socket://nowhere", "socket://a:b", "socket://", "what://ever"])
def test_a_url_that_leads_nowhere_is_told(url: str) -> None:
    with pytest.raises(BoardError, match=url):
        read(url)


def test_what_goes_wrong_with_the_listener_is_not_blamed_on_the_board(
    pty: tuple[int, str],
) -> None:
    def full(data: bytes) -> None:
        raise OSError("no space left on device")

    os.write(pty[0], b"x")
    arrives = threading.Timer(0.2, lambda: os.write(pty[0], b"x"))
    arrives.start()
    with pytest.raises(OSError, match="no space left"):
        read_serial(
            pty[1],
            baud=115200,
            on_output=full,
            until=lambda: False,
            seconds=10,
            cancel=CancelToken(),
            reset=False,
        )
    arrives.join()


def test_a_port_in_use_is_told(pty: tuple[int, str]) -> None:
    cancel, reading = CancelToken(), threading.Event()

    def listen() -> None:
        with pytest.raises(CancelledError):
            read_serial(
                pty[1],
                baud=115200,
                on_output=lambda data: reading.set(),
                until=lambda: False,
                seconds=20,
                cancel=cancel,
                reset=False,
            )

    first = threading.Thread(target=listen)
    first.start()
    while not reading.wait(0.05):
        os.write(pty[0], b".")
    try:
        with pytest.raises(BoardError, match="in use"):
            read(pty[1])
    finally:
        cancel.cancel()
        first.join()


def test_a_board_that_vanishes_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with pytest.raises(BoardError, match="vanished"):
            read(f"socket://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_silent_board_is_read_until_it_is_enough(pty: tuple[int, str]) -> None:
    asked: list[int] = []

    def until() -> bool:
        asked.append(len(asked))
        return len(asked) == 3

    read_serial(
        pty[1],
        baud=115200,
        on_output=lambda data: None,
        until=until,
        seconds=60,
        cancel=CancelToken(),
        reset=False,
    )

    assert asked == [0, 1, 2]
