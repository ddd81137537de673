"""Waits on the event loop for what the engine tells, without a thread for each who waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import anyio.to_thread
from anyio import CapacityLimiter
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


NEWS_SECONDS = 0.05
"""How often those who wait are woken at the most."""

_MAX_TOLD = 200
_AT_ONCE = 4

_Value = TypeVar("_Value")


class News:
    """What an engine tells, for those who wait for some of it on the server's loop.

    Whoever publishes calls this once, however many wait: a subscription of each made each line of a
    build's log cost as much as a stage takes to write it, two hundred times over. Used on one loop;
    :meth:`_take` is called in any thread.
    """

    def __init__(self, engine: Engine) -> None:
        self.loop = asyncio.get_running_loop()
        self._subscribe = engine.events.subscribe
        self._waiting: dict[Wakeup, Callable[[Event], bool]] = {}
        self._reads: dict[Hashable, asyncio.Future[Any]] = {}
        self._limiter = CapacityLimiter(_AT_ONCE)
        self._subscribing = asyncio.Lock()
        self._unsubscribe: Callable[[], None] | None = None
        self._next = 0.0
        self._round = 0
        self._lock = threading.Lock()
        self._told: list[Event] = []

    @contextlib.asynccontextmanager
    async def of(self, wanted: Callable[[Event], bool]) -> AsyncIterator[Wakeup]:
        """Be woken up by some of it, or by more than is looked through."""
        wakeup = Wakeup()
        self._waiting[wakeup] = wanted
        try:
            async with self._subscribing:
                if self._unsubscribe is None:
                    self._unsubscribe = await run_in_threadpool(self._subscribe, self._take)
            yield wakeup
        finally:
            del self._waiting[wakeup]
            if not self._waiting and self._unsubscribe is not None:
                self._unsubscribe()
                self._unsubscribe = None

    async def read(self, key: Hashable, read: Callable[[], _Value]) -> _Value:
        """Read something, once for all who were woken at the same time; a few at a time read.

        Args:
            key: what it is. A read that began before the last news were told is not waited for.
        """
        key = self._round, key
        found = self._reads.get(key)
        if found is None:
            reading = anyio.to_thread.run_sync(read, limiter=self._limiter)
            found = self._reads[key] = asyncio.ensure_future(reading)
            found.add_done_callback(lambda done: self._forget(key, done))
        value: _Value = await asyncio.shield(found)
        return value

    def _forget(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        del self._reads[key]
        if not done.cancelled():
            done.exception()  # who asked may have gone

    def _take(self, event: Event) -> None:
        with self._lock:
            is_first = not self._told
            if len(self._told) <= _MAX_TOLD:
                self._told.append(event)
        if is_first:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self.loop.call_soon_threadsafe(self._tell_soon)

    def _tell_soon(self) -> None:
        self.loop.call_at(max(self._next, self.loop.time()), self._tell)

    def _tell(self) -> None:
        self._next = self.loop.time() + NEWS_SECONDS
        self._round += 1
        with self._lock:
            told, self._told = self._told, []
        for wakeup, wanted in list(self._waiting.items()):
            if len(told) > _MAX_TOLD or any(map(wanted, told)):
                wakeup.set()


_NEWS: WeakKeyDictionary[Engine, News] = WeakKeyDictionary()


def news_of(engine: Engine) -> News:
    """The news of an engine on the running loop."""
    found = _NEWS.get(engine)
    if found is None or found.loop is not asyncio.get_running_loop():
        found = _NEWS[engine] = News(engine)
    return found


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
    async with news_of(engine).of(wanted) as news:
        while not await run_in_threadpool(done):
            left = until - loop.time()
            if left <= 0 or await request.is_disconnected():
                return
            await news.wait(min(left, _LOOK_SECONDS))
