"""Adding and changing projects against what their sources say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.enums import ProjectStatus
from engine.errors import ConflictError, ToolError, UsageError
from engine.events import Event, ProjectChanged
from engine.projects import git_objects, lfs
from engine.projects.editor import ProjectEditor, ProjectEdits, consequences
from engine.projects.jobs import fetch_lock
from engine.store import runs
from engine.store.tables import Project, Run
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard, git

APP = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(x)\n"
C6 = 'CONFIG_IDF_TARGET="esp32c6"\n'


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


def test_another_source_keeps_the_builds_and_their_commits(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    siren = add(editor, source, "siren")
    built, old = siren.tip, Path(siren.clone_path)
    git_objects.keep_commit(old, built, cancel=CancelToken())
    content = Path("lfs", "objects", "e3", "b0", "e3b0" + 60 * "0")
    (old / content).parent.mkdir(parents=True)
    (old / content).write_bytes(b"library")
    (old / content.parent / "tmp").write_bytes(b"begun")
    other = tmp_path / "other"
    commit(other, {"siren/CMakeLists.txt": APP, "siren/sdkconfig.defaults": C6})

    moved = editor.edit(siren, ProjectEdits(source=str(other), name="bell"))

    assert (moved.name, moved.source, moved.app) == ("bell", str(other), "siren")
    assert (moved.status, moved.targets) == (ProjectStatus.ACTIVE, ["esp32c6"])
    assert moved.id == siren.id
    assert moved.tip != built
    assert yard.projects.commit(moved.id, built).commit.sha == built
    now = Path(moved.clone_path)
    assert (now / content).read_bytes() == b"library"
    assert not (now / content.parent / "tmp").exists()
    assert not old.exists()


def test_a_new_source_is_told_though_the_old_clone_cannot_be_deleted(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    siren = add(editor, source, "siren")
    lock = fetch_lock(Path(siren.clone_path)).path
    lock.unlink()
    lock.mkdir()
    other = tmp_path / "other"
    commit(other, {"siren/CMakeLists.txt": APP, "siren/sdkconfig.defaults": C6})
    told: list[Event] = []
    yard.bus.subscribe(told.append)

    moved = editor.edit(siren, ProjectEdits(source=str(other), name="bell"))

    assert moved.source == str(other)
    assert isinstance(told[-1], ProjectChanged)
    assert (told[-1].project, told[-1].detail) == ("bell", moved.status_detail)


def test_a_run_that_was_started_meanwhile_keeps_the_source(
    yard: Yard, editor: ProjectEditor, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    siren = add(editor, source, "siren")
    other = tmp_path / "other"
    commit(other, {"siren/CMakeLists.txt": APP, "siren/sdkconfig.defaults": C6})
    copy_kept = lfs.copy_content

    def copy_while_another_process_starts(*arguments: Any) -> None:
        copy_kept(*arguments)
        clone = siren.clone_path
        runs.add_run(yard.store, Run(project_id=siren.id, commit_sha=siren.tip), clone=clone)

    monkeypatch.setattr(lfs, "copy_content", copy_while_another_process_starts)

    with pytest.raises(ConflictError, match=r"build 1 of .* has not ended: wait for it"):
        editor.edit(siren, ProjectEdits(source=str(other)))

    assert yard.projects.get(siren.name).source == str(source)
    assert [path.name for path in yard.folder.glob("*.git")] == [Path(siren.clone_path).name]


def test_no_run_is_started_of_a_commit_that_another_source_had(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    siren = add(editor, source, "siren")
    located = yard.now(siren)
    other = tmp_path / "other"
    commit(other, {"siren/CMakeLists.txt": APP, "siren/sdkconfig.defaults": C6})
    editor.edit(siren, ProjectEdits(source=str(other)))

    run = Run(project_id=siren.id, commit_sha=located.commit.sha)
    with pytest.raises(ConflictError, match=f"source of {siren.name} was changed meanwhile"):
        runs.add_run(yard.store, run, clone=located.project.clone_path)
    yard.projects.remove(siren.id)
    with pytest.raises(ConflictError, match="removed meanwhile"):
        runs.add_run(yard.store, run, clone=located.project.clone_path)


def test_a_source_that_cannot_be_had_changes_nothing(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    lamp = add(editor, source, "lamp")
    other = tmp_path / "other"
    commit(other, {"bell/CMakeLists.txt": APP})
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    for asked, reason in (
        (ProjectEdits(source="ftp://there/x"), "not accepted"),
        (ProjectEdits(source=str(tmp_path / "gone")), "no such folder"),
        (ProjectEdits(source=str(empty)), "no commits yet"),
        (ProjectEdits(source=str(other), branch="gone"), "no branch or tag 'gone'"),
        (ProjectEdits(source=str(other)), "no project.*lamp|one of its apps"),
    ):
        with pytest.raises((UsageError, ToolError), match=reason):
            editor.edit(lamp, asked)
    assert yard.projects.get(lamp.name) == lamp
    assert [path.name for path in yard.folder.glob("*.git")] == [Path(lamp.clone_path).name]


def test_projects_that_share_a_clone_keep_it(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    lamp, siren = add(editor, source, "lamp"), add(editor, source, "siren")
    other = tmp_path / "other"
    commit(other, {"lamp/CMakeLists.txt": APP, "lamp/sdkconfig.defaults": C6})

    moved = editor.edit(lamp, ProjectEdits(source=str(other / "lamp")))

    assert moved.clone_path != lamp.clone_path
    assert yard.projects.survey(siren.id).app("siren") is not None


def test_a_bad_url_is_mended_by_its_source(
    yard: Yard, editor: ProjectEditor, source: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    (gone / ".git").mkdir(parents=True)
    dead = yard.projects.wait(yard.projects.add(str(gone), targets=["esp32"], app="lamp").id)
    assert dead.status is ProjectStatus.ERROR

    mended = editor.edit(dead, ProjectEdits(source=str(source)))

    assert (mended.status, mended.targets) == (ProjectStatus.ACTIVE, ["esp32"])


def test_nothing_is_added_before_the_source_answers(
    yard: Yard, editor: ProjectEditor, tmp_path: Path
) -> None:
    (tmp_path / "gone" / ".git").mkdir(parents=True)
    with pytest.raises(ToolError):
        editor.start_adding(
            str(tmp_path / "gone"),
            name=None, targets=(), branch=None, app="", configuration="", cancel=CancelToken(),
        )  # fmt: skip
    assert yard.projects.list() == []


def test_what_edits_come_to_is_said(editor: ProjectEditor, source: Path) -> None:
    lamp = add(editor, source, "lamp")

    assert consequences(lamp, ProjectEdits(name=lamp.name, source=lamp.source)) == ()
    assert consequences(lamp, ProjectEdits(source="https://there/x", targets=["esp32"])) == (
        "the new source is cloned now; builds, logs and fixes stay",
        "builds for esp32 from now on",
        "earlier builds and their sizes stay as of esp32c6",
    )
    assert consequences(
        lamp, ProjectEdits(targets=["esp32c6", "esp32", "linux", "esp32", "e"])
    ) == ("builds for esp32c6 from now on; builds of all variants also for esp32, linux",)
