"""What front ends do with any run, a build or a task: read it, wait for it, cancel, retry."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from engine import events
from engine.artifacts import run_files
from engine.enums import RunKind, RunStatus, StageStatus
from engine.errors import ConflictError, NotFoundError, UsageError
from engine.files import new_file, read_file
from engine.processes.programs import user_name
from engine.projects import git_objects
from engine.runs.active import ActiveRuns
from engine.runs.attempts import stages_from
from engine.runs.journal import Journal, wait_until
from engine.runs.pipeline import Pipeline, step_name, steps_of_phase
from engine.runs.queue import RunQueue, RunState
from engine.runs.run_events import end_run, run_changed
from engine.runs.told_findings import ToldFinding, listed_findings, own_attempt, told_findings
from engine.store import logs, projects
from engine.store import runs as store_runs
from engine.store.busy_wait import wait_policy
from engine.store.database import Store, StoreError
from engine.store.logs import LogExtent, LogKey, LogMatch
from engine.store.tables import Artifact, FindingRow, Retry, Run, StageRow
from engine.text import near_or_all

if TYPE_CHECKING:
    from engine.artifacts.service import Artifacts
    from engine.boards.service import Boards
    from engine.quality.result import GateResult

_MAX_REPORT_BYTES = 8 << 20


def who_asks() -> str:
    """The user of this machine for whom this process runs, as runs remember who asked for them."""
    return user_name(os.geteuid())


@dataclass(frozen=True, slots=True)
class RunServices:
    """What :class:`RunService` works with.

    ``wait_ready`` waits until runs can be asked for at once: it comes before a run is written down.
    ``is_asked_elsewhere`` says that another process executes them, which asks the durable engine
    itself for what is written down: who only writes it down need not load that.
    """

    store: Store
    bus: events.Bus
    journal: Journal
    active: ActiveRuns
    runs: RunQueue
    boards: Callable[[], Boards]
    artifacts: Callable[[], Artifacts]
    wait_ready: Callable[[], None]
    is_asked_elsewhere: Callable[[], bool]


class RunService(ABC):
    """The runs of one kind. All calls may block: keep them off an event loop."""

    KIND: ClassVar[RunKind]

    def __init__(self, services: RunServices) -> None:
        self._services = services
        self._store = services.store
        self._asking = threading.Lock()

    @abstractmethod
    def pipeline_of(self, run: Run) -> Pipeline:
        """The pipeline that a run walks."""

    def priority_of(self, run: Run) -> int | None:
        """Its place in the queue: 1 goes first; None for first come, first served."""
        return None

    def get(self, number: int) -> Run:
        """A run by its number.

        Raises:
            UsageError: there is none of this kind.
        """
        run = store_runs.get_run(self._store, number, self.KIND.label)
        if run.kind is not self.KIND:
            raise NotFoundError(f"no {self.KIND.label} {number}: that is a {run.kind.label}")
        return run

    def stages(self, number: int) -> Sequence[StageRow]:
        """Stages of a run in the order in which they came."""
        return store_runs.stages_of(self._store, number)

    def findings(self, number: int) -> Sequence[FindingRow]:
        """Findings of a run in the order in which they came, of all attempts."""
        return store_runs.findings_of(self._store, number)

    def told_findings(self, number: int) -> Sequence[ToldFinding]:
        """Findings that a run's result is about, each once and the worst first.

        Behind them are those that repairs mended.
        """
        run = self.get(number)
        return told_findings(run, self.pipeline_of(run), self.stages(number), self.findings(number))

    def source(self, number: int, file: str) -> Sequence[str]:
        """Lines of a source file as the run's commit has it. Untrusted text.

        Args:
            file: path in the repository, as findings name it.

        Raises:
            UsageError: no such run or file, or none that can be read as text.
            ToolError: the project's clone is gone.
        """
        run = self.get(number)
        if run.project_id is None:
            raise UsageError(f"{self.KIND.label} {number} is about no repository")
        project = projects.get_project(self._store, run.project_id)
        return git_objects.read_text(Path(project.clone_path), run.commit_sha, file).splitlines()

    def listed_findings(self, number: int) -> Sequence[ToldFinding]:
        """All findings of a run: as :meth:`told_findings`, then those of its other attempts."""
        run = self.get(number)
        return listed_findings(
            run, self.pipeline_of(run), self.stages(number), self.findings(number)
        )

    def own_attempt(self, number: int) -> int | None:
        """The attempt up to which a run worked on its own commit; None without a repair."""
        return own_attempt(self.pipeline_of(self.get(number)), self.stages(number))

    def retries(self, number: int) -> Sequence[Retry]:
        """Retries of a run in their order: where each began, what the run had come to before."""
        return store_runs.retries_of(self._store, number)

    def artifacts(self, number: int, *, superseded: bool = False) -> Sequence[Artifact]:
        """Artifacts of a run that count, by path.

        Args:
            superseded: those as well that later attempts superseded, behind them.
        """
        return store_runs.artifacts_of(self._store, number, superseded=superseded)

    def artifact(self, number: int, path: str, attempt: int | None = None) -> Artifact | None:
        """The artifact of a run with this path, None where it kept none.

        Args:
            attempt: that kept it; None for the one that counts.
        """
        kept = self.artifacts(number, superseded=attempt is not None)
        found = (each for each in kept if each.path == path and attempt in (None, each.attempt))
        return next(found, None)

    def artifact_file(self, artifact: Artifact) -> Path:
        """Where an artifact lies; one that only a store has is fetched back.

        Raises:
            UsageError: it is nowhere.
            ToolError: only a store has it, which cannot be reached.
        """
        return self._services.artifacts().locate(artifact)

    def save(self, artifact: Artifact, path: Path) -> Path:
        """Copy an artifact to a new file of a person's choice.

        Args:
            path: where to; a folder gets it under its own name; ``~`` is the home folder.

        Returns:
            The new file.

        Raises:
            UsageError: there is such a file already, or it cannot be written; or the artifact is
                gone or damaged.
            ToolError: only a store has it, which cannot be reached.
        """
        name = Path(artifact.path).name
        with (
            self._services.artifacts().open(artifact) as kept,
            new_file(path, name) as (target, file),
        ):
            shutil.copyfileobj(kept, file)
        return target

    def gate(self, number: int) -> GateResult | None:
        """The result of the quality gate in a run, None where it did not measure.

        Raises:
            UsageError: there is no such run, or what it kept cannot be read.
            ToolError: what it kept is no result of the gate.
        """
        from engine.quality.gate import GATE_REPORT, read_report  # not for the first paint

        artifact = self.artifact(number, GATE_REPORT)
        if artifact is None:
            return None
        try:
            data = read_file(self.artifact_file(artifact), _MAX_REPORT_BYTES)
        except OSError as error:
            raise UsageError(f"{error.filename}: {error.strerror}") from error
        return read_report(data)

    def logs(self, number: int) -> Sequence[LogKey]:
        """Logs of a run in the order in which they began."""
        self._settle()
        return logs.logs_of(self._store, number)

    def log_extents(self, number: int) -> Sequence[LogExtent]:
        """Which lines each log of a run has, in the order in which they began.

        Of a log that was written to since the run was retried, those from there on.
        """
        after = self.asked_seq(number)
        return logs.log_extents(self._store, number, after=after)

    def asked_seq(self, number: int) -> int:
        """The sequence number of the event with which a run was asked for last.

        What a retried run printed before it was retried comes before that.
        """
        self._settle()
        return logs.asked_seq(self._store, number)

    def lines(self, key: LogKey, first: int = 0, count: int | None = None) -> Sequence[str]:
        """Lines of a log by range, from line 0. Untrusted text."""
        self._settle()
        return logs.read_lines(self._store, key, first, count)

    def line_count(self, key: LogKey) -> int:
        """How many lines a log has."""
        self._settle()
        return logs.line_count(self._store, key)

    def search(self, number: int, text: str) -> Sequence[LogMatch]:
        """Lines of any log of a run that contain ``text``, whatever its case."""
        self._settle()
        return logs.search(self._store, number, text)

    def cancel(self, number: int, *, reason: str = "cancelled before it began") -> Run:
        """End a run: its running programs are gone within a second.

        Args:
            reason: what is said of one that had not begun.

        Raises:
            UsageError: it has ended already.
        """
        run = self.get(number)
        if run.status.is_final:
            raise ConflictError(f"{self.KIND.label} {number} has ended already ({run.status})")
        self._services.wait_ready()
        run = store_runs.request_cancel(self._store, number)
        if not self._services.active.cancel(number):
            self._services.runs.cancel(run.workflow_id)
            if run.status is RunStatus.PENDING:
                run = self._end(run, RunStatus.CANCELLED, reason)
        return run

    def retry(self, number: int, stage: str | None = None) -> Run:
        """Run an ended run again, from its start or from the phase of a stage.

        What it does then are further attempts; those before stay to be read.

        Args:
            stage: key of a stage that ran; None starts over.

        Raises:
            UsageError: it has not ended, or that stage never ran.
            StoreError: it cannot be written down.
        """
        return self._retry(number, stage, str(uuid.uuid4()))

    def _retry(self, number: int, stage: str | None, workflow_id: str) -> Run:
        """As :meth:`retry`; the durable run that carries it out then has this id."""
        run = self.get(number)
        if not run.status.is_final:
            raise ConflictError(
                f"{self.KIND.label} {number} has not ended ({run.status}): cancel it first"
            )
        self._services.wait_ready()
        if stage is not None and not self._services.runs.can_repeat(run.workflow_id):
            raise UsageError(
                f"{self.KIND.label} {number} ran with another version of espdeck, whose results "
                f"this one cannot take over: retry all of it ({self.KIND.command} retry {number})"
            )
        first = self._first_of(run, stage) if stage is not None else None
        self._requeue(run, first, workflow_id)
        return self._ask_for_run(number)

    def wait(self, number: int, timeout: float | None = None) -> Run:
        """Wait for a run to end, or ``timeout`` seconds; returns it as it then stands.

        Raises:
            StoreError: it ended, which cannot be written now.
        """
        active = self._services.active
        run: Run

        def ended() -> bool:
            nonlocal run
            run = self.get(number)
            return run.status.is_final or bool(active.unwritten(number))

        # Not after each line of a log: it is the store that knows how a run stands.
        kinds = (events.RunCompleted, events.RunChanged, events.Problem)
        wait_until(ended, self._services.bus, timeout, *kinds)
        if not run.status.is_final and (reason := active.unwritten(number)):
            raise StoreError(reason)
        return run

    def ensure_executed(self, run: Run) -> None:
        """See to it that a run that has not ended is executed; only for the executor.

        One that was written down and not asked for, as its asker died in between, is asked for
        now. One that nothing will execute any more ends: as failed, or cancelled if that was asked.

        Raises:
            StoreError: that cannot be read or written now.
        """
        if self._services.active.has(run.number):
            return
        asked, state = run.workflow_id, self._services.runs.state(run.workflow_id)
        run = self.get(run.number)  # it may have ended meanwhile, or be carried out anew
        if state is RunState.UNFINISHED or run.status.is_final or run.workflow_id != asked:
            return
        if run.cancel_requested:
            self._give_up(run, "cancelled" if run.started_at else _LOST[RunState.ABSENT])
        elif state is RunState.ABSENT:
            self._ask(run)
        elif state is RunState.FOREIGN:
            self._services.runs.cancel(run.workflow_id)  # else it waits for that version for ever
            self.do_again(run, ())
        else:
            self._give_up(run, _LOST[state])

    def do_again(self, run: Run, steps: Collection[str]) -> None:
        """Carry out again what another version of espdeck did, as this one cannot take it over.

        Args:
            run: has not ended, and is not executed now.
            steps: names of the steps of the wave from which on it is done again; () for all.

        Raises:
            StoreError: that cannot be written now.
        """
        place = {step_name(row.key, row.attempt): row for row in self._counted(run.number)}
        first = min(
            (place[name] for name in steps if name in place),
            key=lambda row: (row.attempt, self.pipeline_of(run).phases.index(row.phase)),
            default=None,
        )
        self._requeue(run, first, str(uuid.uuid4()))
        again = self.get(run.number)
        self._changed(again)
        self._ask(again)

    def _requeue(self, run: Run, first: StageRow | None, workflow_id: str) -> None:
        """Have a run be done again.

        Args:
            first: a stage of the phase from which on; None for all of it.
        """
        pipeline, number = self.pipeline_of(run), run.number
        repeated, repeats = self._counted(number), None
        if first is not None:
            repeated = stages_from(pipeline, repeated, first)
            steps = steps_of_phase(pipeline, first.key, first.attempt)
            repeats = {"run": run.workflow_id, "steps": sorted(steps)}
        store_runs.requeue_run(
            *(self._store, number, workflow_id),
            before=run.workflow_id,
            first=first,
            repeated=repeated,
            repeats=repeats,
        )
        if run.artifacts_path:
            run_files.settle(self._store, number, Path(run.artifacts_path))

    def _counted(self, number: int) -> Sequence[StageRow]:
        """Stages of a run that no retry did again."""
        return [row for row in self.stages(number) if not row.superseded]

    def _first_of(self, run: Run, stage: str) -> StageRow:
        """The last attempt of a stage.

        Raises:
            ConflictError: somebody else had the run be done again since.
            UsageError: it did not run.
        """
        ran = [
            row
            for row in self._counted(run.number)
            if row.key == stage and row.status is not StageStatus.SKIPPED
        ]
        if not ran:
            if self.get(run.number).workflow_id != run.workflow_id:
                raise ConflictError(f"{self.KIND.label} {run.number} was begun anew already")
            keys = [each.key for each in self.pipeline_of(run).stages]
            known = "" if stage in keys else near_or_all(stage, keys)
            raise UsageError(
                f"stage {stage[:80]!r} did not run in {self.KIND.label} {run.number}{known}"
            )
        return max(ran, key=lambda row: row.attempt)

    def _ask_for_run(self, number: int) -> Run:
        """Ask for the run of a pending run; the executor does when it cannot be asked for now.

        Raises:
            StoreError: that is so.
        """
        run = self.get(number)
        self._changed(run)
        if self._services.is_asked_elsewhere():
            return run
        try:
            self._ask(run)
        except StoreError as error:
            raise StoreError(f"{error} ({self.KIND.label} {number} waits until then)") from error
        return run

    def _ask(self, run: Run) -> None:
        """Ask for the run that the row names; nothing where that was asked for already."""
        # Another thread may find it in the store before it is asked for, and wait for the queue's
        # database as long as somebody holds that.
        wait_policy().take(self._asking, self._services.runs.database)
        try:
            if self._services.runs.state(run.workflow_id) is not RunState.ABSENT:
                return
            self._ask_once(run)
        finally:
            self._asking.release()

    def _ask_once(self, run: Run) -> None:
        runs, repeats = self._services.runs, run.repeats
        if repeats and runs.state(repeats["run"]) is RunState.ABSENT:
            # What it was to take over is gone, as somebody deleted runs.db: it starts over, in
            # attempts of its own.
            with contextlib.suppress(ConflictError):  # another thread was here before
                self._requeue(run, None, str(uuid.uuid4()))
            self._ask_once(self.get(run.number))
        elif repeats:
            runs.again(self.KIND, repeats["run"], run.workflow_id, repeats["steps"])
        else:
            runs.enqueue(self.KIND, run.workflow_id, run.number, self.priority_of(run))

    def _give_up(self, run: Run, reason: str) -> None:
        status = RunStatus.CANCELLED if run.cancel_requested else RunStatus.FAILED
        self._end(run, status, reason)

    def _end(self, run: Run, status: RunStatus, reason: str) -> Run:
        services = self._services
        run = end_run(
            *(services.store, services.bus, run.number),
            status=status,
            result=reason,
            workflow_id=run.workflow_id,
        )
        self._settle()
        return run

    def _changed(self, run: Run) -> None:
        self._services.bus.publish(run_changed(run))
        self._settle()

    def _settle(self) -> None:
        # Nothing to say here when it cannot be written: the journal's thread says it once.
        with contextlib.suppress(StoreError):
            self._services.journal.flush()


_LOST = {
    RunState.ABSENT: "cancelled before it began",
    RunState.OVER: "lost: nothing executes it, retry it (see espdeck.log)",
}
"""Why a run ends that the durable engine does not know as unfinished."""
