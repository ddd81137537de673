"""The runner: walks a run through its pipeline, keeps what comes of it, says what happens.

It is called by the durable engine in a worker thread, again from the start after an interruption:
stages that had ended then give back their kept results at once. Everything beside the stages
(taking a worktree, applying patches, writing where the run stands) is safe to repeat.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine import events
from engine.artifacts import run_files
from engine.cancel import CancelToken
from engine.clock import Stopwatch
from engine.enums import ArtifactKind, RunKind, RunStatus, Severity, StageStatus
from engine.errors import CancelledError, EspdeckError, Interrupted
from engine.files import explain
from engine.findings import Finding
from engine.llm.service import Models
from engine.repair.model_formats import ModelFormats
from engine.runs.active import ActiveRuns
from engine.runs.attempts import Retried
from engine.runs.executor import Steps
from engine.runs.journal import Journal
from engine.runs.line_writer import LineWriter
from engine.runs.pipeline import (
    Outcome,
    Reporter,
    Stage,
    StageContext,
    StageResult,
    When,
    Work,
    step_name,
)
from engine.runs.progress import Progress
from engine.runs.run_events import end_run, run_changed, stage_changed
from engine.runs.serialization import UnreadableResultError
from engine.settings import SettingsSource
from engine.store import logs, runs
from engine.store.busy_wait import WaitPolicy, use_wait_policy
from engine.store.database import Store
from engine.store.tables import Run, StageRow, utc_now

_LOG = logging.getLogger("espdeck.runner")

R = TypeVar("R")

MAX_DEATHS = 20
"""Times that the process may die with a run, and nothing of it get done, before it is given up: not
so few that somebody who kills espdeck again and again loses one."""


@dataclass(frozen=True, slots=True)
class RunnerDeps:
    """What the runner works with; one for each engine."""

    active: ActiveRuns
    store: Store
    bus: events.Bus
    journal: Journal
    settings: SettingsSource
    models: Callable[[], Models]
    artifacts: Path
    kept: Callable[[], None]
    """Called after a stage kept a file."""
    patience: WaitPolicy
    do_again: Callable[[Run, Collection[str]], None]
    """Carries a run out again from the wave of some steps on; from its start where it has none."""


WorkOf = Callable[[Run], Work]
"""What a run is about, from its row."""


class Runner:
    """Executes runs, each in the thread that the durable engine calls it in."""

    def __init__(self, deps: RunnerDeps, works: Mapping[RunKind, WorkOf]) -> None:
        self._deps = deps
        self._works = works
        self._active = deps.active

    def execute(self, run_id: int, workflow_id: str, steps: Steps) -> None:
        """Execute one run from where it stands to its end.

        Args:
            workflow_id: the durable run; nothing is done when the run has another one by now.

        Raises:
            Interrupted: the process shuts down.
        """
        unreadable: UnreadableResultError | None = None
        with self._active.run(run_id) as token:
            try:
                with use_wait_policy(self._deps.patience):
                    self._execute(run_id, workflow_id, token, steps)
            except UnreadableResultError as error:
                unreadable = error
            except Exception as error:
                _LOG.exception("run %s", run_id)
                reason = f"internal error: {error!r} (see espdeck.log)"
                self._active.insist(run_id, partial(self._fail, run_id, reason))
        if unreadable is not None:
            self._do_again(run_id, unreadable)

    def _do_again(self, run_id: int, unreadable: UnreadableResultError) -> None:
        """Do what another version did in a way that this one cannot take over."""
        _LOG.warning("run %s: %s: done again", run_id, unreadable)
        run = self._active.insist(run_id, lambda: runs.get_run(self._deps.store, run_id))
        self._active.insist(run_id, lambda: self._deps.do_again(run, unreadable.steps))

    def _execute(self, run_id: int, workflow_id: str, token: CancelToken, steps: Steps) -> None:
        deps, insist = self._deps, self._active.insist
        run = insist(run_id, lambda: runs.get_run(deps.store, run_id))
        if run.status.is_final or run.workflow_id != workflow_id:
            return  # it ended when the disk was too full for the run to say so
        if run.cancel_requested:
            token.cancel()
        execution = insist(
            run_id, lambda: _Execution(deps, self._works[run.kind](run), run, token, steps)
        )
        insist(run_id, execution.walk())

    def _fail(self, run_id: int, reason: str) -> None:
        store, bus = self._deps.store, self._deps.bus
        end_run(store, bus, run_id, status=RunStatus.FAILED, result=reason)


class _Execution:
    """One execution of one run: its walk through the pipeline."""

    def __init__(
        self, deps: RunnerDeps, work: Work, run: Run, cancel: CancelToken, steps: Steps
    ) -> None:
        self._deps = deps
        self._work = work
        self._pipeline = work.pipeline
        self._run_row = run
        self._id = run.number
        self._cancel = cancel
        self._steps = steps
        self._results: dict[str, StageResult] = {}
        self._made_in: dict[str, int] = {}
        self._earlier_attempts: dict[int, Mapping[str, StageResult]] = {}
        self._own: _Results | None = None
        self._retried = Retried(runs.retries_of(deps.store, self._id))
        self._attempt = self._retried.first_attempt
        self._repeats: Counter[str] = Counter()
        self._progress = Progress(self._pipeline)
        self._folder = deps.artifacts / str(self._id)
        self._began: float | None = None

    def walk(self) -> Callable[[], None]:
        """Walk the pipeline.

        Returns:
            A function that writes how the run ended, whatever happened.
        """
        try:
            with self._stopping():
                self._begin()
                with self._work.workspace(self._cancel) as source:
                    outcome = self._attempts(source)
        except CancelledError:
            outcome = Outcome(RunStatus.CANCELLED, "cancelled", is_own=True)
        except UnreadableResultError:
            raise
        except EspdeckError as problem:
            outcome = self._failed(str(problem))
        except Interrupted:
            raise
        except OSError as problem:
            _LOG.exception("run %s", self._id)
            outcome = self._failed(explain(problem))
        except Exception as problem:
            _LOG.exception("run %s", self._id)
            reason = f"internal error: {problem!r} (see espdeck.log)"
            outcome = self._failed(reason)
        return partial(self._end, outcome)

    def _failed(self, reason: str) -> Outcome:
        """How a run ended that cannot go on: that of its own commit, once that was tried."""
        if self._own is None:
            return Outcome(RunStatus.FAILED, reason)
        _LOG.warning("run %s, attempt %s: %s", self._id, self._attempt, reason)
        return self._work.outcome(self._own.results, self._own.results)

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        """What goes wrong in a run that was told to stop is that it stops, and no fault of it."""
        try:
            yield
        except Exception:
            self._cancel.check()
            raise

    def _begin(self) -> None:
        if self._run_row.deaths >= MAX_DEATHS:
            raise EspdeckError(
                f"given up: espdeck died {self._run_row.deaths} times while the same stage of it "
                "ran; look why (memory, espdeck.log), then retry it"
            )
        resumed = self._run_row.started_at is not None
        # What an earlier process took was measured by nobody.
        self._began = None if resumed else time.monotonic()
        run = runs.start_run(self._deps.store, self._id)
        self._folder.mkdir(parents=True, exist_ok=True)
        runs.set_artifacts_path(self._deps.store, self._id, str(self._folder))
        run_files.settle(self._deps.store, self._id, self._folder)  # if we died just then
        self._deps.bus.publish(run_changed(run))
        self._deps.bus.publish(replace(self._work.started(), run_id=self._id, resumed=resumed))

    def _attempts(self, source: Path) -> Outcome:
        start: str | None = None
        while True:
            start = self._walk_once(source, start)
            last = _Results(dict(self._results), dict(self._made_in), self._attempt)
            self._own = self._own or last
            if start is None:
                return self._work.outcome(last.results, self._own.results)
            self._earlier_attempts[self._attempt] = last.results
            self._attempt += 1

    def _walk_once(self, source: Path, start: str | None) -> str | None:
        """Walk all waves once; the stage to go back to when the pipeline says so."""
        for wave in self._pipeline.waves(start):
            for stage in wave:
                self._results.pop(stage.key, None)
                self._made_in.pop(stage.key, None)
        for wave in self._pipeline.waves(start):
            self._cancel.check()
            self._go_on_as_retried(wave[0].phase)
            attempt = self._attempt
            due = [stage for stage in wave if self._is_due(stage)]
            for stage in wave:
                if stage not in due:
                    self._skip(stage, attempt)
            if not due:
                continue
            jobs = [
                (step_name(stage.key, attempt), partial(self._stage, stage, attempt, source))
                for stage in due
            ]
            outcomes = self._steps.wave(jobs)
            for stage, result in zip(due, outcomes, strict=True):
                self._results[stage.key] = result
                self._made_in[stage.key] = attempt
                self._progress.finish(stage)  # also what an earlier run had finished
            for stage, result in zip(due, outcomes, strict=True):
                if stage.back_to and result.status is _SUCCESS and self._may_repeat(stage):
                    self._repeats[stage.key] += 1
                    self._work.apply_patch(result.patch, attempt + 1)
                    self._progress.back_to(stage.back_to)
                    return stage.back_to
        return None

    def _go_on_as_retried(self, phase: str) -> None:
        """Go on in the attempt in which a retry began a phase again: repairs count from there."""
        attempt = self._retried.attempt_at(self._attempt, phase)
        if attempt != self._attempt:
            self._attempt = attempt
            self._repeats.clear()

    def _may_repeat(self, stage: Stage) -> bool:
        return self._repeats[stage.key] < self._work.max_repeats

    def _is_due(self, stage: Stage) -> bool:
        if any(self._has(key, _FAILED) for key in stage.unless_failed):
            return False
        if stage.any_of and not any(self._has(key, _SUCCESS) for key in stage.any_of):
            return False
        if stage.when is When.SOMETHING_FAILED:
            return any(self._has(key, _FAILED) for key in stage.needs or self._results)
        return all(self._has(key, _SUCCESS) for key in stage.needs)

    def _has(self, key: str, status: StageStatus) -> bool:
        result = self._results.get(key)
        return result is not None and result.status is status

    def _skip(self, stage: Stage, attempt: int) -> None:
        row = self._row(stage, attempt, StageStatus.SKIPPED)
        if runs.put_stage(self._deps.store, row.model_copy()):  # else an earlier process said so
            self._deps.bus.publish(stage_changed(row))
        self._progress.finish(stage)

    def _stage(self, stage: Stage, attempt: int, source: Path) -> StageResult:
        """Run one stage; called once for each, in a thread of its own."""
        row = self._row(stage, attempt, StageStatus.RUNNING)
        watch = Stopwatch()
        row.started_at = watch.started
        runs.put_stage(self._deps.store, row.model_copy())
        self._publish_stage(row, stage.title)
        log = self._writer(stage, attempt, events.Log.kind)
        serial = self._writer(stage, attempt, events.Serial.kind)
        context = self._context(stage, attempt, source, log, serial)
        try:
            with self._stopping():
                result = self._work.do(context)
        except CancelledError:
            self._close(row, watch, StageStatus.CANCELLED, "cancelled", log, serial)
            self._publish_stage(row, row.summary)
            raise
        except EspdeckError as error:
            result = _failure("stage.failed", str(error))
            log.write(f"error: {error}")
        except Interrupted:
            log.write("interrupted: goes on at the next start")
            log.close()
            serial.close()
            row.status = StageStatus.PENDING  # written down by who goes on
            self._deps.bus.publish(stage_changed(row))
            raise
        except OSError as error:
            _LOG.exception("run %s stage %s", self._id, stage.key)
            result = _failure("stage.failed", explain(error))
            log.write(f"error: {result.summary}")
        except Exception as error:
            _LOG.exception("run %s stage %s", self._id, stage.key)
            result = _failure("internal", f"internal error: {error!r} (see espdeck.log)")
            log.write(result.summary)
        runs.put_findings(self._deps.store, self._id, stage.key, attempt, result.findings)
        row.usage = [asdict(each) for each in result.usage] or None
        self._close(row, watch, result.status, result.summary, log, serial)
        self._progress.finish(stage)
        self._publish_stage(row, row.summary)
        return result

    def _close(
        self,
        row: StageRow,
        watch: Stopwatch,
        status: StageStatus,
        summary: str,
        *writers: LineWriter,
    ) -> None:
        for writer in writers:
            writer.close()
        row.status = status
        row.summary = summary
        row.completed_at = watch.now()
        runs.put_stage(self._deps.store, row.model_copy())

    def _context(
        self, stage: Stage, attempt: int, source: Path, log: LineWriter, serial: LineWriter
    ) -> StageContext:
        models = self._deps.models()
        return StageContext(
            run_id=self._id,
            definition=stage,
            attempt=attempt,
            may_repeat=self._may_repeat(stage),
            source=source,
            results=dict(self._results),
            made_in=dict(self._made_in),
            earlier_attempts=dict(self._earlier_attempts),
            settings=self._deps.settings(),
            models=models,
            formats=ModelFormats(self._deps.store, models),
            cancel=self._cancel,
            report=Reporter(
                log=log.write,
                output=log.feed,
                serial=serial.feed,
                progress=lambda percent, message: self._say_progress(stage, percent, message),
                board=partial(self._say_board, stage, attempt),
                keep=partial(self._keep, attempt),
                withdraw=self._withdraw,
            ),
        )

    def _say_board(self, stage: Stage, attempt: int, board: str) -> None:
        self._deps.bus.publish(
            events.BoardTaken(run_id=self._id, board=board, stage=stage.key, attempt=attempt)
        )

    def _keep(self, attempt: int, stage: str, kind: ArtifactKind, file: Path, path: str) -> Path:
        kept = run_files.keep(
            *(self._deps.store, self._folder, file),
            run_id=self._id,
            stage=stage,
            attempt=self._made_in.get(stage, attempt),  # which makes it again, it was deleted
            kind=kind,
            path=path,
        )
        self._deps.kept()
        return kept

    def _withdraw(self, path: str) -> None:
        runs.withdraw_artifact(self._deps.store, self._id, path)
        run_files.settle(self._deps.store, self._id, self._folder)

    def _writer(self, stage: Stage, attempt: int, stream: str) -> LineWriter:
        key = logs.LogKey(self._id, stage.key, attempt, stream)
        line = logs.line_count(self._deps.store, key)
        writer = LineWriter(
            self._deps.journal,
            self._deps.bus,
            key,
            stage.role,
            line=line,
            stopped=lambda: self._cancel.stopped,
        )
        if line:  # an interrupted stage is done again
            writer.write(f"--- again, {utc_now():%Y-%m-%d %H:%M:%S} UTC ---")
        return writer

    def _row(self, stage: Stage, attempt: int, status: StageStatus) -> StageRow:
        return StageRow(
            run_id=self._id,
            key=stage.key,
            agent=stage.role,
            phase=stage.phase,
            attempt=attempt,
            status=status,
        )

    def _say_progress(self, stage: Stage, percent: float, message: str) -> None:
        overall = self._progress.move(stage, percent, message)
        if overall is not None:
            self._deps.bus.publish(
                events.RunProgress(
                    run_id=self._id, phase=stage.phase, percent=overall, message=message
                )
            )

    def _publish_stage(self, row: StageRow, summary: str) -> None:
        self._deps.bus.publish(stage_changed(row, summary))
        self._deps.bus.publish(
            events.RunProgress(
                run_id=self._id,
                phase=row.phase,
                percent=self._progress.percent,
                message=f"{row.agent}: {summary}",
            )
        )

    def _end(self, outcome: Outcome) -> None:
        store = self._deps.store
        self._deps.journal.flush()
        told = self._told(outcome)
        self._work.close(outcome, told.results, told.made_in)
        if told.attempt < self._attempt:
            repairs = [stage.key for stage in self._pipeline.stages if stage.back_to]
            runs.supersede_attempts(store, self._id, after=told.attempt, but=repairs)
            run_files.settle(store, self._id, self._folder)
        end_run(
            *(store, self._deps.bus, self._id),
            status=outcome.status,
            result=outcome.text,
            verdict=outcome.verdict,
            took=None if self._began is None else time.monotonic() - self._began,
            result_attempt=told.attempt,
            workflow_id=self._run_row.workflow_id,
        )

    def _told(self, outcome: Outcome) -> _Results:
        """The results that the outcome is about."""
        if outcome.is_own and self._own is not None:
            return self._own
        return _Results(self._results, self._made_in, self._attempt)


@dataclass(frozen=True, slots=True)
class _Results:
    """Results of stages, in which attempt each came, and the last of these."""

    results: Mapping[str, StageResult]
    made_in: Mapping[str, int]
    attempt: int


_FAILED = StageStatus.FAILED
_SUCCESS = StageStatus.SUCCESS


def _failure(code: str, message: str) -> StageResult:
    finding = Finding(severity=Severity.ERROR, code=code, message=message)
    return StageResult(status=_FAILED, summary=message, findings=(finding,))
