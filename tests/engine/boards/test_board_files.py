"""What is kept of a board: what runs on it, what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.boards.board_files import MAX_HISTORY_LINES, BoardFiles, Flashed, flashed
from engine.enums import ArtifactKind
from engine.files import plain_name
from engine.images.image import FlashPart, Image


def test_what_was_flashed_last_is_known(tmp_path: Path) -> None:
    files = BoardFiles(tmp_path, "/dev/ttyUSB0")
    assert files.flashed is None
    files.remember_flashed(Flashed(build=3, baud=115200))
    files.remember_flashed(Flashed(build=4, baud=921600))
    assert BoardFiles(tmp_path, "/dev/ttyUSB0").flashed == Flashed(build=4, baud=921600)
    assert BoardFiles(tmp_path, "/dev/ttyUSB1").flashed is None


@pytest.mark.slow
def test_the_history_is_bounded_and_says_nothing_twice_in_a_row(tmp_path: Path) -> None:
    files = BoardFiles(tmp_path, "socket://lab:4000")
    for line in ("help", "help", "", "reboot", "x" * 1001):
        files.remember_line(line)
    assert list(files.history) == ["help", "reboot"]
    for number in range(MAX_HISTORY_LINES):
        files.remember_line(f"get {number}")
    assert list(files.history) == [f"get {number}" for number in range(MAX_HISTORY_LINES)]


def test_broken_files_are_no_trouble(tmp_path: Path) -> None:
    files = BoardFiles(tmp_path, "x")
    files.remember_flashed(Flashed(build=1, baud=9600))
    for content in (b"", b"{}", b"[1]", b'{"build": null, "baud": 1}', b"\xff\x00"):
        (tmp_path / "x" / "flashed.json").write_bytes(content)
        (tmp_path / "x" / "history").write_bytes(content)
        assert files.flashed is None
        assert len(files.history) <= 1
    (tmp_path / "y").write_text("a file where the folder should be")
    BoardFiles(tmp_path, "y").remember_line("lost")
    assert list(BoardFiles(tmp_path, "y").history) == []


def test_what_was_flashed_keeps_project_commit_and_the_program_it_is_known_by(
    tmp_path: Path,
) -> None:
    app, table = tmp_path / "app.bin", tmp_path / "table.bin"
    app.write_bytes(bytes(range(256)) * 300)
    table.write_bytes(b"\xaa" * 3072)
    parts = (
        FlashPart(0x8000, table, ArtifactKind.PARTITION_TABLE),
        FlashPart(0x10000, app, ArtifactKind.APP),
    )
    image = Image(target="esp32", elf=tmp_path / "app.elf", parts=parts, baud=921600)
    files = BoardFiles(tmp_path, "/dev/ttyUSB0")

    files.remember_flashed(flashed(image, 12, project="node", commit="0123456789ab", app_only=True))

    found = files.flashed
    assert found is not None
    assert str(found) == "node #12 0123456 (program only)"
    assert (found.baud, found.sample) == (921600, (0x10020, 1 << 16))
    assert found.needs(0x10000, 0x1000)
    assert found.needs(0x0, 0x8001)
    assert not found.needs(0x9000, 0x6000)
    files.forget_flashed()
    files.forget_flashed()
    assert files.flashed is None


def test_what_an_older_espdeck_kept_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "flashed.json").write_text('{"build": 3, "baud": 9600}')

    assert BoardFiles(tmp_path, "x").flashed == Flashed(build=3, baud=9600)
    assert str(BoardFiles(tmp_path, "x").flashed) == "build #3"


@given(st.text(max_size=200))
def test_a_name_is_a_file_of_its_folder(board: str) -> None:
    name = plain_name(board)
    assert name not in (".", "..")
    assert "/" not in name
    assert 0 < len(name.encode()) <= 80
