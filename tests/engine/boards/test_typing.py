"""Typing to a console that is read: a terminal, a socket, a serial port behind RFC 2217."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import tty
from collections.abc import Iterator
from typing import Any, cast

import pytest
import serial
from serial import rfc2217

from engine.boards.serial_console import read_serial
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput


class Desk:
    """A person who reads a port and types."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.console_input = ConsoleInput(self.notes.append)
        self.cancel = CancelToken()
        self.output = bytearray()

    def read(self, port: str, until: bytes) -> bytes:
        read_serial(
            port,
            baud=115200,
            on_output=self.output.extend,
            until=lambda: self.output.endswith(until),
            seconds=60,
            cancel=self.cancel,
            reset=False,
            console_input=self.console_input,
        )
        return bytes(self.output)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


def test_a_terminal_gets_what_is_typed_and_has_no_lines(desk: Desk) -> None:
    board, port = os.openpty()
    tty.setraw(port)

    def echo() -> None:
        seen = b""
        while not seen.endswith(b"\r\n"):
            seen += os.read(board, 100)
        os.write(board, b"you said " + seen)

    answers = threading.Thread(target=echo)
    answers.start()
    desk.console_input.reset()
    desk.console_input.send(b"help\xff\r\n")

    assert desk.read(os.ttyname(port), b"\r\n") == b"you said help\xff\r\n"
    assert desk.notes == ["this console has no DTR and RTS lines: nothing can be reset here"]
    answers.join()
    os.close(board)
    os.close(port)


@pytest.mark.slow
def test_a_board_that_takes_nothing_is_read_all_the_same(desk: Desk, server: socket.socket) -> None:
    flood, file = os.urandom(4 << 20), os.urandom(8 << 20)
    taken = bytearray()

    def board() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(flood)  # and nothing is taken before all of it was read
            while len(taken) < len(file) and (data := connection.recv(1 << 16)):
                taken.extend(data)
            connection.sendall(b"the end")

    threads = [
        threading.Thread(target=board),
        threading.Thread(target=desk.console_input.send_all, args=(file, desk.cancel)),
    ]
    for thread in threads:
        thread.start()
    output = desk.read(f"socket://127.0.0.1:{server.getsockname()[1]}", b"the end")
    desk.cancel.cancel()  # where the end did not come, what is not sent is not waited for
    for thread in threads:
        thread.join()
    assert output == flood + b"the end"
    assert taken == file


def test_lines_and_bytes_go_to_a_port_behind_rfc2217(desk: Desk, server: socket.socket) -> None:
    device = serial.serial_for_url("loop://", timeout=0)
    lines: list[tuple[bool, bool]] = []

    class Answers:
        def __init__(self, connection: socket.socket) -> None:
            self.connection = connection

        def write(self, data: bytes) -> None:
            with contextlib.suppress(OSError):
                self.connection.sendall(data)

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            answers = Answers(connection)
            manager = rfc2217.PortManager(cast(Any, device), cast(Any, answers))
            while data := connection.recv(4096):
                for byte in data:
                    typed = b"".join(manager.filter(bytes([byte])))
                    if not lines or lines[-1] != (device.dtr, device.rts):
                        lines.append((device.dtr, device.rts))
                    answers.write(b"".join(manager.escape(typed)))

    serves = threading.Thread(target=serve)
    serves.start()
    desk.console_input.reset()
    desk.console_input.send(b"\xff\n")
    output = desk.read(f"rfc2217://127.0.0.1:{server.getsockname()[1]}", b"\n")
    serves.join()

    assert output == b"\xff\n"
    assert lines[-2:] == [(False, True), (False, False)]
    assert desk.notes == []
