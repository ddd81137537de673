"""Tests counted once, wherever they ran: on a board, in a simulator or on both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.testing.results import Outcome, TestReport

_WORST = (Outcome.FAIL, Outcome.PASS, Outcome.IGNORE)
"""What a test is that several places ran: one that failed anywhere failed, one that passed anywhere
was not left out."""


@dataclass(frozen=True, slots=True)
class PlaceResults:
    """What ran in one place.

    Args:
        outcomes: of each test whose result was seen, by its name, which is of one test alone.
        tests, failures, ignored: of all, as a summary says.
    """

    outcomes: Mapping[str, Outcome]
    tests: int
    failures: int
    ignored: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many different tests there were, and how they ended."""

    tests: int = 0
    failures: int = 0
    ignored: int = 0

    @property
    def passed(self) -> int:
        """How many passed wherever they ran."""
        return max(0, self.tests - self.failures - self.ignored)


def place_results(report: TestReport) -> PlaceResults:
    """What ran in one place; of two tests of one name the second gets a number."""
    outcomes: dict[str, Outcome] = {}
    for case in report.cases:
        name = f"{case.file}:{case.name}" if case.file else case.name
        number = 1
        while (key := f"{name} ({number})") in outcomes:
            number += 1
        outcomes[key] = case.outcome
    return PlaceResults(outcomes, report.tests, report.failures, report.ignored)


def tally(places: Iterable[PlaceResults]) -> Tally:
    """Count the tests of several places once."""
    seen = list(places)
    outcomes: dict[str, list[Outcome]] = {}
    for place in seen:
        for name, outcome in place.outcomes.items():
            outcomes.setdefault(name, []).append(outcome)
    worst = [worst_of(each) for each in outcomes.values()]
    # Tests that only a summary counts have no names: those of one place are taken for those of all.
    return Tally(
        len(worst) + max((each.tests - len(each.outcomes) for each in seen), default=0),
        worst.count(Outcome.FAIL) + _unseen(seen, Outcome.FAIL),
        worst.count(Outcome.IGNORE) + _unseen(seen, Outcome.IGNORE),
    )


def worst_of(outcomes: Iterable[Outcome]) -> Outcome | None:
    """How a test ended that several places ran; None for one that none did."""
    return min(outcomes, key=_WORST.index, default=None)


def _unseen(places: Iterable[PlaceResults], outcome: Outcome) -> int:
    unseen = (
        (each.failures if outcome is Outcome.FAIL else each.ignored)
        - list(each.outcomes.values()).count(outcome)
        for each in places
    )
    return max(0, *unseen, 0)
