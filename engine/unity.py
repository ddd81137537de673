"""Unity test results out of what firmware prints.

The format is that of ThrowTheSwitch Unity (``unity.c``): a line
``file:line:name:PASS``, ``FAIL`` or ``IGNORE``, with ``: message`` where there is one, and a
summary ``N Tests M Failures K Ignored`` followed by ``OK`` or ``FAIL``.
"""

from __future__ import annotations

import re

from engine.testcases import Outcome, TestCase, TestReport, joined, report_of
from engine.text import clean

_MAX_LINE = 4096
_MAX_CASES = 10_000
_CASE = re.compile(r":(\d{1,7}):([^\n]{1,200}?):(PASS|FAIL|IGNORE)(?::\s?(.*)|\s*)$")
_SUMMARY = re.compile(r"\b(\d{1,7}) Tests (\d{1,7}) Failures (\d{1,7}) Ignored\b")


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
            runs.append(report_of(self._cases, complete=False))
        return joined(runs)

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
