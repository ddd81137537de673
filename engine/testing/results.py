"""Results of tests, whoever ran them: Unity on the chip, espdeck's scripts, pytest on the host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a test ended, spelled as Unity spells it."""

    PASS = "PASS"  # noqa: S105 - a verdict, no password
    FAIL = "FAIL"
    IGNORE = "IGNORE"


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test.

    Args:
        name: the test function or description.
        outcome: how it ended.
        file: source file as whoever ran the test named it.
        line: line of the test, or of the assertion that failed, from 1; 0 where it is not known.
        message: what was said of a failure or of a test that was left out, else empty.
        seconds: how long it took, None where nobody measured.
    """

    __test__ = False

    name: str
    outcome: Outcome
    file: str
    line: int
    message: str = ""
    seconds: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.outcome is Outcome.FAIL


@dataclass(frozen=True, slots=True)
class TestReport:
    """Results of every test that ran.

    Args:
        cases: the tests whose results were seen, in order.
        tests: how many ran, as a summary says, or as results were seen where there is none.
        failures: how many of them failed.
        ignored: how many of them were left out.
        complete: whether they came to their end.
        remarks: what does not fit, such as a summary that counts other tests than were printed.
    """

    __test__ = False

    cases: tuple[TestCase, ...]
    tests: int
    failures: int
    ignored: int
    complete: bool
    remarks: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """How many passed."""
        return max(0, self.tests - self.failures - self.ignored)

    @property
    def unseen(self) -> int:
        """Failures that a summary counts and no case shows."""
        return max(0, self.failures - sum(case.failed for case in self.cases))


def report_of(cases: Iterable[TestCase], *, complete: bool) -> TestReport:
    """A report whose figures are those of its cases."""
    found = tuple(cases)
    return TestReport(
        cases=found,
        tests=len(found),
        failures=sum(each.failed for each in found),
        ignored=sum(each.outcome is Outcome.IGNORE for each in found),
        complete=complete,
    )


def joined(reports: Iterable[TestReport]) -> TestReport:
    """One report of several; complete when there is one and all are."""
    found = tuple(reports)
    return TestReport(
        cases=tuple(case for each in found for case in each.cases),
        tests=sum(each.tests for each in found),
        failures=sum(each.failures for each in found),
        ignored=sum(each.ignored for each in found),
        complete=bool(found) and all(each.complete for each in found),
        remarks=tuple(remark for each in found for remark in each.remarks),
    )
