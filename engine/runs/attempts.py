"""Attempts of a run: in which one each phase is walked, and what a retry does again.

A repair sends a run back and makes the next attempt; so does a retry, which begins at a phase and
takes over what came before it. Attempts are numbered through all retries, so that none takes the
place of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.runs.pipeline import Pipeline
from engine.store.tables import Retry, StageRow


class Retried:
    """Where retries of a run began again, as whoever walks its pipeline needs to know it."""

    def __init__(self, retries: Iterable[Retry]) -> None:
        """Know the retries of a run, in their order: a later one at the same place counts."""
        self.first_attempt = 1
        self._next: dict[tuple[int, str], int] = {}
        for each in retries:
            if each.phase:
                self._next[each.from_attempt, each.phase] = each.attempt
            else:
                self.first_attempt = each.attempt

    def attempt_at(self, attempt: int, phase: str) -> int:
        """The attempt in which a phase is walked that is reached in an attempt."""
        following = self._next.get((attempt, phase), attempt)
        return attempt if following <= attempt else self.attempt_at(following, phase)


def stages_from(
    pipeline: Pipeline, rows: Iterable[StageRow], first: StageRow
) -> Sequence[StageRow]:
    """Stages of the phase of one of them in its attempt, and all that come after."""

    def place(row: StageRow) -> tuple[int, int]:
        return row.attempt, pipeline.phases.index(row.phase)

    return [row for row in rows if place(row) >= place(first)]
