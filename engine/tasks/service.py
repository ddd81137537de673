"""Tasks as a front end sees them: what can be ordered, what was, how it stands, what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.enums import Priority, RunKind, RunStatus, StageStatus
from engine.errors import UsageError
from engine.files import read_file
from engine.llm.placeholder import PLACEHOLDER
from engine.projects import git
from engine.projects.revisions import is_range
from engine.projects.service import Projects
from engine.runs.pipeline import Pipeline
from engine.runs.service import RunService, RunServices
from engine.settings import Settings
from engine.store import projects
from engine.store import tasks as store_tasks
from engine.store.tables import Run, StageRow, Task
from engine.tasks import pipeline_library
from engine.tasks.agents.step import answer_name
from engine.tasks.pipeline_file import StepPipeline
from engine.tasks.pipeline_library import PipelineEntry
from engine.tasks.plan import Plan, title_of
from engine.tasks.request import TaskRequest, order_of, plan_for, plan_of, row_of
from engine.tasks.roles import ModelRole, Squad, roles, squads
from engine.tasks.workflow import Workflow, workflows

if TYPE_CHECKING:
    from engine.llm.service import Models

MAX_ANSWER = 4 << 20
"""Bytes of an answer that are shown."""

_URGENCY = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}
_OVER = (StageStatus.SUCCESS, StageStatus.FAILED, StageStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the models of a task were asked.

    Args:
        answers: how many there were.
        tokens_in, tokens_out: of those that were counted; None where no server counts.
        seconds: that models took, one after the other.
        cost: in the servers' currency, None where none says it.
        models: who answered, as the servers call them.
        placeholder: whether some step asked nobody.
    """

    answers: int
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    cost: float | None
    models: tuple[str, ...]
    placeholder: bool


@dataclass(frozen=True, slots=True)
class StepTime:
    """How a step went; ``seconds`` is None while it has not ended."""

    key: str
    title: str
    role: str
    attempt: int
    status: StageStatus
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How the steps of a task went.

    Args:
        total: steps that the task has.
        successful, failed: of those that ran.
        seconds: of the whole run, None while it has not ended.
        steps: those that were reached, in order; stages that are no steps among them.
    """

    total: int
    successful: int
    failed: int
    seconds: float | None
    steps: tuple[StepTime, ...]


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task stands.

    Args:
        build: its run.
        name: id of the workflow, or the name of the step pipeline.
        title: as people call it.
        order: what was asked.
        project: its name, empty for none.
        priority: as it waits in the queue.
        progress: percent, 0 to 100.
        step: titles of what runs now.
        agents: roles that took part, in order.
        metrics: what models were asked.
        result: what came of it, in a line; empty until it has ended well.
    """

    run: Run
    name: str
    title: str
    order: TaskRequest
    project: str
    priority: Priority
    progress: float
    step: str
    agents: tuple[str, ...]
    metrics: Metrics
    result: str


class Tasks(RunService):
    """Every task of a workspace. All calls may block: keep them off an event loop."""

    KIND = RunKind.TASK

    def __init__(
        self,
        services: RunServices,
        commits: Projects,
        settings: Settings,
        models: Callable[[], Models],
    ) -> None:
        """Know the tasks.

        Args:
            commits: finds what tasks are about.
            models: gives the models of the settings; heavy the first time.
        """
        super().__init__(services)
        self._projects = commits
        self._settings = settings
        self._models = models

    def workflows(self) -> tuple[Workflow, ...]:
        """The workflows."""
        return tuple(workflows().values())

    def roles(self) -> tuple[ModelRole, ...]:
        """The roles that models play."""
        return tuple(roles().values())

    def squads(self) -> tuple[Squad, ...]:
        """The squads; each workflow can be done by any of them."""
        return tuple(squads().values())

    def models(self) -> tuple[str, ...]:
        """Names that the settings give a model, and the placeholder's."""
        return (*self._settings.llm.models, PLACEHOLDER)

    def pipelines(
        self, project_id: uuid.UUID | None = None, commit: str | None = None
    ) -> tuple[PipelineEntry, ...]:
        """The step pipelines: shipped ones, a person's own, and those of a project's commit.

        Args:
            project_id: None for no project's.
            commit: a revision; None is what the project follows.

        Raises:
            UsageError: there is no such project or commit.
            ToolError: the project's clone is gone.
        """
        names = self._settings.llm.models
        found = [*pipeline_library.shipped(names), *pipeline_library.own(names)]
        if project_id is not None:
            located = self._projects.commit(project_id, commit, fresh=False)
            clone = Path(located.project.clone_path)
            found += pipeline_library.of_project(clone, located.commit.sha, names)
        return tuple(found)

    def pipeline(
        self, name: str, project_id: uuid.UUID | None = None, commit: str | None = None
    ) -> StepPipeline:
        """A step pipeline by the path of a file, or by the name of one that is listed.

        Args:
            name: a path; or a listed file's path, or its name with or without ending.
            project_id, commit: as :meth:`pipelines` has them.

        Raises:
            UsageError: there is none, or it makes no sense.
        """
        if _is_file(name):
            return pipeline_library.from_file(Path(name), self._settings.llm.models)
        # A project's come last: none of them takes the place of another.
        for entry in self.pipelines(project_id, commit):
            file = Path(entry.file)
            if name in (entry.file, file.name, file.stem):
                if entry.pipeline is None:
                    raise UsageError(entry.problem)
                return entry.pipeline
        raise UsageError(f"{name}: no such file, and no pipeline that espdeck pipeline list has")

    def plan(self, order: TaskRequest) -> Pipeline:
        """The stages that a run of an order would have.

        Raises:
            UsageError: the order makes no sense.
        """
        return plan_for(order).pipeline

    def start(self, order: TaskRequest) -> Run:
        """Order a task; it waits in the queue of this host, behind those that are more urgent.

        Raises:
            UsageError: the order makes no sense, the project is not active, or the settings name
                no model for a step.
            StoreError: it cannot be written down (the disk is full).
        """
        plan = plan_for(order)
        self._check_models(plan)
        run = Run(kind=RunKind.TASK, workflow_id=str(uuid.uuid4()))
        if order.project_id is not None:
            order = _put_commit(run, order.project_id, order, self._projects)
        rounds = order.max_iterations
        task = row_of(order, plan, self._settings.max_iterations if rounds is None else rounds)
        self._services.wait_ready()
        return self._ask_for_run(store_tasks.add_task(self._store, run, task).number)

    def list(
        self,
        text: str = "",
        status: RunStatus | None = None,
        limit: int = 200,
        before: int | None = None,
    ) -> Sequence[TaskState]:
        """Tasks, newest first, a page at a time (see :func:`engine.store.tasks.list_tasks`)."""
        found = store_tasks.list_tasks(
            self._store, status=status, text=text, limit=limit, before=before
        )
        rows = store_tasks.stages_of_all(self._store, [run.number for run, _, _ in found])
        return [_state(run, task, name, rows[run.number]) for run, task, name in found]

    def state(self, number: int) -> TaskState:
        """How a task stands.

        Raises:
            UsageError: there is none with this number.
        """
        run = self.get(number)
        name = ""
        if run.project_id is not None:
            name = projects.get_project(self._store, run.project_id).name
        return _state(run, store_tasks.get_task(self._store, number), name, self.stages(number))

    def pipeline_of(self, run: Run) -> Pipeline:
        """The stages of a task, as they were decided when it was ordered."""
        return plan_of(store_tasks.get_task(self._store, run.number)).pipeline

    def priority_of(self, run: Run) -> int | None:
        """Its place in the queue, by how urgent it is."""
        return _URGENCY[store_tasks.get_task(self._store, run.number).priority]

    def title(self, role: str) -> str:
        """How people call who does a stage."""
        return title_of(role)

    def text(self, number: int, stage: str, attempt: int = 1) -> str:
        """What a stage's model said, as Markdown; empty where there is nothing yet. Untrusted.

        Args:
            stage: its key.
            attempt: from 1.
        """
        artifact = self.artifact(number, answer_name(stage, attempt))
        if artifact is None:
            return ""
        try:
            data = read_file(self.artifact_file(artifact), MAX_ANSWER)
        except OSError:
            return ""  # somebody deleted it
        return data.decode("utf-8", "replace")

    def summary(self, number: int) -> Summary:
        """How the steps of a task went.

        Raises:
            UsageError: there is no such task.
        """
        run = self.get(number)
        plan = plan_of(store_tasks.get_task(self._store, number))
        titles = {stage.key: stage.title for stage in plan.pipeline.stages}
        places = list(titles)
        keys = {step.key for step in plan.steps}
        rows = [row for row in self.stages(number) if row.status is not StageStatus.SKIPPED]
        rows.sort(key=lambda row: (row.attempt, places.index(row.key)))
        steps = [row for row in rows if row.key in keys]
        return Summary(
            total=len(plan.steps),
            successful=sum(row.status is StageStatus.SUCCESS for row in steps),
            failed=sum(row.status is StageStatus.FAILED for row in steps),
            seconds=run.duration,
            steps=tuple(
                StepTime(
                    key=row.key,
                    title=titles.get(row.key, row.key),
                    role=row.agent,
                    attempt=row.attempt,
                    status=row.status,
                    seconds=row.seconds,
                )
                for row in rows
            ),
        )

    def _check_models(self, plan: Plan) -> None:
        """See that every step has a model, before it waits for a worktree to learn that it has not.

        Raises:
            UsageError: some have none; all of them in one line.
        """
        models, missing = self._models(), dict[str, None]()
        for names in plan.asked:
            try:
                models.choose(*names)
            except UsageError:
                missing[names[-1]] = None
        if missing:
            tables = ", ".join(f"[llm.models.{name}]" for name in missing)
            raise UsageError(
                f"no model for {', '.join(missing)}: set {tables} (espdeck guide models), name one "
                f"model for all steps, or choose {PLACEHOLDER}, which asks nobody"
            )


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # no path can be as long
        return False


def _put_commit(
    run: Run, project_id: uuid.UUID, order: TaskRequest, commits: Projects
) -> TaskRequest:
    """Write down which commit a task is about: of a range that it is to see, the end.

    Returns:
        The order, in which a range is one of hashes: what HEAD is may have changed by then.
    """
    located = commits.commit(project_id, order.commit or None)
    project, found = located.project, located.commit
    if order.diff:
        seen = commits.commits(project_id, order.diff)
        if is_range(order.diff):
            order = replace(order, diff=seen.hashes)
            if not order.commit:
                found = commits.commit(project_id, seen.end, fresh=False).commit
    git.keep(Path(project.clone_path), found.sha, cancel=CancelToken())
    run.project_id = project.id
    run.commit_sha = found.sha
    run.commit_message = found.message
    run.commit_author = found.author
    run.notes = [asdict(note) for note in located.notes]
    run.branch = project.branch or ""
    run.target = project.target
    return order


def _state(run: Run, task: Task, project: str, rows: Sequence[StageRow]) -> TaskState:
    plan = plan_of(task)
    pipeline = plan.pipeline
    titles = {stage.key: stage.title for stage in pipeline.stages}
    order = order_of(task, run.project_id)
    running = [titles.get(row.key, "") for row in rows if row.status is StageStatus.RUNNING]
    return TaskState(
        run=run,
        name=order.workflow or task.title,
        title=task.title,
        order=order,
        project=project,
        priority=task.priority,
        progress=_progress(run, pipeline, rows),
        step=", ".join(running),
        agents=tuple(
            dict.fromkeys(row.agent for row in rows if row.status is not StageStatus.SKIPPED)
        ),
        metrics=_metrics(rows),
        result=task.result if run.status is RunStatus.SUCCESS else "",
    )


def _progress(run: Run, pipeline: Pipeline, rows: Sequence[StageRow]) -> float:
    if run.status is RunStatus.SUCCESS:
        return 100.0
    latest = {row.key: row.status for row in rows}
    done = (stage.weight for stage in pipeline.stages if latest.get(stage.key) in _OVER)
    # What is skipped behind a step that failed was not done.
    if StageStatus.FAILED in latest.values():
        done = (
            stage.weight
            for stage in pipeline.stages
            if latest.get(stage.key) is StageStatus.SUCCESS
        )
    return round(min(100.0, sum(done)), 1)


def _metrics(rows: Sequence[StageRow]) -> Metrics:
    used = [each for row in rows for each in row.usage or ()]
    return Metrics(
        answers=len(used),
        tokens_in=_sum(used, "tokens_in"),
        tokens_out=_sum(used, "tokens_out"),
        seconds=round(sum(each.get("seconds") or 0.0 for each in used), 3),
        cost=_sum(used, "cost"),
        models=tuple(dict.fromkeys(str(each.get("model")) for each in used)),
        placeholder=any(each.get("server") == PLACEHOLDER for each in used),
    )


def _sum(used: Sequence[Mapping[str, Any]], name: str) -> Any:
    """What of the answers' usage was said, together; None where nothing was."""
    said = [each[name] for each in used if each.get(name) is not None]
    return sum(said) if said else None
