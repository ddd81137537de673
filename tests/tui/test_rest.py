"""The app at rest: which timers and threads it has while nobody does anything."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from textual.timer import Timer

from tests.tui.workspaces import running

MIN_SECONDS = 1.0
"""The shortest time between two calls of a timer of ours at rest."""

THREADS = (
    "artifacts",
    "asyncio_",  # of the pool in which the engine is called: they wait for work
    "audit",
    "builds",
    "checks@",
    "daemon-control",
    "dbos-",
    "find-checks",
    "git-look",
    "handlers",
    "journal-",
    "look-for-runs",
    "metrics",
    "notify",
    "queue-worker-",
    "runs-watch",
    "tasks",
    "Thread-",  # of DBOS, which looks as seldom as engine/runs/queue_workers.py lets it
    "tidy-sessions",
    "upkeep",
    "webhooks",
)
"""Beginnings of the names of threads that may be there; a new one must wait for news, not look."""


def timers(app: object) -> list[Timer]:
    """Timers of ours that run, of an app, its screen or a widget."""
    from tui.app import EspdeckApp

    assert isinstance(app, EspdeckApp)
    nodes = [app, *app.screen_stack, *app.screen.walk_children()]
    return [timer for node in nodes for timer in node._timers if is_ours(timer)]


def is_ours(timer: Timer) -> bool:
    """Whether a timer runs, and calls what is ours."""
    module = getattr(timer._callback, "__module__", "") or ""
    return module.startswith("tui.") and timer._active.is_set()


@pytest.mark.slow
async def test_home_at_rest_has_no_quick_timer_and_no_thread_that_is_not_known(
    tmp_path: Path,
) -> None:
    before = set(threading.enumerate())
    async with running(tmp_path / "ws", boards=(), size=(120, 36)) as story:
        await story.sees("runs here")
        app = story.app
        await story.until(lambda: "launch" not in {each.name for each in threading.enumerate()})
        await story.until(lambda: rests(app))

        assert timers(app), "the looks at who runs builds are timers"
        new = {each.name for each in threading.enumerate() if each not in before}
        unknown = sorted(name for name in new if not name.startswith(THREADS))
        assert not unknown, f"new threads: {', '.join(unknown)}"


def rests(app: object) -> bool:
    """Whether no timer of ours ticks."""
    return all(each._interval >= MIN_SECONDS for each in timers(app))


@pytest.mark.slow
async def test_what_is_behind_another_screen_is_not_seen_and_nothing_ticks(tmp_path: Path) -> None:
    async with running(tmp_path / "ws", boards=(), size=(120, 36)) as story:
        await story.sees("runs here")
        app = story.app
        await story.press("question_mark")
        await story.sees("on this screen")
        assert app.home.is_current
        await story.until(lambda: rests(app))
        await story.press("escape", "comma")
        await story.sees("other key")
        assert not app.home.is_current
        await story.until(lambda: rests(app))
        await story.press("q")
        assert app.home.is_current


@pytest.mark.slow
async def test_the_monitor_of_a_board_that_is_silent_rests_and_shows_what_it_says_then(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        board = f"socket://127.0.0.1:{server.getsockname()[1]}"
        async with running(tmp_path / "ws", boards=(board,)) as story:
            await story.sees("runs here")
            await story.press("B")
            await story.sees("health  ")
            await story.press("enter")
            line, _ = await asyncio.to_thread(server.accept)
            with line:
                await story.sees("nothing yet")
                app = story.app
                await story.until(
                    lambda: all(each._interval >= MIN_SECONDS for each in timers(app))
                )
                line.sendall(b"hello, and a prompt> ")
                await story.sees("hello, and a prompt>")
                await story.until(
                    lambda: all(each._interval >= MIN_SECONDS for each in timers(app))
                )
                line.sendall(b"on\n")
                await story.sees("prompt> on")
