"""A store, and access to it with clocks that a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.access.service import Access
from engine.store.database import Store

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "espdeck.db")
    yield store
    store.close()


@dataclass
class Clock:
    """The time of day, and seconds that only go forward."""

    now: datetime = START
    seconds: float = field(default=1000.0)

    def pass_(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by
        self.seconds += by.total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(store: Store, clock: Clock) -> Iterator[Access]:
    access = Access(store, lambda: clock.now, lambda: clock.seconds)
    yield access
    access.close()
