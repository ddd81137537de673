"""What ``espdeck doctor`` says of the boards of the settings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.doctor import run_doctor
from engine.doctor_check import DoctorCheck
from engine.quality import tools
from engine.settings import Settings


def of(board: str, folder: Path) -> DoctorCheck:
    (found,) = (
        each
        for each in run_doctor(Settings(workspace=folder, boards=(board,)))
        if each.name == f"board {board}"
    )
    return found


@pytest.mark.parametrize(
    "board", ["virtual:esp32c3-2", "socket://127.0.0.1:1", "rfc2217://lab:4000"]
)
def test_boards_that_need_nothing_are_well(board: str, tmp_path: Path) -> None:
    assert of(board, tmp_path).ok


@pytest.mark.parametrize(
    ("board", "advice"),
    [
        ("/dev/ttyUSB77", "is the board plugged in"),
        ("usb-10c4:ea60-0001", "not plugged in"),
        ("labgrid:desk", "pipx install labgrid"),
    ],
)
def test_what_a_board_lacks_is_told(
    board: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = of(board, tmp_path)
    assert not found.ok
    assert not found.needed
    assert advice in found.advice


def test_a_tool_of_the_quality_gate_is_told_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tools.MODULES, "lizard", "espdeck_has_no_such_module")

    found = {each.name: each for each in run_doctor(Settings(workspace=tmp_path))}

    assert found["quality cppcheck"].ok
    assert not found["quality lizard"].ok
    assert not found["quality lizard"].needed
    assert found["quality lizard"].advice == "pip install 'espdeck[quality]'"


def test_a_name_that_means_nothing_stops_everything(tmp_path: Path) -> None:
    found = of("ttyUSB0", tmp_path)
    assert not found.ok
    assert found.needed
    assert "give a port" in found.advice


@pytest.mark.parametrize(("version", "fine"), [((3, 34, 1), False), ((3, 40, 1), True)])
def test_the_sqlite_of_this_python_is_told(
    version: tuple[int, int, int], fine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(sqlite3, "sqlite_version", ".".join(map(str, version)))

    python, *_ = run_doctor(Settings(workspace=tmp_path))

    assert python.detail.endswith(f"with SQLite {sqlite3.sqlite_version}")
    assert (python.ok, python.needed) == (fine, True)
    assert ("3.35 or newer" in python.advice) is not fine


def test_where_boards_are_locked_is_told(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (found,) = [
        each
        for each in run_doctor(Settings(workspace=tmp_path / "ws", lock_folder=shared))
        if each.name == "board locks"
    ]
    assert (found.ok, found.detail) == (True, f"in {shared}")

    absent = tmp_path / "absent" / "locks"
    (found,) = [
        each
        for each in run_doctor(Settings(workspace=tmp_path / "ws", lock_folder=absent))
        if each.name == "board locks"
    ]
    assert (found.ok, found.needed) == (False, False)
    assert found.detail == f"of this workspace only ({absent}: No such file or directory)"
    assert found.advice == f"have it made: sudo install -d -m 1777 {absent}"


def test_a_variable_that_looks_like_a_setting_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_BORADS", "x")

    found = {each.name: each for each in run_doctor(Settings(workspace=tmp_path))}

    assert not found["settings"].ok
    assert not found["settings"].needed
    detail = found["settings"].detail
    assert "ESPDECK_BORADS is not a setting (did you mean ESPDECK_BOARDS?)" in detail


def test_settings_that_make_no_sense_are_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    found = {
        each.name: each for each in run_doctor(Settings(workspace=tmp_path), wrong="a.toml:1: no")
    }
    assert (found["settings"].ok, found["settings"].needed) == (False, True)
    assert found["settings"].detail == "a.toml:1: no"
    assert "espdeck config check" in found["settings"].advice
    assert found["workspace"].ok
