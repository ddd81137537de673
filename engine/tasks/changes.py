"""What tasks change of a project: see :mod:`engine.runs.changes`."""

from __future__ import annotations

from pathlib import Path

from engine.enums import RunKind, RunStatus, StageStatus
from engine.errors import AccessError
from engine.files import read_file
from engine.projects.service import Projects
from engine.runs.changes import ChangeSets, listed, message
from engine.runs.proposals import proposal_of
from engine.settings import SettingsSource
from engine.store import runs, tasks
from engine.store.database import Store
from engine.store.tables import Run
from engine.tasks.plan import GATHER
from engine.tasks.request import plan_of

CHANGES = "changes.patch"
"""Artifact with everything that a task changes."""

_MAX_BYTES = 16 << 20
_DESCRIPTION_LINES = 20


class TaskChanges(ChangeSets):
    """What the tasks of a workspace change."""

    KIND = RunKind.TASK
    NAME = "patch"
    PREFIX = "task"
    ARTIFACT = CHANGES
    VERB = "apply"

    def __init__(self, store: Store, settings: SettingsSource, projects: Projects) -> None:
        """Know where tasks are.

        Args:
            settings: say whether what is committed is pushed.
            projects: say whose a commit is.
        """
        super().__init__(store, settings)
        self._projects = projects

    def _diff_of(self, run: Run) -> str:
        kept = [each.path for each in runs.artifacts_of(self._store, run.number)]
        if not run.status.is_final or CHANGES not in kept:
            return ""
        try:
            data = read_file(Path(run.artifacts_path) / CHANGES, _MAX_BYTES)
        except OSError:
            return ""
        return data.decode("utf-8", "surrogateescape")

    def _message_of(self, run: Run) -> str:
        """What was asked for, what was measured and tried, how it ended."""
        task = tasks.get_task(self._store, run.number)
        asked = [line for line in task.description.splitlines() if line.strip()]
        plan = plan_of(task)
        titles = {stage.key: stage.title for stage in plan.pipeline.stages}
        others = titles.keys() - {step.key for step in plan.steps} - {GATHER}
        rows = [row for row in runs.stages_of(self._store, run.number) if not row.superseded]
        last = {row.key: row for row in rows}  # rows come in the order of their attempts
        checked = [
            f"{titles[row.key]}: {row.status}, {row.summary}"
            for row in last.values()
            if row.key in others and row.status in (StageStatus.SUCCESS, StageStatus.FAILED)
        ]
        said = f"Task {run.number} of espdeck"
        if run.status is RunStatus.SUCCESS:
            end = f"{said} succeeded with it: {task.result}."
        else:
            end = f"{said} did not succeed with it ({run.status}): {run.error or 'no reason told'}"
        lines: list[str] = []
        for head, several in (("Asked:", asked[:_DESCRIPTION_LINES]), ("Checked:", checked)):
            if several:
                lines += [head, *listed(several), ""]
        return message(f"{task.title}: {asked[0]}" if asked else task.title, *lines, end)

    def _check_approved(self, run: Run) -> None:
        if run.project_id is None:
            return
        located = self._projects.commit(run.project_id, run.commit_sha, fresh=False)
        proposal = proposal_of(self._store, located.project, located)
        if proposal.by and not proposal.approved_by:
            raise AccessError(
                f"task {run.number} is about a commit of {proposal.by}, which nobody approved: "
                "build it, then espdeck approve BUILD"
            )
