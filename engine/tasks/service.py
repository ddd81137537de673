"""Tasks as a front end sees them: which there can be, start, list, read, cancel, retry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.enums import Priority, RunKind, RunStatus
from engine.errors import UsageError
from engine.files import read_file
from engine.llm.placeholder import PLACEHOLDER
from engine.projects import git_objects
from engine.projects.revisions import is_range
from engine.projects.service import Projects
from engine.runs.pipeline import Pipeline
from engine.runs.service import RunService, RunServices, who_asks
from engine.settings import SettingsSource
from engine.store import projects
from engine.store import tasks as store_tasks
from engine.store.tables import Run
from engine.tasks import pipeline_library
from engine.tasks.agents.step import answer_name
from engine.tasks.pipeline_file import StepPipeline
from engine.tasks.pipeline_library import PipelineEntry
from engine.tasks.plan import Plan, title_of
from engine.tasks.request import TaskRequest, plan_for, plan_of, row_of
from engine.tasks.roles import ModelRole, Squad, roles, squads
from engine.tasks.state import Summary, TaskState, state_of, summary_of
from engine.tasks.workflow import Workflow, workflows

if TYPE_CHECKING:
    from engine.llm.service import Models

_MAX_ANSWER_BYTES = 4 << 20

_QUEUE_PRIORITY = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}


class Tasks(RunService):
    """Every task of a workspace. All calls may block: keep them off an event loop."""

    KIND = RunKind.TASK

    def __init__(
        self,
        services: RunServices,
        commits: Projects,
        settings: SettingsSource,
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
        return (*self._settings().llm.models, PLACEHOLDER)

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
        names = self._settings().llm.models
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
            return pipeline_library.read_pipeline_file(Path(name), self._settings().llm.models)
        # A project's come last: none of them takes the place of another.
        for entry in self.pipelines(project_id, commit):
            file = Path(entry.file)
            if name in (entry.file, file.name, file.stem):
                if entry.pipeline is None:
                    raise UsageError(entry.problem)
                return entry.pipeline
        raise UsageError(f"{name}: no such file, and no pipeline that espdeck pipeline list has")

    def plan(self, request: TaskRequest) -> Pipeline:
        """The stages that a run of a request would have.

        Raises:
            UsageError: the request makes no sense.
        """
        return plan_for(request).pipeline

    def start(self, request: TaskRequest) -> Run:
        """Start a task; it waits in the queue of this host, behind those that are more urgent.

        Raises:
            UsageError: the request makes no sense, the project is not active, or the settings name
                no model for a step.
            StoreError: it cannot be written down (the disk is full).
        """
        plan = plan_for(request)
        self._check_models(plan)
        run = Run(kind=RunKind.TASK, workflow_id=str(uuid.uuid4()), asked_by=who_asks())
        if request.project_id is not None:
            request = _put_commit(run, request.project_id, request, self._projects)
        most = request.max_iterations
        task = row_of(request, plan, self._settings().max_iterations if most is None else most)
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
        return [state_of(run, task, name, rows[run.number]) for run, task, name in found]

    def state(self, number: int) -> TaskState:
        """How a task stands.

        Raises:
            UsageError: there is none with this number.
        """
        run = self.get(number)
        name = ""
        if run.project_id is not None:
            name = projects.get_project(self._store, run.project_id).name
        return state_of(run, store_tasks.get_task(self._store, number), name, self.stages(number))

    def pipeline_of(self, run: Run) -> Pipeline:
        """The stages of a task, as they were decided when it was asked for."""
        return plan_of(store_tasks.get_task(self._store, run.number)).pipeline

    def priority_of(self, run: Run) -> int | None:
        """Its place in the queue, by how urgent it is."""
        return _QUEUE_PRIORITY[store_tasks.get_task(self._store, run.number).priority]

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
            data = read_file(self.artifact_file(artifact), _MAX_ANSWER_BYTES)
        except OSError:
            return ""  # somebody deleted it
        return data.decode("utf-8", "replace")

    def summary(self, number: int) -> Summary:
        """How the steps of a task went.

        Raises:
            UsageError: there is no such task.
        """
        task = store_tasks.get_task(self._store, number)
        return summary_of(self.get(number), task, self.stages(number))

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
    run: Run, project_id: uuid.UUID, request: TaskRequest, commits: Projects
) -> TaskRequest:
    """Write down which commit a task is about: of a range that it is to see, the end.

    Returns:
        The request, in which a range is one of hashes: what HEAD is may have changed by then.
    """
    located = commits.commit(project_id, request.commit or None)
    project, found = located.project, located.commit
    if request.diff:
        seen = commits.commits(project_id, request.diff)
        if is_range(request.diff):
            request = replace(request, diff=seen.hashes)
            if not request.commit:
                found = commits.commit(project_id, seen.end, fresh=False).commit
    git_objects.keep_commit(Path(project.clone_path), found.sha, cancel=CancelToken())
    run.project_id = project.id
    run.commit_sha = found.sha
    run.commit_message = found.message
    run.commit_author = found.author
    run.notes = [asdict(note) for note in located.notes]
    run.branch = project.branch or ""
    run.target = project.target
    return request
