"""The store: migrations, constraints, pages, logs by range, writers that queue."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from engine.enums import Role, RunStatus, StageStatus
from engine.errors import ConflictError, UsageError
from engine.store import database, logs, projects, runs
from engine.store.database import Store, StoreError
from engine.store.tables import EventRow, LogChunk, Project, Run, StageRow, load_all


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "espdeck.db")


@pytest.fixture
def project(store: Store) -> Project:
    return projects.add_project(store, Project(name="blinky", source="/src", target="esp32c3"))


def add(store: Store, project: Project, **values: Any) -> Run:
    given: dict[str, Any] = {"commit_sha": "0" * 40, "target": "esp32c3"}
    return runs.add_run(store, Run(project_id=project.id, **given | values))


def chunk(first: int, text: str, *, seq: int = 0, build: int = 1, stage: str = "build") -> LogChunk:
    return LogChunk(
        run_id=build,
        stage=stage,
        attempt=1,
        stream="log",
        agent=Role.BUILDER,
        seq=seq or first + 1,
        first_line=first,
        lines=text.count("\n"),
        text=text,
        writer="test",
    )


def test_an_sqlite_that_is_too_old_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")

    with pytest.raises(
        StoreError, match=r"SQLite 3\.34\.1, espdeck needs 3\.35 or newer: .+"
    ) as told:
        Store(tmp_path / "espdeck.db")

    assert "\n" not in str(told.value)
    assert not (tmp_path / "espdeck.db").exists()


def test_migrations_make_exactly_the_tables_of_the_models(store: Store) -> None:
    load_all()
    with create_engine(f"sqlite:///{store.path}").connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    assert differences == []


def test_sqlite_is_set_up_for_many_processes(store: Store) -> None:
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with store.read() as session:
        assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_second_open_keeps_what_is_there(store: Store, project: Project) -> None:
    store.close()

    assert [each.name for each in projects.all_projects(Store(store.path))] == ["blinky"]


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.db"
    path.write_bytes(b"this is no database, " * 100)

    with pytest.raises(
        StoreError, match=r"espdeck\.db: damaged .*no backup: .*db restore .*move .* away"
    ):
        Store(path)


def test_a_name_is_taken_once(store: Store, project: Project) -> None:
    with pytest.raises(UsageError, match="'blinky' already exists"):
        projects.add_project(store, Project(name="blinky", source="/other", target="esp32"))


def test_a_project_is_found_by_name_and_id(store: Store, project: Project) -> None:
    for wanted in ("blinky", str(project.id)):
        found = projects.find_project(store, wanted)
        assert found is not None
        assert found.id == project.id
    assert projects.find_project(store, "other") is None


def test_times_come_back_in_utc(store: Store, project: Project) -> None:
    assert projects.get_project(store, project.id).created_at == project.created_at
    assert project.created_at.tzname() == "UTC"


def test_builds_come_newest_first_and_by_page(store: Store, project: Project) -> None:
    numbers = [add(store, project).number for _ in range(5)]

    first = runs.list_runs(store, project_id=project.id, limit=2)
    second = runs.list_runs(store, project_id=project.id, limit=2, before=first[-1].number)

    assert [each.number for each in (*first, *second)] == numbers[:0:-1]


@pytest.mark.parametrize("text", ["blink", "FASTER", "cafe", "#1"])
def test_builds_are_filtered_by_text(store: Store, project: Project, text: str) -> None:
    add(store, project, commit_message="Blink faster", commit_sha="cafe" * 10)
    add(store, project, commit_message="other", commit_sha="beef" * 10)

    assert [each.number for each in runs.list_runs(store, text=text)] == [1]


def test_wildcards_in_a_filter_mean_themselves(store: Store, project: Project) -> None:
    add(store, project, commit_message="plain")

    assert runs.list_runs(store, text="%") == []


def test_removing_a_project_removes_its_builds_and_logs(store: Store, project: Project) -> None:
    build = add(store, project, status=RunStatus.SUCCESS)
    logs.append(store, [chunk(0, "one\n", build=build.number)])

    projects.remove_project(store, project.id)

    assert runs.list_runs(store) == []
    assert logs.logs_of(store, build.number) == []


def test_what_a_dead_process_left_running_is_pending_again(store: Store, project: Project) -> None:
    build = runs.start_run(store, add(store, project).number)
    assert build.status is RunStatus.RUNNING

    runs.put_back_running(store, died=True)

    assert runs.get_run(store, build.number).status is RunStatus.PENDING


def test_stats_say_how_builds_went(store: Store, project: Project) -> None:
    for status in (RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.SUCCESS):
        number = runs.start_run(store, add(store, project).number).number
        runs.finish_run(store, number, status=status, took=2.0 if number == 1 else 5.0)
    cancelled = runs.start_run(store, add(store, project).number).number
    runs.finish_run(store, cancelled, status=RunStatus.CANCELLED, took=900.0)
    add(store, project)

    stats = projects.project_stats(store, project.id)

    assert stats.wire() == {
        "project_id": str(project.id),
        "total_builds": 5,
        "successful": 2,
        "failed": 1,
        "pending": 1,
        "running": 0,
        "cancelled": 1,
        "success_rate": pytest.approx(200 / 3),
        "average_duration": 4.0,
    }
    assert stats.last == (
        RunStatus.PENDING,
        RunStatus.CANCELLED,
        RunStatus.SUCCESS,
        RunStatus.FAILED,
        RunStatus.SUCCESS,
    )


def test_logs_are_read_whole_by_range_and_searched(store: Store, project: Project) -> None:
    build = add(store, project).number
    logs.append(store, [chunk(0, "zero\none\n"), chunk(2, "two\n"), chunk(3, "Three\nfour\n")])
    key = logs.LogKey(build, "build", 1, "log")

    assert logs.line_count(store, key) == 5
    assert logs.read_lines(store, key) == ["zero", "one", "two", "Three", "four"]
    assert logs.read_lines(store, key, 1, 3) == ["one", "two", "Three"]
    assert logs.read_lines(store, key, 4, 10) == ["four"]
    assert [(each.line, each.text) for each in logs.search(store, build, "thr")] == [(3, "Three")]


def test_chunks_and_events_replay_in_order(store: Store, project: Project) -> None:
    build = add(store, project).number
    logs.append(
        store,
        [
            chunk(0, "a\n", seq=2),
            EventRow(run_id=build, seq=1, kind="build.status", writer="test"),
            EventRow(run_id=build, seq=3, kind="build.status", writer="test"),
        ],
    )

    assert [row.seq for row in logs.replay(store, build)] == [1, 2, 3]
    assert [row.seq for row in logs.replay(store, build, after=1)] == [2, 3]
    assert logs.last_seq(store, build) == 3


@pytest.mark.slow
def test_writers_of_two_connections_queue_up(store: Store, project: Project) -> None:
    other = Store(store.path)
    failures: list[Exception] = []

    def write(each: Store) -> None:
        try:
            for _ in range(25):
                add(each, project)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(each,)) for each in (store, other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(runs.list_runs(store)) == 100


def test_the_number_of_a_removed_build_never_comes_again(store: Store, project: Project) -> None:
    first = add(store, project, status=RunStatus.SUCCESS)
    event = EventRow(run_id=first.number, seq=1, kind="problem", body={}, writer="w")
    logs.append(store, [chunk(0, "a\n", build=first.number), event])
    before = logs.last_ids(store)
    projects.remove_project(store, project.id)
    again = projects.add_project(store, Project(name="again", source="/src", target="esp32c3"))

    second = add(store, again)

    assert second.number > first.number
    assert list(logs.replay(store, first.number)) == []
    logs.append(store, [chunk(0, "b\n", build=second.number)])
    assert logs.last_ids(store)[0] > before[0]


@pytest.mark.slow
def test_a_replay_is_whole_and_in_order_however_long(store: Store, project: Project) -> None:
    number = add(store, project).number
    total = 2 * logs.REPLAY_ROWS + 17
    rows: list[Any] = []
    for seq in range(1, total + 1):
        if seq % 3:
            rows.append(chunk(seq, "x\n", seq=seq, build=number))
        else:
            rows.append(EventRow(run_id=number, seq=seq, kind="problem", body={}, writer="w"))
    logs.append(store, rows)

    assert [row.seq for row in logs.replay(store, number)] == list(range(1, total + 1))
    assert [row.seq for row in logs.replay(store, number, after=total - 2)] == [total - 1, total]


@pytest.mark.parametrize("text", ["\u00b2", "#99999999999999999999", "12345678901234567890123"])
def test_any_filter_finds_nothing_or_something(store: Store, project: Project, text: str) -> None:
    add(store, project)
    assert runs.list_runs(store, text=text) == []


def test_a_number_that_is_too_large_is_no_build(store: Store) -> None:
    with pytest.raises(UsageError, match="no build"):
        runs.get_run(store, 10**20)


def test_a_store_from_before_tasks_keeps_all_that_belongs_to_its_builds(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.db"
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    with sqlite3.connect(path) as old:
        old.execute(
            "INSERT INTO project (id, name, source, target, status, status_detail, clone_path,"
            " created_at, updated_at) VALUES (?, 'p', '/p', 'esp32c3', 'active', '', '', ?, ?)",
            ("a" * 32, "2026-01-01 00:00:00.000000", "2026-01-01 00:00:00.000000"),
        )
        for number in (1, 2):
            old.execute(
                "INSERT INTO build (id, project_id, commit_sha, commit_message, commit_author,"
                " branch, target, triggered_by, status, board, simulator, run_id,"
                " cancel_requested, build_output, artifacts_path, error, created_at) VALUES"
                " (?, ?, 'c', '', '', '', 'esp32c3', 'manual', 'success', 'auto', 'auto', 'r', 0,"
                " '', '', '', '2026-01-01 00:00:00.000000')",
                (number, "a" * 32),
            )
        old.execute(
            "INSERT INTO stage (build_id, key, agent, phase, attempt, status, summary)"
            " VALUES (1, 'plan', 'PROJECT_MANAGER', 'setup', 1, 'success', 'fine')"
        )
        old.execute("DELETE FROM build WHERE id = 2")

    store = Store(path)

    assert [build.number for build in runs.list_runs(store)] == [1]
    assert [row.summary for row in runs.stages_of(store, 1)] == ["fine"]
    again = runs.add_run(store, Run(project_id=uuid.UUID("a" * 32)))
    assert again.number == 3
    with pytest.raises(StoreError), store.write() as session:
        session.add(StageRow(**_stage(run_id=99)))  # foreign keys are looked at again
    store.close()


def _stage(run_id: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "key": "plan",
        "agent": "A",
        "phase": "p",
        "attempt": 1,
        "status": StageStatus.SUCCESS,
    }


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path / "espdeck.db").close()
    with sqlite3.connect(tmp_path / "espdeck.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="newer espdeck"):
        Store(tmp_path / "espdeck.db")


def test_a_workspace_is_its_owners_only(tmp_path: Path) -> None:
    Store(tmp_path / "ws" / "espdeck.db").close()
    assert (tmp_path / "ws").stat().st_mode & 0o077 == 0
    assert (tmp_path / "ws" / "espdeck.db").stat().st_mode & 0o077 == 0


def test_brief_lists_leave_out_what_is_long(store: Store, project: Project) -> None:
    add(store, project, build_output="x" * 100, test_results={"a": 1}, error="no")

    (brief,) = runs.list_runs(store, brief=True)
    (whole,) = runs.list_runs(store)

    assert (brief.build_output, brief.test_results, brief.error) == ("", None, "no")
    assert (whole.build_output, whole.test_results) == ("x" * 100, {"a": 1})


def test_builds_are_chosen_by_branch_chip_and_the_first_digits_of_a_commit(
    store: Store, project: Project
) -> None:
    add(store, project, branch="main", commit_sha="ab%1")
    add(store, project, branch="main", target="esp32", commit_sha="abc1")
    add(store, project, branch="fix")

    def numbers(**filters: Any) -> list[int]:
        return [each.number for each in runs.list_runs(store, **filters)]

    assert numbers(branch="main") == [2, 1]
    assert numbers(target="esp32") == [2]
    assert numbers(commit="AB%") == [1]
    assert numbers(after=1, oldest_first=True) == [2, 3]


def test_a_run_is_begun_anew_once(store: Store, project: Project) -> None:
    number = add(store, project, status=RunStatus.FAILED, workflow_id="first").number

    runs.requeue_run(store, number, "second", before="first", repeated=())
    with pytest.raises(ConflictError, match="build 1 was retried already"):
        runs.requeue_run(store, number, "third", before="first", repeated=())

    assert runs.get_run(store, number).workflow_id == "second"


def test_extents_of_logs_begin_where_they_were_written_to_since(
    store: Store, project: Project
) -> None:
    add(store, project)
    asked = EventRow(run_id=1, seq=3, kind="build.status", body={"status": "pending"}, writer="w")
    ran = EventRow(run_id=1, seq=4, kind="build.status", body={"status": "running"}, writer="w")
    plan = chunk(0, "p\n", seq=1, stage="plan")
    logs.append(store, [plan, chunk(0, "a\nb\n", seq=2), asked, ran, chunk(2, "c\n", seq=5)])

    assert logs.asked_seq(store, 1) == 3
    assert logs.asked_seq(store, 2) == 0
    assert [
        (each.key.stage, each.first, each.end) for each in logs.log_extents(store, 1, after=3)
    ] == [("plan", 0, 1), ("build", 2, 3)]
