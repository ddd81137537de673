"""Unity test results out of what firmware prints.

The format is that of ThrowTheSwitch Unity (``unity.c``): a line
``file:line:name:PASS``, ``FAIL`` or ``IGNORE``, with ``: message`` where there is one, and a
summary ``N Tests M Failures K Ignored`` followed by ``OK`` or ``FAIL``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.text import clean

_MAX_LINE = 4096
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


def parse(text: str) -> TestReport:
    """Read Unity output among any other output.

    Firmware that reboots runs its tests again: a run of the same tests replaces the former one,
    a run of others adds to it.

    Args:
        text: what firmware printed. Untrusted; line ends, colours and other lines do not matter.
    """
    runs: dict[tuple[str, ...], TestReport] = {}
    cases: list[TestCase] = []
    for raw in text.splitlines():
        line = clean(raw[:_MAX_LINE])
        case = _case(line)
        if case is not None:
            if any(each.name == case.name and each.file == case.file for each in cases[:1]):
                cases = []  # The first test again: it rebooted before its summary.
            cases.append(case)
            continue
        summary = _SUMMARY.search(line)
        if summary:
            tests, failures, ignored = map(int, summary.groups())
            key = tuple(each.name for each in cases)
            runs[key] = TestReport(tuple(cases), tests, failures, ignored, complete=True)
            cases = []
    if cases:
        unfinished = TestReport(
            cases=tuple(cases),
            tests=len(cases),
            failures=sum(each.failed for each in cases),
            ignored=sum(each.outcome is Outcome.IGNORE for each in cases),
            complete=False,
        )
        return _sum((*runs.values(), unfinished))
    return _sum(runs.values())


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


def _sum(runs: Iterable[TestReport]) -> TestReport:
    runs = tuple(runs)
    return TestReport(
        cases=tuple(case for run in runs for case in run.cases),
        tests=sum(run.tests for run in runs),
        failures=sum(run.failures for run in runs),
        ignored=sum(run.ignored for run in runs),
        complete=bool(runs) and all(run.complete for run in runs),
    )
