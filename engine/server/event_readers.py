"""Readers of the event stream on the server's loop, and their heartbeats.

The engine's stream tells of news in a thread of its own; here one call wakes all readers that have
some. Reads of the store are a few at a time, so that many readers who come again at once do not
take the threads of everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends
from starlette.requests import HTTPConnection

from engine import Engine, Notice, StoreError, StreamEvent, StreamFilter, Subscription
from engine.server.sse import HEARTBEAT_SECONDS

_STORE_READERS = 4
_RETRY_SECONDS = 1.0


class EventReaders:
    """Those who read events from one server. Used on its loop alone.

    Args:
        engine: has the stream.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limiter: CapacityLimiter | None = None
        self._news: dict[Subscription, asyncio.Event] = {}

    async def subscribe(self, chosen: StreamFilter, after: str) -> Subscription:
        """A subscription for :meth:`follow` (see :meth:`engine.EventStream.subscribe`).

        Raises:
            StoreError: the store cannot be read.
        """
        self._loop = asyncio.get_running_loop()
        self._limiter = self._limiter or CapacityLimiter(_STORE_READERS)
        return await anyio.to_thread.run_sync(
            self._engine.stream.subscribe, chosen, self._notify, after, limiter=self._limiter
        )

    async def follow(
        self, subscription: Subscription
    ) -> AsyncGenerator[Sequence[StreamEvent | Notice], None]:
        """What a reader gets, as it comes: some at once.

        Yields:
            Nothing after each :data:`HEARTBEAT_SECONDS` without any.
        """
        news = self._news[subscription] = asyncio.Event()
        try:
            while True:
                news.clear()
                items = await self._read(subscription)
                if items:
                    yield items
                elif not subscription.reads_store and not await _wait(news):
                    yield ()
        finally:
            subscription.close()
            del self._news[subscription]

    async def _read(self, subscription: Subscription) -> Sequence[StreamEvent | Notice]:
        if not subscription.reads_store:
            return subscription.read()
        try:
            return await anyio.to_thread.run_sync(subscription.read, limiter=self._limiter)
        except StoreError:  # the disk is full, or somebody holds it: later
            await asyncio.sleep(_RETRY_SECONDS)
            return ()

    def _notify(self, subscriptions: Sequence[Subscription]) -> None:
        """Wake readers; called in the stream's thread."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(self._wake, subscriptions)
        except RuntimeError:
            return  # it was closed just now

    def _wake(self, subscriptions: Sequence[Subscription]) -> None:
        for each in subscriptions:
            news = self._news.get(each)
            if news is not None:
                news.set()


async def event_readers_of(connection: HTTPConnection) -> EventReaders:
    """The readers of the server that is asked."""
    state = connection.app.state
    if not hasattr(state, "event_readers"):
        state.event_readers = EventReaders(state.engine)
    readers: EventReaders = state.event_readers
    return readers


ReadersOf = Annotated[EventReaders, Depends(event_readers_of)]


async def _wait(news: asyncio.Event) -> bool:
    """Wait for news; False after :data:`HEARTBEAT_SECONDS` without any."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            await news.wait()
    except TimeoutError:
        return False
    return True
