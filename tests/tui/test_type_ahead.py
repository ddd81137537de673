"""Keys that come faster than screens open act in order, and none is lost."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.events import Event, Key, MouseDown, MouseEvent, MouseMove, MouseUp
from textual.keys import _character_to_key
from textual.screen import Screen

from engine.builds.service import Builds
from engine.overview.service import Overview
from tests.tui.workspaces import Story, fill, running
from tui import type_ahead
from tui.screens.add_project import AddProject
from tui.screens.build import BuildScreen
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen


def burst(story: Story, *keys: str) -> None:
    """Press keys at once, as a paste into a slow line brings them; ``text:…`` types."""
    driver = story.app._driver
    assert driver is not None
    for each in keys:
        if each.startswith("text:"):
            for character in each.removeprefix("text:"):
                driver.send_message(Key(_character_to_key(character), character))
        else:
            driver.send_message(Key(each, each if len(each) == 1 else None))


def mouse(story: Story, *kinds: type[MouseEvent]) -> None:
    """Have the mouse do something in the middle of the screen, at once."""
    driver = story.app._driver
    assert driver is not None
    for kind in kinds:
        driver.send_message(
            kind(None, 30, 8, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=30, screen_y=8)
        )


async def test_what_is_typed_while_a_form_opens_is_in_its_field(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        burst(story, "a", "text:/no/such/path?q")
        await story.sees("/no/such/path?q")
        form = story.app.screen
        assert isinstance(form, AddProject)
        assert form.typed("source") == "/no/such/path?q"


async def test_ctrl_s_takes_all_that_was_typed(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        burst(story, "a", "text:/no/such/path/x", "ctrl+s")
        await story.sees("/no/such/path/x: no such folder")


async def test_keys_go_through_screens_in_order(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        burst(story, "question_mark", "escape", "w", "escape", "slash", "text:take 2", "enter")
        await story.sees("take 2")
        assert isinstance(story.app.screen, HomeScreen)
        burst(story, "escape", "question_mark")
        await story.until(lambda: isinstance(story.app.screen, HelpScreen))


async def test_keys_that_come_before_the_workspace_is_open_wait_for_it(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        burst(story, "w", "escape", "comma")
        await story.sees("max_concurrent_builds")


def hold(monkeypatch: pytest.MonkeyPatch, service: type, name: str) -> threading.Event:
    """Have calls of a method wait until the event is set."""
    released = threading.Event()
    call = getattr(service, name)

    def wait_and_call(*given: Any, **named: Any) -> Any:
        released.wait(10)
        return call(*given, **named)

    monkeypatch.setattr(service, name, wait_and_call)
    return released


async def test_keys_for_builds_wait_until_these_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    released = hold(monkeypatch, Builds, "list")
    async with running(tmp_path) as story:
        await story.sees("sensor-hub", "#3")
        burst(story, "l", "enter")
        await story.pilot.pause()
        released.set()
        await story.until(lambda: isinstance(story.app.screen, BuildScreen))


async def test_keys_for_a_project_wait_until_projects_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    released = hold(monkeypatch, Overview, "projects")
    async with running(tmp_path) as story:
        burst(story, "l", "enter")
        await story.pilot.pause()
        released.set()
        await story.until(lambda: isinstance(story.app.screen, BuildScreen))


async def test_a_click_waits_for_the_screen_that_a_key_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        home, done = story.app.screen, list[tuple[str, bool]]()
        forward = Screen._forward_event

        def note(screen: Screen[Any], event: Event) -> None:
            if isinstance(event, MouseEvent):
                done.append((type(event).__name__, screen is home))
            forward(screen, event)

        monkeypatch.setattr(Screen, "_forward_event", note)
        burst(story, "comma")
        mouse(story, MouseMove, MouseDown, MouseMove, MouseMove, MouseUp)
        burst(story, "question_mark")
        await story.until(lambda: isinstance(story.app.screen, HelpScreen))
        names = ("MouseMove", "MouseDown", "MouseMove", "MouseUp", "Click")
        assert done == [(name, False) for name in names]


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_an_interrupt_waits_for_nothing(tmp_path: Path, key: str) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        burst(story, "a", "text:lost", key)
        await story.until(lambda: not story.app.is_running)


async def test_a_screen_that_does_not_load_delays_keys_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type_ahead, "LONGEST_WAIT_SECONDS", 0.5)
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        monkeypatch.setattr(story.app._type_ahead, "_is_loading", lambda: True)
        burst(story, *"j" * 80, "question_mark")  # half a minute and more, were it each of them
        await story.until(lambda: isinstance(story.app.screen, HelpScreen))
