"""Adding and changing projects against what their sources say."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.projects.editor import ProjectEditor, ProjectEdits
from engine.store.tables import Project
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard

APP = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(x)\n"


@pytest.fixture
def editor(yard: Yard, source: Path) -> ProjectEditor:
    """An editor of projects of a repository with the apps ``lamp`` and ``siren``."""
    commit(
        source,
        {
            "lamp/CMakeLists.txt": APP,
            "lamp/sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32c6"\n',
            "lamp/sdkconfig.ci.debug": "",
            "siren/CMakeLists.txt": APP,
            "siren/sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32s3"\n',
        },
    )
    return ProjectEditor(yard.projects)


def add(editor: ProjectEditor, source: Path, app: str, configuration: str = "") -> Project:
    return editor.add(
        str(source), name=None, targets=(), branch=None, app=app, configuration=configuration
    )


def test_what_is_not_in_the_sources_leaves_no_project(
    yard: Yard, editor: ProjectEditor, source: Path
) -> None:
    with pytest.raises(UsageError, match="one of its apps: lamp, siren"):
        add(editor, source, "bell")
    with pytest.raises(UsageError, match="no configuration 'slow' there"):
        add(editor, source, "lamp", "slow")
    assert yard.projects.list() == []


def test_an_app_is_one_project_unless_it_gets_a_name(editor: ProjectEditor, source: Path) -> None:
    lamp = add(editor, source, "lamp")

    with pytest.raises(UsageError, match=f"is the project {lamp.name} already"):
        add(editor, source, "lamp")
    editor.check_new(str(source), "second", None, "lamp", "")


def test_another_app_brings_its_own_chips(editor: ProjectEditor, source: Path) -> None:
    lamp = add(editor, source, "lamp")
    assert lamp.targets == ["esp32c6"]

    assert editor.edit(lamp, ProjectEdits(app="siren")).targets == ["esp32s3"]


def test_an_edit_that_makes_no_sense_changes_nothing(
    yard: Yard, editor: ProjectEditor, source: Path
) -> None:
    lamp = add(editor, source, "lamp")

    for edits in (
        ProjectEdits(name="other", targets=["esp31"]),
        ProjectEdits(name="other", app="bell"),
        ProjectEdits(name="other", configuration="slow"),
        ProjectEdits(name="other", branch="gone"),
    ):
        with pytest.raises(UsageError):
            editor.edit(lamp, edits)
    now = yard.projects.get(lamp.name)
    assert (now.app, now.branch, now.targets) == (lamp.app, lamp.branch, lamp.targets)
