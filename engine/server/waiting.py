"""Waits on the event loop for what the engine tells, without a thread for each who waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from engine import Engine
from engine.events import Event

_LOOK_SECONDS = 2.0
"""How long a request that waits goes without a look, should nothing be told."""


class Wakeup:
    """An event of the running loop that any thread can set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake who waits; never waits itself."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> bool:
        """Wait until it is set, which is forgotten then, or time is up; whether it was set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
            self._event.clear()
            return True
        return False


@contextlib.asynccontextmanager
async def news_of(engine: Engine, wanted: Callable[[Event], bool]) -> AsyncIterator[Wakeup]:
    """Be woken up by what the engine tells.

    Args:
        wanted: whether an event is worth waking up for; quick, and called in any thread.
    """
    news = Wakeup()

    def take(event: Event) -> None:
        if wanted(event):
            news.set()

    unsubscribe = await run_in_threadpool(engine.events.subscribe, take)
    try:
        yield news
    finally:
        unsubscribe()


async def wait_until(
    engine: Engine,
    request: Request,
    done: Callable[[], bool],
    wanted: Callable[[Event], bool],
    seconds: float,
) -> None:
    """Wait until something is done, its time is over, or who asks went away.

    Args:
        done: may block.
        wanted: the events after which it may be done.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    async with news_of(engine, wanted) as news:
        while not await run_in_threadpool(done):
            left = until - loop.time()
            if left <= 0 or await request.is_disconnected():
                return
            await news.wait(min(left, _LOOK_SECONDS))
