"""Backups, what is checked, and restoring: from a backup, or from what can still be read."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.enums import ArtifactKind
from engine.file_lock import FileLock
from engine.store import logs, projects
from engine.store import runs as store_runs
from engine.store.backup_writer import KEPT_BACKUPS, make_backup
from engine.store.backups import STORE_FILE, backups
from engine.store.database import Store, StoreError
from engine.store.integrity import check
from engine.store.restore_backup import restore
from engine.store.tables import Artifact, LogChunk, Project, Run
from tests.engine.store.held import held
from tests.engine.store.old_stores import old_store

pytestmark = pytest.mark.slow

BUILDS = 300


ELF_SHA256 = hashlib.sha256(b"elf").hexdigest()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """With builds that have rows, logs, and one of them artifacts."""
    store = Store(tmp_path / STORE_FILE)
    project = projects.add_project(store, Project(name="p", source="/src", target="esp32c3"))
    with store.write() as session:
        session.add_all(Run(project_id=project.id, commit_message="m" * 500) for _ in range(BUILDS))
    folder = tmp_path / "artifacts" / "7"
    folder.mkdir(parents=True)
    (folder / "app.elf").write_bytes(b"elf")
    with store.write() as session:
        session.get_one(Run, 7).artifacts_path = str(folder)
    elf = Artifact(run_id=7, kind=ArtifactKind.ELF, path="app.elf", size=3, sha256=ELF_SHA256)
    store_runs.put_artifacts(store, 7, [elf])
    store.close()
    return tmp_path


@pytest.fixture
def runs(workspace: Path) -> Path:
    with sqlite3.connect(workspace / "runs.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE workflow_status (workflow_uuid TEXT)")
        connection.execute("INSERT INTO workflow_status VALUES ('one')")
    connection.close()
    return workspace / "runs.db"


def damage(path: Path, page: int, count: int = 1) -> None:
    """Overwrite pages in the midst of a database, as a bad disk does."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096 * count)


def page_of_builds(path: Path) -> int:
    """The number, from 0, of a page that has rows of builds only."""
    data = path.read_bytes()
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    full = [number for number, page in enumerate(pages) if page.count(b"m" * 500) > 3]
    return full[len(full) // 2]


def numbers(workspace: Path) -> list[int]:
    store = Store(workspace / STORE_FILE)
    found = [each.number for each in store_runs.list_runs(store, limit=-1)]
    store.close()
    return sorted(found)


def test_a_backup_is_made_while_others_write(workspace: Path, runs: Path) -> None:
    with held(workspace / STORE_FILE):
        backup = make_backup(workspace)

    assert sorted(each.name for each in backup.folder.iterdir()) == [STORE_FILE, "runs.db"]
    assert backup.size == sum(each.stat().st_size for each in backup.folder.iterdir())
    for path in (backup.folder, *backup.folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_the_newest_backups_stay(workspace: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = [
        make_backup(workspace, now=now + timedelta(days=day)).folder
        for day in range(KEPT_BACKUPS + 2)
    ]

    assert [each.folder for each in backups(workspace)] == made[: -KEPT_BACKUPS - 1 : -1]


def test_backups_of_the_future_give_way_when_the_clock_was_set_back(workspace: Path) -> None:
    now = datetime.now(UTC)
    for day in range(KEPT_BACKUPS):
        make_backup(workspace, now=now + timedelta(days=1000 + day))

    made = make_backup(workspace, now=now)

    assert backups(workspace)[0] == made
    assert len(backups(workspace)) == KEPT_BACKUPS


def test_a_damaged_database_drives_no_backup_out(workspace: Path) -> None:
    before = make_backup(workspace)
    damage(workspace / STORE_FILE, page_of_builds(workspace / STORE_FILE))

    with pytest.raises(StoreError, match=r"damaged .*malformed"):
        make_backup(workspace)

    assert backups(workspace) == (before,)
    assert [each.name for each in (workspace / "backups").iterdir()] == [before.folder.name]


def test_what_is_whole_has_no_faults(workspace: Path, runs: Path) -> None:
    assert check(workspace) == ()


def test_a_check_names_damage_and_what_is_missing(workspace: Path, runs: Path) -> None:
    (workspace / "artifacts" / "7" / "app.elf").unlink()
    (workspace / "artifacts" / "999").mkdir()
    faults = [fault.what for fault in check(workspace)]
    assert faults[0].startswith("missing: ")
    assert faults[0].endswith("artifacts/7/app.elf")
    assert faults[1:] == ["kept: artifacts of run 999, of which no row is"]

    damage(workspace / STORE_FILE, page_of_builds(workspace / STORE_FILE))
    runs.write_bytes(b"no database " * 1000)

    assert {fault.where for fault in check(workspace) if fault.damage} == {STORE_FILE, "runs.db"}


def test_a_database_that_is_gone_is_a_fault(workspace: Path) -> None:
    (workspace / STORE_FILE).unlink()

    (fault,) = check(workspace)

    assert (fault.where, fault.what, fault.damage) == (STORE_FILE, "gone", True)


def test_a_backup_is_brought_back_and_the_damaged_one_put_aside(
    workspace: Path, runs: Path
) -> None:
    backup = make_backup(workspace)
    store = Store(workspace / STORE_FILE)
    later = store_runs.add_run(store, Run(project_id=projects.all_projects(store)[0].id))
    store.close()
    (workspace / "artifacts" / str(later.number)).mkdir()
    damage(workspace / STORE_FILE, page_of_builds(workspace / STORE_FILE))
    damaged = (workspace / STORE_FILE).read_bytes()

    done = restore(workspace)

    assert done.backup == backup
    assert done.without_rows == (later.number,)
    assert done.aside is not None
    assert (done.aside / STORE_FILE).read_bytes() == damaged
    assert numbers(workspace) == list(range(1, BUILDS + 1))
    store = Store(workspace / STORE_FILE)
    again = store_runs.add_run(store, Run(project_id=projects.all_projects(store)[0].id))
    assert again.number == later.number + 1
    store.close()
    assert not (workspace / ".restoring").exists()


@pytest.mark.parametrize("gone", ["missing", "empty"])
def test_a_backup_is_brought_back_where_nothing_is(workspace: Path, gone: str) -> None:
    make_backup(workspace)
    (workspace / STORE_FILE).unlink()
    if gone == "empty":
        (workspace / STORE_FILE).touch()

    restore(workspace)

    assert numbers(workspace) == list(range(1, BUILDS + 1))


def test_a_backup_is_chosen_by_name(workspace: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    older = make_backup(workspace, now=now)
    make_backup(workspace, now=now + timedelta(days=1))

    assert restore(workspace, Path(older.folder.name)).backup == older
    with pytest.raises(StoreError, match=r"nothing: no backup .there are: .*Z"):
        restore(workspace, Path("nothing"))


def test_a_damaged_backup_is_passed_over(workspace: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    whole = make_backup(workspace, now=now)
    newer = make_backup(workspace, now=now + timedelta(days=1))
    damage(newer.folder / STORE_FILE, page_of_builds(newer.folder / STORE_FILE))

    assert restore(workspace).backup == whole


def test_without_a_backup_what_can_be_read_is_saved(workspace: Path) -> None:
    page = page_of_builds(workspace / STORE_FILE)
    damage(workspace / STORE_FILE, page, 2)

    done = restore(workspace)

    assert done.backup is None
    assert "run" in done.lost
    saved = numbers(workspace)
    assert saved[0] == 1
    assert saved[-1] == BUILDS
    assert BUILDS - 20 < len(saved) < BUILDS
    assert check(workspace) == ()


def test_nothing_to_restore_from_is_one_line(workspace: Path) -> None:
    (workspace / STORE_FILE).write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="it cannot be read, and there is no backup"):
        restore(workspace)
    assert (workspace / STORE_FILE).exists()

    (workspace / STORE_FILE).unlink()
    with pytest.raises(StoreError, match="nothing to restore from"):
        restore(workspace)


def test_a_workspace_in_use_is_not_restored(workspace: Path) -> None:
    make_backup(workspace)
    store = Store(workspace / STORE_FILE)
    with pytest.raises(StoreError, match="in use by"):
        restore(workspace)
    store.close()

    lock = FileLock(workspace / "executor.lock")
    assert lock.acquire()
    with pytest.raises(StoreError, match="in use by"):
        restore(workspace)
    lock.release()

    with held(workspace / STORE_FILE) as other, pytest.raises(StoreError) as told:
        restore(workspace)
    assert f"in use by process {other.pid}" in str(told.value)


def test_logs_come_along(workspace: Path) -> None:
    store = Store(workspace / STORE_FILE)
    chunk = LogChunk(
        run_id=1, stage="build", attempt=1, stream="log", agent="BUILDER", seq=1,
        first_line=0, lines=1, text="hello\n", writer="test",
    )  # fmt: skip
    logs.append(store, [chunk])
    store.close()

    done = restore(workspace, recover=True)

    assert done.rows["log_chunk"] == 1
    store = Store(workspace / STORE_FILE)
    assert logs.read_lines(store, logs.LogKey(1, "build", 1, "log")) == ["hello"]
    store.close()


def test_a_copy_of_a_backup_elsewhere_can_be_restored(workspace: Path, tmp_path: Path) -> None:
    backup = make_backup(workspace)
    elsewhere = tmp_path / "usb" / backup.folder.name
    shutil.copytree(backup.folder, elsewhere)
    shutil.rmtree(backup.folder)

    done = restore(workspace, elsewhere)

    assert done.backup is not None
    assert done.backup.folder == elsewhere


def test_what_an_older_espdeck_kept_is_read_out_and_migrated(tmp_path: Path) -> None:
    old_store(tmp_path / STORE_FILE, "0009")

    done = restore(tmp_path, recover=True)

    assert done.rows["run"] == 1
    assert numbers(tmp_path) == [1]
    assert check(tmp_path) == ()
