"""Old sessions go when a new one begins; what is being written stays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.boards.service import Boards
from engine.monitor.retention import SessionLimits, tidy
from engine.monitor.sessions import Recorder, SessionInfo, sessions
from engine.store.database import Store

DAY = 86400
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FOR_EVER = SessionLimits(days=0, size=0)

RECORDS = """
import sys
from pathlib import Path
from engine.monitor.sessions import Recorder
recorder = Recorder(Path(sys.argv[1]), "theirs")
print("ready", flush=True)
sys.stdin.read()
"""


def keep(folder: Path, number: int, size: int = 1000) -> SessionInfo:
    began = NOW + timedelta(seconds=number)
    with Recorder(folder, f"board{number}", now=lambda: began) as recorder:
        recorder.feed(b"x" * size)
    return recorder.info


def names(folder: Path) -> list[str]:
    return [session.board for session in sessions(folder)]


def test_the_oldest_go_when_all_take_too_much(tmp_path: Path) -> None:
    kept = [keep(tmp_path, number) for number in range(4)]
    one = kept[0].raw.stat().st_size + kept[0].log.stat().st_size
    assert tidy(tmp_path, SessionLimits(days=0, size=2 * one), now=0) == 2
    assert names(tmp_path) == ["board3", "board2"]
    assert len(list(tmp_path.iterdir())) == 4


def test_those_go_that_nothing_was_written_to_for_too_long(tmp_path: Path) -> None:
    last = keep(tmp_path, 1).raw.stat().st_mtime
    assert tidy(tmp_path, SessionLimits(days=2, size=0), now=last + 2 * DAY - 1) == 0
    assert tidy(tmp_path, SessionLimits(days=2, size=0), now=last + 2 * DAY + 1) == 1
    assert names(tmp_path) == []


def test_a_leap_of_the_clock_takes_no_session_along(tmp_path: Path) -> None:
    last = keep(tmp_path, 1).raw.stat().st_mtime
    limits = SessionLimits(days=90, size=0)

    gone = [tidy(tmp_path, limits, now=last + days * DAY) for days in (0, 200, 200.5, 0.1, 50, 0)]

    assert gone == [0] * 6
    assert names(tmp_path) == ["board1"]


def test_what_was_written_before_the_clock_was_set_does_not_go_for_its_age(tmp_path: Path) -> None:
    session = keep(tmp_path, 1)
    now = session.raw.stat().st_mtime
    for path in (session.raw, session.log):
        os.utime(path, (30, 30))

    assert tidy(tmp_path, SessionLimits(days=90, size=0), now=now) == 0
    assert names(tmp_path) == ["board1"]


def test_what_is_of_later_than_now_stays(tmp_path: Path) -> None:
    session = keep(tmp_path, 1)
    now = session.raw.stat().st_mtime
    for path in (session.raw, session.log):
        os.utime(path, (now + 500 * DAY, now + 500 * DAY))

    assert tidy(tmp_path, SessionLimits(days=90, size=0), now=now) == 0


def test_without_limits_all_stay(tmp_path: Path) -> None:
    keep(tmp_path, 1)
    assert tidy(tmp_path, FOR_EVER, now=1e12) == 0
    assert names(tmp_path) == ["board1"]


def test_core_dumps_go_with_their_session_and_other_files_stay(tmp_path: Path) -> None:
    session = keep(tmp_path, 1)
    session.log.with_suffix(".core1.b64").write_bytes(b"dump" * 1000)
    (tmp_path / "notes.txt").write_text("mine")
    assert tidy(tmp_path, SessionLimits(days=0, size=4000), now=0) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_being_written_stays_here_and_in_other_processes(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RECORDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        with Recorder(tmp_path, "ours") as recorder:
            recorder.feed(b"line\n")
            keep(tmp_path, 1)
            assert tidy(tmp_path, SessionLimits(days=1, size=1), now=1e12) == 1
        assert sorted(names(tmp_path)) == ["ours", "theirs"]
        other.communicate()
    assert tidy(tmp_path, SessionLimits(days=1, size=1), now=1e12) == 2


def test_a_session_that_begins_lets_old_ones_go(tmp_path: Path) -> None:
    boards = Boards(
        (),
        tmp_path,
        Store(tmp_path / "espdeck.db"),
        session_limits=SessionLimits(days=0, size=1500),
    )
    keep(boards.sessions_folder, 1)
    keep(boards.sessions_folder, 2)
    with boards.record("new"):
        for thread in threading.enumerate():
            if thread.name == "tidy-sessions":
                thread.join(20)
    assert names(boards.sessions_folder) == ["new"]


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_where_nothing_is_kept_nothing_goes(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    assert tidy(tmp_path / folder, SessionLimits(), now=1e12) == 0
