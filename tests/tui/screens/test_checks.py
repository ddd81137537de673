"""The checks on the screen: a matrix or a list, what each found, and the keys that change them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import CheckStatus
from tests.engine.git_repos import commit
from tests.tui.check_workspaces import FOUND, fill_checks, keep_result, use_checks
from tests.tui.workspaces import Story, fill, running
from tui.screens.build import BuildScreen
from tui.screens.checks import ChecksScreen
from tui.screens.home import HomeScreen

pytestmark = pytest.mark.xdist_group("checks")

PLUGIN = """\
import pathlib
import time

from engine.checks.base import CheckResult
from engine.enums import CheckStatus


class Look:
    name, title, interval, options = "look_check", "looks", 500_000.0, {}

    def state(self, context):
        return ""

    def run(self, context):
        while not pathlib.Path(GO).exists():
            time.sleep(0.02)
        return CheckResult(CheckStatus.ERROR, "3 are wrong", {"wrong": [{"file": "a.c", "at": 7}]})
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "config.toml"
    path.parent.mkdir()
    path.touch(mode=0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose checks have run, and are run by no clock."""
    use_checks(monkeypatch)
    fill(tmp_path / "ws")
    fill_checks(tmp_path / "ws")
    return tmp_path / "ws"


async def open_checks(story: Story) -> None:
    await story.sees("checks 1 !", "runs here")
    await story.press("C")
    await story.sees("1 warning")


async def test_a_wide_terminal_shows_a_matrix_a_narrow_one_a_list(workspace: Path) -> None:
    async with running(workspace, size=(100, 30)) as story:
        await open_checks(story)
        await story.sees(
            "doc           git           lint          test",
            "! 3 h         ✓ 5 h         ✗ broken      ◌ soon",
            "says    2 documents of 31 are older than what they describe",
        )
        await story.press("l", "l")
        await story.sees("lint_check of sensor-hub", "says    cannot be loaded: no module")
        await story.press("e")
        await story.sees("lint_check cannot be used")
        await story.press("right", "right")
        await story.sees("test_check of sensor-hub", "says    has not run yet")
        await story.pilot.resize_terminal(60, 15)
        await story.sees("◌ soon       test  sensor-hub", "✗ broken     lint  sensor-hub")
        await story.press("g")
        await story.sees("check   doc_check of sensor-hub")


async def test_a_cell_opens_with_every_result_and_what_it_found(workspace: Path) -> None:
    async with running(workspace, size=(100, 30)) as story:
        await open_checks(story)
        await story.press("enter")
        await story.sees(
            "doc_check of sensor-hub",
            "! warning",
            "3 h     1.2 s  schedule",
            "README.md:12  names flash_all(), which is no more",
        )
        await story.press("j")
        await story.sees(" success ", "31 documents are as new")
        await story.press("enter", "y")
        await story.sees("copied")
        assert "31 documents are as new" in story.app.clipboard
        assert "docs/pins.md:3  older" in story.app.clipboard
        await story.press("q")
        assert isinstance(story.screen, ChecksScreen)
        await story.press("q")
        assert isinstance(story.screen, HomeScreen)


async def test_the_filter_the_project_and_its_build(workspace: Path) -> None:
    async with running(workspace, size=(100, 30)) as story:
        await open_checks(story)
        await story.press("slash")
        await story.type("GIT")
        await story.until(lambda: "! 3 h" not in story.text())
        await story.press("enter")
        await story.sees("git_check of sensor-hub")
        await story.press("slash", "x")
        await story.sees("no check has 'x'")
        await story.press("escape")
        await story.sees("! 3 h")
        await story.press("b")
        await story.until(lambda: isinstance(story.screen, BuildScreen))
        await story.press("q", "p")
        await story.sees("builds of sensor-hub")


@pytest.mark.slow  # the settings are read again
async def test_a_check_is_switched_and_gets_another_interval(workspace: Path, config: Path) -> None:
    def load() -> Settings:
        return Settings.load(workspace=workspace)

    async with running(workspace, size=(100, 30), load=load) as story:
        await open_checks(story)
        await story.press("e")
        await story.sees("Switch doc_check off?", "for sensor-hub only")
        await story.press("enter")
        await story.sees("! 3 h off", "only when you say so")
        assert "[checks.doc_check.projects.sensor-hub]\nenabled = false" in config.read_text()
        await story.press("l", "i", "down", "enter")
        await story.sees("Run git_check every")
        await story.press(*["backspace"] * len("1e+06"), "0", "enter")
        await story.sees("interval")
        assert "interval" not in config.read_text()
        await story.press("i", "down", "enter")
        await story.press(*["backspace"] * len("1e+06"), *"ten", "enter")
        await story.sees("'ten' is not a number of minutes")
        await story.press("i", "down", "enter")
        await story.press(*["backspace"] * len("1e+06"), *"9000", "enter")
        await story.sees("every 150 h")
        await story.press("q")
        await story.until(lambda: "checks 1 !" not in story.text())


async def test_what_another_process_found_comes_by_itself(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(workspace, size=(100, 30)) as story:
        await open_checks(story)
        with Engine(Settings(workspace=workspace)) as other:
            found = keep_result  # as a daemon keeps it, with its event
            age = timedelta(seconds=1)
            found(workspace, "sensor-hub", "test_check", CheckStatus.ERROR, "2 fail", age)
            publish(other)
            await story.sees("1 error, 1 warning", "✗ ")
        await story.press("q")
        await story.sees("checks 1 ✗ 1 !")


def publish(engine: Engine) -> None:
    from engine.events import CheckCompleted

    project = next(each for each in engine.projects.list() if each.name == "sensor-hub")
    engine.events.publish(
        CheckCompleted(
            result_id=1, check="test_check", project_id=str(project.id), project=project.name,
            status=CheckStatus.ERROR, message="2 fail", duration=1.0,
        )
    )  # fmt: skip


@pytest.mark.slow  # the check has processes of its own
async def test_a_check_is_run_from_here_stopped_and_run_with_all_others(
    tmp_path: Path, config: Path
) -> None:
    folder = config.parent / "checks"
    folder.mkdir()
    go = tmp_path / "go"
    (folder / "look.py").write_text(PLUGIN.replace("GO", json.dumps(str(go))))
    commit(tmp_path / "hub", {"README.md": "Later.\n"})
    off = "".join(f"[checks.{name}]\nenabled = false\n" for name in ("look_check", "git_check"))
    config.write_text(off)
    settings = Settings.load(workspace=tmp_path / "ws")
    async with running(tmp_path / "ws", size=(140, 30), checks=settings.checks) as story:
        engine = story.app.engine
        assert engine is not None
        engine.projects.wait(engine.projects.add(str(tmp_path / "hub")).id)
        await story.press("C")
        await story.sees("look ")
        await story.press("slash")
        await story.type("look_check")
        await story.press("enter", "r")
        await story.sees("● runs ", "runs    now: you asked for it")
        await story.press("r")
        await story.sees("this check is running already")
        await story.press("c")
        await story.sees("– off")
        go.touch()
        await story.press("R")
        await story.sees("✗ 0 s off", "says    3 are wrong")
        await story.press("enter")
        await story.sees("a.c  at 7", "manual")
        await story.press("r")
        await story.until(lambda: story.text().count("3 are wrong") >= 3)
        await story.until(lambda: not len(story.app.check_runs))


async def test_without_projects_it_says_what_checks_are_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_checks(monkeypatch, *FOUND[:1])
    async with running(tmp_path / "ws") as story:
        await story.press("C")
        await story.sees("no checks yet: press q, then a to add a project")
        await story.press("r")
        await story.sees("no checks yet: add a project first")
