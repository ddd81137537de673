"""Unity test results out of what firmware prints.

The format is that of ThrowTheSwitch Unity (``unity.c``): a line
``file:line:name:PASS``, ``FAIL`` or ``IGNORE``, with ``: message`` where there is one, and a
summary ``N Tests M Failures K Ignored`` followed by ``OK`` or ``FAIL``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.text import clean

_MAX_LINE = 4096
_MAX_CASES = 10_000
_CASE = re.compile(r":(\d{1,7}):([^\n]{1,200}?):(PASS|FAIL|IGNORE)(?::\s?(.*)|\s*)$")
_SUMMARY = re.compile(r"\b(\d{1,7}) Tests (\d{1,7}) Failures (\d{1,7}) Ignored\b")


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
        file: source file as the compiler named it.
        line: line of the test, or of the assertion that failed, from 1.
        message: what Unity said of a failure or of a test that was left out, else empty.
    """

    __test__ = False

    name: str
    outcome: Outcome
    file: str
    line: int
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.outcome is Outcome.FAIL


@dataclass(frozen=True, slots=True)
class TestReport:
    """Results of every test that ran.

    Args:
        cases: the tests whose lines were seen, in order.
        tests: how many ran, as the summary says, or as lines were seen where there is none.
        failures: how many of them failed.
        ignored: how many of them were left out.
        complete: whether a summary ended the run.
    """

    __test__ = False

    cases: tuple[TestCase, ...]
    tests: int
    failures: int
    ignored: int
    complete: bool


class Reader:
    """Reads Unity output line by line: each costs the same, however many came before.

    Firmware that reboots runs its tests again: a run of the same tests replaces the former one,
    a run of others adds to it. Of what firmware prints for ever the newest 10,000 tests are kept.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[str, ...], TestReport] = {}
        self._cases: list[TestCase] = []
        self._in_runs = 0

    @property
    def started(self) -> bool:
        """Whether there was anything of Unity."""
        return bool(self._runs or self._cases)

    @property
    def complete(self) -> bool:
        """Whether a summary ended the last run."""
        return bool(self._runs) and not self._cases

    def add(self, line: str) -> None:
        """Take the next line. Untrusted; colours and lines of others do not matter."""
        line = clean(line[:_MAX_LINE])
        case = _case(line)
        if case is not None:
            if any(each.name == case.name and each.file == case.file for each in self._cases[:1]):
                self._cases = []  # The first test again: it rebooted before its summary.
            self._cases.append(case)
            self._forget()
            return
        summary = _SUMMARY.search(line)
        if summary:
            tests, failures, ignored = map(int, summary.groups())
            run = TestReport(tuple(self._cases), tests, failures, ignored, complete=True)
            key = tuple(each.name for each in run.cases)
            self._in_runs += 0 if key in self._runs else len(key)
            self._runs[key] = run
            self._cases = []

    def report(self) -> TestReport:
        """The results so far."""
        runs = [*self._runs.values()]
        if self._cases:
            runs.append(
                TestReport(
                    cases=tuple(self._cases),
                    tests=len(self._cases),
                    failures=sum(each.failed for each in self._cases),
                    ignored=sum(each.outcome is Outcome.IGNORE for each in self._cases),
                    complete=False,
                )
            )
        return _sum(runs)

    def _forget(self) -> None:
        while self._in_runs and self._in_runs + len(self._cases) > _MAX_CASES:
            oldest = next(iter(self._runs))
            del self._runs[oldest]
            self._in_runs -= len(oldest)
        if len(self._cases) > _MAX_CASES:
            del self._cases[0]


def parse(text: str) -> TestReport:
    """Read Unity output among any other output.

    Args:
        text: what firmware printed. Untrusted; line ends do not matter.
    """
    reader = Reader()
    for line in text.splitlines():
        reader.add(line)
    return reader.report()


def _case(line: str) -> TestCase | None:
    found = _CASE.search(line)
    if found is None:
        return None
    # A log prefix may stand before the file on the same line.
    words = line[: found.start()].split()
    if not words:
        return None
    number, name, outcome, message = found.groups()
    return TestCase(name.strip(), Outcome(outcome), words[-1], int(number), (message or "").strip())


def _sum(runs: Sequence[TestReport]) -> TestReport:
    return TestReport(
        cases=tuple(case for run in runs for case in run.cases),
        tests=sum(run.tests for run in runs),
        failures=sum(run.failures for run in runs),
        ignored=sum(run.ignored for run in runs),
        complete=bool(runs) and all(run.complete for run in runs),
    )
