"""What a pipeline is: stages and what each waits for, as data; what goes into an agent and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.enums import ArtifactKind, RunStatus, StageStatus
from engine.findings import Finding

if TYPE_CHECKING:
    from engine.cancel import CancelToken
    from engine.events import RunStarted
    from engine.llm.chat import Usage
    from engine.llm.service import Models
    from engine.repair.model_formats import ModelFormats
    from engine.settings import Settings


class When(StrEnum):
    """When a stage is due."""

    NEEDS_PASSED = "needs-passed"
    """Every stage that it needs succeeded."""

    SOMETHING_FAILED = "something-failed"
    """Any stage that it needs failed in this attempt; any at all, where it needs none."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a pipeline, done by one agent.

    Args:
        key: its name within the pipeline.
        role: the agent that does it.
        phase: stages of one phase run at once; phases run one after the other.
        title: what it does, for people.
        weight: its part of the whole run's progress, in percent.
        needs: stages that it depends on.
        when: when it is due.
        any_of: stages of which one at least must have succeeded besides; empty for none.
        unless_failed: stages none of which may have failed; one that was skipped is no hindrance.
        back_to: stage at which the pipeline goes on when this one succeeded; the run then is in
            its next attempt.
    """

    key: str
    role: str
    phase: str
    title: str
    weight: float
    needs: tuple[str, ...] = ()
    when: When = When.NEEDS_PASSED
    any_of: tuple[str, ...] = ()
    unless_failed: tuple[str, ...] = ()
    back_to: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in order."""

    name: str
    stages: tuple[Stage, ...]

    def waves(self, start: str | None = None) -> Iterator[tuple[Stage, ...]]:
        """Stages that run at once, wave after wave, from the wave with ``start`` in it."""
        started = start is None
        for _, group in groupby(self.stages, key=lambda stage: stage.phase):
            wave = tuple(group)
            started = started or any(stage.key == start for stage in wave)
            if started:
                yield wave

    @property
    def phases(self) -> tuple[str, ...]:
        """Its phases, in order."""
        return tuple(dict.fromkeys(stage.phase for stage in self.stages))

    def stage(self, key: str) -> Stage:
        """The stage with this key.

        Raises:
            KeyError: there is none.
        """
        for stage in self.stages:
            if stage.key == key:
                return stage
        raise KeyError(key)


class Output(Protocol):
    """What an agent hands to the stages after it: a frozen dataclass, kept with the run."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StageResult:
    """How a stage ended. The durable engine keeps it (:mod:`engine.runs.serialization`).

    Args:
        status: ``success``, ``failed`` or ``skipped``.
        summary: one line.
        findings: what it found.
        output: what it hands on.
        patch: unified diff between the run's commit and what its worktree is to be in the next
            attempt: all of the difference, not the last change.
        usage: what models were asked.
    """

    status: StageStatus
    summary: str
    findings: tuple[Finding, ...] = ()
    output: Output | None = None
    patch: str = ""
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a stage says what happens; each may be called from any thread.

    Args:
        log: one line (or several) of its own log.
        output: raw output of a tool, in chunks.
        serial: raw bytes that firmware printed, in chunks.
        progress: percent of this stage (0 to 100) and what is being done.
        board: name of a board that it has from now on.
        keep: copy a file to the run's artifacts and give back where it lies; takes the key of the
            stage that made it, its kind, the file, and its path among the artifacts.
        withdraw: have no artifact of a path count any more.
    """

    log: Callable[[str], None]
    output: Callable[[bytes], None]
    serial: Callable[[bytes], None]
    progress: Callable[[float, str], None]
    board: Callable[[str], None]
    keep: Callable[[str, ArtifactKind, Path, str], Path]
    withdraw: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What every stage may see and use; the contexts of builds and tasks hold one.

    Args:
        run_id: number of the run.
        definition: the stage, as the pipeline has it.
        attempt: which pass of the stage this is, from 1.
        may_repeat: whether the pipeline goes back once more if this stage says so: each stage that
            sends it back may do so a number of times.
        source: worktree of the commit; an empty folder for a run that is about none.
        results: the latest result of every stage that ran before.
        made_in: in which attempt each of these came.
        earlier_attempts: results of every attempt that a repair ended, by its number, the oldest
            first.
        settings: what a person set.
        models: the models of the settings.
        formats: which edit formats they manage.
        cancel: ends the stage.
        report: where to say what happens.
    """

    run_id: int
    definition: Stage
    attempt: int
    may_repeat: bool = True
    source: Path
    results: Mapping[str, StageResult]
    made_in: Mapping[str, int] = field(default_factory=dict)
    earlier_attempts: Mapping[int, Mapping[str, StageResult]] = field(default_factory=dict)
    settings: Settings
    models: Models
    formats: ModelFormats = field(repr=False)
    cancel: CancelToken
    report: Reporter = field(repr=False)

    @property
    def starting_patch(self) -> str:
        """Difference from the commit that this attempt starts with; empty for the first."""
        last = [{}, *self.earlier_attempts.values()][-1]
        return next((result.patch for result in last.values() if result.patch), "")

    @property
    def latest_results(self) -> dict[str, StageResult]:
        """Results that came after the last repair: of the state that it made, in their order."""
        repaired = max(self.earlier_attempts, default=0)
        return {
            key: result
            for key, result in self.results.items()
            if self.made_in.get(key, self.attempt) > repaired
        }

    def keep(self, kind: ArtifactKind, path: Path, name: str) -> Path:
        """Copy a file to the run's artifacts.

        Args:
            name: its path there; what was kept under it before gives way to it.

        Returns:
            Where it lies.

        Raises:
            EspdeckError: it cannot be copied.
        """
        return self.report.keep(self.definition.key, kind, path, name)

    def withdraw(self, name: str) -> None:
        """Have no artifact of a path count any more; what was kept stays to be read."""
        self.report.withdraw(name)

    def output_of(self, key: str, kind: type[T]) -> T:
        """What an earlier stage handed on.

        Raises:
            LookupError: it handed on nothing of that kind (a mistake in the pipeline's data).
        """
        result = self.results.get(key)
        if result is None or not isinstance(result.output, kind):
            raise LookupError(f"stage {self.definition.key} needs {kind.__name__} of stage {key}")
        return result.output


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        status: ``success`` or ``failed``.
        text: what came of it, in a line; of one that failed, why.
        verdict: of its firmware, empty where none was spoken.
        is_own: whether it is that of the run's own commit, though repairs came after it.
    """

    status: RunStatus
    text: str
    verdict: str = ""
    is_own: bool = False


class Work(Protocol):
    """What one run is about: the runner walks its pipeline, this does what the stages are for."""

    pipeline: Pipeline
    max_repeats: int
    """Times that each stage with ``back_to`` may send the run back."""

    def started(self) -> RunStarted:
        """What is said when it begins."""
        ...

    def workspace(self, cancel: CancelToken) -> AbstractContextManager[Path]:
        """Hold the folder that stages work in, as the run's commit has it.

        Raises:
            EspdeckError: it cannot be had; the run fails with that line.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        ...

    def apply_patch(self, patch: str, attempt: int) -> None:
        """Make the folder the commit with a difference; nothing where it is that already.

        Args:
            attempt: that begins with it.

        Raises:
            EspdeckError: the patch does not fit.
        """
        ...

    def do(self, context: StageContext) -> StageResult:
        """Do a stage.

        Raises:
            EspdeckError: it cannot be done; the stage fails with that line.
            CancelledError, Interrupted: as the context's token says.
        """
        ...

    def outcome(
        self, results: Mapping[str, StageResult], own: Mapping[str, StageResult]
    ) -> Outcome:
        """How the run ended.

        Args:
            results: the last results of its stages.
            own: those of its own commit, before the first repair.
        """
        ...

    def close(
        self,
        outcome: Outcome,
        results: Mapping[str, StageResult],
        made_in: Mapping[str, int],
    ) -> None:
        """Write what else is kept of it, however it ended; may be called again.

        Args:
            outcome: how it ended.
            results: that its outcome is about.
            made_in: in which attempt each of these came.
        """
        ...


def step_name(key: str, attempt: int) -> str:
    """The name under which the durable engine keeps a stage's result."""
    return f"{key}#{attempt}"


def steps_of_phase(pipeline: Pipeline, key: str, attempt: int) -> frozenset[str]:
    """Names of the steps of the wave that a stage belongs to, in one attempt."""
    phase = pipeline.stage(key).phase
    return frozenset(
        step_name(stage.key, attempt) for stage in pipeline.stages if stage.phase == phase
    )
