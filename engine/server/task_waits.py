"""Waits until a task has ended, on the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from engine import Engine
from engine.events import Event, RunChanged, RunCompleted
from engine.server.waiting import wait_until

T = TypeVar("T")


async def wait_for_task(
    engine: Engine,
    request: Request,
    number: int,
    seconds: float,
    look: Callable[[Engine, int], T],
) -> T:
    """Wait until a task has ended, for so long at the most, and look at it then.

    Raises:
        UsageError: there is no such task.
    """
    if seconds > 0:

        def has_ended() -> bool:
            return engine.tasks.get(number).status.is_final

        def is_of_task(event: Event) -> bool:
            return event.run_id == number and isinstance(event, RunCompleted | RunChanged)

        await wait_until(engine, request, has_ended, is_of_task, seconds)
    return await run_in_threadpool(look, engine, number)
