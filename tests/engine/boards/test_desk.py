"""What is kept of a board: what runs on it, what was typed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.boards.desk import MAX_HISTORY, Desk, Flashed, plain_name


def test_what_was_flashed_last_is_known(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "/dev/ttyUSB0")
    assert desk.flashed is None
    desk.remember_flashed(Flashed(build=3, baud=115200))
    desk.remember_flashed(Flashed(build=4, baud=921600))
    assert Desk(tmp_path, "/dev/ttyUSB0").flashed == Flashed(build=4, baud=921600)
    assert Desk(tmp_path, "/dev/ttyUSB1").flashed is None


def test_the_history_is_bounded_and_says_nothing_twice_in_a_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "socket://lab:4000")
    for line in ("help", "help", "", "reboot", "x" * 1001):
        desk.remember_line(line)
    assert list(desk.history) == ["help", "reboot"]
    for number in range(MAX_HISTORY):
        desk.remember_line(f"get {number}")
    assert list(desk.history) == [f"get {number}" for number in range(MAX_HISTORY)]


def test_broken_files_are_no_trouble(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "x")
    desk.remember_flashed(Flashed(build=1, baud=9600))
    for content in (b"", b"{}", b"[1]", b'{"build": null, "baud": 1}', b"\xff\x00"):
        (tmp_path / "x" / "flashed.json").write_bytes(content)
        (tmp_path / "x" / "history").write_bytes(content)
        assert desk.flashed is None
        assert len(desk.history) <= 1
    (tmp_path / "y").write_text("a file where the folder should be")
    Desk(tmp_path, "y").remember_line("lost")
    assert list(Desk(tmp_path, "y").history) == []


@given(st.text(max_size=200))
def test_a_name_is_a_file_of_its_folder(board: str) -> None:
    name = plain_name(board)
    assert name not in (".", "..")
    assert "/" not in name
    assert 0 < len(name.encode()) <= 80
