"""Which board a build gets, what is remembered of it, and virtual boards that take their time."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.boards import flasher
from engine.boards.esptool import Connection
from engine.boards.identity import BoardIdentity
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, EspdeckError
from engine.store.database import Store

VIRTUAL = "virtual:esp32c3"


class Ports:
    """What is plugged in where; answers in place of esptool."""

    def __init__(self) -> None:
        self.chips: dict[str, str] = {}
        self.asked: list[str] = []

    def look_at(
        self, connection: Connection, region: tuple[int, int] | None, *, cancel: CancelToken
    ) -> tuple[BoardIdentity, str]:
        self.asked.append(connection.port)
        return BoardIdentity(self.chips[connection.port], "v0.4", "", None, ()), ""


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Ports:
    ports = Ports()
    monkeypatch.setattr(flasher, "look_at", ports.look_at)
    return ports


def ask(boards: Boards, port: str) -> str:
    with boards.use(port, cancel=CancelToken(), on_wait=pytest.fail, purpose="test") as board:
        return board.chip.identity().chip


def test_a_board_that_was_swapped_is_the_board_that_is_there_now(
    ports: Ports, tmp_path: Path
) -> None:
    boards = Boards(["/dev/a"], tmp_path, Store(tmp_path / "espdeck.db"))
    ports.chips["/dev/a"] = "esp32s3"
    assert ask(boards, "/dev/a") == "esp32s3"
    assert [board.chip for board in boards.list()] == ["esp32s3"]

    ports.chips["/dev/a"] = "esp32c3"

    assert boards.choose("auto", "esp32c3") == ("/dev/a",)
    assert ask(boards, "/dev/a") == "esp32c3"
    assert [board.chip for board in boards.list()] == ["esp32c3"]


def test_of_several_ports_the_one_that_had_the_chip_is_taken(ports: Ports, tmp_path: Path) -> None:
    boards = Boards(
        ["/dev/a", "/dev/b", "virtual:esp32c6"], tmp_path, Store(tmp_path / "espdeck.db")
    )
    ports.chips = {"/dev/a": "esp32s3", "/dev/b": "esp32c3"}
    for port in ports.chips:
        ask(boards, port)

    assert boards.choose("auto", "esp32c3") == ("/dev/b",)
    assert boards.choose("auto", "esp32s3") == ("/dev/a",)
    assert boards.choose("auto", "esp32c6") == ("virtual:esp32c6",)


def test_a_board_is_used_only_if_nobody_has_it_waits_for_it_or_reserved_it(
    ports: Ports, tmp_path: Path
) -> None:
    boards = Boards(["/dev/a"], tmp_path, Store(tmp_path / "espdeck.db"))
    ports.chips["/dev/a"] = "esp32c3"
    cancel, waiting = CancelToken(), threading.Event()

    def is_free() -> bool:
        with boards.use_if_free(
            "/dev/a", cancel=CancelToken(), on_note=pytest.fail, purpose="look"
        ) as board:
            return board is not None and board.chip.identify().chip == "esp32c3"

    def wait() -> None:
        with (
            contextlib.suppress(CancelledError),
            boards.use("/dev/a", cancel=cancel, on_wait=lambda _: waiting.set(), purpose="build 2"),
        ):
            cancel.wait(20)

    assert is_free()
    with boards.use("/dev/a", cancel=CancelToken(), on_wait=pytest.fail, purpose="build 1"):
        assert not is_free()
        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(20)
        assert not is_free()
    assert not is_free()
    cancel.cancel()
    thread.join(20)
    assert is_free()
    boards.reserve("/dev/a", holder="ada", note="", hours=1)
    assert not is_free()


@pytest.mark.slow
def test_a_virtual_board_is_asked_once_and_never_has_another_chip(tmp_path: Path) -> None:
    boards = Boards([VIRTUAL], tmp_path, Store(tmp_path / "espdeck.db"))
    try:
        identities = []
        for _time in range(2):
            with boards.use(VIRTUAL, cancel=CancelToken(), on_wait=print, purpose="test") as board:
                identities.append(board.chip.identity())
        assert identities[0] is identities[1]
        assert boards.choose("auto", "esp32c6") == ()
    finally:
        boards.close()


class SlowStart:
    """A virtual board in a thread whose process says that it is up only when it is told to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        begun, go = folder / "begun", folder / "go"
        os.mkfifo(begun)
        os.mkfifo(go)
        self._begun = os.open(begun, os.O_RDONLY | os.O_NONBLOCK)
        self._go = os.open(go, os.O_RDWR)
        python = folder / "python"
        python.write_text(
            f"#!/bin/sh\necho > {begun}\nread line < {go}\necho port 1\nexec cat > /dev/null\n"
        )
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
        self.boards = Boards([VIRTUAL], folder / "boards", Store(folder / "espdeck.db"))
        self.cancel = CancelToken()
        self.error: EspdeckError | None = None
        others = set(psutil.Process().children())
        self._thread = threading.Thread(target=self._use)
        self._thread.start()
        assert select.select([self._begun], [], [], 20)[0]
        self.processes = list(set(psutil.Process().children()) - others)
        assert self.processes

    def _use(self) -> None:
        try:
            with self.boards.use(VIRTUAL, cancel=self.cancel, on_wait=print, purpose="test"):
                pass
        except EspdeckError as error:
            self.error = error

    def go(self) -> None:
        os.write(self._go, b"\n")

    def join(self) -> None:
        self._thread.join(20)
        os.close(self._begun)
        os.close(self._go)
        assert not self._thread.is_alive()


def test_while_a_board_starts_the_list_answers_and_the_start_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowStart(tmp_path, monkeypatch)
    started = time.monotonic()

    assert [board.state for board in slow.boards.list()] == ["busy"]
    slow.cancel.cancel()
    slow.join()

    assert time.monotonic() - started < 5
    assert isinstance(slow.error, CancelledError)
    assert psutil.wait_procs(slow.processes, timeout=5)[1] == []


def test_a_board_that_is_up_only_after_the_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowStart(tmp_path, monkeypatch)

    slow.boards.close()
    slow.go()
    slow.join()

    assert isinstance(slow.error, BoardError)
    assert "espdeck is ending" in str(slow.error)
    assert psutil.wait_procs(slow.processes, timeout=5)[1] == []
