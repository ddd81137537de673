"""The app of tests waits for what it has to do, not for time: see :func:`idle`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
import textual.app
import textual.pilot
from textual import constants
from textual._context import active_app
from textual.app import ScreenError

import tui.app


async def idle(_least: float = 0.0, _most: float = 0.0) -> None:
    """Wait until the event loop has nothing more to do that a timer or a thread does not bring.

    What waits for the next refresh, which a timer brings, is done as well. Textual's own looks at
    the clock of the processor: it sleeps 20 ms and more for each key, and takes a process for idle
    that other processes keep from running.
    """
    await _drained()
    with contextlib.suppress(LookupError, ScreenError):  # no app, or none with a screen
        active_app.get().screen._on_timer_update()
        await _drained()


async def _drained() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    for _turn in range(1000):  # what asks for the next turn each time is an animation of its own
        await asyncio.sleep(0)
        if not loop._ready:  # type: ignore[attr-defined] # asyncio has no public word for it
            return


@pytest.fixture(scope="session", autouse=True)
def no_clock() -> Iterator[None]:
    """Let pilots wait as :func:`idle` does, and nothing move in steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textual.app, "wait_for_idle", idle)
        patch.setattr(textual.pilot, "wait_for_idle", idle)
        patch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
        # On a busy machine a message is gone before a test looks.
        patch.setattr(tui.app, "MESSAGE_SECONDS", dict.fromkeys(tui.app.MESSAGE_SECONDS, 10.0))
        yield
