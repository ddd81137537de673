"""The bootloader of a virtual board, whatever frames a client sends."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest
from esptool.loader import ESPLoader
from hypothesis import given
from hypothesis import strategies as st

from engine.boards.virtual.chips import parse_options
from engine.boards.virtual.flash import Flash
from engine.boards.virtual.loader import Loader, Outcome
from engine.boards.virtual.registers import mac_of, registers

CHIP = "esp32c3"
OPTIONS = parse_options(CHIP, "")
REGISTERS = registers(CHIP, OPTIONS, mac_of("board"))
COMMANDS = ESPLoader.ESP_CMDS
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 4, 64, 0x1000, 0x400000, 0x60002000, 0xFFFFFFFC, 0xFFFFFFFF]),
    st.integers(0, 0xFFFFFFFF),
)


def frame(command: int, data: bytes, size: int | None = None) -> bytes:
    head = struct.pack(
        "<BBHI", 0, command, len(data) if size is None else size, ESPLoader.checksum(data[16:])
    )
    escaped = (head + data).replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def talk(folder: Path, sent: bytes) -> tuple[Loader, bytes]:
    """Send bytes and leave; the loader afterwards, and its answers."""
    loader = Loader(CHIP, OPTIONS, dict(REGISTERS), Flash(folder / "flash.bin", 4 << 20), None)
    client, board = socket.socketpair()
    answers = bytearray()

    def listen() -> None:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(1 << 16):
            answers.extend(data)

    thread = threading.Thread(target=listen)
    thread.start()
    with board:
        while loader.talk(board, b""):
            loader._is_over = False
    thread.join()
    client.close()
    return loader, bytes(answers)


@pytest.mark.slow
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                frame,
                st.sampled_from(list(COMMANDS.values())) | st.integers(0, 255),
                st.lists(NUMBERS, max_size=6).map(lambda numbers: words(*numbers))
                | st.binary(max_size=40),
                st.none() | st.integers(0, 0xFFFF),
            ),
            st.just(frame(COMMANDS["MEM_END"], words(0, 0x40380000))),
            st.just(b"\xc0\xdb\xc0" + b"\xdb" * 9),
        ),
        max_size=12,
    ).map(b"".join)
)
def test_any_frames_are_answered_or_left_alone(
    tmp_path_factory: pytest.TempPathFactory, sent: bytes
) -> None:
    loader, _answers = talk(tmp_path_factory.getbasetemp(), sent)

    if loader.outcome is Outcome.RUN:
        loader.program.elf()


def test_a_program_that_goes_beyond_the_memory_is_refused(tmp_path: Path) -> None:
    loader, _answers = talk(
        tmp_path,
        frame(COMMANDS["MEM_BEGIN"], words(8, 2, 4, 0xFFFFFFFC))
        + frame(COMMANDS["MEM_DATA"], words(4, 0, 0, 0) + b"abcd")
        + frame(COMMANDS["MEM_DATA"], words(4, 1, 0, 0) + b"efgh")
        + frame(COMMANDS["MEM_END"], words(0, 0x40380000)),
    )

    assert loader.program.segments == ((0xFFFFFFFC, b"abcd"),)
    assert loader.program.elf().endswith(b"abcd")


def test_bytes_without_an_end_are_not_kept(tmp_path: Path) -> None:
    _loader, answers = talk(tmp_path, b"\xc0" + b"a" * (3 << 20) + frame(COMMANDS["SYNC"], b""))

    assert answers.count(b"\x01\x08") == 8
