"""Readers of the event stream on the server's loop: heartbeats, and who may read no more.

The engine's stream tells of news in a thread of its own; here one call wakes all readers that have
some. Reads of the store are a few at a time, so that many readers who come again at once do not
take the threads of everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends
from starlette.requests import HTTPConnection

from engine import Engine, Notice, Principal, StoreError, StreamEvent, StreamFilter, Subscription

HEARTBEAT_SECONDS = 15.0
"""Seconds without an event after which a reader is told that the stream lives."""

CHECK_SECONDS = 3.0
"""Seconds between two looks whether readers still may read."""

_STORE_READERS = 4
_RETRY_SECONDS = 1.0


@dataclass(eq=False)
class _Reader:
    principal: Principal
    news: asyncio.Event = field(default_factory=asyncio.Event)
    may_read: bool = True


class EventReaders:
    """Those who read events from one server. Used on its loop alone.

    Args:
        engine: has the stream.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limiter: CapacityLimiter | None = None
        self._readers: dict[Subscription, _Reader] = {}
        self._checker: asyncio.Task[None] | None = None

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
        self, subscription: Subscription, principal: Principal
    ) -> AsyncGenerator[Sequence[StreamEvent | Notice], None]:
        """What a reader gets, as it comes, while it may read: some at once.

        Yields:
            Nothing after each :data:`HEARTBEAT_SECONDS` without any.
        """
        with self._reading(subscription, principal) as reader:
            while reader.may_read:
                reader.news.clear()
                items = await self._read(subscription)
                if items:
                    yield items
                elif not subscription.reads_store and not await _wait(reader.news):
                    yield ()

    async def _read(self, subscription: Subscription) -> Sequence[StreamEvent | Notice]:
        if not subscription.reads_store:
            return subscription.read()
        try:
            return await anyio.to_thread.run_sync(subscription.read, limiter=self._limiter)
        except StoreError:  # the disk is full, or somebody holds it: later
            await asyncio.sleep(_RETRY_SECONDS)
            return ()

    @contextmanager
    def _reading(self, subscription: Subscription, principal: Principal) -> Iterator[_Reader]:
        reader = self._readers[subscription] = _Reader(principal)
        if self._checker is None:
            self._checker = asyncio.create_task(self._check())
        try:
            yield reader
        finally:
            subscription.close()
            del self._readers[subscription]
            if not self._readers and self._checker is not None:
                self._checker.cancel()
                self._checker = None

    async def _check(self) -> None:
        """End what tokens that were revoked or expired have open."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for principal in {each.principal for each in self._readers.values()}:
                try:
                    holds = await anyio.to_thread.run_sync(
                        self._engine.access.holds, principal, limiter=self._limiter
                    )
                except StoreError:
                    continue  # nobody can say
                if not holds:
                    self._end(principal)

    def _end(self, principal: Principal) -> None:
        for reader in self._readers.values():
            if reader.principal == principal:
                reader.may_read = False
                reader.news.set()

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
            reader = self._readers.get(each)
            if reader is not None:
                reader.news.set()


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
