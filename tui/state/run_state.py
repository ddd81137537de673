"""What the screen of a run shows, without a screen: made from the store, moved on by events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine import Pipeline
from engine.enums import RunStatus, StageStatus
from engine.events import (
    Event,
    Log,
    Partial,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    StageChanged,
)
from tui.state.log_tail import LogTail

if TYPE_CHECKING:
    from engine import LogKey, Run, StageRow

_ENDED = (StageStatus.SUCCESS, StageStatus.FAILED, StageStatus.SKIPPED)
_URGENCY = (
    StageStatus.RUNNING,
    StageStatus.FAILED,
    StageStatus.CANCELLED,
    StageStatus.SUCCESS,
    StageStatus.SKIPPED,
    StageStatus.PENDING,
)
"""What several stages together are: what comes first here."""

_NOT_NEEDED = "not needed"

SERIAL = "serial"
"""The pane of what firmware printed, and the stream that it shows."""


@dataclass(frozen=True, slots=True)
class TailKey:
    """One log of the run: ``stream`` is ``log`` or ``serial``."""

    stage: str
    attempt: int
    stream: str


@dataclass(slots=True)
class StageView:
    """One stage in its newest attempt; ``task`` says what it does or how it went."""

    role: str
    phase: str
    attempt: int
    status: StageStatus
    task: str


@dataclass(slots=True)
class RunView:
    """The state of one run.

    Args:
        number: of the run.
        pipeline: that it walks.
        pane_of: the name of the pane that shows a stage, by the stage's key and its role.
        facts: what else is shown of it.
        warning: what a person must know of it.
        verdict: of its firmware, once it was spoken.
    """

    number: int
    pipeline: Pipeline
    pane_of: Callable[[str, str], str]
    status: RunStatus = RunStatus.PENDING
    title: str = ""
    percent: float = 0.0
    message: str = ""
    error: str = ""
    facts: str = ""
    warning: str = ""
    verdict: str = ""
    attempt: int = 1
    started: datetime | None = None
    duration: float | None = None
    stages: dict[str, StageView] = field(default_factory=dict)
    tails: dict[TailKey, LogTail] = field(default_factory=dict)
    results_changed: bool = True

    def forget(self) -> None:
        """Know no stage and no log: all of them are read anew."""
        self.stages.clear()
        self.tails.clear()
        self.attempt = 1

    def load(self, run: Run, stages: Sequence[StageRow], title: str) -> None:
        """Take what the store says."""
        self.title = title
        self.status = RunStatus(run.status)
        self.error = run.error
        self.verdict = run.verdict
        self.started = run.started_at
        self.duration = run.duration
        for row in stages:
            self._set_stage(
                row.key, StageView(row.agent, row.phase, row.attempt, row.status, row.summary)
            )
        done = [key for key, stage in self.stages.items() if stage.status in _ENDED]
        weights = {stage.key: stage.weight for stage in self.pipeline.stages}
        self.percent = float(sum(weights.get(key, 0) for key in done))

    def log(self, key: LogKey, first_line: int, lines: Sequence[str]) -> None:
        """Take the newest lines of a log from the store."""
        self._tail(TailKey(key.stage, key.attempt, key.stream)).extend(first_line, list(lines))

    def apply(self, events: Iterable[Event]) -> None:
        """Take what happened."""
        for event in events:
            if event.run_id == self.number:
                self._apply(event)

    def elapsed(self) -> float | None:
        """Seconds since it began, or that it took."""
        if self.duration is not None:
            return self.duration
        if self.started is None:
            return None
        return max(0.0, (datetime.now(UTC) - self.started).total_seconds())

    def state(self, pane: str) -> tuple[StageStatus, str]:
        """How the stages of a pane stand together, and what the one that matters says."""
        mine = [
            stage for key, stage in self.stages.items() if self.pane_of(key, stage.role) == pane
        ]
        if not mine and self.status.is_final:
            return StageStatus.SKIPPED, _NOT_NEEDED
        if not mine:
            return StageStatus.PENDING, ""
        first = min(mine, key=lambda stage: _URGENCY.index(stage.status))
        return first.status, first.task

    def phase(self, phase: str) -> StageStatus:
        """How the stages of a phase stand together."""
        mine = [stage.status for stage in self.stages.values() if stage.phase == phase]
        if not mine and self.status.is_final:
            return StageStatus.SKIPPED
        return min(mine, key=_URGENCY.index, default=StageStatus.PENDING)

    def running(self) -> list[tuple[str, StageView]]:
        """The stages that run now, by their keys."""
        mine = self.stages.items()
        return [(key, stage) for key, stage in mine if stage.status is StageStatus.RUNNING]

    def keys_of(self, pane: str) -> list[TailKey]:
        """Logs of a pane, attempt by attempt; in each, those of the first stage come last."""

        def belongs(key: TailKey) -> bool:
            if key.stream == SERIAL:
                return pane == SERIAL
            stage = self.stages.get(key.stage)
            return stage is not None and self.pane_of(key.stage, stage.role) == pane

        order = {stage.key: place for place, stage in enumerate(self.pipeline.stages)}
        mine = [key for key in self.tails if belongs(key)]
        return sorted(mine, key=lambda key: (key.attempt, -order.get(key.stage, 0)))

    def _apply(self, event: Event) -> None:
        match event:
            case Log():
                key = TailKey(event.stage, event.attempt, event.kind)
                self._tail(key).extend(event.first_line, event.text.split("\n")[:-1])
            case Partial():
                key = TailKey(event.stage, event.attempt, Log.kind)
                self._tail(key).begin(event.line, event.text)
            case StageChanged():
                self._set_stage(
                    event.stage,
                    StageView(event.agent, event.phase, event.attempt, event.status, event.summary),
                )
                self.results_changed = True
            case RunStarted():
                self.status = RunStatus.RUNNING
                self.started = event.at if self.started is None else self.started
                self.duration, self.error, self.verdict = None, "", ""
            case RunProgress():
                self.percent, self.message = event.percent, event.message
            case RunCompleted():
                self.status, self.duration = event.status, event.duration
                self.error = "" if event.success else event.result
                self.message = event.result
                self.verdict = event.verdict
                self.percent = 100.0 if event.success else self.percent
                self.results_changed = True
            case RunChanged():
                self.status = event.status
                if event.status is RunStatus.PENDING:
                    self.started = self.duration = None
                    self.percent, self.error, self.verdict = 0.0, "", ""
            case _:
                pass

    def _set_stage(self, key: str, stage: StageView) -> None:
        """Take a stage; a new attempt makes pending what comes after it."""
        if stage.status is StageStatus.SKIPPED:
            stage.task = stage.task or _NOT_NEEDED
        known = self.stages.get(key)
        again = {each.key for each in self.pipeline.stages if each.back_to is not None}
        if known is not None and stage.status is StageStatus.SKIPPED and key in again:
            return  # an attempt that needs no repair does not undo an earlier one
        if known is not None and stage.attempt > known.attempt:
            order = self.pipeline.phases
            begin = order.index(stage.phase)
            for name, other in self.stages.items():
                behind = order.index(other.phase) >= begin and name not in again
                if behind and other.attempt < stage.attempt:
                    other.status, other.task = StageStatus.PENDING, ""
        self.stages[key] = stage
        self.attempt = max(self.attempt, stage.attempt)

    def _tail(self, key: TailKey) -> LogTail:
        return self.tails.setdefault(key, LogTail())
