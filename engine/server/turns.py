"""Turns: what costs much is done for a few at once.

Each answer is made in a thread of a pool that all share. Who asked for the sizes of forty builds at
once would have every thread, so that nobody else was answered, and forty processes beside those of
builds. Who waits for a turn has no thread, and who is sent an answer has no turn any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Depends

MEASURED_AT_ONCE = 2
"""Calls that measure programs, or look through a repository or kept sessions."""

READ_AT_ONCE = 8
"""Calls that read an artifact whole, or fetch it from the store, before they send of it."""


async def _turn() -> AsyncIterator[None]:
    yield


MEASURING = Depends(_turn, scope="function", max_concurrency=MEASURED_AT_ONCE)
READING = Depends(_turn, scope="function", max_concurrency=READ_AT_ONCE)
"""What a route names in its ``dependencies``."""
