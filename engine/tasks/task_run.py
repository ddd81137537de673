"""A task as the runner sees it: its plan, a worktree of its project or an empty one, models."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from engine.cancel import CancelToken
from engine.clock import shown_time
from engine.enums import RunKind, RunStatus, StageStatus
from engine.errors import UsageError
from engine.events import RunStarted
from engine.findings import Finding
from engine.llm.placeholder import PLACEHOLDER
from engine.projects.slots import Slots
from engine.projects.variants import chips_of
from engine.projects.worktrees import Slot
from engine.quality.result import BuildReport
from engine.runs.pipeline import Outcome, StageContext, StageResult
from engine.store import projects, tasks
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.tasks.agents import assembler, context_collector, gate, step
from engine.tasks.context import Assembled, TaskContext
from engine.tasks.keys import TaskKeys
from engine.tasks.last_build import LastBuild, last_build
from engine.tasks.plan import ASSEMBLE, GATE, GATHER, REVISE
from engine.tasks.request import is_keyed, order_of, plan_of, wanted_of
from engine.text import count

_AGENTS: Mapping[str, Callable[[TaskContext], StageResult]] = {
    GATHER: context_collector.run,
    ASSEMBLE: assembler.run,
    GATE: gate.measure,
    REVISE: gate.revise,
}
"""Who does the stages that are not steps."""


@dataclass(frozen=True, slots=True)
class TaskDeps:
    """What tasks are done with; one for each engine.

    Args:
        built: what is known of the build of a project's commit.
        keys: those of tasks that came with one.
        now: the clock by which a deadline has passed.
    """

    store: Store
    slots: Slots
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
        self._turn = threading.Lock()

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
        slots, project = self._deps.slots, self._project
        with (
            slots.take(
                Path(project.clone_path),
                self._run_row.commit_sha,
                run=self._run_row.number,
                cancel=cancel,
            )
            if project
            else slots.empty(f"task-{self._run_row.number}", cancel=cancel)
        ) as self._slot:
            yield self._slot.source

    def apply_patch(self, patch: str) -> None:
        """Make the worktree what a revision wants it to be."""
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
        agent = _AGENTS.get(context.definition.key, step.run)
        return agent(
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
                notes=tuple(Finding.from_json(note) for note in self._run_row.notes),
            )
        )

    def outcome(
        self, results: Mapping[str, StageResult], own: Mapping[str, StageResult]
    ) -> Outcome:
        """Stopped at a step, blocked by the gate, or what came of it."""
        for stage in self.pipeline.stages:
            result = results.get(stage.key)
            if result is None or result.status is not StageStatus.FAILED:
                continue
            if stage.key == GATE:
                return Outcome(RunStatus.FAILED, f"quality gate {result.summary}")
            return Outcome(
                RunStatus.FAILED, f"Pipeline stopped at step '{stage.title}': {result.summary}"
            )
        return Outcome(RunStatus.SUCCESS, self._result(results))

    def close(self, results: Mapping[str, StageResult], made_in: Mapping[str, int]) -> None:
        """Keep with the task what came of it, and drop its key."""
        self._key = None
        self._deps.keys.forget(self._run_row.workflow_id)
        due = [stage.key for stage in self.pipeline.stages if stage.key != REVISE]
        whole = all(key in results and results[key].status is StageStatus.SUCCESS for key in due)
        result = self._result(results) if whole else ""
        tasks.put_result(self._deps.store, self._run_row.number, result)

    def _result(self, results: Mapping[str, StageResult]) -> str:
        steps = count(len(self._plan.steps), "step")
        usage = [each for result in results.values() for each in result.usage]
        marks = ["placeholder: no model was asked"] * any(
            each.server == PLACEHOLDER for each in usage
        )
        assembled = results[ASSEMBLE].output if ASSEMBLE in results else None
        if isinstance(assembled, Assembled):
            marks.append(count(len(assembled.files), "final file"))
        if GATE in results:
            marks.append(f"quality gate {results[GATE].summary}")
        return ", ".join([f"{steps} done", *marks])

    def _built(self) -> BuildReport:
        if self._project is None:
            return BuildReport(None)
        return self._deps.built(self._project, self._run_row.commit_sha)

    def _last_build(self) -> LastBuild | None:
        if self._project is None:
            return None
        return last_build(self._deps.store, self._project, self._run_row.commit_sha)

    @property
    def _held(self) -> Slot:
        assert self._slot is not None
        return self._slot
