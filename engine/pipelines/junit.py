"""Test results as JUnit XML, which every CI reads (the xUnit form that Jenkins documents)."""

from __future__ import annotations

from collections.abc import Mapping

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from engine.pipelines.outputs import Tested
from engine.testcases import Outcome
from engine.text import clean


def junit(tested: Mapping[str, Tested]) -> bytes:
    """Write results as XML.

    Args:
        tested: what was seen, by the key of the stage that saw it; each becomes a test suite, its
            Unity tests and its expectations become test cases.
    """
    report = JUnitXml("espdeck")
    for key, seen in tested.items():
        suite = TestSuite(key)
        suite.add_property("ran_on", clean(seen.ran_on))
        for case in seen.report.cases if seen.report else ():
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
        if seen.fault:
            written = TestCase("the chip runs on", seen.ran_on)
            written.result = [Error(clean(seen.fault))]
            suite.add_testcase(written)
        report.add_testsuite(suite)
    text: bytes = report.tostring()
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + text
