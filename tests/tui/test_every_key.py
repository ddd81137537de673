"""Every key of home, on projects of every kind: the app answers the next key, and says why not."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.enums import ProjectStatus
from tests.engine.git_repos import commit
from tests.tui.workspaces import Story, running
from tui.keymap import Where, keys_of
from tui.screens.home import HomeScreen

pytestmark = [pytest.mark.xdist_group("every-key"), pytest.mark.slow]

IDF = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n"

KINDS: Mapping[str, Mapping[str, str]] = {
    "arduino": {"fw.ino": "void setup() {}\n"},
    "cmake": {"CMakeLists.txt": 'message(FATAL_ERROR "not yet")\nproject(fw C)\n'},
    "idf": {"CMakeLists.txt": IDF},
    "nothing": {"README.md": "Later.\n"},
    "platformio": {"platformio.ini": "[env:c3]\n"},
    "wrong-manifest": {"CMakeLists.txt": IDF, "espdeck.toml": "nonsense = [\n"},
}

ASIDE = frozenset({"quit", "palette", "help", "other", "left", "right"}) | {
    key.id for key in keys_of(Where.HOME) if key.where is Where.EVERYWHERE and key.id != "suspend"
}
"""What ends the app, only moves, or lists the keys."""


async def go_home(story: Story) -> HomeScreen:
    """Close what was opened, now or a moment ago."""
    await story.pilot.pause()
    while not isinstance(story.screen, HomeScreen):
        await story.press("escape")
    return story.screen


async def walk(story: Story) -> None:
    """Do every action of home; what opens a screen is closed again."""
    for name in dict.fromkeys(key.id for key in keys_of(Where.HOME) if key.id not in ASIDE):
        (await go_home(story)).action_do(name)
        await story.press("escape")  # out of the filter
    await go_home(story)
    await story.press("question_mark")
    await story.sees("Sync the project with its source")
    await story.press("escape")


@pytest.fixture
def no_idf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDF_PATH", str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("no_idf")
async def test_no_key_hangs_on_any_kind_of_project(tmp_path: Path) -> None:
    async with running(tmp_path / "ws", boards=()) as story:
        engine = story.app.engine
        assert engine is not None
        for name, files in KINDS.items():
            commit(tmp_path / name, dict(files), "First")
            engine.projects.add(str(tmp_path / name), targets=["esp32c3"])
        await story.until(
            lambda: {each.status for each in engine.projects.list()} == {ProjectStatus.ACTIVE}
        )
        for project in engine.projects.list():
            story.app.select_project(project.id)
            await story.sees(f"builds of {project.name}")
            await walk(story)
        await story.until(lambda: all(build.status.is_final for build in engine.builds.list()), 60)
        assert len(engine.builds.list()) >= len(KINDS)


@pytest.mark.usefixtures("no_idf")
async def test_no_key_hangs_on_a_project_whose_clone_is_gone_or_cannot_be_had(
    tmp_path: Path,
) -> None:
    commit(tmp_path / "gone", {"README.md": "Later.\n"}, "First")
    async with running(tmp_path / "ws", boards=()) as story:
        engine = story.app.engine
        assert engine is not None
        added = engine.projects.add(str(tmp_path / "gone"), targets=["esp32c3"])
        gone = engine.projects.wait(added.id, timeout=30)
        shutil.rmtree(gone.clone_path)
        never = engine.projects.add("https://127.0.0.1:1/never.git")
        engine.projects.wait(never.id, timeout=30)
        for project in (gone, never):
            story.app.select_project(project.id)
            await story.sees(f"builds of {project.name}")
            if project is gone:
                await story.press("M")
                await story.sees("repository")  # none any more, in a line that is wrapped
                await story.press("b")  # syncs by itself
                await story.sees("#1 ✗ failed", "no CMakeLists.txt")
                await story.press("q")
            await walk(story)
