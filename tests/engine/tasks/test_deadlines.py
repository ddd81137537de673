"""Deadlines of step pipelines, and how long tasks are expected to take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.errors import UsageError
from engine.tasks.estimate import estimate
from engine.tasks.pipeline_file import Metadata
from engine.tasks.request import TaskRequest, plan_for
from tests.engine.tasks.tasks import PIPELINE, WITHIN, pipeline, stages

DAY = datetime(2031, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ends_at"),
    [
        ("2031-05-01", datetime(2031, 5, 1, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2031-05-01T12:00:00Z", DAY),
        ("2031-05-01T14:00:00+02:00", DAY),
        ("2031-05-01 12:00", DAY),
        (DAY.astimezone(timezone(timedelta(hours=9))), DAY),
        (None, None),
    ],
)
def test_a_day_ends_in_utc_and_a_time_is_a_time(text: Any, ends_at: datetime | None) -> None:
    metadata = Metadata(deadline=text)

    assert metadata.ends_at == ends_at
    assert Metadata.model_validate(metadata.model_dump(mode="json")) == metadata


@pytest.mark.parametrize("text", ["", "soon", "2031-13-01", "0001-01-01", "9999-12-31", 7.5, []])
def test_what_is_none_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="deadline"):
        Metadata(deadline=text)


@pytest.mark.slow
@pytest.mark.xdist_group("tasks")
def test_no_step_begins_after_it(tmp_path: Path) -> None:
    now = [DAY]
    text = PIPELINE.replace("steps:", "metadata: {deadline: 2031-05-01}\nsteps:")
    settings = Settings(workspace=tmp_path / "workspace", max_concurrent_tasks=1)
    with Engine(settings, now=lambda: now[0]) as engine:
        order = TaskRequest(pipeline=pipeline(text), model="placeholder")
        in_time = engine.tasks.wait(engine.tasks.start(order).number, timeout=WITHIN)
        now[0] += timedelta(days=1)
        with pytest.raises(UsageError, match="2031-05-01 23:59 has passed"):
            engine.tasks.start(order)
        late = engine.tasks.retry(in_time.number, "source")
        late = engine.tasks.wait(late.number, timeout=WITHIN)
        rows = stages(engine, late.number)

    assert in_time.status is RunStatus.SUCCESS
    assert late.status is RunStatus.FAILED
    assert late.error == (
        "Pipeline stopped at step 'source': the deadline has passed (2031-05-01 23:59)"
    )
    assert rows["header#1"].status == "success"


def test_it_takes_as_long_as_earlier_ones_or_a_guess() -> None:
    plan = plan_for(TaskRequest(pipeline=pipeline()))
    guessed, known = estimate(plan, []), estimate(plan, [3.0, 100.0, 5.04])

    assert guessed.seconds == 90.0
    assert guessed.source == "a guess: 30 s for each of 3 rounds of questions"
    assert (known.seconds, known.source) == (5.0, "the median of 3 earlier tasks")
