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


class News:
    """Tells a coroutine that something happened; how often meanwhile does not matter.

    The threads that publish events call :meth:`take`, the coroutine calls :meth:`wait`.

    Args:
        wanted: whether an event is worth waking up for; quick.
    """

    def __init__(self, wanted: Callable[[Event], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._wanted = wanted
        self._happened = asyncio.Event()
        self._is_told = False

    def take(self, event: Event) -> None:
        """Note an event."""
        if self._is_told or not self._wanted(event):
            return
        self._is_told = True
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self._happened.set)

    async def wait(self, seconds: float) -> bool:
        """Wait for news since this was called last; False where none came."""
        try:
            await asyncio.wait_for(self._happened.wait(), seconds)
        except TimeoutError:
            return False
        self._happened.clear()
        self._is_told = False
        return True


@contextlib.asynccontextmanager
async def news_of(engine: Engine, wanted: Callable[[Event], bool]) -> AsyncIterator[News]:
    """News of the engine, as long as they are wanted."""
    news = News(wanted)
    unsubscribe = await run_in_threadpool(engine.events.subscribe, news.take)
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
