"""esptool itself and plain sockets against the virtual board."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.boards.esptool import Connection
from engine.boards.flasher import identify
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.images.image import Image
from engine.simulators.labwired import LabWired

pytestmark = pytest.mark.slow

BuildSample = Callable[[str], Image]

OWNER = """
import sys, time
from pathlib import Path
from engine.boards.esptool import Connection
from engine.boards.virtual.board import VirtualBoard
board = VirtualBoard(folder=Path(sys.argv[1]))
board.start()
print("up", flush=True)
time.sleep(60)
"""

SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"


def esptool(board: VirtualBoard, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "esptool", "--port", board.url, *map(str, arguments)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def connect(board: VirtualBoard) -> socket.socket:
    host, port = board.url.removeprefix("socket://").split(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    client.settimeout(60)
    return client


def console(board: VirtualBoard, until: bytes, typed: bytes = b"") -> bytes:
    output = b""
    with connect(board) as client:
        client.sendall(typed)
        while until not in output:
            data = client.recv(4096)
            assert data, output
            output += data
    return output


@pytest.mark.slow
def test_esptool_writes_verifies_reads_back_and_erases(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    app = built_sample("hello").parts[0].path
    assert "Hash of data verified" in esptool(virtual_board, "write-flash", "0x0", app)
    assert "digest matched" in esptool(virtual_board, "verify-flash", "0x0", app)

    back = tmp_path / "back.bin"
    esptool(virtual_board, "read-flash", "0x0", str(app.stat().st_size), back)
    assert back.read_bytes() == app.read_bytes()

    esptool(virtual_board, "erase-flash")
    assert console(virtual_board, b"\n").startswith(b"invalid header: 0xffffffff\r\n")


def test_it_is_a_chip_with_an_address_and_a_flash(virtual_board: VirtualBoard) -> None:
    assert re.search(r"Chip type: +ESP32-C3", esptool(virtual_board, "chip-id"))
    found = esptool(virtual_board, "flash-id")
    assert re.search(r"MAC: +[0-9a-f:]{17}", found)
    assert "Detected flash size: 4MB" in found


@pytest.mark.slow
def test_it_prints_what_a_simulator_prints_of_the_same_program(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    image = built_sample("crash")
    simulated = bytearray()
    LabWired().run(
        image,
        seconds=5,
        on_output=simulated.extend,
        until=lambda _passed: False,
        cancel=CancelToken(),
    )
    esptool(virtual_board, "write-flash", "0x0", image.parts[0].path)

    assert console(virtual_board, b"CPU halted.\r\n") == simulated


def test_its_program_stands_still_while_nobody_listens(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    esptool(virtual_board, "write-flash", "0x0", built_sample("crash").parts[0].path)

    first = console(virtual_board, b"reading 1\r\n")
    rest = console(virtual_board, b"CPU halted.\r\n")

    assert b"reading 2" not in first
    assert rest.splitlines()[0].endswith(b"reading 2")


def test_an_app_behind_a_partition_table_is_found(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    table = tmp_path / "table.bin"
    table.write_bytes(
        struct.pack("<2sBBII16sI", b"\xaa\x50", 1, 2, 0x9000, 0x6000, b"nvs", 0)
        + struct.pack("<2sBBII16sI", b"\xaa\x50", 0, 0, 0x10000, 0x100000, b"factory", 0)
        + b"\xff" * 32
    )
    app = built_sample("hello").parts[0].path
    esptool(virtual_board, "erase-flash")
    esptool(virtual_board, "write-flash", "0x8000", table, "0x10000", app)

    assert b"hello from espdeck" in console(virtual_board, b"OK\r\n")
    esptool(virtual_board, "erase-flash")


@pytest.mark.slow
def test_its_flash_outlives_it(tmp_path: Path, built_sample: BuildSample) -> None:
    with VirtualBoard(folder=tmp_path) as board:
        esptool(board, "write-flash", "0x0", built_sample("hello").parts[0].path)

    with VirtualBoard(folder=tmp_path) as board:
        assert b"hello from espdeck" in console(board, b"OK\r\n")


def test_what_is_in_flash_runs_even_if_it_cannot_be_kept(
    tmp_path: Path, built_sample: BuildSample
) -> None:
    with VirtualBoard(folder=tmp_path) as board:
        (tmp_path / "flash.new").mkdir()  # in the way of the file
        esptool(board, "write-flash", "0x0", built_sample("hello").parts[0].path)

        assert b"hello from espdeck" in console(board, b"OK\r\n")


def test_a_client_that_vanishes_in_the_middle_leaves_it_usable(
    virtual_board: VirtualBoard, tmp_path: Path, built_sample: BuildSample
) -> None:
    noise = tmp_path / "noise.bin"
    noise.write_bytes(os.urandom(2 << 20))
    flasher = subprocess.Popen(
        [sys.executable, "-m", "esptool", "--port", virtual_board.url, "write-flash", "0", noise],
        stdout=subprocess.PIPE,
    )
    assert flasher.stdout is not None
    seen = b""
    while b"Writing at" not in seen:
        seen = flasher.stdout.readline()
        assert seen
    flasher.kill()
    with flasher:
        pass

    assert "Hash of data verified" in esptool(
        virtual_board, "write-flash", "0x0", built_sample("hello").parts[0].path
    )
    assert b"hello from espdeck" in console(virtual_board, b"OK\r\n")


def test_a_client_that_reads_nothing_is_no_trouble_once_it_is_gone(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    esptool(virtual_board, "write-flash", "0x0", built_sample("crash").parts[0].path)
    with connect(virtual_board) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        client.sendall(b"?")

    assert "ESP32-C3" in esptool(virtual_board, "chip-id")


def test_a_program_that_prints_is_ended_by_the_first_command_of_a_bootloader_client(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    esptool(virtual_board, "write-flash", "0x0", built_sample("crash").parts[0].path)
    sync = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
    with connect(virtual_board) as client:
        output = b""
        while b"reading 1" not in output:
            output += client.recv(4096)
        client.sendall(sync)
        while b"\xc0\x01\x08" not in output:
            output += client.recv(4096)
    assert b"Guru" not in output
    assert console(virtual_board, b"reading 1\r\n").startswith(b"I (0) boot")


def test_bytes_that_are_no_bootloader_command_do_no_harm(virtual_board: VirtualBoard) -> None:
    with connect(virtual_board) as client:
        client.sendall(os.urandom(4096).replace(b"\xc0", b"?"))
    with connect(virtual_board) as client:
        client.sendall(b"\xc0\x00\x08" + os.urandom(4096) + b"\xc0")

    assert "ESP32-C3" in esptool(virtual_board, "chip-id")


@pytest.mark.slow
def test_a_second_one_on_the_same_flash_is_the_first_one(tmp_path: Path) -> None:
    with VirtualBoard(folder=tmp_path) as first:
        second = VirtualBoard(folder=tmp_path)
        second.start()
        assert second.url == first.url
        second.stop()
        assert not second.is_alive
        assert first.is_alive
        second.start()
    assert not second.is_alive
    with VirtualBoard(folder=tmp_path) as third:
        assert "ESP32-C3" in esptool(third, "chip-id")


def test_a_chip_that_nothing_emulates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="esp8266"):
        VirtualBoard(chip="esp8266", folder=tmp_path).start()


@pytest.mark.slow
def test_python_files_of_the_current_folder_are_not_run(
    built_sample: BuildSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = built_sample("hello").parts[0].path
    for name in ("engine.py", "esptool.py"):
        (tmp_path / name).write_text("raise SystemExit('foreign code')\n")
    with VirtualBoard(folder=tmp_path / "board") as board:
        esptool(board, "write-flash", "0x0", app)
        monkeypatch.chdir(tmp_path)
        assert identify(Connection(board.url), cancel=CancelToken()).chip == "esp32c3"

    with VirtualBoard(folder=tmp_path / "board") as board:
        assert b"hello from espdeck" in console(board, b"OK\r\n")


@pytest.mark.slow
def test_it_dies_with_the_process_that_started_it(
    tmp_path: Path, built_sample: BuildSample
) -> None:
    with VirtualBoard(folder=tmp_path) as board:
        esptool(board, "write-flash", "0x0", built_sample("hello").parts[0].path)
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    family = psutil.Process(owner.pid).children(recursive=True)
    assert len(family) == 2  # the board and the program in its flash
    owner.send_signal(signal.SIGKILL)
    with owner:
        pass

    _gone, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


@pytest.mark.parametrize("moment", ["while it starts", "in a conversation"])
def test_it_dies_with_an_owner_that_is_killed(moment: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        process = psutil.Process(owner.pid)
        if moment == "while it starts":
            while not (family := process.children(recursive=True)):
                time.sleep(0.001)
            owner.kill()
        else:
            assert owner.stdout.readline() == b"up\n"
            family = process.children(recursive=True)
            board = VirtualBoard(folder=tmp_path)
            board.start()
            with connect(board) as client:
                client.sendall(SYNC + b"\xc0\x00\x02")  # and half a command
                assert client.recv(100)
                owner.kill()
                with contextlib.suppress(ConnectionError):
                    while client.recv(100):
                        pass

    _gone, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    assert not VirtualBoard(folder=tmp_path).is_alive


def test_a_stopped_board_can_be_started_again(tmp_path: Path) -> None:
    board = VirtualBoard(folder=tmp_path)
    board.start()
    board.stop()
    assert not board.is_alive
    started = time.monotonic()
    board.start()
    assert board.is_alive
    assert time.monotonic() - started < 10
    board.stop()


def test_what_a_client_types_is_answered(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    esptool(virtual_board, "write-flash", "0x0", built_sample("console").parts[0].path)

    output = console(virtual_board, b"the led is off\r\n", typed=b"led\r")

    assert b"> led\r\nthe led is off\r\n" in output


@pytest.mark.slow
def test_a_program_is_loaded_into_ram_and_run_until_the_next_reset(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    esptool(virtual_board, "erase-flash")
    esptool(virtual_board, "--no-stub", "load-ram", built_sample("hello").parts[0].path)

    assert b"hello from espdeck" in console(virtual_board, b"OK\r\n")
    esptool(virtual_board, "chip-id")
    assert console(virtual_board, b"\n").startswith(b"invalid header")


def test_options_that_make_no_sense_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="revision=new: give it as"):
        VirtualBoard(options="revision=new", folder=tmp_path).start()
