"""``espdeck artifacts``: what builds kept, where it is, what changed, and what goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.artifacts import run_files
from engine.enums import ArtifactKind, RunStatus
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from tests.tui.commands import Here

OLD, NEW = b"old" * 50_000, b"new" * 60_000


BOOT = b"boot" * 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with two builds of a project, which have one file in common."""
    folder = tmp_path / "lab"
    store = Store(folder / "espdeck.db")
    project = projects.add_project(store, Project(name="hub", source="/src", target="esp32c3"))
    for app in (OLD, NEW):
        build = Run(project_id=project.id, target="esp32c3", status=RunStatus.SUCCESS)
        number = runs.add_run(store, build).number
        kept = folder / "artifacts" / str(number)
        runs.set_artifacts_path(store, number, str(kept))
        for name, data in (("app.bin", app), ("boot.bin", BOOT)):
            source = tmp_path / name
            source.write_bytes(data)
            run_files.keep(
                *(store, kept, source),
                run_id=number, stage="build", attempt=1, kind=ArtifactKind.APP, path=name,
            )  # fmt: skip
    store.close()
    return folder


@pytest.fixture
def here(folder: Path) -> Here:
    return Here(folder)


def test_what_a_build_kept_and_where_it_is(here: Here) -> None:
    rows = [line.split() for line in here.says("artifacts", "list", "1").splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:]] == [("app.bin", "here"), ("boot.bin", "here")]
    facts = [
        json.loads(line) for line in here.says("artifacts", "list", "1", "--json").splitlines()
    ]
    assert [(each["path"], each["size"], each["places"]) for each in facts] == [
        ("app.bin", len(OLD), ["here"]),
        ("boot.bin", len(BOOT), ["here"]),
    ]
    assert here.refuses("artifacts", "list", "9").startswith("no build 9 (the highest number is ")


def test_what_each_project_has(here: Here) -> None:
    *projects, state = here.says("artifacts", "list", "--json").splitlines()
    size = len(OLD) + len(NEW) + 2 * len(BOOT)
    assert [json.loads(line) for line in projects] == [
        {"project": "hub", "runs": 2, "files": 4, "size": size, "distinct": size - len(BOOT)}
    ]
    assert json.loads(state) == {"store": "", "waiting": 0, "waiting_bytes": 0}
    assert here.says("artifacts", "list").split()[:6] == [
        *("PROJECT", "RUNS", "FILES", "SIZE", "DISTINCT", "hub")
    ]


def test_what_waits_to_be_moved(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_ARTIFACTS", "s3://bucket/lab")
    last = here.says("artifacts", "list").splitlines()[-1]
    assert last == "store s3://bucket/lab: 3 files (400.4 KiB) wait to be moved"


def test_a_file_is_copied(here: Here, tmp_path: Path, folder: Path) -> None:
    target = tmp_path / "mine.bin"
    assert here.says("artifacts", "get", "2", "app.bin", str(target)) == f"saved as {target}\n"
    assert target.read_bytes() == NEW
    assert "exists already" in here.refuses("artifacts", "get", "2", "app.bin", str(target))
    assert "build 2 kept no x" in here.refuses("artifacts", "get", "2", "x", str(tmp_path))
    (folder / "artifacts" / "2" / "app.bin").unlink()
    assert here.refuses("artifacts", "get", "2", "app.bin", str(tmp_path / "again")) == (
        "app.bin of #2 is not here, and no store has it: build it again"
    )
    assert not (tmp_path / "again").exists()


def test_a_file_of_an_earlier_attempt_is_listed_and_copied(
    here: Here, tmp_path: Path, folder: Path
) -> None:
    store, again = Store(folder / "espdeck.db"), tmp_path / "app.bin"
    again.write_bytes(b"again" * 1000)
    run_files.keep(
        *(store, folder / "artifacts" / "2", again),
        run_id=2, stage="build", attempt=2, kind=ArtifactKind.APP, path="app.bin",
    )  # fmt: skip
    store.close()

    rows = here.says("artifacts", "list", "2", "--all").splitlines()[1:]
    assert [row.split("  ")[0] for row in rows] == ["app.bin", "boot.bin", "app.bin"]
    assert "build attempt 2 " in rows[0]
    assert "build attempt 1, superseded" in rows[2]
    lines = here.says("artifacts", "list", "2", "--all", "--json").splitlines()
    facts = [json.loads(line) for line in lines]
    assert [(each["attempt"], each["superseded"]) for each in facts] == [
        *((2, False), (1, False), (1, True))
    ]
    first = tmp_path / "first.bin"
    here.says("artifacts", "get", "2", "app.bin", str(first), "--attempt", "1")
    assert first.read_bytes() == NEW
    assert here.refuses("artifacts", "get", "2", "app.bin", "--attempt", "3") == (
        "build 2 kept no app.bin in attempt 3 (espdeck artifacts list 2 --all)"
    )


def test_two_builds_are_compared(here: Here) -> None:
    compared = json.loads(here.says("artifacts", "compare", "1", "2", "--json"))
    assert [
        (each["path"], each["before"], each["after"], each["same"]) for each in compared["files"]
    ] == [
        ("app.bin", len(OLD), len(NEW), False),
        ("boot.bin", len(BOOT), len(BOOT), True),
    ]
    lines = here.says("artifacts", "compare", "1", "2").splitlines()
    assert any("+30,000" in line and "app.bin" in line for line in lines)
    assert any("same" in line and "boot.bin" in line for line in lines)


def test_what_would_go_and_what_went(
    here: Here, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_ARTIFACTS", f"file://{tmp_path / 'store'}")
    monkeypatch.setenv("ESPDECK_RUN_COUNT", "1")
    store = Store(folder / "espdeck.db")
    with store.write() as session:
        session.get_one(Run, 1).status = RunStatus.FAILED
    store.close()

    would = here.says("artifacts", "gc", "--dry-run")
    assert "build #1" in would or "firmware #1" in would
    assert would.splitlines()[-1].startswith("would free: ")
    went = here.says("artifacts", "gc").splitlines()
    assert went[-1].startswith("freed: ")
    assert not (folder / "artifacts" / "1").exists()
    assert (folder / "artifacts" / "2" / "boot.bin").read_bytes() == BOOT
