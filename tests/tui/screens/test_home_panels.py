"""Home's panels: what is seen, filtered, marked; what the keys then act on."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine import Builds
from engine.enums import RunStatus
from engine.events import RunChanged, RunProgress
from engine.projects.service import Projects
from engine.store.database import Store
from engine.store.tables import Run
from tests.tui.lab import Lab, build, busy, many, project
from tests.tui.workspaces import fill, running
from tui.screens.confirm import Confirm

pytestmark = [pytest.mark.xdist_group("home-panels"), pytest.mark.slow]


async def test_one_panel_at_a_time_stands_below_the_projects_of_a_small_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy().use(monkeypatch)
    async with running(tmp_path, boards=()) as story:
        await story.sees("4 builds of node5", "2 at work 4   3 boards 5   5 details")
        await story.press("tab")
        await story.sees("2 at work 4", "#131  gateway", "waits for an esp32c3")
        await story.press("tab")
        await story.sees("rack-2", "ada until")
        await story.press("shift+tab", "shift+tab")
        await story.sees("1 projects 9", "#131  gateway")  # the panel stays
        await story.press("l")
        await story.sees("4 builds of node5", "31 tests ran")


async def test_a_filter_stays_in_the_title_until_escape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy().use(monkeypatch)
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        await story.sees("projects 9")
        await story.press("slash", *"esp32c3 dir", "enter")
        await story.sees("projects 1 of 9", "/esp32c3 dir", "builds of thermo")
        await story.press("3", "slash", *"ada", "enter")
        await story.sees("boards 5  /ada", "rack-2")
        assert "rack-1" not in story.text()
        await story.press("escape")
        await story.sees("rack-1", "projects 1 of 9")
        await story.press("1", "escape")
        await story.sees("projects 9", "builds of thermo")


async def test_a_filter_puts_the_cursor_on_a_project_not_on_the_head_of_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy().use(monkeypatch)
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        await story.sees("projects 9")
        await story.press("t")
        await story.sees("by chip")
        await story.press("g", "s")
        await story.sees("is a group: j goes to a project")
        await story.press("slash", *"esp32c3 dir", "enter")
        await story.sees("projects 1 of 9", "builds of thermo")


async def test_keys_act_on_all_that_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy().use(monkeypatch)
    built: list[uuid.UUID] = []
    synced: list[uuid.UUID] = []
    lab = busy()

    def start(_builds: Builds, project_id: uuid.UUID, *_rest: Any, **_more: Any) -> Any:
        built.append(project_id)
        return type("Started", (), {"problems": (), "builds": (1,)})

    monkeypatch.setattr(Builds, "start_each", start)
    monkeypatch.setattr(Projects, "sync", lambda _projects, each: synced.append(each))
    ids = {each.project.name: each.project.id for each in lab.projects}
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        await story.sees("projects 9")
        await story.press("u")
        await story.sees("3 marked")
        await story.press("b")
        await story.sees("Build 3 projects?", "sensor, thermo, new")
        await story.press("y")
        await story.sees("2 builds asked for", "new has no chip")
        assert built == [ids["sensor"], ids["thermo"]]
        await story.press("s")
        await story.until(lambda: len(synced) == 3)
        await story.press("escape")
        await story.until(lambda: "marked" not in story.text())
        await story.press("f")
        await story.sees("node5: no esp32s3 board is free")


async def test_a_flash_of_many_says_what_goes_where_and_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = busy()
    lab.builds = {
        each.project.id: [build(number, RunStatus.SUCCESS, 5, target=each.project.target)]
        for number, each in enumerate(lab.projects, 1)
    }
    lab.use(monkeypatch)
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        await story.sees("projects 9")
        await story.press("O", "g", "j", "space", "slash", *"thermo", "enter", "space", "f")
        await story.until(lambda: isinstance(story.screen, Confirm))
        await story.sees("Flash 2 boards?", "gateway #2 onto rack-3", "thermo #5 onto")


async def test_progress_moves_in_its_rows_and_nothing_ticks_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = busy()
    lab.use(monkeypatch)
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        home = story.app.home
        await story.sees("#131 build 47 %", "#131  gateway")
        assert home.is_ticking
        assert story.app.engine is not None
        event = RunProgress(run_id=131, phase="build", percent=61.0, message="linking")
        story.app.engine.events.publish(event)
        await story.sees("#131 build 61 %", timeout=10)
        lab.work.clear()
        home.handle_events([])
        await story.press("B")
        await story.until(lambda: not home.is_ticking)
        await story.press("q")
        await story.sees("nothing runs or waits")
        assert not home.is_ticking


async def test_a_new_build_is_chosen_unless_an_older_one_was(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path, boards=()) as story:
        await story.sees("#3", "#2")
        home, engine = story.app.home, story.app.engine
        assert engine is not None and home.builds[0].project_id is not None
        id = home.builds[0].project_id

        async def build_again(number: int) -> None:
            with Store(tmp_path / "espdeck.db").write() as session:
                session.add(build(number, RunStatus.SUCCESS, 5, project_id=id))
            engine.events.publish(
                RunChanged(run_id=number, project_id=str(id), status=RunStatus.SUCCESS)
            )
            await story.until(lambda: home.builds[0].number == number)

        await build_again(4)
        assert home._chosen_build.number == 4
        await story.press("l", "j", "h")
        await build_again(5)
        assert home._chosen_build.number == 3


async def test_older_builds_that_are_asked_for_twice_come_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = [build(number, RunStatus.SUCCESS, 5) for number in range(400, 200, -1)]
    older = [build(number, RunStatus.SUCCESS, 5) for number in range(200, 100, -1)]
    Lab([project("node5", "esp32c3", newest[0])]).use(monkeypatch)
    asked, go_on = [], threading.Event()

    def list_builds(_builds: Builds, before: int | None = None, **_rest: Any) -> Sequence[Run]:
        if before is None:
            return newest
        asked.append(before)
        go_on.wait(10)
        return older

    monkeypatch.setattr(Builds, "list", list_builds)
    async with running(tmp_path, boards=()) as story:
        await story.sees("#400")
        await story.press("l", "G", "k", "j")
        await story.until(lambda: len(asked) >= 2)
        go_on.set()
        await story.until(lambda: not any(not each.is_finished for each in story.app.workers))
        await story.press("G")
        await story.sees("#101")
        shown = [each.number for each in story.app.home.builds]
        assert shown == list(range(400, 100, -1))


async def test_a_thousand_projects_are_moved_in_without_drawing_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(1000).use(monkeypatch)
    async with running(tmp_path, boards=(), size=(120, 36)) as story:
        await story.sees("projects 1000")
        await story.press("O", "G")
        await story.sees("node-0993")
        await story.press("pageup", "g")
        await story.sees("team-0/node-0000")
