"""A person at work with the app: real engine, real builds on the virtual board."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.enums import RunStatus, VerdictWord
from engine.errors import UsageError
from engine.events import Event, RunCompleted
from engine.samples import demo
from engine.store import runs
from engine.store.database import Store
from tests.tui.commands import Shell
from tests.tui.workspaces import LOG_LINES, Story, fill, running
from tui.screens.home import HomeScreen
from tui.terminal import lend

pytestmark = [pytest.mark.xdist_group("stories"), pytest.mark.slow]


async def open_newest(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("l")
    await story.sees("#3")
    await story.press("g", "enter")
    await story.sees("FINDINGS", "main/main.c:21")


@pytest.mark.slow
async def test_from_nothing_to_a_judged_firmware(tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    async with running(tmp_path / "ws", boards=(demo.DEMO_BOARD,)) as story:
        await story.sees("press a to add one", "? for help")
        await story.press("b")
        await story.sees("no project: press a to add one")

        await story.press("a")
        await story.sees("Git URL or path")
        await story.type("nonsense://x")
        await story.press("enter")
        await story.sees("nonsense")
        await story.press(*["backspace"] * len("nonsense://x"))
        await story.type(str(source))
        await story.press("enter")
        await story.sees(" hello  esp32c3", "never built", "no build yet: press b")

        await story.press("b")
        await story.sees("✓ success", "BOARD  console", "0 Failures", timeout=60)
        await story.press("q")
        await story.sees("✓ success", "#1", "100 %")


async def test_firmware_that_was_not_tried_says_so_wherever_its_build_is_shown(
    tmp_path: Path,
) -> None:
    fill(tmp_path)
    store = Store(tmp_path / "espdeck.db")
    for number, word in ((1, VerdictWord.UNTESTED), (2, VerdictWord.SILENT)):
        runs.finish_run(store, number, status=RunStatus.SUCCESS, verdict=word)
    shell = Shell(tmp_path)

    listed, shown = shell.says("builds"), shell.says("show", "2")
    rows = [json.loads(line) for line in shell.says("builds", "--json").splitlines()]

    assert "VERDICT" in listed
    assert "untested" in listed
    assert "success, silent" in shown
    assert [row["verdict"] for row in rows] == ["", "silent", "untested"]
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("l")
        await story.sees("✓ silent", "✓ untested", "✗ failed")
        await story.press("j", "enter")
        await story.sees("#2 ✓ success silent")


@pytest.mark.slow
async def test_an_app_of_a_repository_and_no_menu_without_a_terminal(tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    async with running(tmp_path / "ws") as story:
        await story.press("a")
        await story.sees("Git URL or path")
        await story.type(str(source))
        await story.press("tab")
        await story.type("esp32c3")
        await story.press("tab", "tab")
        await story.type("../elsewhere")
        await story.press("enter")
        await story.sees("is not a folder of the repository")
        await story.press(*["backspace"] * len("../elsewhere"))
        await story.type("main")
        await story.press("enter")
        await story.sees(" hello-main  esp32c3", "never built")

        await story.press("M")
        await story.sees("only projects of ESP-IDF have a menu")
        with pytest.raises(UsageError, match="the menu needs a terminal"):
            lend(story.app, lambda: None, what="the menu")


@pytest.mark.slow
async def test_a_finding_is_shown_in_its_source(tmp_path: Path) -> None:
    demo.make_repository("broken", tmp_path / "broken")
    async with running(tmp_path / "ws", size=(100, 30)) as story:
        engine = story.app.engine
        assert engine is not None
        engine.projects.add(str(tmp_path / "broken"))
        await story.sees("no build yet: press b", "never built")
        await story.press("b")
        await story.until(lambda: bool(engine.builds.list()), timeout=60)
        await story.until(lambda: engine.builds.get(1).status.is_final, timeout=60)
        await story.press("9", "G")
        await story.sees("expected ';'")
        await story.until(lambda: "FINDINGS" in story.text())
        rows = [told.row for told in engine.builds.told_findings(1)]
        row = next(row for row in rows if "expected ';'" in row.message)
        await story.press(*["k"] * len(rows), *["j"] * rows.index(row))
        await story.press("enter")
        await story.sees("main/main.c", "marked", f"{row.line} > ", "^ error: expected ';'")
        assert "#include" in story.text()
        await story.press("escape")
        await story.sees("FINDINGS")


@pytest.mark.slow
async def test_a_retry_from_a_stage_and_a_cancel(tmp_path: Path) -> None:
    demo.make_repository("flaky-tests", tmp_path / "flaky")
    async with running(tmp_path / "ws", boards=(demo.DEMO_BOARD,)) as story:
        engine = story.app.engine
        assert engine is not None
        project = engine.projects.add(str(tmp_path / "flaky"))
        await story.sees("no build yet: press b", "never built")
        await story.press("b")
        await story.sees("✗ failed", "blocked", timeout=60)

        await story.press("r")
        await story.sees("from the start", "from judge")
        ended: list[Event] = []
        engine.events.subscribe(
            lambda event: ended.append(event) if isinstance(event, RunCompleted) else None
        )
        await story.press("end", "up", "enter")
        await story.until(lambda: bool(ended), timeout=60)
        await story.sees("✗ failed", "QA")

        started = engine.builds.start(project.id)
        await story.press("q")
        await story.sees(f"#{started.number}")
        await story.press("l", "g", "c")
        await story.until(lambda: engine.builds.get(started.number).status.is_final)
        await story.sees("cancelled")


@pytest.mark.slow
async def test_panes_are_chosen_enlarged_scrolled_and_searched(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await open_newest(story)
        await story.sees("FINDINGS 2", "main/main.c:21: Store access fault")
        await story.press("enter")
        await story.sees("panic.store-access-fault", "hint: 0xdead0000")
        await story.press("escape", "2")
        await story.sees("BUILDER  build  compile: done", "W (12) sensor: the last of them")

        await story.press("g")  # the beginning is in the store only
        await story.sees("build log line 0", f"of {LOG_LINES}")
        await story.press("pagedown")
        await story.sees("build log line 7", f"lines 8-15 of {LOG_LINES}")
        await story.press("f")
        assert "8-15" not in story.text()
        await story.press("G")
        await story.sees("W (12) sensor: the last of them")

        await story.press("slash")
        await story.type("log line 1234")
        await story.press("enter")
        await story.sees("match 1 of 1", "build log line 1234")

        await story.press("z")
        assert "PROJECT_MANAGER" not in story.text()
        await story.press("z", "tab", "tab")
        await story.sees("DOCTOR  diagnose  diagnose: done", "PROJECT_MANAGER")
        await story.press("0")
        await story.sees("27.6 KiB hub.elf")
        await story.press("escape")  # ends the search
        assert not isinstance(story.screen, HomeScreen)
        await story.press("escape")
        assert isinstance(story.screen, HomeScreen)


@pytest.mark.slow
async def test_builds_are_filtered_and_come_in_pages(tmp_path: Path) -> None:
    fill(tmp_path, count=1000)
    async with running(tmp_path, size=(120, 30)) as story:
        await story.sees("sensor-hub")
        await story.press("l")
        await story.sees("#1000")
        await story.press("slash")
        await story.type("take 17")
        await story.sees("#179", "#172")
        await story.until(lambda: "000003e8" not in story.text())
        await story.press("enter", "escape")
        await story.sees("000003e8")
        for _ in range(8):  # a page of the list more comes in each time
            await story.press("G")
            await story.pilot.pause(0.05)
        await story.sees("#1 ")


async def test_actions_say_why_they_do_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("broken-link")
        await story.press("G", "b")
        await story.sees("broken-link cannot be built")
        await story.press("g", "l")
        await story.sees("#3")
        await story.press("c")
        await story.sees("build 3 has ended already")
        await story.press("enter")
        await story.sees("FINDINGS 2")
        await story.press("n")
        await story.sees("no search yet")


async def test_help_palette_and_own_keys(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path, size=(100, 40), keys={"sync": "ctrl+y"}) as story:
        await story.sees("sensor-hub")
        await story.press("question_mark")
        await story.sees("Add a project", "ctrl+y", "[sync]")
        await story.press("escape", "colon")
        await story.sees("Search for commands")
        await story.type("remov")
        await story.sees("Remove the project")
        await story.press("escape")


async def test_an_unknown_action_in_the_settings_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, keys={"explode": "x"}) as story:
        await story.sees("no action is", "explode")


async def test_removing_asks_first(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("broken-link")
        await story.press("G", "d")
        await story.sees("Remove broken-link?", "source is not touched")
        await story.press("n")
        await story.until(lambda: "Remove broken-link?" not in story.text())
        await story.press("d")
        await story.sees("Remove broken-link?")
        await story.press("y")
        await story.until(lambda: "broken-link" not in story.text())
        await story.sees("sensor-hub", "projects 1")


@pytest.mark.parametrize("size", [(40, 12), (60, 15), (80, 24), (120, 45), (200, 60)])
async def test_every_size_works(tmp_path: Path, size: tuple[int, int]) -> None:
    fill(tmp_path)
    async with running(tmp_path, size=(100, 30)) as story:
        await story.sees("sensor-hub")
        await story.pilot.resize_terminal(*size)
        await open_newest(story)
        await story.press("2")
        await story.sees("W (12)")
        await story.pilot.resize_terminal(30, 8)
        await story.press("3")
        await story.sees("TESTER")
        await story.pilot.resize_terminal(*size)
        await story.press("q")
        await story.sees("sensor-hub")
