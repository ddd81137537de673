"""What resets a board follows from its port, its name and the settings."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from engine.boards.board_port import BoardPort
from engine.boards.reset_control import ResetRequested, reset_of
from engine.cancel import CancelToken
from engine.console_input import Lines, Restart

URL = "socket://127.0.0.1:9"


def port_of(name: str, url: str, notes: list[str] | None = None) -> BoardPort:
    said = notes if notes is not None else list[str]()
    return BoardPort(name, 0, lambda _cancel: url, CancelToken(), said.append)


def test_a_port_with_lines_is_reset_by_them_when_its_console_opens() -> None:
    reset = reset_of(port_of("/dev/ttyUSB0", "/dev/ttyUSB0"), ())
    assert reset.with_console()
    assert reset.control is None
    with reset.bootloader(after="no-reset", baud=460800) as connection:
        options = connection.options()
    assert options == ["--port", "/dev/ttyUSB0", "--after", "no-reset", "--baud", "460800"]


def test_what_is_behind_a_socket_cannot_be_left_in_its_bootloader() -> None:
    reset = reset_of(port_of(URL, URL), ())
    assert not reset.into_bootloader()
    assert not reset.with_console()
    assert reset.control is None


def test_a_virtual_board_lets_its_console_go_to_be_reset() -> None:
    notes = list[str]()
    control = reset_of(port_of("virtual:esp32c3", URL, notes), ()).control
    assert control is not None
    control.set(Lines(dtr=True))
    assert list(control.steps(Restart(bootloader=True))) == []
    with pytest.raises(ResetRequested):
        control.steps(Restart(bootloader=False))
    assert notes == [
        "a virtual board has no DTR and RTS lines",
        "a virtual board enters its bootloader when a flasher talks to it",
    ]


def test_a_command_goes_before_what_the_port_could_do(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.argv[1] + '\\n')"
    notes = list[str]()
    with told.open("w") as lock:
        port = BoardPort(URL, lock.fileno(), lambda _cancel: URL, CancelToken(), notes.append)
        reset = reset_of(port, (sys.executable, "-c", script))
        assert not reset.with_console()
        with reset.bootloader() as connection:
            assert (connection.before, connection.after) == ("no-reset", "no-reset")
        with reset.bootloader(after="no-reset"):
            pass
        assert told.read_text().split() == ["run", "bootloader", "run", "bootloader"]

        control = reset.control
        assert control is not None
        control.set(Lines(dtr=True))
        others = set(threading.enumerate())
        assert list(control.steps(Restart(bootloader=False))) == []
        for thread in set(threading.enumerate()) - others:
            thread.join(20)
    assert told.read_text().split()[-1] == "run"
    assert notes == [f"{URL}: reset by a command of the settings, not by DTR and RTS"]
