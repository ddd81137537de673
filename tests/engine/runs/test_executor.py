"""Durable runs: real DBOS on SQLite, in processes of their own that are really killed."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.forked import run_espdeck

pytestmark = pytest.mark.slow

PROGRAM = """
    import os, sys, threading, time
    from pathlib import Path
    from engine.errors import Interrupted
    from engine.runs.executor import Executor
    from engine.runs.queue import RunQueue, RunState
    from engine.store.busy_wait import WaitPolicy
    from engine.enums import RunKind

    folder, mode, workspace = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    done = threading.Event()

    def note(text):
        with open(folder / "notes", "a") as file:
            file.write(text + "\\n")

    def job(name):
        def work():
            note(name)
            if mode == "die" and name == "b":
                os.kill(os.getpid(), 9)
            if mode == "stop" and name == "b":
                done.set()
                raise Interrupted
            return name.upper()
        return work

    def execute(run_id, workflow_id, steps):
        got = steps.wave([("a", job("a"))])
        got += steps.wave([("b", job("b")), ("c", job("c"))])
        note(f"end {run_id} {' '.join(got)}")
        done.set()

    executor = Executor(
        folder / "runs.db", workspace, concurrency={RunKind.FIRMWARE: 2}, outputs={},
        execute=execute, patience=WaitPolicy(None),
    )
    runs = RunQueue(folder / "runs.db", workspace)
    if mode == "again":
        runs.again(RunKind.FIRMWARE, "run", "run2", frozenset({"b", "c"}))
    elif len(sys.argv) > 4:
        runs.enqueue(RunKind.FIRMWARE, "run", 7)
        runs.enqueue(RunKind.FIRMWARE, "run", 7)
    assert done.wait(20)
    for _ in range(400):
        state = runs.state("run2" if mode == "again" else "run")
        if mode == "stop" or state is RunState.OVER:
            break
        time.sleep(0.01)
    print(state.name)
    runs.close()
    executor.close()
"""


def run(
    folder: Path, mode: str, *, workspace: str = "here", enqueue: bool = False
) -> subprocess.CompletedProcess[bytes]:
    return run_espdeck(folder, mode, workspace, *["enqueue"] * enqueue, program=PROGRAM)


def notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().split("\n")[:-1]


@pytest.mark.parametrize(
    ("mode", "workspace"), [("die", "here"), ("stop", "here"), ("die", "renamed")]
)
def test_a_run_goes_on_from_the_first_unfinished_stage(
    tmp_path: Path, mode: str, workspace: str
) -> None:
    first = run(tmp_path, mode, enqueue=True)
    before = notes(tmp_path)
    second = run(tmp_path, "normal", workspace=workspace)

    assert first.returncode == (-9 if mode == "die" else 0), first.stderr
    assert "b" in before
    assert second.stdout.strip() == b"OVER", second.stderr
    after = notes(tmp_path)[len(before) :]
    assert "a" not in after
    assert "b" in after
    assert after[-1] == "end 7 A B C"


def test_a_run_is_repeated_from_a_wave(tmp_path: Path) -> None:
    run(tmp_path, "normal", enqueue=True)
    again = run(tmp_path, "again")

    assert again.returncode == 0, again.stderr
    assert sorted(notes(tmp_path)[4:-1]) == ["b", "c"]
    assert notes(tmp_path)[-1] == "end 7 A B C"


def test_a_run_that_waits_under_another_name_is_taken_over(tmp_path: Path) -> None:
    # A queue that nobody serves: with the name of a host that the container had before.
    program = """
        import sys
        from pathlib import Path
        from engine.runs.queue import RunQueue
        from engine.enums import RunKind
        runs = RunQueue(Path(sys.argv[1]) / "runs.db", "old-host")
        runs.enqueue(RunKind.FIRMWARE, "run", 7)
        runs.close()
    """
    run(tmp_path, "die", enqueue=True)  # makes the database
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        database.execute("DELETE FROM workflow_status")
    assert run_espdeck(tmp_path, program=program).returncode == 0

    again = run(tmp_path, "normal")

    assert again.stdout.strip() == b"OVER", again.stderr
    assert notes(tmp_path)[-1] == "end 7 A B C"


@pytest.mark.parametrize("now", ["unixepoch('subsec')", "strftime('%s','now')"])
def test_a_database_that_another_python_made_carries_runs(tmp_path: Path, now: str) -> None:
    made = run(tmp_path, "normal", enqueue=True)
    assert made.returncode == 0, made.stderr
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        # DBOS writes the clock of the Python that it runs on into the tables that it makes.
        database.execute("PRAGMA writable_schema=ON")
        for other in ("unixepoch('subsec')", "strftime('%s','now')"):
            database.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?)", (other, now))
        database.execute("DELETE FROM queues")
        (defaults,) = database.execute(
            "SELECT count(*) FROM sqlite_master WHERE instr(sql, ?)", (now,)
        ).fetchone()

    again = run(tmp_path, "again")

    assert defaults > 2
    assert again.returncode == 0, again.stderr
    assert notes(tmp_path)[-1] == "end 7 A B C"
