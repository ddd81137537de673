"""Boards in messages: by the names that people gave them."""

from __future__ import annotations

import pytest

from engine.boards.called import CalledBoards
from engine.errors import BoardGoneError


def test_a_line_names_a_board_as_people_do() -> None:
    called = CalledBoards({"/dev/ttyUSB1": "desk"}, lambda name: name)
    assert called.line("/dev/ttyUSB1: in use by picocom") == "desk: in use by picocom"
    assert called.line("waiting for /dev/ttyUSB1: ada") == "waiting for desk: ada"
    assert called.line("/dev/ttyUSB10: permission denied") == "/dev/ttyUSB10: permission denied"


def test_a_board_that_vanished_is_known_by_the_port_that_it_had() -> None:
    ports = ["/dev/ttyUSB0", ""]
    called = CalledBoards({"usb-303a:1001-A1": "desk"}, lambda _name: ports.pop(0))
    called.look()
    assert called.line("/dev/ttyUSB0: the board vanished") == "desk: the board vanished"


def test_errors_keep_their_kind() -> None:
    called = CalledBoards({"virtual:esp32c3": "desk"}, lambda _name: "socket://127.0.0.1:4")
    with pytest.raises(BoardGoneError, match=r"^desk: the board vanished$"), called.errors():
        raise BoardGoneError("socket://127.0.0.1:4: the board vanished")
