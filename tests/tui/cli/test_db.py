"""``espdeck db``: what a person reads when a database is damaged, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from tests.tui.commands import Here


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    store = Store(tmp_path / "espdeck.db")
    project = projects.add_project(store, Project(name="p", source="/src", target="esp32c3"))
    runs.add_run(store, Run(project_id=project.id))
    store.close()
    return tmp_path


@pytest.fixture
def here(workspace: Path) -> Here:
    return Here(workspace)


def test_a_whole_workspace_is_said_to_be(here: Here) -> None:
    assert here.says("db", "check") == "the databases are whole; there is no backup\n"
    assert here.says("db", "check", "--json") == ""


@pytest.mark.slow
def test_a_backup_is_made_and_listed(here: Here, workspace: Path) -> None:
    said = here.says("db", "backup")
    (facts,) = here.says("db", "backup", "--json").splitlines()[1:]

    assert said.startswith(f"made {workspace / 'backups'}")
    assert Path(json.loads(facts)["folder"]).is_dir()
    assert "the newest backup is of" in here.says("db", "check")


@pytest.mark.parametrize("words", [("builds",), ("builds", "--json"), ("projects",), ("gc",)])
def test_damage_is_one_line_that_names_the_way_back(
    here: Here, workspace: Path, words: tuple[str, ...]
) -> None:
    here.says("db", "backup")
    (workspace / "espdeck.db").write_bytes(b"no database " * 1000)

    line = here.refuses(*words)

    assert "espdeck.db: damaged (file is not a database)" in line
    assert str(workspace / "backups") in line
    assert "espdeck db restore brings it back" in line


@pytest.mark.slow
def test_a_damaged_database_is_checked_and_restored(here: Here, workspace: Path) -> None:
    here.says("db", "backup")
    (workspace / "espdeck.db").write_bytes(b"no database " * 1000)

    assert here.says("db", "check", code=1).splitlines()[0] == "espdeck.db: file is not a database"
    said = here.says("db", "restore")

    assert said.startswith("restored the backup of ")
    assert f"what was there before is in {workspace / 'damaged'}" in said
    assert "#1" in here.says("builds")


def test_without_a_backup_what_can_be_read_is_saved(here: Here, workspace: Path) -> None:
    said = here.says("db", "restore", "--recover")

    assert "saved what could be read, table by table:" in said
    assert "1 of run" in said
    assert "#1" in here.says("builds")
    assert json.loads(here.says("db", "restore", "--recover", "--json"))["backup"] is None


def test_where_nothing_is_one_line_says_so(tmp_path: Path) -> None:
    here = Here(tmp_path / "none")
    for words in (("db", "check"), ("db", "backup"), ("db", "restore")):
        assert "there is no workspace" in here.refuses(*words)
    assert not (tmp_path / "none").exists()
