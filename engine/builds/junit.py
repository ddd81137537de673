"""Test results as JUnit XML, which every CI reads (the xUnit form that Jenkins documents)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from engine.builds.outputs import Tested
from engine.testing.results import Outcome
from engine.testing.results import TestCase as Result
from engine.text import clean

_MAX_UNSEEN = 100


def junit(tested: Mapping[str, Tested]) -> bytes:
    """Write results as XML.

    Args:
        tested: what was seen, by the key of the stage that saw it; each becomes a test suite, its
            Unity tests and its expectations become test cases. Without any, there is one test that
            was left out: the firmware was not run.
    """
    report = JUnitXml("espdeck")
    for key, seen in tested.items():
        suite = TestSuite(key)
        suite.add_property("ran_on", clean(seen.ran_on))
        for case in _cases(seen):
            written = TestCase(clean(case.name), clean(case.file))
            # Not a field of the library's: Jenkins and GitLab read both.
            written._elem.set("file", clean(case.file))
            if case.line:
                written._elem.set("line", str(case.line))
            if case.seconds is not None:
                written.time = round(case.seconds, 3)
            if case.outcome is Outcome.FAIL:
                written.result = [Failure(clean(case.message) or "failed")]
            elif case.outcome is Outcome.IGNORE:
                written.result = [Skipped(clean(case.message) or "ignored")]
            suite.add_testcase(written)
        for each in seen.expectations:
            written = TestCase(clean(each.pattern), "expect")
            if each.line is None:
                written.result = [Failure("never printed")]
            suite.add_testcase(written)
        if seen.report is not None and not seen.report.complete:
            written = TestCase("the tests come to their end", seen.ran_on)
            written.result = [Error("the tests did not come to their summary")]
            suite.add_testcase(written)
        if seen.silent:
            written = TestCase("the firmware prints something", seen.ran_on)
            written.result = [Skipped("silent: it printed nothing")]
            suite.add_testcase(written)
        if seen.fault:
            written = TestCase("the chip runs on", seen.ran_on)
            written.result = [Error(clean(seen.fault))]
            suite.add_testcase(written)
        report.add_testsuite(suite)
    if not tested:
        suite = TestSuite("untested")
        written = TestCase("the firmware runs", "untested")
        written.result = [Skipped("built, not run")]
        suite.add_testcase(written)
        report.add_testsuite(suite)
    text: bytes = report.tostring()
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + text


def _cases(seen: Tested) -> Iterator[Result]:
    """The tests of a report, and one for each failure that only a summary counts."""
    if seen.report is None:
        return
    yield from seen.report.cases
    for number in range(1, min(seen.report.unseen, _MAX_UNSEEN) + 1):
        name = f"failure {number} of {seen.report.unseen} that only a summary counts"
        yield Result(name, Outcome.FAIL, "", 0, "no line that was read says of which test")
