"""Tasks as a front end sees them: which there can be, start, list, read, cancel, retry."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from engine.cancel import CancelToken
from engine.clock import shown_time
from engine.enums import Priority, RunKind, RunStatus, StageStatus
from engine.errors import ConflictError, NotFoundError, UsageError
from engine.files import read_file
from engine.llm.catalogue import CATALOGUE, ModelKind
from engine.llm.placeholder import PLACEHOLDER
from engine.projects import git_objects
from engine.projects.revisions import is_range
from engine.projects.service import Projects
from engine.runs.pipeline import Pipeline
from engine.runs.service import RunService, RunServices, who_asks
from engine.settings import SettingsSource
from engine.store import projects
from engine.store import tasks as store_tasks
from engine.store.tables import Artifact, Run, utc_now
from engine.tasks import pipeline_file, pipeline_library
from engine.tasks.agents.step import answer_name
from engine.tasks.estimate import EARLIER_TASKS, Estimate, estimate
from engine.tasks.keyring import TaskKeyring
from engine.tasks.pipeline_file import StepPipeline
from engine.tasks.pipeline_library import PipelineEntry
from engine.tasks.plan import Plan, title_of
from engine.tasks.request import TaskRequest, is_keyed, plan_for, plan_of, row_of, texts_of
from engine.tasks.roles import ModelRole, Squad, roles, squads
from engine.tasks.state import PAGE, StepState, Summary, TaskState, state_of, steps_of, summary_of
from engine.tasks.workflow import Workflow, workflows
from engine.text import near, near_or_all

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
        keyring: TaskKeyring,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Know the tasks.

        Args:
            commits: finds what tasks are about.
            models: gives the models of the settings; heavy the first time.
            keyring: brings keys of tasks to where they are executed.
            now: the clock by which a deadline has passed.
        """
        super().__init__(services)
        self._projects = commits
        self._settings = settings
        self._models = models
        self._keyring = keyring
        self._now = now

    def workflows(self) -> tuple[Workflow, ...]:
        """The workflows."""
        return tuple(workflows().values())

    def roles(self) -> tuple[ModelRole, ...]:
        """The roles that models play."""
        return tuple(roles().values())

    def squads(self) -> tuple[Squad, ...]:
        """The squads; each workflow can be done by any of them."""
        return tuple(squads().values())

    def kinds(self) -> tuple[ModelKind, ...]:
        """The kinds of models that steps of a pipeline can ask for."""
        return CATALOGUE

    def models(self) -> tuple[str, ...]:
        """Names that the settings give a model, and the placeholder's."""
        return (*self._settings().llm.models, PLACEHOLDER)

    def model_named(self, text: str) -> str:
        """The name of the settings that somebody means by a model.

        Args:
            text: such a name in any case, or what a server calls the model; empty for each role's
                own.

        Raises:
            UsageError: there is none; names what there is.
        """
        wanted = text.strip()
        models = self._settings().llm.models
        names = {name.casefold(): name for name in self.models()}
        servers = {each.name.casefold(): name for name, each in models.items() if each.name}
        found = (servers | names).get(wanted.casefold(), "")
        if found or not wanted:
            return found
        known = ", ".join(self.models())
        raise UsageError(f"no model {wanted[:60]!r}{near(wanted, self.models())}: {known}")

    def model_of(self, *names: str) -> str | None:
        """What its server calls the model of the first of some names that the settings give one.

        Args:
            names: ids of roles and of kinds, the most particular first; None where none is set.
        """
        models = self._settings().llm.models
        found = next((models[name] for name in names if name in models), None)
        return (found.name or found.server) if found else None

    def pipeline_of_data(self, data: Mapping[str, Any]) -> StepPipeline:
        """A step pipeline from data in the form of its file.

        Raises:
            UsageError: it makes no sense; one line that names the place.
        """
        return pipeline_file.of_data(data, self._settings().llm.models)

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

    def estimate(self, request: TaskRequest) -> Estimate:
        """How long a task may take once it runs.

        Raises:
            UsageError: the request makes no sense.
        """
        plan = plan_for(request)
        took = store_tasks.durations(self._store, plan.title, request.model, EARLIER_TASKS)
        return estimate(plan, took)

    def start(
        self, request: TaskRequest, *, api_key: SecretStr | None = None, asked_by: str = ""
    ) -> Run:
        """Start a task; it waits in the queue of this host, behind those that are more urgent.

        Args:
            api_key: for the server that takes keys, in this task alone. It is stored nowhere; where
                no step asks that server, it is not taken at all (:attr:`TaskState.keyed`).
            asked_by: who asks; empty for the user of this process.

        Raises:
            UsageError: the request makes no sense, the project is not active, or the settings name
                no model for a step.
            ConflictError: the key cannot be brought to where tasks are executed.
            StoreError: it cannot be written down (the disk is full).
        """
        plan = plan_for(request)
        self._check_deadline(request.pipeline)
        self._check_models(plan)
        key = api_key if api_key and any(map(self._models().takes_key, plan.asked)) else None
        if api_key is not None and _stands_in(api_key, request):
            raise UsageError(
                "a text of the task contains the api_key, and would be stored: take it out"
            )
        run = Run(kind=RunKind.TASK, workflow_id=str(uuid.uuid4()), asked_by=asked_by or who_asks())
        clone = None
        if request.project_id is not None:
            request, clone = _put_commit(run, request.project_id, request, self._projects)
        most = request.max_iterations
        most = self._settings().max_iterations if most is None else most
        task = row_of(request, plan, most, keyed=key is not None)
        self._services.wait_ready()
        with self._brought(run.workflow_id, key):
            number = store_tasks.add_task(self._store, run, task, clone=clone).number
        return self._ask_for_run(number)

    def retry(
        self, number: int, stage: str | None = None, *, api_key: SecretStr | None = None
    ) -> Run:
        """Run an ended task again, from its start or from the phase of a stage.

        Args:
            stage: key of a stage that ran; None starts over.
            api_key: has to be given again where the task was asked for with one.

        Raises:
            UsageError: it has not ended, that stage never ran, or the key is missing.
            ConflictError: the key cannot be brought to where tasks are executed.
            StoreError: it cannot be written down.
        """
        run = self.get(number)
        keyed = is_keyed(store_tasks.get_task(self._store, number))
        if keyed and run.status.is_final and api_key is None:
            raise ConflictError(
                f"task {number} was asked for with an api_key, which is not kept: retry it through "
                "the HTTP API, with the key"
            )
        workflow_id = str(uuid.uuid4())
        with self._brought(workflow_id, api_key if keyed else None):
            return self._retry(number, stage, workflow_id)

    def cancel(self, number: int, *, reason: str = "cancelled before it began") -> Run:
        """End a task: see :meth:`RunService.cancel`."""
        run = super().cancel(number, reason=reason)
        if run.status.is_final:
            self._keyring.forget(run.workflow_id)
        return run

    def hold_key(self, workflow_id: str, key: SecretStr) -> None:
        """Hold the key of a task that another process asks for, and this one will execute.

        Raises:
            ConflictError: this process executes nothing, or holds too many.
        """
        self._keyring.hold(workflow_id, key)

    def list(
        self,
        text: str = "",
        status: Sequence[RunStatus] = (),
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
        return state_of(run, store_tasks.get_task(self._store, number), name, self._counted(number))

    def pipeline_of(self, run: Run) -> Pipeline:
        """The stages of a task, as they were decided when it was asked for."""
        return plan_of(store_tasks.get_task(self._store, run.number)).pipeline

    def priority_of(self, run: Run) -> int | None:
        """Its place in the queue, by how urgent it is."""
        return _QUEUE_PRIORITY[store_tasks.get_task(self._store, run.number).priority]

    def stage_named(self, number: int, word: str) -> str:
        """The key of the stage of a task that somebody means by its key or its name.

        Raises:
            UsageError: there is no such task, or no such stage.
        """
        stages = self.pipeline_of(self.get(number)).stages
        names = {stage.title.casefold(): stage.key for stage in stages}
        keys = {stage.key: stage.key for stage in stages}
        found = (names | keys).get(word.casefold())
        if found is None:
            raise NotFoundError(f"task {number} has no step {word[:60]!r}{near_or_all(word, keys)}")
        return found

    def title(self, role: str) -> str:
        """How people call who does a stage."""
        return title_of(role)

    def text(self, number: int, stage: str, attempt: int = 1) -> str:
        """What a stage's model said, as Markdown; empty where there is nothing yet. Untrusted.

        Args:
            stage: its key.
            attempt: from 1.
        """
        name = answer_name(stage, attempt)  # of one attempt alone, also where its row names none
        kept = self.artifacts(number, superseded=True)
        artifact = next((each for each in kept if each.path == name), None)
        return self.artifact_text(artifact) if artifact else ""

    def artifact_text(self, artifact: Artifact) -> str:
        """What a file says that a task kept; empty where it was deleted. Untrusted."""
        try:
            data = read_file(self.artifact_file(artifact), _MAX_ANSWER_BYTES)
        except (NotFoundError, OSError):
            return ""  # somebody deleted it, or it was too old
        return data.decode("utf-8", "replace")

    def steps(self, number: int) -> tuple[StepState, ...]:
        """How each stage of a task stands, reached or not, in the order of its pipeline.

        Raises:
            UsageError: there is no such task.
        """
        self.get(number)
        return steps_of(store_tasks.get_task(self._store, number), self._counted(number))

    def answer(self, number: int) -> str:
        """What the last step that succeeded said, as Markdown. Untrusted.

        Raises:
            UsageError: there is no such task.
        """
        plan = plan_of(store_tasks.get_task(self._store, number))
        # Mending what reviews found is no answer to what was asked.
        steps = [step.key for step in plan.steps if not step.addresses]
        done = [
            (steps.index(row.key), row.attempt)
            for row in self._counted(number)
            if row.key in steps and row.status is StageStatus.SUCCESS
        ]
        if not done:
            return ""
        place, attempt = max(done)
        return self.text(number, steps[place], attempt)

    def page(self, number: int) -> str:
        """What came of a task on one page, as Markdown; empty while it has not ended. Untrusted.

        Raises:
            UsageError: there is no such task.
        """
        self.get(number)
        artifact = self.artifact(number, PAGE)
        return self.artifact_text(artifact) if artifact else ""

    def summary(self, number: int) -> Summary:
        """How the steps of a task went.

        Raises:
            UsageError: there is no such task.
        """
        task = store_tasks.get_task(self._store, number)
        return summary_of(self.get(number), task, self._counted(number))

    @contextlib.contextmanager
    def _brought(self, workflow_id: str, key: SecretStr | None) -> Iterator[None]:
        """Bring a key to where its task is executed, and take it back where that is not asked for.

        Raises:
            ConflictError: it cannot be brought there.
        """
        if key is not None:
            self._keyring.bring(workflow_id, key)
        try:
            yield
        except BaseException:
            self._keyring.forget(workflow_id)
            raise

    def _check_deadline(self, pipeline: StepPipeline | None) -> None:
        ends_at = pipeline.metadata.ends_at if pipeline else None
        if ends_at is not None and ends_at < self._now():
            raise UsageError(f"metadata.deadline: {shown_time(ends_at)} has passed")

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
                f"model for all steps, or choose {PLACEHOLDER}, which asks no model"
            )


def _stands_in(key: SecretStr, request: TaskRequest) -> bool:
    return any(key.get_secret_value() in text for text in texts_of(request))


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # no path can be as long
        return False


def _put_commit(
    run: Run, project_id: uuid.UUID, request: TaskRequest, commits: Projects
) -> tuple[TaskRequest, str]:
    """Write down which commit a task is about: of a range that it is to see, the end.

    Returns:
        The request, in which a range is one of hashes: what HEAD is may have changed by then. And
        the clone that has the commit.
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
    return request, project.clone_path
