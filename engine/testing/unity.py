"""Unity test results out of what firmware prints: runs, summaries, resets.

:mod:`engine.testing.unity_lines` says what a single line means.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.testing import unity_lines
from engine.testing.results import Outcome, TestCase, TestReport, joined
from engine.testing.unity_lines import Began, Ended, Menu, Summary, Took
from engine.text import clean, count

_MAX_LINE_CHARACTERS = 4096
_MAX_CASES = 10_000
_TRIM_SLACK_CASES = 2_000  # cases over the bound, before those that go are looked for
_MAX_RUNS = 1_000
_MAX_REMARKS = 20
_UNNAMED = "unnamed"
# Colours of Unity and of ESP-IDF's logs whose escape character was lost on the way.
_COLOUR = re.compile(r"\[(?:0;3\d|4[123]|00?)m")


@dataclass(slots=True)
class _UnityRun:
    """Tests up to their summary, or up to what cut them off.

    Args:
        boot: in which boot they ran, from 0.
        place: the how manyth run of that boot it is, from 0.
        cases: those that are kept.
        tests, failures, ignored: the figures, of the summary where there is one.
        complete: whether there is one.
        remarks: what does not fit.
        names: of the cases, once it is over; some may be gone.
    """

    boot: int
    place: int
    cases: list[TestCase] = field(default_factory=list)
    tests: int = 0
    failures: int = 0
    ignored: int = 0
    complete: bool = False
    remarks: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)

    @property
    def listed(self) -> bool:
        """Whether each test that it counts has its case."""
        return len(self.cases) == self.tests

    def add(self, case: TestCase) -> None:
        """Take a result that was printed."""
        self.cases.append(case)
        self._count(case, 1)

    def drop(self, gone: Callable[[TestCase], bool]) -> None:
        """Be without results that a later run has."""
        for case in self.cases:
            if gone(case):
                self._count(case, -1)
        self.cases = [case for case in self.cases if not gone(case)]
        self.names = {case.name for case in self.cases}

    def join(self, later: _UnityRun) -> None:
        """Take over a later run."""
        self.boot, self.place = later.boot, -1
        self.cases += later.cases
        self.names |= later.names
        self.tests += later.tests
        self.failures += later.failures
        self.ignored += later.ignored
        self.complete = self.complete and later.complete
        self.remarks = (self.remarks + later.remarks)[:_MAX_REMARKS]

    def end(self, summary: Summary) -> None:
        """Take the summary's figures; a failure that was printed counts whatever it says."""
        failed = self.failures
        if failed != summary.failures:
            told = f"the summary counts {count(summary.failures, 'failure')}"
            self.remarks += (f"{told} in {count(summary.tests, 'test')}, {failed} were printed",)
        self.complete, self.tests = True, max(summary.tests, failed)
        self.failures = max(summary.failures, failed)
        self.ignored = self.ignored if summary.ignored is None else summary.ignored

    def report(self) -> TestReport:
        """It as a report."""
        figures = self.tests, self.failures, self.ignored
        return TestReport(tuple(self.cases), *figures, self.complete, self.remarks)

    def _count(self, case: TestCase, by: int) -> None:
        self.tests += by
        self.failures += by * case.failed
        self.ignored += by * (case.outcome is Outcome.IGNORE)


class UnityReader:
    """Reads Unity output line by line: each costs the same, however many came before.

    All runs of a boot count. After a reset, firmware runs its tests again: a test that has run
    since then replaces its former result, every other former result stays. A test that a reset
    cut off has failed. Of what firmware prints for ever 10,000 tests are kept, the failed before
    all others and of those the newest; the figures count all.
    """

    def __init__(self, interruption: Callable[[str], str | None] = lambda line: None) -> None:
        """Be ready for the first line.

        Args:
            interruption: says of a line why the firmware starts anew after it, as a panic or a
                reset; None of any other.
        """
        self._interruption = interruption
        self._runs: list[_UnityRun] = []
        self._run = _UnityRun(0, 0)
        self._began: Began | None = None
        self._announces = False  # whether tests are run by ESP-IDF's runner, which says "Running"
        self._kept = 0

    @property
    def started(self) -> bool:
        """Whether there was anything of Unity."""
        return bool(self._runs or self._run.tests or self._open)

    @property
    def complete(self) -> bool:
        """Whether a summary ended the last run."""
        return bool(self._runs) and self._runs[-1].complete and not (self._run.tests or self._open)

    def add(self, text: str) -> bool:
        """Take the next line. Untrusted; colours and lines of others do not matter.

        Returns:
            Whether it says anything of tests.
        """
        told = False
        for part in text[:_MAX_LINE_CHARACTERS].split("\r"):
            said = self._read(part) if unity_lines.may_match(part) else []
            for each in said:
                self._take(each)
            told = told or bool(said)
            results = any(isinstance(each, Ended | Summary) for each in said)
            if not results and (reason := self._interruption(part)) is not None:
                self._reset(reason)
        return told

    def report(self) -> TestReport:
        """The results so far."""
        self._trim()
        runs = [run.report() for run in self._runs]
        if self._run.tests or self._open:
            now = self._run.report()
            if self._open:
                now = replace(now, remarks=(*now.remarks, f"{self._open} did not finish"))
            runs.append(now)
        return joined(runs)

    @property
    def _open(self) -> str:
        """The test that is on; empty for none."""
        began = self._began
        return began.name if began and (began.known or self._announces) else ""

    def _read(self, line: str) -> list[unity_lines.UnityEvent]:
        fixture = self._began is not None and self._began.known
        return unity_lines.read(_COLOUR.sub("", clean(line)), fixture=fixture)

    def _take(self, said: unity_lines.UnityEvent) -> None:
        match said:
            case Began():
                self._began = said
            case Ended(case=case):
                self._end_test(case)
            case Took(seconds=seconds):
                if self._run.cases and self._run.cases[-1].seconds is None:
                    self._run.cases[-1] = replace(self._run.cases[-1], seconds=seconds)
            case Menu():
                self._announces = True
            case Summary():
                self._end_run(said)

    def _end_test(self, case: TestCase) -> None:
        began, self._began = self._began, None
        if began and case.name == began.name:
            self._announces = self._announces or not began.known
        if not case.name:
            case = replace(case, name=began.name if began else _UNNAMED)
        self._run.add(case)
        self._kept += 1
        if self._kept > _MAX_CASES + _TRIM_SLACK_CASES:
            self._trim()

    def _end_run(self, summary: Summary) -> None:
        self._began = None
        first = self._run.tests - summary.tests
        if first > 0 and summary.tests and self._run.listed:
            # Unity counts from UNITY_BEGIN on: those before it are a run whose summary never came.
            cases = self._run.cases
            self._run = _UnityRun(self._run.boot, self._run.place, complete=True)
            self._run.remarks = (
                f"{count(first, 'result')} came before those that the summary counts",
            )
            for number, case in enumerate(cases):
                if number == first:
                    self._close()
                self._run.add(case)
        self._run.end(summary)
        self._close()

    def _reset(self, reason: str) -> None:
        """The firmware starts anew: what was on has failed, what has no summary gets none."""
        if self._open:
            message = f"did not finish: {reason}"
            self._run.add(TestCase(self._open, Outcome.FAIL, "", 0, message))
        self._began = None
        if self._run.tests:
            self._close()
        self._run = _UnityRun(self._run.boot + 1, 0)

    def _close(self) -> None:
        """The run is over; the next one of this boot begins."""
        run = self._run
        self._supersede(run)
        self._runs.append(run)
        if len(self._runs) > _MAX_RUNS:
            self._runs[0].join(self._runs.pop(1))
        self._kept = sum(len(each.cases) for each in self._runs)
        self._run = _UnityRun(run.boot, run.place + 1)

    def _supersede(self, run: _UnityRun) -> None:
        """Drop what earlier boots came to in the tests of this run."""
        names = run.names = {case.name for case in run.cases}
        # One that a reset cut off has no file.
        known = {(case.name, case.file) for case in run.cases}

        def again(case: TestCase) -> bool:
            return case.name in names and (
                not case.file or (case.name, case.file) in known or (case.name, "") in known
            )

        for earlier in [each for each in self._runs if each.boot < run.boot]:
            same = (earlier.place, earlier.tests) == (run.place, run.tests)
            if same and not (earlier.listed and run.listed):
                self._runs.remove(earlier)  # of tests without names, their number tells
                continue
            if names.isdisjoint(earlier.names):
                continue
            earlier.drop(again)
            if not (earlier.cases or (earlier.complete and earlier.tests)):
                self._runs.remove(earlier)

    def _trim(self) -> None:
        """Keep no more cases than the bound; the figures stay."""
        excess = sum(len(run.cases) for run in (*self._runs, self._run)) - _MAX_CASES
        for run in (*self._runs, self._run):
            if excess <= 0:
                break
            kept = []
            for case in run.cases:
                if excess > 0 and not case.failed:
                    excess -= 1
                else:
                    kept.append(case)
            run.cases = kept
        for run in (self._run, *reversed(self._runs)):
            if excess > 0:
                cut = min(excess, len(run.cases))
                del run.cases[len(run.cases) - cut :]
                excess -= cut
        self._kept = sum(len(run.cases) for run in (*self._runs, self._run))


def parse(text: str, interruption: Callable[[str], str | None] = lambda line: None) -> TestReport:
    """Read Unity output among any other output.

    Args:
        text: what firmware printed. Untrusted; line ends do not matter.
        interruption: as :class:`UnityReader` takes it.
    """
    reader = UnityReader(interruption)
    for line in text.splitlines():
        reader.add(line)
    return reader.report()
