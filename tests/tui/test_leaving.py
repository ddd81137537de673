"""Quitting while builds are carried out here: asked what becomes of them, each answer done."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import Engine, Run, Settings, daemon_control, daemon_start
from engine.enums import RunKind, RunStatus
from engine.errors import UsageError
from engine.events import RunCompleted
from engine.store.database import StoreError
from tests.tui.test_type_ahead import burst
from tests.tui.workspaces import Story
from tui.app import EspdeckApp
from tui.screens.help import HelpScreen

pytestmark = pytest.mark.xdist_group("leaving")


class Lab:
    """What runs, and which daemons were started; what a start does can be chosen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[Run] = [Run(kind=RunKind.FIRMWARE, status=RunStatus.RUNNING)]
        self.started: list[Path] = []
        self.problem = ""
        monkeypatch.setattr(Engine, "unfinished_runs", lambda _engine: self.runs)
        monkeypatch.setattr(daemon_start, "start_daemon", self._start)

    def _start(self, workspace: Path, _profile: str = "") -> int:
        if self.problem:
            raise UsageError(self.problem)
        self.started.append(workspace)
        return 1

    def end(self, story: Story) -> None:
        """Let what runs end."""
        self.runs = []
        engine = story.app.engine
        assert engine is not None
        engine.events.publish(
            RunCompleted(
                run_id=1, success=True, status=RunStatus.SUCCESS, duration=1.0, result="done"
            )
        )


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(monkeypatch)


@contextlib.asynccontextmanager
async def opened(workspace: Path, size: tuple[int, int] = (60, 15)) -> AsyncIterator[Story]:
    """The app, carrying out builds; it is closed as the command line closes it."""
    app = EspdeckApp(Settings(workspace=workspace))
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            story = Story(app, pilot)
            await story.sees("runs here")
            yield story
    finally:
        await asyncio.to_thread(app.close_engine)


async def ask(story: Story) -> None:
    await story.press("q")
    await story.sees("Quit? 1 build runs.", "hand over", "wait", "stop")


async def ends(story: Story) -> None:
    await story.until(lambda: story.app._exit)


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
async def test_a_daemon_is_started_and_goes_on(
    tmp_path: Path, lab: Lab, size: tuple[int, int]
) -> None:
    async with opened(tmp_path, size) as story:
        await ask(story)
        await story.press("enter")
        await ends(story)
    assert lab.started == [tmp_path]


async def test_a_daemon_that_does_not_start_is_said_and_the_app_stays(
    tmp_path: Path, lab: Lab
) -> None:
    lab.problem = "the daemon did not start: the disk is full"
    async with opened(tmp_path) as story:
        await ask(story)
        await story.press("enter")
        await story.sees("did not start", "disk is full")
        assert not story.app._exit
        await ask(story)
        await story.press("escape")


async def test_it_waits_until_what_runs_has_ended(tmp_path: Path, lab: Lab) -> None:
    async with opened(tmp_path) as story:
        await ask(story)
        await story.press("down", "enter")
        await story.sees("quits when all of it has ended")
        assert not story.app._exit
        lab.end(story)
        await ends(story)
    assert lab.started == []


async def test_what_has_ended_while_that_was_asked_is_not_waited_for(
    tmp_path: Path, lab: Lab
) -> None:
    async with opened(tmp_path) as story:
        await ask(story)
        lab.end(story)
        await story.press("down", "enter")
        await ends(story)


async def test_stop_ends_at_once_and_escape_stays(tmp_path: Path, lab: Lab) -> None:
    async with opened(tmp_path) as story:
        await ask(story)
        await story.press("escape")
        await story.until(lambda: "Quit?" not in story.text())
        assert not story.app._exit
        await ask(story)
        await story.press("end", "enter")
        await ends(story)
    assert lab.started == []


async def test_keys_after_q_are_of_the_question(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def look(_engine: Engine) -> list[Run]:
        looked.wait(10)
        return lab.runs

    monkeypatch.setattr(Engine, "unfinished_runs", look)
    async with opened(tmp_path) as story:
        burst(story, "q", "escape", "question_mark")
        await story.pilot.pause()
        looked.set()
        await story.until(lambda: isinstance(story.app.screen, HelpScreen))
        assert not story.app._asked_to_leave  # escape was the answer
        assert not story.app._exit


async def test_who_leaves_a_workspace_that_cannot_be_read_leaves(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_engine: Engine) -> list[Run]:
        raise StoreError("gone")

    async with opened(tmp_path) as story:
        monkeypatch.setattr(Engine, "unfinished_runs", fail)
        await story.press("q")
        await ends(story)
        monkeypatch.setattr(Engine, "unfinished_runs", lambda _engine: [])


async def test_nothing_is_asked_when_nothing_runs(tmp_path: Path, lab: Lab) -> None:
    lab.runs = []
    async with opened(tmp_path) as story:
        await story.press("q")
        await ends(story)


async def test_who_insists_is_not_asked_again(tmp_path: Path, lab: Lab) -> None:
    async with opened(tmp_path) as story:
        await story.press("ctrl+c")
        await story.sees("Quit? 1 build runs.")
        await story.press("ctrl+c")
        await ends(story)
    assert lab.started == []


@pytest.mark.parametrize("works", [True, False])
async def test_a_terminal_that_goes_away_leaves_what_runs_to_a_daemon(
    tmp_path: Path, lab: Lab, *, works: bool
) -> None:
    lab.runs = lab.runs if works else []
    async with opened(tmp_path) as story:
        story.app.hang_up()
        await ends(story)
    assert lab.started == ([tmp_path] if works else [])


async def test_a_daemon_that_does_not_start_then_leaves_it_to_the_next_start(
    tmp_path: Path, lab: Lab
) -> None:
    lab.problem = "no"
    async with opened(tmp_path) as story:
        story.app.hang_up()
    assert lab.started == []


async def test_an_app_on_a_daemon_detaches_without_asking_and_says_so(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as story:
        monkeypatch.setattr(daemon_control, "running_daemon", lambda _workspace: 4711)
        monkeypatch.setattr(Engine, "is_executor", False)
        await story.press("q")
        await ends(story)
        app = story.app
        monkeypatch.undo()
        monkeypatch.setattr(daemon_control, "running_daemon", lambda _workspace: 4711)
    assert app.detached_from == 4711
