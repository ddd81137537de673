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
from tui.presentation.labels import stage_label
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
"""The stream of what firmware printed; the pane that shows it is named as its stage is."""


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
        result: what came of it, where the store has more to say than its stages.
        facts: what else is shown of it.
        warning: what a person must know of it.
        verdict: of its firmware, once it was spoken.
    """

    number: int
    pipeline: Pipeline
    pane_of: Callable[[str, str], str]
    status: RunStatus = RunStatus.PENDING
    title: str = ""
    progress: float = 0.0
    message: str = ""
    error: str = ""
    result: str = ""
    facts: str = ""
    warning: str = ""
    verdict: str = ""
    attempt: int = 1
    started: datetime | None = None
    duration: float | None = None
    stages: dict[str, StageView] = field(default_factory=dict)
    tails: dict[TailKey, LogTail] = field(default_factory=dict)
    results_changed: bool = True
    _repaired: set[int] = field(default_factory=set)
    """Attempts that a repair has made; a retry made the others but the first."""

    _repairs: dict[str, StageView] = field(default_factory=dict)
    """Of each stage that sends the run back, how it ended last."""

    @property
    def percent(self) -> float:
        """How far it is; of one that has ended, how much of it was done."""
        if not self.status.is_final:
            return self.progress
        return 100.0 if self.status is RunStatus.SUCCESS else self._done_percent()

    @property
    def says(self) -> str:
        """What it does now; of one that has ended, why it failed or what it came to."""
        if self.error or not self.status.is_final:
            return self.error or self.message
        told = [
            self.stages[each.key].task
            for each in self.pipeline.stages
            if each.back_to is None
            and each.key in self.stages
            and self.stages[each.key].status is StageStatus.SUCCESS
        ]
        return self.result or (told[-1] if told else "")

    def forget(self) -> None:
        """Know no stage and no log: all of them are read anew."""
        self.stages.clear()
        self.tails.clear()
        self._repaired.clear()
        self._repairs.clear()
        self.attempt = 1
        self.message = self.result = ""

    def load(self, run: Run, stages: Sequence[StageRow], title: str) -> None:
        """Take what the store says."""
        self.title = title
        self.status = RunStatus(run.status)
        self.error = run.error
        self.verdict = run.verdict
        self.started = run.started_at
        self.duration = run.duration
        titles = {stage.key: stage.title for stage in self.pipeline.stages}
        for row in stages:
            task = row.summary
            if row.status is StageStatus.RUNNING:
                task = task or titles.get(row.key, "")
                self.message = f"{row.agent}: {task}"
            self._set_stage(row.key, StageView(row.agent, row.phase, row.attempt, row.status, task))
        self.progress = self._done_percent()

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

    def stage(self, key: str) -> StageStatus:
        """How a stage stands in its newest attempt."""
        if key in self.stages:
            return self.stages[key].status
        return StageStatus.SKIPPED if self.status.is_final else StageStatus.PENDING

    def cause(self, attempt: int) -> str:
        """What made an attempt: ``repair`` or ``retry``, nothing for the first."""
        if attempt == 1:
            return ""
        return "repair" if attempt in self._repaired else "retry"

    def running(self) -> list[tuple[str, StageView]]:
        """The stages that run now, by their keys."""
        mine = self.stages.items()
        return [(key, stage) for key, stage in mine if stage.status is StageStatus.RUNNING]

    def keys_of(self, pane: str) -> list[TailKey]:
        """Logs of a pane, attempt by attempt; in each, those of the first stage come last."""

        def belongs(key: TailKey) -> bool:
            if key.stream == SERIAL:
                return pane == stage_label(key.stage)
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
                self.progress, self.message = event.percent, event.message
            case RunCompleted():
                self.status, self.duration = event.status, event.duration
                self.error = "" if event.success else event.result
                self.verdict = event.verdict
                self.results_changed = True
            case RunChanged():
                self.status = event.status
                if event.status is RunStatus.PENDING:
                    self.started = self.duration = None
                    self.progress, self.error, self.verdict = 0.0, "", ""
            case _:
                pass

    def _set_stage(self, key: str, stage: StageView) -> None:
        """Take a stage; a new attempt makes pending what comes after it."""
        self.attempt = max(self.attempt, stage.attempt)
        if stage.status is StageStatus.SKIPPED:
            stage.task = stage.task or _NOT_NEEDED
        known = self.stages.get(key)
        again = {each.key for each in self.pipeline.stages if each.back_to is not None}
        if key in again and stage.status in (StageStatus.SUCCESS, StageStatus.FAILED):
            self._repairs[key] = stage
            if stage.status is StageStatus.SUCCESS:
                self._repaired.add(stage.attempt + 1)
        if stage.status is StageStatus.SKIPPED and key in self._repairs:
            stage = self._repairs[
                key
            ]  # an attempt that needs no repair does not undo an earlier one
        if known is not None and stage.attempt > known.attempt:
            order = self.pipeline.phases
            begin = order.index(stage.phase)
            for name, other in self.stages.items():
                behind = order.index(other.phase) >= begin and name not in again
                if behind and other.attempt < stage.attempt:
                    other.status, other.task = StageStatus.PENDING, ""
        self.stages[key] = stage

    def _done_percent(self) -> float:
        done = [key for key, stage in self.stages.items() if stage.status in _ENDED]
        weights = {stage.key: stage.weight for stage in self.pipeline.stages}
        return float(sum(weights.get(key, 0) for key in done))

    def _tail(self, key: TailKey) -> LogTail:
        return self.tails.setdefault(key, LogTail())
