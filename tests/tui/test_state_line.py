"""The line of state on every main screen: news reach it whatever is in front."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from textual.strip import Strip

from engine.enums import ProjectStatus
from engine.events import ProjectLooked
from engine.store import projects
from engine.store.database import Store
from tests.tui.workspaces import Story, fill, running
from tui.screens import base
from tui.screens.base import MainScreen
from tui.widgets.row_list import RowList


def mend(story: Story, workspace: Path) -> None:
    """Let the project that cannot be reached be well, which another process says."""
    store = Store(workspace / "espdeck.db")
    broken = next(each for each in projects.all_projects(store) if each.name == "broken-link")
    projects.change_project(
        store, broken.id, lambda row: setattr(row, "status", ProjectStatus.ACTIVE)
    )
    store.close()
    engine = story.app.engine
    assert engine is not None
    engine.events.publish(ProjectLooked(project_id=str(broken.id)))


@pytest.mark.slow
async def test_news_move_it_on_while_another_screen_is_in_front_and_draw_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[RowList[object]] = []
    render = RowList.render_line

    def count(rows: RowList[object], y: int) -> Strip:
        drawn.append(rows)
        return render(rows, y)

    monkeypatch.setattr(RowList, "render_line", count)
    fill(tmp_path)
    async with running(tmp_path, boards=()) as story:
        await story.sees("broken-link", "projects 2 ✗", "runs here")
        await story.press("L")
        await story.sees("audit log", "projects 2 ✗")
        drawn.clear()
        mend(story, tmp_path)
        await story.sees("audit log", "projects 1 ✗")
        assert not [rows for rows in drawn if rows.screen is story.screen]


@pytest.mark.slow
async def test_a_low_terminal_shows_it_at_home_alone(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path, size=(60, 15), boards=()) as story:
        await story.sees("projects 2 ✗")
        await story.press("L")
        await story.sees("audit log")
        assert "projects 2 ✗" not in story.text()
        await story.resize(80, 24)
        await story.sees("audit log", "projects 2 ✗")


def test_no_main_screen_composes_one_of_its_own() -> None:
    for file in Path(base.__file__).parent.glob("*.py"):
        importlib.import_module(f"tui.screens.{file.stem}")
    composing = [each.__name__ for each in _below(MainScreen) if "compose" in vars(each)]
    assert not composing, "compose_body() is what a screen has: compose() adds the line of state"


def _below(screen: type[MainScreen]) -> list[type[MainScreen]]:
    return [each for child in screen.__subclasses__() for each in (child, *_below(child))]
