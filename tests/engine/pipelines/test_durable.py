"""Durable runs: real DBOS on SQLite, in processes of their own that are really killed."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import os, sys, threading, time
    from pathlib import Path
    from engine.errors import Interrupted
    from engine.pipelines.durable import Executor
    from engine.pipelines.runs import Runs
    from engine.words import RunKind

    folder, mode = Path(sys.argv[1]), sys.argv[2]
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

    def carry(build_id, steps):
        got = steps.wave([("a", job("a"))])
        got += steps.wave([("b", job("b")), ("c", job("c"))])
        note(f"end {build_id} {' '.join(got)}")
        done.set()

    executor = Executor(folder / "runs.db", concurrency={RunKind.FIRMWARE: 2}, carry=carry)
    runs = Runs(folder / "runs.db")
    if mode == "again":
        runs.again(RunKind.FIRMWARE, "run", "run2", frozenset({"b", "c"}))
    elif len(sys.argv) > 3:
        runs.enqueue(RunKind.FIRMWARE, "run", 7)
    assert done.wait(20)
    for _ in range(400):
        if mode == "stop" or runs.why_lost("run2" if mode == "again" else "run"):
            break
        time.sleep(0.01)
    print(runs.why_lost("run") is None)
    runs.close()
    executor.close()
"""


def run(folder: Path, mode: str, *, enqueue: bool = False) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(folder), mode]
    return subprocess.run(
        argv + ["enqueue"] * enqueue, capture_output=True, text=True, timeout=60, check=False
    )


def notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().split("\n")[:-1]


@pytest.mark.parametrize("mode", ["die", "stop"])
def test_a_run_goes_on_from_the_first_unfinished_stage(tmp_path: Path, mode: str) -> None:
    first = run(tmp_path, mode, enqueue=True)
    before = notes(tmp_path)
    second = run(tmp_path, "normal")

    assert first.returncode == (-9 if mode == "die" else 0), first.stderr
    assert "b" in before
    assert second.stdout.strip() == "False", second.stderr
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
