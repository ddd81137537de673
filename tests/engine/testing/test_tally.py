"""Tests are counted once, wherever they ran."""

from __future__ import annotations

import pytest

from engine.testing.results import Outcome, TestCase, TestReport, report_of
from engine.testing.tally import Tally, place_results, tally


def report(*cases: tuple[str, Outcome]) -> TestReport:
    return report_of(
        (TestCase(name, outcome, "test.c", 1) for name, outcome in cases), complete=True
    )


PASS, FAIL, IGNORE = Outcome.PASS, Outcome.FAIL, Outcome.IGNORE


@pytest.mark.parametrize(
    ("reports", "counted"),
    [
        ((), Tally(0, 0, 0)),
        ((report(("a", PASS), ("b", FAIL)),), Tally(2, 1, 0)),
        ((report(("a", PASS)), report(("a", PASS))), Tally(1, 0, 0)),
        ((report(("a", PASS)), report(("a", FAIL))), Tally(1, 1, 0)),
        ((report(("a", IGNORE)), report(("a", PASS))), Tally(1, 0, 0)),
        ((report(("a", IGNORE)), report(("b", PASS))), Tally(2, 0, 1)),
        ((report(("a", PASS), ("a", FAIL)),), Tally(2, 1, 0)),
        # A summary that counts more than was seen, in both places.
        ((TestReport((), 3, 1, 0, True), TestReport((), 3, 1, 0, True)), Tally(3, 1, 0)),
    ],
)
def test_each_test_counts_once_and_its_worst_result(
    reports: tuple[TestReport, ...], counted: Tally
) -> None:
    assert tally(map(place_results, reports)) == counted


def test_what_passed_is_the_rest() -> None:
    assert Tally(5, 1, 1).passed == 3
