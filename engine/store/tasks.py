"""What is asked of tasks: what was asked of them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, or_
from sqlmodel import col, select

from engine.enums import RunKind, RunStatus
from engine.errors import NotFoundError
from engine.store.database import Store
from engine.store.runs import MAX_DIGITS, check_clone
from engine.store.tables import Project, Run, StageRow, Task


def add_task(store: Store, run: Run, task: Task, *, clone: str | None = None) -> Run:
    """Write a new task and its run, and give it its number.

    Args:
        clone: as :func:`engine.store.runs.check_clone` has it.

    Raises:
        ConflictError: as :func:`engine.store.runs.check_clone` says.
    """
    with store.write() as session:
        check_clone(session, run, clone)
        session.add(run)
        session.flush()
        session.refresh(run)
        task.run_id = run.number
        session.add(task)
    return run


def get_task(store: Store, run_id: int) -> Task:
    """What was asked of a task.

    Raises:
        UsageError: there is none with this number.
    """
    with store.read() as session:
        task = session.get(Task, run_id)
    if task is None:
        raise NotFoundError(f"no task {run_id}")
    return task


def list_tasks(
    store: Store,
    *,
    status: Sequence[RunStatus] = (),
    text: str = "",
    limit: int = 200,
    before: int | None = None,
) -> Sequence[tuple[Run, Task, str]]:
    """Tasks with their runs and their projects' names, newest first, a page at a time.

    Args:
        status: kept are tasks that stand so; empty for all.
        text: kept are tasks whose number, title, description, project or status has this in it.
        before: only tasks with a smaller number, for the next page.
    """
    name = func.coalesce(Project.name, "")
    query = (
        select(Run, Task, name)
        .join(Task, col(Task.run_id) == col(Run.id))
        .outerjoin(Project, col(Project.id) == col(Run.project_id))
        .where(Run.kind == RunKind.TASK)
        .order_by(col(Run.id).desc())
        .limit(limit)
    )
    if status:
        query = query.where(col(Run.status).in_(status))
    if before is not None:
        query = query.where(col(Run.id) < before)
    if text:
        fields = (Task.title, Task.description, Run.status, name)
        tests = [func.instr(func.lower(field), text.lower()) > 0 for field in fields]
        number = text.lstrip("#")
        if number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS:
            tests.append(col(Run.id) == int(number))
        query = query.where(or_(*tests))
    with store.read() as session:
        return [(run, task, project) for run, task, project in session.exec(query)]


def stages_of_all(store: Store, build_ids: Sequence[int]) -> Mapping[int, Sequence[StageRow]]:
    """Stages of several runs that no retry did again, each in the order in which they came."""
    found: dict[int, list[StageRow]] = {number: [] for number in build_ids}
    query = (
        select(StageRow)
        .where(col(StageRow.run_id).in_(build_ids), ~col(StageRow.superseded))
        .order_by(col(StageRow.id))
    )
    with store.read() as session:
        for row in session.exec(query):
            found[row.run_id].append(row)
    return found


def durations(store: Store, title: str, model: str, limit: int) -> Sequence[float]:
    """Seconds that the newest successful tasks of a title took, with the same choice of model.

    Args:
        model: the one that was named for all steps; empty for each role's own.
    """
    query = (
        select(Run.duration)
        .join(Task, col(Task.run_id) == col(Run.id))
        .where(Run.status == RunStatus.SUCCESS, Task.title == title, Task.model == model)
        .where(col(Run.duration).is_not(None))
        .order_by(col(Run.id).desc())
        .limit(limit)
    )
    with store.read() as session:
        return [seconds for seconds in session.exec(query) if seconds is not None]


def put_result(store: Store, run_id: int, result: str) -> None:
    """Keep what came of a task, in a line; empty while it is not there."""
    with store.write() as session:
        task = session.get_one(Task, run_id)
        task.result = result
        session.add(task)
