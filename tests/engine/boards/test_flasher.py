from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.boards.esptool import Connection
from engine.boards.flasher import flash, identify
from engine.boards.identity import parse_identity
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import BoardError, CancelledError
from engine.images.image import FlashPart, Image

BuildSample = Callable[[str], Image]


def write(port: str, image: Image) -> tuple[str, list[tuple[float, str]]]:
    output, progress = bytearray(), []
    flash(
        Connection(port),
        image,
        on_output=output.extend,
        on_progress=lambda percent, message: progress.append((percent, message)),
        cancel=CancelToken(),
    )
    return output.decode(), progress


def two_parts(image: Image, folder: Path) -> Image:
    second = folder / "assets.bin"
    second.write_bytes(os.urandom(300_000))
    return replace(image, parts=(*image.parts, FlashPart(0x20000, second, ArtifactKind.DATA)))


@pytest.mark.slow
def test_an_image_of_two_parts_is_written_with_rising_progress(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    output, progress = write(virtual_board.url, two_parts(built_sample("hello"), tmp_path))

    percents = [percent for percent, _ in progress]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 100
    assert any(10 < percent < 90 for percent in percents)
    assert {"connecting", "writing hello.bin", "writing assets.bin", "verified"} == {
        message for _, message in progress
    }
    assert output.count("Hash of data verified.") == 2
    assert "Writing at" not in output


@pytest.mark.slow
def test_a_board_says_what_it_is(virtual_board: VirtualBoard) -> None:
    identity = identify(Connection(virtual_board.url), cancel=CancelToken())

    assert identity.chip == "esp32c3"
    assert identity.flash_size == 4 << 20
    assert len(identity.mac) == 17
    assert "160MHz" in identity.features


@pytest.mark.slow
def test_an_image_for_another_chip_is_refused(
    virtual_board: VirtualBoard, built_sample: BuildSample
) -> None:
    with pytest.raises(BoardError, match="the board is an ESP32-C3, the image is for ESP32-C6"):
        write(virtual_board.url, replace(built_sample("hello"), target="esp32c6"))


def test_an_absent_port_is_told_at_once(built_sample: BuildSample) -> None:
    with pytest.raises(BoardError, match=r"^/dev/no-such-port: no such port; is the board"):
        write("/dev/no-such-port", built_sample("hello"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_of_another_group_names_the_group(built_sample: BuildSample, tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch(mode=0o000)
    with pytest.raises(BoardError, match="permission denied; add yourself to the group"):
        write(str(port), built_sample("hello"))


@pytest.mark.slow
def test_a_file_that_is_no_port_is_told(built_sample: BuildSample, tmp_path: Path) -> None:
    port = tmp_path / "file"
    port.touch()
    with pytest.raises(BoardError, match="not a serial port"):
        write(str(port), built_sample("hello"))


@pytest.mark.slow
def test_a_url_where_nothing_listens_is_told(built_sample: BuildSample) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BoardError, match="nothing answers there"):
        write(f"socket://127.0.0.1:{port}", built_sample("hello"))


@pytest.mark.slow
def test_a_board_that_does_not_answer_gets_the_advice_to_hold_boot() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(BoardError, match="no answer; hold BOOT"),
    ):
        identify(Connection(f"socket://127.0.0.1:{server.getsockname()[1]}"), cancel=CancelToken())


@pytest.mark.slow
def test_a_board_that_vanishes_while_it_is_flashed_is_told(
    built_sample: BuildSample, tmp_path: Path
) -> None:
    image = two_parts(built_sample("hello"), tmp_path)
    board = VirtualBoard(folder=tmp_path / "board")
    board.start()

    def unplug(percent: float, message: str) -> None:
        if percent > 20:
            board.stop()

    with pytest.raises(BoardError, match="the board vanished; check its cable"):
        flash(
            Connection(board.url),
            image,
            on_output=lambda data: None,
            on_progress=unplug,
            cancel=CancelToken(),
        )


@pytest.mark.slow
def test_flashing_ends_when_it_is_cancelled_and_the_board_can_be_flashed_again(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        flash(
            Connection(virtual_board.url),
            two_parts(built_sample("hello"), tmp_path),
            on_output=lambda data: None,
            on_progress=lambda percent, message: cancel.cancel() if percent > 20 else None,
            cancel=cancel,
        )

    write(virtual_board.url, built_sample("hello"))


@pytest.mark.slow
def test_two_boards_are_flashed_at_once(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    with VirtualBoard(folder=tmp_path) as other:
        image, outputs = built_sample("hello"), list[str]()
        threads = [
            threading.Thread(target=lambda url=url: outputs.append(write(url, image)[0]))
            for url in (virtual_board.url, other.url)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert [output.count("Hash of data verified.") for output in outputs] == [1, 1]


@given(st.text())
def test_any_text_gives_an_identity_or_none(text: str) -> None:
    parse_identity(text)
    identity = parse_identity(f"Chip type:          ESP32-S3 (QFN56) (revision v0.2)\n{text}")
    assert identity is not None
    assert (identity.chip, identity.revision) == ("esp32s3", "v0.2")
