"""The runner: walks a build through its pipeline, keeps what comes of it, says what happens.

It is called by the durable engine in a worker thread, again from the start after an interruption:
stages that had ended then give back their kept results at once. Everything beside the stages
(taking a worktree, applying patches, writing where the build stands) is safe to repeat.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from engine import events
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import CancelledError, EspdeckError, Interrupted
from engine.findings import Finding
from engine.pipelines.durable import Steps
from engine.pipelines.journal import Journal, LineWriter
from engine.pipelines.model import (
    Agent,
    Pipeline,
    Reporter,
    Stage,
    StageContext,
    StageResult,
    When,
    step_name,
)
from engine.pipelines.outputs import Tested
from engine.pipelines.progress import Progress
from engine.projects.worktrees import Slot, Slots
from engine.settings import Settings
from engine.store import builds, logs, projects
from engine.store.database import Store, StoreError
from engine.store.tables import Artifact, Build, StageRow, utc_now
from engine.words import AgentStatus, ArtifactKind, BuildStatus, Role, Severity, StageStatus

_LOG = logging.getLogger("espdeck.runner")

_OUTPUT_TAIL = 64 << 10
_OUTPUT_LINES = 2000

R = TypeVar("R")

TRY_TO_WRITE = 1.0
"""Seconds between two tries to write how a build ended, while the disk is full."""


def find_agents() -> dict[Role, Agent]:
    """The agent of each role (entry points ``espdeck.agents``)."""
    return {Role(point.name): point.load() for point in entry_points(group="espdeck.agents")}


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the runner works with; one for each engine."""

    store: Store
    bus: events.Bus
    journal: Journal
    settings: Settings
    boards: Boards
    slots: Slots
    artifacts: Path


class Runner:
    """Carries builds; knows which ones run now, so that they can be stopped."""

    def __init__(self, workshop: Workshop, pipeline: Pipeline) -> None:
        self._workshop = workshop
        self._pipeline = pipeline
        self._agents = find_agents()
        self._lock = threading.Lock()
        self._running: dict[int, CancelToken] = {}
        self._idle = threading.Condition(self._lock)
        self._closing = CancelToken()
        self.unwritten: dict[int, str] = {}
        """Builds that wait until the store can be written again, and why it cannot."""

    def cancel(self, build_id: int) -> bool:
        """End a build that runs here; False when it does not."""
        with self._lock:
            token = self._running.get(build_id)
        if token is None:
            return False
        token.cancel()
        return True

    def cancel_requested(self) -> None:
        """End every build that another process asked to end."""
        for build_id in builds.cancel_requests(self._workshop.store):
            self.cancel(build_id)

    def interrupt(self, timeout: float) -> None:
        """Stop everything so that it goes on at the next start; waits until it has stopped."""
        with self._lock:
            self._closing.interrupt()
            tokens = list(self._running.values())
        for token in tokens:
            token.interrupt()
        deadline = time.monotonic() + timeout
        with self._idle:
            while self._running and time.monotonic() < deadline:
                self._idle.wait(deadline - time.monotonic())

    def carry(self, build_id: int, steps: Steps) -> None:
        """Carry one build from where it stands to its end."""
        token = CancelToken()
        with self._lock:
            self._closing.check()
            self._running[build_id] = token
        try:
            self._carry(build_id, token, steps)
        except Interrupted:
            raise
        except Exception as error:
            _LOG.exception("build %s", build_id)
            self._insist(build_id, partial(self._fail, build_id, f"internal error: {error!r}"))
        finally:
            self.unwritten.pop(build_id, None)
            with self._idle:
                # A retry may run already: its token stays.
                if self._running.get(build_id) is token:
                    del self._running[build_id]
                self._idle.notify_all()

    def _carry(self, build_id: int, token: CancelToken, steps: Steps) -> None:
        shop = self._workshop
        build = self._insist(build_id, lambda: builds.get_build(shop.store, build_id))
        if build.status.is_final:
            return  # it ended when the disk was too full for the run to say so
        if build.cancel_requested:
            token.cancel()
        run = self._insist(
            build_id, lambda: _Run(shop, self._pipeline, self._agents, build, token, steps)
        )
        self._insist(build_id, run.walk())

    def _fail(self, build_id: int, reason: str) -> None:
        builds.finish_build(
            self._workshop.store,
            build_id,
            status=BuildStatus.FAILED,
            error=f"{reason} (see espdeck.log)",
        )

    def _insist(self, build_id: int, do: Callable[[], R]) -> R:
        """Do what needs the store; when the disk is full, say so once and wait for room.

        Raises:
            Interrupted: the process shuts down.
        """
        while True:
            try:
                return do()
            except StoreError as error:
                if build_id not in self.unwritten:
                    self.unwritten[build_id] = str(error)
                    message = f"build {build_id} waits: {error}"
                    self._workshop.bus.publish(events.Problem(build_id=build_id, message=message))
            self._closing.wait(TRY_TO_WRITE)


class _Run:
    """One walk of one build."""

    def __init__(
        self,
        workshop: Workshop,
        pipeline: Pipeline,
        agents: Mapping[Role, Agent],
        build: Build,
        cancel: CancelToken,
        steps: Steps,
    ) -> None:
        self._shop = workshop
        self._pipeline = pipeline
        self._agents = agents
        self._build = build
        self._id = build.number
        self._project = projects.get_project(workshop.store, build.project_id)
        self._cancel = cancel
        self._steps = steps
        self._results: dict[str, StageResult] = {}
        self._progress = Progress(pipeline)
        self._folder = workshop.artifacts / str(self._id)

    def walk(self) -> Callable[[], None]:
        """Walk the pipeline.

        Returns:
            What writes how the build ended, whatever happened.
        """
        status, error = BuildStatus.FAILED, ""
        try:
            self._begin()
            with self._shop.slots.take(
                str(self._project.id),
                Path(self._project.clone_path),
                self._build.commit_sha,
                cancel=self._cancel,
            ) as slot:
                status, error = self._rounds(slot)
        except CancelledError:
            status, error = BuildStatus.CANCELLED, "cancelled"
        except EspdeckError as problem:
            error = str(problem)
        except Interrupted:
            raise
        except Exception as problem:
            _LOG.exception("build %s", self._id)
            error = f"internal error: {problem!r} (see espdeck.log)"
        return partial(self._end, status, error)

    def _begin(self) -> None:
        resumed = self._build.started_at is not None
        build = builds.start_build(self._shop.store, self._id)
        self._folder.mkdir(parents=True, exist_ok=True)
        builds.set_artifacts_path(self._shop.store, self._id, str(self._folder))
        self._publish_status(build)
        self._shop.bus.publish(
            events.WorkflowStarted(
                build_id=self._id,
                project=self._project.name,
                commit=self._build.commit_sha,
                target=self._build.target,
                resumed=resumed,
            )
        )

    def _rounds(self, slot: Slot) -> tuple[BuildStatus, str]:
        attempt = 1
        start: str | None = None
        while True:
            back_to = self._round(slot, attempt, start)
            if back_to is None:
                break
            attempt += 1
            start = back_to
        failed = {
            key: result
            for key, result in self._results.items()
            if result.status is _FAILED and not self._pipeline.stage(key).back_to
        }
        if not failed:
            return BuildStatus.SUCCESS, ""
        # A diagnosis says most, then what was judged last; that nothing could repair it, least.
        causes = [key for key in failed if self._pipeline.stage(key).role is Role.DOCTOR]
        return BuildStatus.FAILED, failed[(causes or list(failed))[-1]].summary

    def _round(self, slot: Slot, attempt: int, start: str | None) -> str | None:
        """Walk all waves once; the stage to go back to when the pipeline says so."""
        for wave in self._pipeline.waves(start):
            for stage in wave:
                self._results.pop(stage.key, None)
        for wave in self._pipeline.waves(start):
            self._cancel.check()
            due = [stage for stage in wave if self._is_due(stage)]
            for stage in wave:
                if stage not in due:
                    self._skip(stage, attempt)
            if not due:
                continue
            jobs = [
                (step_name(stage.key, attempt), partial(self._stage, stage, attempt, slot))
                for stage in due
            ]
            outcomes = self._steps.wave(jobs)
            for stage, result in zip(due, outcomes, strict=True):
                self._results[stage.key] = result
                self._progress.finish(stage)  # also what an earlier run had finished
            for stage, result in zip(due, outcomes, strict=True):
                if (
                    stage.back_to
                    and result.status is _SUCCESS
                    and attempt <= self._shop.settings.max_iterations
                ):
                    if result.patch:
                        slot.apply(result.patch)
                    self._progress.back_to(stage.back_to)
                    return stage.back_to
        return None

    def _is_due(self, stage: Stage) -> bool:
        if stage.when is When.SOMETHING_FAILED:
            return any(result.status is _FAILED for result in self._results.values())
        needed = [self._results.get(key) for key in stage.needs]
        return all(result is not None and result.status is _SUCCESS for result in needed)

    def _skip(self, stage: Stage, attempt: int) -> None:
        builds.put_stage(self._shop.store, self._row(stage, attempt, StageStatus.SKIPPED))
        self._progress.finish(stage)

    def _stage(self, stage: Stage, attempt: int, slot: Slot) -> StageResult:
        """Run one stage; called once for each, in a thread of its own."""
        row = self._row(stage, attempt, StageStatus.RUNNING)
        row.started_at = utc_now()
        builds.put_stage(self._shop.store, row.model_copy())
        self._publish_agent(stage, attempt, AgentStatus.WORKING, stage.title)
        log = self._writer(stage, attempt, events.Log.kind)
        serial = self._writer(stage, attempt, events.Serial.kind)
        context = self._context(stage, attempt, slot, log, serial)
        try:
            result = self._agents[stage.role](context)
        except CancelledError:
            self._close(row, StageStatus.CANCELLED, "cancelled", log, serial)
            self._publish_agent(stage, attempt, AgentStatus.ERROR, "cancelled")
            raise
        except EspdeckError as error:
            result = _failure("stage.failed", str(error))
            log.write(f"error: {error}")
        except Interrupted:
            log.write("interrupted: goes on at the next start")
            log.close()
            serial.close()
            raise
        except Exception as error:
            _LOG.exception("build %s stage %s", self._id, stage.key)
            result = _failure("internal", f"internal error: {error!r} (see espdeck.log)")
            log.write(result.summary)
        builds.put_findings(self._shop.store, self._id, stage.key, attempt, result.findings)
        self._close(row, result.status, result.summary, log, serial)
        self._progress.finish(stage)
        status = AgentStatus.ERROR if result.status is _FAILED else AgentStatus.COMPLETED
        self._publish_agent(stage, attempt, status, result.summary)
        return result

    def _close(
        self, row: StageRow, status: StageStatus, summary: str, *writers: LineWriter
    ) -> None:
        for writer in writers:
            writer.close()
        row.status = status
        row.summary = summary
        row.completed_at = utc_now()
        builds.put_stage(self._shop.store, row.model_copy())

    def _context(
        self, stage: Stage, attempt: int, slot: Slot, log: LineWriter, serial: LineWriter
    ) -> StageContext:
        return StageContext(
            project=self._project,
            build_id=self._id,
            stage=stage,
            attempt=attempt,
            target=self._build.target,
            board=self._build.board,
            simulator=self._build.simulator,
            source=slot.source,
            build_dir=slot.build_dir(self._build.target),
            results=dict(self._results),
            settings=self._shop.settings,
            boards=self._shop.boards,
            cancel=self._cancel,
            report=Reporter(
                log=log.write,
                output=log.feed,
                serial=serial.feed,
                progress=lambda percent, message: self._say_progress(stage, percent, message),
                keep=self._keep,
            ),
        )

    def _keep(self, kind: ArtifactKind, path: Path, name: str) -> Path:
        """Copy a file to the artifacts, whole or not at all, and write it down."""
        kept = self._folder / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f".{kept.name}.part")
        try:
            shutil.copyfile(path, part)
            part.replace(kept)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise EspdeckError(f"{kept}: {os.strerror(error.errno or 0)}") from error
        with kept.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        artifact = Artifact(
            build_id=self._id, kind=kind, path=name, size=kept.stat().st_size, sha256=digest
        )
        builds.put_artifacts(self._shop.store, self._id, [artifact])
        return kept

    def _writer(self, stage: Stage, attempt: int, stream: str) -> LineWriter:
        key = logs.LogKey(self._id, stage.key, attempt, stream)
        line = logs.line_count(self._shop.store, key)
        writer = LineWriter(
            self._shop.journal,
            self._shop.bus,
            key,
            stage.role,
            line=line,
            stopped=lambda: self._cancel.stopped,
        )
        if line:  # a retry, or an interrupted stage that is done again
            writer.write(f"--- again, {utc_now():%Y-%m-%d %H:%M:%S} UTC ---")
        return writer

    def _row(self, stage: Stage, attempt: int, status: StageStatus) -> StageRow:
        return StageRow(
            build_id=self._id,
            key=stage.key,
            agent=stage.role,
            phase=stage.phase,
            attempt=attempt,
            status=status,
        )

    def _say_progress(self, stage: Stage, percent: float, message: str) -> None:
        overall = self._progress.move(stage, percent, message)
        if overall is not None:
            self._shop.bus.publish(
                events.WorkflowProgress(
                    build_id=self._id, phase=stage.phase, percent=overall, message=message
                )
            )

    def _publish_agent(self, stage: Stage, attempt: int, status: AgentStatus, task: str) -> None:
        self._shop.bus.publish(
            events.AgentChanged(
                build_id=self._id,
                agent=stage.role,
                stage=stage.key,
                phase=stage.phase,
                attempt=attempt,
                status=status,
                task=task,
            )
        )
        self._shop.bus.publish(
            events.WorkflowProgress(
                build_id=self._id,
                phase=stage.phase,
                percent=self._progress.percent,
                message=f"{stage.role}: {task}",
            )
        )

    def _publish_status(self, build: Build) -> None:
        self._shop.bus.publish(
            events.BuildChanged(
                build_id=self._id, project_id=str(build.project_id), status=build.status
            )
        )

    def _end(self, status: BuildStatus, error: str) -> None:
        tested = {
            key: _for_people(result.output)
            for key, result in self._results.items()
            if isinstance(result.output, Tested)
        }
        self._shop.journal.flush()
        build = builds.finish_build(
            self._shop.store,
            self._id,
            status=status,
            error=error,
            test_results=tested or None,
            build_output=self._build_output(),
        )
        self._shop.bus.publish(
            events.WorkflowCompleted(
                build_id=self._id,
                success=status is BuildStatus.SUCCESS,
                status=status,
                duration=build.duration or 0.0,
                result=error or "firmware built, tested and accepted",
            )
        )
        self._publish_status(build)

    def _build_output(self) -> str:
        keys = [
            key
            for key in logs.logs_of(self._shop.store, self._id)
            if self._pipeline.stage(key.stage).role is Role.BUILDER
        ]
        if not keys:
            return ""
        first = logs.line_count(self._shop.store, keys[-1]) - _OUTPUT_LINES
        text = "\n".join(logs.read_lines(self._shop.store, keys[-1], max(0, first)))
        return text[-_OUTPUT_TAIL:]


_FAILED = StageStatus.FAILED
_SUCCESS = StageStatus.SUCCESS


def _failure(code: str, message: str) -> StageResult:
    finding = Finding(severity=Severity.ERROR, code=code, message=message)
    return StageResult(status=_FAILED, summary=message, findings=(finding,))


def _for_people(tested: Tested) -> dict[str, Any]:
    results = asdict(tested)
    del results["transcript"]  # the serial log has all of it
    return results
