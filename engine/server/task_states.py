"""How a task stands, as callers know it."""

from __future__ import annotations

from engine import Engine
from engine.enums import RunStatus
from engine.server.models.orchestrate import TaskStatus, status_of_task


def task_status(engine: Engine, number: int) -> TaskStatus:
    """How a task stands.

    Raises:
        NotFoundError: there is no such task.
    """
    state = engine.tasks.state(number)
    answer = engine.tasks.answer(number) if state.run.status is RunStatus.SUCCESS else None
    return status_of_task(state, answer)
