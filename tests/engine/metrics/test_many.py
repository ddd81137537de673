"""Many builds: statistics ask the store no more than of few, and say the same as counting does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from engine.enums import RunStatus
from engine.events import Bus
from engine.metrics.service import Metrics
from engine.store.database import Store
from engine.store.tables import Run
from tests.engine.metrics.many import fill_many

pytestmark = pytest.mark.slow


def asked(store: Store) -> int:
    """Statements that it takes to read the statistics of all projects."""
    count = 0

    def add(*_arguments: Any) -> None:
        nonlocal count
        count += 1

    event.listen(store._engine, "before_cursor_execute", add)
    Metrics(store, Bus()).projects()
    event.remove(store._engine, "before_cursor_execute", add)
    return count


def test_many_builds_are_counted_and_asked_for_as_few(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    few = fill_many(tmp_path / "few", 40)
    many = fill_many(tmp_path, 800)
    assert asked(many) <= asked(few)
    with many.read() as session:
        rows = session.exec(select(Run.project_id, Run.status, Run.duration)).all()
    for found in Metrics(many, Bus()).projects():
        own = [(status, seconds) for project, status, seconds in rows
               if project == found.project_id]  # fmt: skip
        counted = Counter(status for status, _ in own)
        ended = [seconds for status, seconds in own if status is not RunStatus.CANCELLED]
        assert found.stats.counts == counted
        assert found.stats.average_duration == pytest.approx(
            sum(seconds or 0.0 for seconds in ended) / len(ended)
        )
        assert sum(each.count for each in found.failures) == counted[RunStatus.FAILED]
        assert [each.target for each in found.variants] == ["esp32c3", "esp32c6"]
        assert found.flaky
