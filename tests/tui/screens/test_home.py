"""Home: builds of variants and of uncommitted changes; a project is changed in its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.builds.test_variant_choice import MATRIX
from tests.engine.git_repos import commit
from tests.tui.workspaces import Story, running
from tui.screens.home import HomeScreen
from tui.screens.start_build import ChooseVariants

pytestmark = [pytest.mark.xdist_group("home-builds"), pytest.mark.slow]


@pytest.fixture(autouse=True)
def no_idf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds end at once."""
    monkeypatch.setenv("IDF_PATH", str(tmp_path / "nowhere"))


async def back_home(story: Story) -> None:
    await story.press("q")
    await story.until(lambda: isinstance(story.screen, HomeScreen))


async def test_variants_are_chosen_built_and_told_apart(tmp_path: Path) -> None:
    commit(tmp_path / "fw", MATRIX)
    async with running(tmp_path / "ws", boards=(), size=(100, 30)) as story:
        await story.press("a")
        await story.sees("read from sources")
        await story.type(str(tmp_path / "fw"))
        await story.press("enter")
        await story.sees(" fw  esp32 +1", "never built", "no build yet: press b")
        await story.press("5")
        await story.sees("details of fw", "for esp32, esp32c6", "status  active")
        await story.press("4", "a")
        await story.type(str(tmp_path / "fw"))
        await story.press("enter")
        await story.sees("project fw already")
        await story.press("escape")

        await story.press("v")
        await story.sees("0 of 5 variants marked", "[ ] esp32c6   small")
        await story.press("a")
        await story.sees("5 of 5 variants marked")
        await story.press("a", "space", "j", "k", "space")
        await story.sees("2 of 5 variants marked", "[x] esp32c6 ", "[x] esp32 ")
        await story.press("enter")
        await story.sees("2 builds queued, #1 to #2")
        await story.sees(" esp32   ", " esp32c6 ")

        await story.press("A")
        await story.sees("Build all 5 variants of fw?", "esp32c6 small")
        await story.press("n", "v")
        await story.until(lambda: isinstance(story.screen, ChooseVariants))
        await story.press("k", "k", "j", "j", "j", "j", "enter")
        await story.sees("fw  esp32c6 small  ")
        await back_home(story)
        await story.sees("esp32c6 small")


async def test_a_folder_is_built_as_it_is(tmp_path: Path) -> None:
    source = tmp_path / "notes"
    commit(source, {"README.md": "Later.\n"})
    async with running(tmp_path / "ws", boards=(), size=(120, 30)) as story:
        engine = story.app.engine
        assert engine is not None
        far = engine.projects.add("https://127.0.0.1:1/far.git", name="afar")
        engine.projects.wait(far.id)
        notes = engine.projects.wait(engine.projects.add(str(source)).id)
        await story.sees(" notes  no chip")
        story.app.select_project(notes.id)
        await story.press("5")
        await story.sees("chip not known")
        await story.press("1")

        await story.press("b")
        await story.sees("Change notes", "name it")
        await story.type("esp32x")
        await story.press("enter")
        await story.sees("target 'esp32x' is not one of")
        await story.press("backspace", *"c3", "enter")
        await story.sees("#1 ✗ failed", "notes  ")
        await back_home(story)
        await story.sees("notes  esp32c3")

        await story.press("D")
        await story.sees("no uncommitted changes in")
        (source / "new.txt").write_text("not committed\n")
        await story.press("b")
        await story.sees("#2 ✗ failed", "without uncommitted changes", "1 uncommitted change in")
        await back_home(story)
        await story.press("D")
        await story.sees("#3 ✗ failed", "-dirty  Uncommitted changes")
        await back_home(story)
        await story.sees("-dirty ")

        source.rename(tmp_path / "moved")
        await story.press("b")
        await story.sees("#4 ✗ failed", "not synced", "could not be synced")
        await back_home(story)
        story.app.select_project(far.id)
        await story.press("D")
        await story.sees("afar cannot be built: e changes its source")


async def test_a_project_is_changed_in_its_form(tmp_path: Path) -> None:
    commit(tmp_path / "fw", {**MATRIX, "other/CMakeLists.txt": MATRIX["CMakeLists.txt"]})
    async with running(tmp_path / "ws", boards=()) as story:
        engine = story.app.engine
        assert engine is not None
        engine.projects.wait(engine.projects.add(str(tmp_path / "fw")).id)
        await story.sees(" fw  esp32 +1")
        await story.press("e")
        await story.sees(
            "HEAD of the source (main)", "default                                                ▾"
        )
        await story.press("backspace", *"esp32c")  # over what was there
        await story.press("tab")
        await story.type("gone")
        await story.press("enter")
        await story.sees("target 'esp32c' is not one of")
        await story.press("end", "6", "enter")
        await story.sees("no commit, branch or tag 'gone'")
        await story.press(*["backspace"] * len("gone"), "tab", "tab")
        await story.type("debug")
        await story.press("tab")
        await story.type("lamp")
        await story.press("enter")
        await story.sees(" lamp  esp32c6")
        await story.press("5")
        await story.sees("for esp32c6 debug")
        await story.press("e", "escape", "4")
        await story.sees("builds of lamp")
