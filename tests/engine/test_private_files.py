"""A workspace is its owner's alone, whatever made its folder and whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings, private_files
from engine.errors import UsageError
from engine.events import Event, Problem
from engine.files import new_file
from engine.samples import demo


def open_to_others(folder: Path) -> list[str]:
    """What of a folder, and of all below, others may read, write or enter; links aside."""
    return [
        f"{path} {path.lstat().st_mode:o}"
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.slow
@pytest.mark.xdist_group("first-light")
def test_nothing_of_a_real_build_is_open_to_others(tmp_path: Path) -> None:
    """From the command line, with umask 000; what runs keeps the right to be run."""
    workspace = tmp_path / "ws"
    source = demo.make_repository("hello", tmp_path / "hello")
    words = ["build", str(source), "--board", "none", "--simulator", "none"]
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli.main", "--workspace", str(workspace), *words],
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )

    assert list(workspace.glob("artifacts/1/*.elf")), done.stdout + done.stderr
    # CMake gives some of its own files a mode whatever the umask: below a closed folder.
    assert [each for each in open_to_others(workspace) if "/CMakeFiles/" not in each] == []


@pytest.mark.usefixtures("no_umask")
@pytest.mark.parametrize("way", ["folder", "link"])
def test_a_folder_of_before_is_closed_and_that_is_said_once(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "ws"
    folder.mkdir(mode=0o755)
    (folder / "artifacts").mkdir(mode=0o777)
    (folder / "other").mkdir(mode=0o755)
    (folder / "espdeck.log").touch(mode=0o666)
    chosen = folder
    if way == "link":
        chosen = tmp_path / "link"
        chosen.symlink_to(folder)
    said: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Problem):
            said.append(event.message)

    for _ in range(2):
        engine = Engine(Settings(workspace=chosen))
        engine.events.subscribe(hear)
        engine.open(execute=False)
        engine.close()

    assert said == [f"{folder} was open to others (mode 755) and is yours alone now (700)"]
    assert open_to_others(folder) == [f"{folder / 'other'} 40755"]


def test_a_folder_of_many_is_not_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    assert "not for espdeck to close" in private_files.close_to_others(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_the_home_folder_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    tmp_path.chmod(0o755)

    assert "not for espdeck to close" in private_files.close_to_others(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_another_users_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o775)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    assert (
        "is open to others (mode 775): use a folder of your own"
        in private_files.close_to_others(tmp_path)
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("planted", ["", "runs.db", "espdeck.db", "sources"])
def test_a_workspace_that_another_user_planted_is_refused_unread(
    tmp_path: Path, planted: str
) -> None:
    """Durable runs are pickles: who wrote them would have this user run anything."""
    folder = tmp_path / "ws"
    folder.mkdir(mode=0o777)
    for name in ("runs.db", "espdeck.db", "other"):
        (folder / name).write_text("not looked at")
    (folder / "sources").mkdir()
    os.chown(folder / planted, 61003, 61003)
    os.chown(folder / "other", 61003, 61003)

    with pytest.raises(UsageError, match=r"belongs to user 61003.*use a workspace of your own"):
        Engine(Settings(workspace=folder)).open()

    assert (folder / "runs.db").read_text() == "not looked at"


_SAVE = """
import os, sys
from pathlib import Path
from engine import private_files
from engine.files import new_file
os.umask(0o027)
private_files.restrict_umask()
with new_file(Path(sys.argv[1]), "x") as (target, file):
    file.write(b"x")
Path(sys.argv[2]).touch()
"""


def test_a_file_that_goes_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "runs.db-shm"  # another process closed the database
    monkeypatch.setattr(Path, "iterdir", lambda _folder: iter([gone]))

    private_files.check_owner(tmp_path)


def test_a_file_that_a_person_saves_has_the_mode_that_they_want(tmp_path: Path) -> None:
    saved, kept = tmp_path / "saved", tmp_path / "kept"

    subprocess.run([sys.executable, "-c", _SAVE, str(saved), str(kept)], check=True)

    assert stat.S_IMODE(saved.stat().st_mode) == 0o640
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_library_leaves_modes_to_who_uses_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with new_file(tmp_path / "saved", "x") as (target, _file):
            pass
    finally:
        os.umask(before)

    assert stat.S_IMODE(target.stat().st_mode) == 0o644


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ESPDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "espdeck" / "config.toml"
    path.parent.mkdir()
    path.write_text("max_iterations = 1\n")
    return path


def test_ones_settings_file_is_closed_to_others(config: Path) -> None:
    config.chmod(0o644)

    assert Settings.load().max_iterations == 1

    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_shared_settings_file_stays_readable(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    config.chmod(0o644)

    assert Settings.load().max_iterations == 1

    assert stat.S_IMODE(config.stat().st_mode) == 0o644


def test_settings_that_everybody_can_write_are_refused(config: Path) -> None:
    config.chmod(0o666)

    with pytest.raises(UsageError, match="can be written by everybody: chmod 600"):
        Settings.load()


def test_settings_of_another_user_are_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a file away needs root")
    os.chown(config, 12345, -1)

    with pytest.raises(UsageError, match="belongs to user 12345"):
        Settings.load()
