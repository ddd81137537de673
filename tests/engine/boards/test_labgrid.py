"""Places of a real labgrid coordinator; skipped where labgrid is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.boards import labgrid
from engine.boards.service import Boards
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, MissingToolError, UsageError
from engine.store.database import Store

needs_labgrid = pytest.mark.skipif(
    shutil.which("labgrid-coordinator") is None, reason="labgrid is not installed"
)
PLACE = "labgrid:desk"


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, virtual_board: VirtualBoard
) -> Iterator[list[str]]:
    """A coordinator with a place whose serial port is a virtual board; how to call its client."""
    folder = tmp_path_factory.mktemp("labgrid")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    port = virtual_board.url.rpartition(":")[2]
    (folder / "exporter.yaml").write_text(
        f"desk:\n  NetworkSerialPort: {{host: 127.0.0.1, port: {port}, protocol: raw}}\n"
    )
    call = [shutil.which("labgrid-client") or "", "-x", address]
    running = list[subprocess.Popen[bytes]]()

    def start(*program: str) -> None:
        running.append(
            subprocess.Popen(
                program, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )

    try:
        start("labgrid-coordinator", "-l", address)
        _until(lambda: "rror" not in _say([*call, "resources"]))
        start("labgrid-exporter", "-c", address, "--name", "lab", "exporter.yaml")
        _until(lambda: "lab/desk" in _say([*call, "resources"]))
        for words in (["create"], ["add-match", "lab/desk/*"]):
            subprocess.run([*call, "-p", "desk", *words], check=True, timeout=30)
        os.environ["LG_COORDINATOR"] = address
        yield [*call, "-p", "desk"]
    finally:
        os.environ.pop("LG_COORDINATOR", None)
        for process in running:
            process.terminate()
            process.wait(10)


def _say(words: list[str], **env: str) -> str:
    done = subprocess.run(
        words, env={**os.environ, **env}, capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout + done.stderr


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline


def boards_in(folder: Path) -> Boards:
    return Boards((PLACE,), folder / "boards", Store(folder / "espdeck.db"))


@needs_labgrid
def test_a_place_is_acquired_while_its_board_is_used(client: list[str], tmp_path: Path) -> None:
    boards = boards_in(tmp_path)
    with boards.use(PLACE, cancel=CancelToken(), on_wait=pytest.fail, purpose="test") as board:
        assert board.chip.identify().chip == "esp32c3"
        assert "acquired: " in _say([*client, "show"])
        assert "already acquired by" in _say([*client, "acquire"], LG_USERNAME="eve")
    assert "acquired: None" in _say([*client, "show"])
    assert boards.choose("auto", "esp32c3") == (PLACE,)


@needs_labgrid
def test_a_place_that_somebody_else_has_is_waited_for(
    client: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labgrid, "PLACE_POLL_SECONDS", 0.05)
    assert "acquired place" in _say([*client, "acquire"], LG_USERNAME="eve")
    told, notes = threading.Event(), list[str]()

    def on_wait(note: str) -> None:
        notes.append(note)
        told.set()

    def give_back() -> None:
        told.wait(30)
        _say([*client, "release"], LG_USERNAME="eve")

    thread = threading.Thread(target=give_back)
    thread.start()
    with boards_in(tmp_path).use(
        PLACE, cancel=CancelToken(), on_wait=on_wait, purpose="test"
    ) as board:
        assert board.url.startswith("socket://127.0.0.1:")
    thread.join(30)
    assert len(notes) == 1
    assert "/eve" in notes[0]


@needs_labgrid
def test_a_place_that_the_user_acquired_stays_acquired(client: list[str], tmp_path: Path) -> None:
    _say([*client, "acquire"])
    with boards_in(tmp_path).use(PLACE, cancel=CancelToken(), on_wait=pytest.fail, purpose="test"):
        pass
    assert "acquired: None" not in _say([*client, "show"])
    _say([*client, "release"])


@needs_labgrid
def test_a_place_that_is_not_there_is_told(client: list[str], tmp_path: Path) -> None:
    with (
        pytest.raises(BoardError, match="labgrid:nowhere: labgrid: place pattern nowhere matches"),
        boards_in(tmp_path).use(
            "labgrid:nowhere", cancel=CancelToken(), on_wait=pytest.fail, purpose="test"
        ),
    ):
        pass


@needs_labgrid
def test_a_coordinator_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LG_COORDINATOR", "127.0.0.1:1")
    with (
        pytest.raises(BoardError, match="Could not connect to coordinator"),
        boards_in(tmp_path).use(PLACE, cancel=CancelToken(), on_wait=pytest.fail, purpose="test"),
    ):
        pass


CLIENT = """\
#!/bin/sh
echo "$3" >> {folder}/calls
[ "$3" != acquire ] || read -r _line < {folder}/go
"""


def test_a_place_that_is_had_just_when_one_cancels_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, go = tmp_path / "labgrid-client", tmp_path / "go"
    program.write_text(CLIENT.format(folder=tmp_path))
    program.chmod(0o755)
    os.mkfifo(go)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cancel, errors = CancelToken(), list[BaseException]()

    def use() -> None:
        try:
            with labgrid.acquired(PLACE, cancel=cancel, on_wait=pytest.fail):
                pass
        except CancelledError as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    with go.open("w") as answer:  # it asks
        cancel.cancel()
        answer.write("acquired\n")
    thread.join(20)

    assert len(errors) == 1
    assert (tmp_path / "calls").read_text().split() == ["acquire", "release"]


def test_labgrid_that_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(MissingToolError, match="pipx install labgrid"),
        boards_in(tmp_path).use(PLACE, cancel=CancelToken(), on_wait=pytest.fail, purpose="test"),
    ):
        pass


@pytest.mark.parametrize("name", ["labgrid:", "labgrid:-p", "labgrid:a b", "labgrid:x/../y"])
def test_a_name_that_is_no_place_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give labgrid:PLACE"):
        boards_in(tmp_path).named(name)
