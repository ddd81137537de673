"""Where pipelines come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.tasks.pipeline_library import Origin, of_project, own, read_pipeline_file
from tests.engine import git_repos

GOOD = "name: Mine\nsteps:\n  - step_name: one\n    role: architect\n    prompt: Do it.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "config" / "config.toml"
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    (config.parent / "pipelines").mkdir(parents=True)
    return config.parent / "pipelines"


def test_a_persons_own_lie_beside_the_settings(folder: Path) -> None:
    (folder / "mine.yaml").write_text(GOOD)
    (folder / "bad.yml").write_text("name: Bad\n")
    (folder / "notes.txt").write_text("no pipeline")
    (folder / "pipe.yaml").mkdir()

    bad, mine, odd = own()

    assert mine.pipeline is not None
    assert (mine.pipeline.name, mine.origin) == ("Mine", Origin.USER)
    assert (bad.pipeline, bad.problem) == (None, f"{folder}/bad.yml:1: steps is missing")
    assert odd.problem == f"{folder}/pipe.yaml: not a file"


def test_there_may_be_none(folder: Path) -> None:
    folder.rmdir()
    assert own() == ()


def test_a_projects_are_read_at_its_commit(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    sha = git_repos.commit(
        folder,
        {
            ".espdeck/pipelines/a.yaml": GOOD,
            ".espdeck/pipelines/b.yaml": GOOD.replace("prompt", "promt"),
            ".espdeck/pipelines/inner/c.yaml": GOOD,
            ".espdeck/pipelines/d.yaml": "\0",
        },
    )
    (folder / ".espdeck/pipelines/a.yaml").write_text("changed, but not in the commit")

    first, second, third = of_project(folder, sha)

    assert (first.file, first.origin) == (".espdeck/pipelines/a.yaml", Origin.PROJECT)
    assert first.pipeline is not None
    assert second.problem.startswith(".espdeck/pipelines/b.yaml:5: no key is called promt")
    assert third.problem == ".espdeck/pipelines/d.yaml is a binary file"


def test_a_project_without_any_has_none(tmp_path: Path) -> None:
    sha = git_repos.commit(tmp_path / "repo", {"README.md": "x"})
    assert of_project(tmp_path / "repo", sha) == ()


def test_a_file_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(GOOD)
    assert read_pipeline_file(path).name == "Mine"
    with pytest.raises(UsageError, match="No such file"):
        read_pipeline_file(tmp_path / "none.yaml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_pipeline_file(path)
