"""``espdeck gate``: a table for people, JSON for programs, an exit code for both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import Engine, Settings
from tests.engine.git_repos import commit
from tests.engine.quality.trees import RING
from tui.cli import common
from tui.cli.main import cli

pytestmark = pytest.mark.slow

CMAKE = "cmake_minimum_required(VERSION 3.20)\nproject(ring C)\nadd_executable(ring src/ring.c)\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with the project ring, which passes."""
    commit(tmp_path / "ring", {**RING, "CMakeLists.txt": CMAKE})
    workspace = tmp_path / "workspace"
    with Engine(Settings(workspace=workspace)) as engine:
        engine.projects.find_or_add(str(tmp_path / "ring"))
    return workspace


def test_a_project_that_is_not_judged_is_a_table(workspace: Path) -> None:
    done = CliRunner().invoke(cli, ["--workspace", str(workspace), "gate", "ring"])

    assert done.exit_code == 3, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("ring at ")
    assert lines[0].endswith(
        "not built yet: not judged: 3 of 8 measures judged, with a score of 100, at least 4 must be"
    )
    code = next(line for line in lines if line.startswith("code quality"))
    assert "passed" in code
    assert ">= 85 points" in code
    assert "━" * 10 in code


def test_a_project_that_fails_says_why(workspace: Path, tmp_path: Path) -> None:
    commit(tmp_path / "ring", {"espdeck.toml": "[quality]\nrequire = ['coverage']\n"})
    with Engine(Settings(workspace=workspace)) as engine:
        engine.projects.find_or_add(str(tmp_path / "ring"))

    table = CliRunner().invoke(cli, ["--workspace", str(workspace), "gate", "ring"])
    data = CliRunner().invoke(cli, ["--workspace", str(workspace), "gate", "ring", "--json"])

    assert (table.exit_code, data.exit_code) == (1, 1)
    assert "error: test coverage: required, but no coverage report" in table.output
    found = json.loads(data.output)
    assert found["project"] == "ring"
    assert found["result"]["passed"] is False
    assert found["result"]["measures"][0]["status"] == "failed"
    assert found["result"]["blockers"][0]["code"] == "quality.coverage"


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "PROGRESS_LINE_SECONDS", 0.0)

    done = CliRunner().invoke(
        cli, ["--workspace", str(workspace), "gate", "ring", "--jobs", "1", "--json"]
    )

    assert done.exit_code == 3, done.output
    assert json.loads(done.stdout)["result"]["verdict"] == "not judged"
    assert json.loads(done.stdout)["built"] == "not built yet"
    lines = done.stderr.splitlines()
    assert any("lizard" in line for line in lines)
    assert lines[-1] == "100 % done"


def test_a_folder_is_measured_as_it_is(workspace: Path, tmp_path: Path) -> None:
    covered = "SF:src/ring.c\nDA:3,1\nDA:4,1\nend_of_record\n"
    (tmp_path / "ring" / "lcov.info").write_text(covered)
    ring = str(tmp_path / "ring")

    done = CliRunner().invoke(cli, ["--workspace", str(workspace), "gate", ring, "--dirty"])
    both = CliRunner().invoke(
        cli, ["--workspace", str(workspace), "gate", ring, "--dirty", "--commit", "HEAD"]
    )

    assert done.exit_code == 0, done.output
    line = done.output.splitlines()[0]
    assert " with uncommitted changes, not built yet: passed with a score of 100, 4 of 8" in line
    assert "--dirty takes the folder as it is now: leave --commit out" in str(both.exception)


def test_an_app_of_a_repository_is_measured(workspace: Path, tmp_path: Path) -> None:
    tree = {f"apps/ring/{path}": text for path, text in {**RING, "CMakeLists.txt": CMAKE}.items()}
    many = commit(tmp_path / "many", tree) and str(tmp_path / "many")

    for words in ([many, "--app", "apps/ring"], [f"{many}/apps/ring"]):
        done = CliRunner().invoke(cli, ["--workspace", str(workspace), "gate", *words, "--json"])

        assert done.exit_code == 3, done.output
        code = json.loads(done.stdout)["result"]["measures"][1]
        assert "in 2 files" in code["detail"]


def test_a_baseline_that_is_not_there_is_one_line(workspace: Path) -> None:
    done = CliRunner().invoke(
        cli, ["--workspace", str(workspace), "gate", "ring", "--baseline", "v9"]
    )

    assert done.exit_code != 0
    assert "--baseline: no commit, branch or tag 'v9'" in str(done.exception)
