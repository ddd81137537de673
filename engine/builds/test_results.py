"""What the tests of a build came to, from what its row keeps: by place, and counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.sizes.measure import SLOT_PATH
from engine.testing.results import Outcome
from engine.testing.tally import PlaceResults, Tally, tally

MAX_NAME_CHARACTERS = 200
"""Of the name of a test: its last."""

_COUNTED = ("tests", "failures", "ignored")


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test of a build, as it is kept.

    Args:
        place: key of the stage that ran it: ``test.board`` or ``test.simulator``.
        name: of the test, with its file where that is known. Untrusted.
        outcome: how it ended.
        seconds: how long it took, None where nobody measured.
    """

    __test__ = False

    place: str
    name: str
    outcome: Outcome
    seconds: float | None


def test_result(row: Sequence[Any]) -> TestResult:
    """A test from the detail of the measure of tests."""
    place, name, outcome, seconds = row
    return TestResult(place, name, Outcome(outcome), seconds)


def reports_of(test_results: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Test reports by the stage that made them, as :class:`Tested` has them as JSON."""
    return {
        place: report
        for place, tested in test_results.items()
        if isinstance(report := tested.get("report"), dict) and set(_COUNTED) <= set(report)
    }


def results_of(reports: Mapping[str, Mapping[str, Any]]) -> list[TestResult]:
    """Every test, each by a name of its own: of two of one name the second gets a number."""
    found = []
    for place, report in reports.items():
        seen: Counter[str] = Counter()
        for case in report.get("cases", ()):
            file = SLOT_PATH.sub("", case["file"]).removeprefix("./")
            name = f"{file}:{case['name']}" if file else case["name"]
            name = name[-MAX_NAME_CHARACTERS:]
            seen[name] += 1
            if seen[name] > 1:
                name = f"{name} ({seen[name]})"
            seconds = case.get("seconds")
            found.append(TestResult(place, name, Outcome(case["outcome"]), seconds))
    return found


def tally_of(reports: Mapping[str, Mapping[str, Any]]) -> Tally:
    """How many different tests there were, wherever they ran."""
    results = results_of(reports)
    return tally(
        PlaceResults(
            {each.name: each.outcome for each in results if each.place == place},
            *(int(report[key]) for key in _COUNTED),
        )
        for place, report in reports.items()
    )
