"""What a pipeline is: stages and what each waits for, as data; what goes into an agent and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.findings import Finding
from engine.words import ArtifactKind, Phase, Role, StageStatus

if TYPE_CHECKING:
    from engine.boards.service import Boards
    from engine.cancel import CancelToken
    from engine.settings import Settings
    from engine.store.tables import Project


class When(StrEnum):
    """When a stage is due."""

    NEEDS_PASSED = "needs-passed"
    """Every stage that it needs succeeded."""

    SOMETHING_FAILED = "something-failed"
    """Any stage of this attempt failed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a pipeline, done by one agent.

    Args:
        key: its name within the pipeline.
        role: the agent that does it.
        phase: stages of one phase run at once; phases run one after the other.
        title: what it does, for people.
        weight: its part of the whole build's progress, in percent.
        needs: stages that must have succeeded.
        when: when it is due.
        back_to: stage at which the pipeline goes on when this one succeeded; the run then is in
            its next attempt.
    """

    key: str
    role: Role
    phase: Phase
    title: str
    weight: float
    needs: tuple[str, ...] = ()
    when: When = When.NEEDS_PASSED
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
    """How a stage ended. Kept by the durable engine, so everything in it can be pickled.

    Args:
        status: ``success``, ``failed`` or ``skipped``.
        summary: one line.
        findings: what it found.
        output: what it hands on.
        patch: a unified diff for the worktree, applied by the runner before the next attempt.
    """

    status: StageStatus
    summary: str
    findings: tuple[Finding, ...] = ()
    output: Output | None = None
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a stage says what happens; each may be called from any thread.

    Args:
        log: one line (or several) of its own log.
        output: raw output of a tool, in chunks.
        serial: raw bytes that firmware printed, in chunks.
        progress: percent of this stage (0 to 100) and what is being done.
        keep: copy a file to the build's artifacts and give back where it lies.
    """

    log: Callable[[str], None]
    output: Callable[[bytes], None]
    serial: Callable[[bytes], None]
    progress: Callable[[float, str], None]
    keep: Callable[[ArtifactKind, Path, str], Path]


@dataclass(frozen=True, slots=True)
class StageContext:
    """What an agent may see and use.

    Args:
        project: the project as it stands.
        build_id: number of the build.
        stage: which stage this is.
        attempt: how often the build went round, from 1.
        target: the chip.
        board: what was asked for: ``auto``, ``none`` or a port.
        simulator: what was asked for: ``auto``, ``none`` or a name.
        source: worktree of the commit.
        build_dir: where to build, kept for the next build.
        results: the latest result of every stage that ran before.
        settings: what a person set.
        boards: the boards of this machine.
        cancel: ends the stage.
        report: where to say what happens.
    """

    project: Project
    build_id: int
    stage: Stage
    attempt: int
    target: str
    board: str
    simulator: str
    source: Path
    build_dir: Path
    results: Mapping[str, StageResult]
    settings: Settings
    boards: Boards
    cancel: CancelToken
    report: Reporter = field(repr=False)

    @property
    def app(self) -> Path:
        """The folder of the worktree that is built."""
        return self.source / self.project.app

    def output_of(self, key: str, kind: type[T]) -> T:
        """What an earlier stage handed on.

        Raises:
            LookupError: it handed on nothing of that kind (a mistake in the pipeline's data).
        """
        result = self.results.get(key)
        if result is None or not isinstance(result.output, kind):
            raise LookupError(f"stage {self.stage.key} needs {kind.__name__} of stage {key}")
        return result.output


Agent = Callable[[StageContext], StageResult]
"""An agent reads its context, calls tools and returns a result.

It raises ``EspdeckError`` when it cannot do its work (the stage fails with that line), and lets
``CancelledError`` and ``Interrupted`` pass.
"""


def step_name(key: str, attempt: int) -> str:
    """The name under which the durable engine keeps a stage's result."""
    return f"{key}#{attempt}"


def steps_of_phase(pipeline: Pipeline, key: str, attempt: int) -> frozenset[str]:
    """Names of the steps of the wave that a stage belongs to, in one attempt."""
    phase = pipeline.stage(key).phase
    return frozenset(
        step_name(stage.key, attempt) for stage in pipeline.stages if stage.phase is phase
    )
