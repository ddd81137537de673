"""A run that is opened again says all that it said while it was watched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine import LogKey
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import RunStatus, StageStatus
from engine.events import Event, Log, RunChanged, RunCompleted, RunProgress, RunStarted, Serial
from engine.runs.run_events import stage_changed
from engine.store.tables import Run, StageRow
from tui.screens.build import PANES
from tui.state.run_state import RunView

BEGAN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ENDED = (StageStatus.SUCCESS, StageStatus.FAILED, StageStatus.SKIPPED)


def new_view() -> RunView:
    return RunView(1, FIRMWARE_PIPELINE, pane_of=lambda _stage, role: role)


@dataclass
class Past:
    """What the engine published of a build, and what it wrote down meanwhile."""

    run: Run = field(default_factory=lambda: Run(id=1, status=RunStatus.PENDING))
    rows: dict[tuple[str, int], StageRow] = field(default_factory=dict)
    logs: dict[LogKey, list[str]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def begin(self) -> None:
        self.run.status, self.run.started_at = RunStatus.RUNNING, BEGAN
        self.events.append(
            RunStarted(run_id=1, at=BEGAN, project="hub", commit="c", target="esp32c3")
        )

    def stage(self, key: str, attempt: int, status: StageStatus, summary: str) -> None:
        stage = FIRMWARE_PIPELINE.stage(key)
        row = self.rows.setdefault(
            (key, attempt),
            StageRow(
                run_id=1, key=key, agent=stage.role, phase=stage.phase, attempt=attempt,
                status=status,
            ),
        )  # fmt: skip
        row.status = status
        if status in ENDED:
            row.summary = summary
        says = stage.title if status is StageStatus.RUNNING else row.summary
        self.events.append(stage_changed(row, says))
        message = f"{stage.role}: {says}"
        self.events.append(RunProgress(run_id=1, phase=stage.phase, percent=1.0, message=message))

    def log(self, key: str, attempt: int, stream: str, lines: list[str]) -> None:
        kept = self.logs.setdefault(LogKey(1, key, attempt, stream), [])
        make = Serial if stream == Serial.kind else Log
        role = FIRMWARE_PIPELINE.stage(key).role
        text = "".join(f"{line}\n" for line in lines)
        self.events.append(
            make(run_id=1, stage=key, attempt=attempt, agent=role, first_line=len(kept), text=text)
        )
        kept += lines

    def end(self, status: RunStatus, result: str, verdict: str) -> None:
        for row in self.rows.values():
            if not row.status.is_final:
                row.status = StageStatus.CANCELLED
                self.events.append(stage_changed(row))
        success = status is RunStatus.SUCCESS
        self.run.status, self.run.duration, self.run.verdict = status, 4.2, verdict
        self.run.error = "" if success else result
        self.events.append(
            RunCompleted(
                run_id=1, success=success, status=status, duration=4.2, result=result,
                verdict=verdict,
            )
        )  # fmt: skip
        self.events.append(RunChanged(run_id=1, project_id="p", status=status))

    def retry(self) -> None:
        self.run.status, self.run.error, self.run.verdict = RunStatus.PENDING, "", ""
        self.run.started_at = self.run.duration = None
        self.events.append(RunChanged(run_id=1, project_id="p", status=RunStatus.PENDING))

    def load(self, view: RunView) -> RunView:
        """Show it as the screen of a run does that is opened."""
        view.forget()
        view.load(self.run, list(self.rows.values()), "hub")
        for key, lines in self.logs.items():
            view.log(key, 0, lines)
        return view


@st.composite
def pasts(draw: st.DrawFn) -> tuple[Past, RunView]:
    """A build and what was shown of it live; it may have been repaired, retried, cancelled."""
    past, live, texts = Past(), new_view(), st.text(max_size=8)
    attempt = 1
    for _run in range(draw(st.integers(1, 3))):
        seen = len(past.events)
        past.begin()
        first = draw(st.integers(0, len(FIRMWARE_PIPELINE.stages) - 1)) if attempt > 1 else 0
        was_cut = False
        for stage in FIRMWARE_PIPELINE.stages[first:]:
            ways = [*ENDED, StageStatus.RUNNING]
            way = draw(st.sampled_from(ways))
            past.stage(stage.key, attempt, StageStatus.RUNNING, "")
            lines = draw(st.lists(st.text("ab 漢", max_size=5), min_size=1, max_size=4))
            past.log(stage.key, attempt, "log", lines)
            if stage.key.startswith("test."):
                past.log(stage.key, attempt, Serial.kind, lines)
            if way is StageStatus.RUNNING:
                was_cut = True
                break
            past.stage(stage.key, attempt, way, draw(texts))
            if stage.back_to and way is StageStatus.SUCCESS:
                attempt += 1
                past.stage("build", attempt, StageStatus.RUNNING, "")
                past.stage("build", attempt, draw(st.sampled_from(ENDED)), draw(texts))
        if was_cut:
            status = draw(st.sampled_from((RunStatus.CANCELLED, RunStatus.FAILED)))
        else:
            status = draw(st.sampled_from((RunStatus.SUCCESS, RunStatus.FAILED)))
        past.end(status, draw(texts) or "why", draw(st.sampled_from(("", "accepted", "blocked"))))
        live.apply(past.events[seen:])
        if draw(st.booleans()):
            break
        past.retry()
        past.load(live)  # the screen does when a run is asked for again
        attempt += 1
    return past, live


def told(view: RunView) -> dict[str, Any]:
    """All that the widgets of a build ask."""
    return {
        "head": (view.status, view.verdict, view.says, view.attempt, view.cause(view.attempt)),
        "progress": (view.percent, view.elapsed()),
        "stages": {stage.key: view.stage(stage.key) for stage in FIRMWARE_PIPELINE.stages},
        "agents": {name: view.state(name) for name in PANES.agents},
        "logs": {name: view.keys_of(name) for name in PANES.names},
        "lines": {
            key: [tail.get(number) for number in range(tail.end)]
            for key, tail in view.tails.items()
        },
    }


@given(pasts())
def test_a_build_opened_again_says_what_it_said_live(built: tuple[Past, RunView]) -> None:
    past, live = built
    if past.run.status.is_final:
        assert told(past.load(new_view())) == told(live)


def test_a_repair_and_a_retry_are_told_apart() -> None:
    past = Past()
    past.begin()
    past.stage("build", 1, StageStatus.FAILED, "1 error")
    past.stage("repair", 1, StageStatus.SUCCESS, "closed a bracket")
    past.stage("build", 2, StageStatus.FAILED, "1 error")
    past.end(RunStatus.FAILED, "1 error", "")
    view = past.load(new_view())
    assert [view.cause(attempt) for attempt in (1, 2)] == ["", "repair"]

    past.stage("build", 3, StageStatus.SUCCESS, "0 warnings")
    past.load(view)
    assert (view.attempt, view.cause(3)) == (3, "retry")
