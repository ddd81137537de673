"""Old runs go by age and number, what something kept needs stays, and the files shrink."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.artifact_settings import KeepSettings
from engine.builds import fix_patch
from engine.cancel import CancelToken
from engine.enums import ArtifactKind, RunStatus
from engine.retention import Retention, RunLimits
from engine.runs.queue import RunQueue
from engine.store import logs, projects, runs, vacuum
from engine.store.database import Store, StoreError
from engine.store.tables import Artifact, EventRow, LogChunk, Project, Run
from engine.store.vacuum import shrink

NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Lab:
    """A workspace's store with runs, and its retention."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.folder = folder
        self.store = Store(folder / "espdeck.db")
        self.project = projects.add_project(
            self.store, Project(name="p", source="/src", target="esp32c3")
        )
        self.retention = Retention(
            self.store,
            RunQueue(folder / "runs.db", "w"),
            artifacts=folder / "artifacts",
            boards=folder / "boards",
            sessions=folder / "boards" / "sessions",
            limits=lambda: RunLimits(**limits),
        )

    def add(
        self,
        days: float,
        status: RunStatus = RunStatus.FAILED,
        sha: str | None = None,
        **values: Any,
    ) -> int:
        """A run that ended so many days ago, with an artifact and a log."""
        ended = NOW - timedelta(days=days)
        given: dict[str, Any] = {
            "project_id": self.project.id,
            "target": "esp32c3",
            "run_id": str(uuid.uuid4()),
        }
        build = Run(
            **given | {"status": status, "completed_at": ended, "created_at": ended} | values
        )
        number = runs.add_run(self.store, build).number
        folder = self.folder / "artifacts" / str(number)
        folder.mkdir(parents=True)
        (folder / "app.elf").write_bytes(b"elf")
        runs.set_artifacts_path(self.store, number, str(folder))
        elf = Artifact(
            run_id=number, kind=ArtifactKind.ELF, path="app.elf", size=3, sha256=sha or "0" * 64
        )
        runs.put_artifacts(self.store, number, [elf])
        rows: list[Any] = [
            LogChunk(
                run_id=number, stage="build", attempt=1, stream="log", agent="B", seq=seq,
                first_line=seq, lines=1, text="x" * 2000 + "\n", writer="w",
            )
            for seq in range(5)
        ]  # fmt: skip
        rows.append(EventRow(run_id=number, seq=9, kind="problem", writer="w"))
        logs.append(self.store, rows)
        return number

    def drop(self) -> list[int]:
        return [run.number for run in self.retention.drop(now=NOW, cancel=CancelToken())]

    def left(self) -> list[int]:
        return sorted(each.number for each in runs.list_runs(self.store, kind=None, limit=-1))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, days=100, count=0)
    yield lab
    lab.store.close()


def test_old_runs_go_with_all_that_they_had(lab: Lab) -> None:
    old, young = lab.add(101), lab.add(99)

    (due,) = lab.retention.due(now=NOW)
    assert (due.number, due.size > 10_000) == (old, True)
    assert lab.left() == [old, young]
    assert lab.drop() == [old]

    assert lab.left() == [young]
    assert [each.name for each in (lab.folder / "artifacts").glob("[!.]*")] == [str(young)]
    assert logs.logs_of(lab.store, old) == []
    assert list(logs.replay(lab.store, old)) == []
    assert logs.logs_of(lab.store, young) != []
    assert lab.drop() == []


def test_no_run_goes_for_its_age_after_a_leap_of_the_clock(lab: Lab) -> None:
    young = lab.add(1)
    assert lab.drop() == []
    leapt = NOW + timedelta(days=400)

    assert lab.retention.drop(now=leapt, cancel=CancelToken()) == ()
    assert lab.retention.drop(now=leapt + timedelta(hours=23), cancel=CancelToken()) == ()
    assert lab.drop() == []  # the clock was put right again

    assert lab.left() == [young]


def test_the_oldest_go_beyond_a_number(tmp_path: Path) -> None:
    lab = Lab(tmp_path, days=0, count=3)
    numbers = [lab.add(10 - day) for day in range(5)]

    assert lab.drop() == numbers[:2]
    assert lab.left() == numbers[2:]


def test_limits_of_zero_keep_all(tmp_path: Path) -> None:
    lab = Lab(tmp_path, days=0, count=0)
    lab.add(10_000)

    assert lab.drop() == []


def test_a_run_of_a_time_when_no_clock_was_set_has_no_age(lab: Lab) -> None:
    lab.add((NOW - datetime(1970, 1, 1, tzinfo=UTC)).days)

    assert lab.drop() == []


def test_what_waits_or_runs_never_goes(lab: Lab) -> None:
    for status in (RunStatus.PENDING, RunStatus.RUNNING):
        lab.add(1000, status, completed_at=None)

    assert lab.drop() == []


def test_what_sizes_are_compared_with_stays(lab: Lab) -> None:
    good = RunStatus.SUCCESS
    older = lab.add(400, good)
    newest = lab.add(300, good)
    other_chip = lab.add(350, good, target="esp32c6")
    other_way = lab.add(350, good, configuration="release")
    failed = lab.add(200)

    assert lab.drop() == [older, failed]
    assert lab.left() == [newest, other_chip, other_way]


def test_what_a_board_runs_stays(lab: Lab) -> None:
    flashed, other = lab.add(300), lab.add(300)
    desk = lab.folder / "boards" / "ttyUSB0"
    desk.mkdir(parents=True)
    (desk / "flashed.json").write_text(json.dumps({"build": flashed, "baud": 115200}))
    (lab.folder / "boards" / "other").mkdir()
    (lab.folder / "boards" / "other" / "flashed.json").write_text("no JSON")

    assert lab.drop() == [other]


def test_what_the_settings_name_stays(tmp_path: Path) -> None:
    lab = Lab(tmp_path, days=30, named=frozenset({2}))
    for _run in range(3):
        lab.add(90)
    assert [old.number for old in lab.retention.due(now=NOW)] == [1, 3]


def test_a_program_that_a_session_names_stays(lab: Lab) -> None:
    named, other = lab.add(300, sha="ab12cd34" * 8), lab.add(300, sha="ffff" * 16)
    sessions = lab.folder / "boards" / "sessions"
    sessions.mkdir(parents=True)
    # Where two blocks of the file meet.
    start = b"x" * ((1 << 20) - 12)
    (sessions / "20260101T000000.000Z-a.raw").write_bytes(start + b"ELF file SHA256: AB12cd34a\n")

    assert lab.drop() == [other]
    assert lab.left() == [named]


def test_a_repair_that_nobody_discarded_stays(lab: Lab) -> None:
    good = RunStatus.SUCCESS
    repaired, discarded, _newest = lab.add(300, good), lab.add(300, good), lab.add(200, good)
    for number in (repaired, discarded):
        folder = lab.folder / "artifacts" / str(number)
        (folder / "fix.patch").write_text("# changed: a\ndiff --git a/x b/x\n")
        patch = Artifact(
            run_id=number, kind=ArtifactKind.PATCH, path="fix.patch", size=1, sha256=""
        )
        runs.put_artifacts(lab.store, number, [patch])
    diff = fix_patch.read(lab.folder / "artifacts" / str(discarded) / fix_patch.NAME).diff
    mark = lab.folder / "artifacts" / str(discarded) / ".fix-discarded"
    mark.write_text(hashlib.sha256(diff.encode()).hexdigest())

    assert lab.drop() == [discarded]


def test_what_a_killed_process_began_to_delete_is_deleted(lab: Lab) -> None:
    rest = lab.folder / "artifacts" / ".gone-7"
    rest.mkdir(parents=True)
    (rest / "app.elf").write_bytes(b"elf")

    lab.drop()

    assert not rest.exists()


def test_a_stop_ends_it_between_two_runs(lab: Lab) -> None:
    numbers = [lab.add(300), lab.add(300)]
    stop = CancelToken()
    stop.cancel()

    with pytest.raises(Exception, match="cancelled"):
        lab.retention.drop(now=NOW, cancel=stop)

    assert lab.left() == numbers


@pytest.mark.slow
def test_the_database_shrinks(lab: Lab) -> None:
    for _ in range(80):
        lab.add(300)
    path = lab.store.path
    shrink(path, whole=False, cancel=CancelToken())
    before = path.stat().st_size

    lab.drop()
    shrunk = shrink(path, whole=False, cancel=CancelToken())

    assert shrunk > before / 2
    assert path.stat().st_size == before - shrunk


def old_database(path: Path) -> int:
    """A database from before, with free pages: its size."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,)] * 200)
        connection.commit()
        connection.execute("DELETE FROM t")
    connection.close()
    return path.stat().st_size


def test_one_from_before_is_made_anew_once(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    before = old_database(path)

    assert shrink(path, whole=False, cancel=CancelToken()) == 0
    assert shrink(path, whole=True, cancel=CancelToken()) > before * 0.9

    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_without_room_nothing_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    before = old_database(path)
    monkeypatch.setattr(vacuum, "free_bytes", lambda _path: before)

    with pytest.raises(StoreError, match="the disk is full: shrinking it needs"):
        shrink(path, whole=True, cancel=CancelToken())

    assert path.stat().st_size == before


def contents(lab: Lab, number: int, *files: tuple[str, int]) -> None:
    """Say what a run kept: names that stand for contents, and megabytes."""
    rows = [
        Artifact(
            run_id=number, kind=ArtifactKind.APP, path=name, size=size << 20,
            sha256=hashlib.sha256(name.encode()).hexdigest(),
        )
        for name, size in files
    ]  # fmt: skip
    runs.put_artifacts(lab.store, number, rows)


def test_the_oldest_go_when_all_together_are_too_large(tmp_path: Path) -> None:
    lab = Lab(tmp_path, days=0, count=0, size=(25 << 20) + 100)
    numbers = [lab.add(days) for days in (5, 4, 3, 2)]
    for number in numbers:
        contents(lab, number, (f"app {number}", 10))

    assert lab.drop() == numbers[:2]
    assert lab.drop() == []


def test_content_that_several_have_counts_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path, days=0, count=0, size=(25 << 20) + 100)
    numbers = [lab.add(days) for days in (5, 4, 3, 2)]
    for number in numbers:
        contents(lab, number, ("bootloader", 20), (f"app {number}", 1))

    assert lab.drop() == []
    newest = lab.add(1)
    contents(lab, newest, ("another", 4))
    assert lab.drop() == numbers[:3]  # each but the newest of these would be beyond


def test_a_project_has_limits_of_its_own(tmp_path: Path) -> None:
    keep = {"p": KeepSettings(days=10, count=3, megabytes=15), "q": KeepSettings(count=1)}
    lab = Lab(tmp_path, days=100, count=0, projects=keep)
    other = projects.add_project(lab.store, Project(name="q", source="/q", target="esp32"))
    old = lab.add(11)
    of_q = [lab.add(days, project_id=other.id) for days in (20, 19)]
    many = [lab.add(days) for days in (9, 8, 7, 6)]
    unnamed = lab.add(99, project_id=None)

    assert lab.drop() == sorted([old, of_q[0], many[0]])
    assert lab.left() == sorted([of_q[1], *many[1:], unnamed])

    contents(lab, many[3], ("large", 10))
    contents(lab, many[2], ("larger", 10))
    assert many[2] in lab.drop()
    assert many[3] in lab.left()
