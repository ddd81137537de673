"""The build that the demo starts with: it is opened, but never over what a person does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from engine import Settings
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp
from tui.screens.build import BuildScreen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("keys", [(), ("a",), ("slash",)])
async def test_it_opens_where_home_is_in_front_and_nothing_is_typed(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    fill(tmp_path)
    number = 1
    typed = threading.Event()

    def open_build(_engine: object) -> int:
        typed.wait(10)
        return number

    app = EspdeckApp(Settings(workspace=tmp_path, boards=()), open_build=open_build)
    try:
        async with app.run_test(size=(100, 24), notifications=True) as pilot:
            story = Story(app, pilot)
            await story.until(lambda: app.is_open)
            await story.press(*keys)
            front = story.screen
            typed.set()
            if keys:
                await story.sees(f"build #{number} has begun")
                assert story.screen is front
            else:
                await story.until(lambda: isinstance(story.screen, BuildScreen))
    finally:
        await asyncio.to_thread(app.close_engine)
