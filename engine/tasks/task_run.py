"""A task as the runner sees it: its plan, a worktree of its project or an empty one, models."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from engine.artifacts import run_files
from engine.boards.service import Boards
from engine.builds.firmware_stages import FirmwareOrder, FirmwareStages
from engine.cancel import CancelToken
from engine.clock import shown_time
from engine.enums import ArtifactKind, RunKind, RunStatus
from engine.errors import UsageError
from engine.events import RunStarted
from engine.findings import Finding
from engine.projects.slots import Slots
from engine.projects.variants import chips_of
from engine.projects.worktrees import Slot
from engine.quality.result import BuildReport
from engine.runs.pipeline import Outcome, StageContext, StageResult
from engine.store import projects, runs, tasks
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.tasks.agents import (
    assembler,
    context_collector,
    gate,
    mend,
    prove,
    step,
    without_fix,
)
from engine.tasks.change_scope import criteria_file
from engine.tasks.context import TaskContext, latest_patch
from engine.tasks.keys import TaskKeys
from engine.tasks.last_build import LastBuild, last_build
from engine.tasks.plan import ASSEMBLE, GATE, GATHER, REVISE
from engine.tasks.proof_stages import MEND, WITHOUT_FIX, owner_of
from engine.tasks.request import is_keyed, order_of, plan_of, wanted_of
from engine.tasks.result_page import result_page
from engine.tasks.state import PAGE
from engine.tasks.task_outcome import outcome_of

_AGENTS: Mapping[str, Callable[[TaskContext], StageResult]] = {
    GATHER: context_collector.run,
    ASSEMBLE: assembler.run,
    GATE: gate.measure,
    REVISE: mend.run,
}
"""Who does the stages that are not steps."""

RESULT = "result"
"""Whose the page with the result is, among the artifacts: it is no stage's."""

_PROVERS: Mapping[str, Callable[[TaskContext], StageResult]] = {
    MEND: mend.run,
    WITHOUT_FIX: without_fix.run,
}
"""Who does the stages that prove a step; the others are done by firmware agents."""


@dataclass(frozen=True, slots=True)
class TaskDeps:
    """What tasks are done with; one for each engine.

    Args:
        boards: those of this machine.
        built: what is known of the build of a project's commit.
        keys: those of tasks that came with one.
        now: the clock by which a deadline has passed.
    """

    store: Store
    slots: Slots
    boards: Boards
    built: Callable[[Project, str], BuildReport]
    keys: TaskKeys
    now: Callable[[], datetime]


class TaskRun:
    """One task: see :class:`engine.runs.pipeline.Work`."""

    def __init__(self, deps: TaskDeps, run: Run) -> None:
        self._deps = deps
        self._run_row = run
        task = tasks.get_task(deps.store, run.number)
        self._plan = plan_of(task)
        self._wanted = wanted_of(task)
        self._project: Project | None = None
        if run.project_id is not None:
            self._project = projects.get_project(deps.store, run.project_id)
        self.pipeline = self._plan.pipeline
        self.max_repeats = task.max_iterations
        asked = order_of(task, run.project_id).pipeline
        self._deadline = asked.metadata.ends_at if asked else None
        self._is_keyed = is_keyed(task)
        self._key: SecretStr | None = deps.keys.get(run.workflow_id)
        self._slot: Slot | None = None
        self._firmware: FirmwareStages | None = None
        self._turn = threading.Lock()
        self._revised = ("", 1)

    def started(self) -> RunStarted:
        """What runs, and on which commit of which project, if any."""
        name = self._project.name if self._project else ""
        return RunStarted(
            project=name,
            commit=self._run_row.commit_sha,
            target=self._run_row.target,
            pipeline=self._plan.title,
            run=RunKind.TASK,
            project_path=self._project.clone_path if self._project else "",
        )

    @contextlib.contextmanager
    def workspace(self, cancel: CancelToken) -> Iterator[Path]:
        """A slot with a worktree of the commit, or one without files.

        Raises:
            UsageError: the key that the task was asked for with is not here any more.
        """
        if self._is_keyed and self._key is None:
            raise UsageError(
                "the api_key of this task is gone, as espdeck restarted and does not keep keys: "
                "retry it with the key"
            )
        slots, project, run = self._deps.slots, self._project, self._run_row
        if project is None:
            with slots.empty(f"task-{run.number}", cancel=cancel) as self._slot:
                yield self._slot.source
            return
        order = FirmwareOrder(
            project=project,
            commit=run.commit_sha,
            target=run.target or project.target,
            configuration=project.configuration,
            board=self._plan.board,
            simulator="auto",
        )
        with slots.take(
            Path(project.clone_path),
            run.commit_sha,
            build=order.build_name,
            run=run.number,
            cancel=cancel,
        ) as slot:
            # Who may write tests is decided by step: what it wrote then has to be applied again.
            self._slot = replace(slot, opened=frozenset({criteria_file(project.app)}))
            self._firmware = FirmwareStages(order, self._slot, self._deps.boards)
            yield slot.source

    def apply_patch(self, patch: str, attempt: int) -> None:
        """Make the worktree what a revision wants it to be."""
        self._revised = (patch, attempt)
        with self._turn:
            self._held.become(patch)

    def do(self, context: StageContext) -> StageResult:
        """Let whoever does this stage do it.

        Raises:
            UsageError: the deadline has passed.
        """
        if self._deadline is not None and self._deps.now() > self._deadline:
            raise UsageError(f"the deadline has passed ({shown_time(self._deadline)})")
        if self._key is not None:
            context = replace(context, models=context.models.with_key(self._key))
        return self._agent(context.definition.key)(
            TaskContext(
                stage=context,
                plan=self._plan,
                wanted=self._wanted,
                app=self._project.app if self._project else "",
                most_revisions=self.max_repeats,
                chips=tuple(chips_of(self._project)) if self._project else (),
                built=self._built,
                last_build=self._last_build,
                slot=self._held,
                turn=self._turn,
                firmware=self._firmware.do if self._firmware else _no_firmware,
                base=self._base(),
                notes=tuple(Finding.from_json(note) for note in self._run_row.notes),
            )
        )

    def outcome(
        self, results: Mapping[str, StageResult], own: Mapping[str, StageResult]
    ) -> Outcome:
        """Stopped at a step, at what it changed, blocked by the gate, or what came of it."""
        return outcome_of(self._plan, results)

    def close(
        self,
        outcome: Outcome,
        results: Mapping[str, StageResult],
        made_in: Mapping[str, int],
    ) -> None:
        """Keep with the task what came of it, and drop its key."""
        self._key = None
        self._deps.keys.forget(self._run_row.workflow_id)
        result = outcome.text if outcome.status is RunStatus.SUCCESS else ""
        tasks.put_result(self._deps.store, self._run_row.number, result)
        if results:
            self._keep_page(outcome, results, made_in)

    def _keep_page(
        self,
        outcome: Outcome,
        results: Mapping[str, StageResult],
        made_in: Mapping[str, int],
    ) -> None:
        """Keep the result on a page, however the run ended."""
        store, number = self._deps.store, self._run_row.number
        start, since = self._revised
        later = {key: result for key, result in results.items() if made_in[key] >= since}
        run = runs.get_run(store, number)
        page = result_page(
            plan=self._plan,
            run=run,
            description=self._wanted.description,
            project=self._project.name if self._project else "",
            outcome=outcome,
            results=results,
            rows=runs.stages_of(store, number),
            patch=latest_patch(later, start),
            base=self._base(),
            before=self._built(),
        )
        run_files.try_keep_text(
            *(store, Path(run.artifacts_path), page),
            run_id=number,
            stage=RESULT,
            attempt=max(made_in.values()),
            kind=ArtifactKind.REPORT,
            path=PAGE,
        )

    def _built(self) -> BuildReport:
        if self._project is None:
            return BuildReport(None)
        return self._deps.built(self._project, self._run_row.commit_sha)

    def _last_build(self) -> LastBuild | None:
        if self._project is None:
            return None
        return last_build(self._deps.store, self._project, self._run_row.commit_sha)

    def _agent(self, key: str) -> Callable[[TaskContext], StageResult]:
        """Who does a stage."""
        _owner, part = owner_of(key)
        if part:
            return _PROVERS.get(part, prove.run)
        return _AGENTS.get(key, step.run)

    def _base(self) -> str:
        """What is known of a build of the commit itself, in a line."""
        if self._project is None:
            return "no project"
        run, project = self._run_row, self._project
        variant = (run.target, project.configuration)
        build = runs.build_of_commit(self._deps.store, project.id, run.commit_sha, variant)
        if build is None or not build.status.is_final:
            return "not built yet"
        return f"build {build.number} {build.status}{f': {build.error}' if build.error else ''}"

    @property
    def _held(self) -> Slot:
        assert self._slot is not None
        return self._slot


def _no_firmware(context: StageContext, owner: str) -> StageResult:
    """Does no stage of a build: a run without a project has none."""
    raise LookupError(f"{context.definition.key}: {owner} is about no project")
