"""The examples of README and the manual are run, on a workspace with a past."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine import check_settings_file, handlers, manifest
from engine.checks import registry as checks
from engine.samples import demo
from engine.store import projects
from engine.store.database import Store
from engine.store.tables import Project
from tests.tui.commands import Here
from tests.tui.guide.commands import lines_of
from tests.tui.guide.pages import Block, blocks
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import fill, keep_fix, keep_maps
from tui.cli.main import cli

pytestmark = pytest.mark.xdist_group("guide-examples")

NOT_RUN = "not run: "

STANDS_FOR = {"hello": "sensor-hub", "12": "3", "11": "2", "14": "4"}
"""What names and numbers of examples are called in the workspace that the tests fill."""

SHELL = [block for block in blocks("sh", "console") if not block.mark.startswith(NOT_RUN)]
FILES = ("settings", "espdeck.toml", "pyproject.toml")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("workspace")
    fill(workspace)
    keep_maps(workspace)
    fill_tasks(workspace)
    keep_fix(workspace, 3, str)
    _give_a_source(workspace, demo.make_repository("hello", tmp_path_factory.mktemp("hub") / "hub"))
    return workspace


def _give_a_source(workspace: Path, source: Path) -> None:
    """Let the project be one that can be synced, and the only one."""

    def change(project: Project) -> None:
        project.source, project.branch, project.tip = str(source), "", ""
        project.clone_path = str(workspace / "clones" / "hub.git")

    store = Store(workspace / "espdeck.db")
    for project in projects.all_projects(store):
        if project.name == "broken-link":
            projects.remove_project(store, project.id)
        else:
            projects.change_project(store, project.id, change)
    store.close()
    Here(workspace).says("sync")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where examples are typed: with the files that they name."""
    demo.make_repository("hello", tmp_path / "fw")
    (tmp_path / "partitions.csv").write_text("nvs, data, nvs, 0x9000, 0x6000\n")
    for block in blocks("yaml"):
        (tmp_path / block.mark.removeprefix("pipeline: ")).write_text(block.text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ESPDECK_BOARDS", '["virtual:esp32c3"]')
    monkeypatch.delenv("ESPDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("block", SHELL, ids=str)
@pytest.mark.usefixtures("folder")
def test_shell_examples_do_what_they_say(block: Block, workspace: Path) -> None:
    for line in lines_of(block):
        words = shlex.split(line, comments=True)
        if words[0] == "pip":
            continue  # .ci/run runs these two
        assert words.pop(0) == "espdeck"
        words = [STANDS_FOR.get(word, word) for word in words]
        done = CliRunner().invoke(cli, ["--workspace", str(workspace), *words])
        assert done.exit_code == 0, (line, done.output, done.exception)
        if block.language == "console":
            told = block.text.partition(line)[2].partition("\n$ ")[0]
            assert rows(told.replace("#11", "#2")) == rows(done.output)


def rows(text: str) -> list[list[str]]:
    """Lines as words: how wide columns are depends on the numbers of builds."""
    return [line.split() for line in text.strip().splitlines()]


@pytest.mark.parametrize("block", [*blocks("toml")], ids=str)
def test_examples_of_files_make_sense(block: Block, tmp_path: Path) -> None:
    data = tomllib.loads(block.text)
    if block.mark == "settings":
        path = tmp_path / "config.toml"
        path.write_text(block.text)
        assert check_settings_file(path) == ()
    elif block.mark == "espdeck.toml":
        assert manifest.parse(block.text) != manifest.Manifest()
    elif block.mark == "settings of the check":
        pass  # tests.engine.checks.test_plugins has them read, with the check beside them
    else:
        assert block.mark == "pyproject.toml"
        assert_groups(data)


def assert_groups(data: dict[str, Any]) -> None:
    ours = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    known = {*ours["project"]["entry-points"], checks.GROUP, handlers.GROUP}
    assert set(data["project"]["entry-points"]) <= known


@pytest.mark.parametrize("block", [*blocks("python")], ids=str)
def test_examples_of_python_compile(block: Block) -> None:
    compile(block.text, str(block), "exec")
