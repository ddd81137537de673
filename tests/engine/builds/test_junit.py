"""JUnit XML: every result is in it, and whatever firmware prints, it stays XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.builds import outputs
from engine.builds.junit import junit
from engine.testing.results import Outcome, TestCase, TestReport


def results_of(name: str, message: str, pattern: str, fault: str = "") -> outputs.Tested:
    cases = (
        TestCase(name, Outcome.PASS, "test/a.c", 1),
        TestCase(name, Outcome.FAIL, "test/a.c", 2, message, seconds=0.25),
        TestCase(name, Outcome.IGNORE, "test/a.c", 3, message),
    )
    return outputs.Tested(
        ran_on="virtual:esp32c3",
        chip="esp32c3",
        flash_size=None,
        expectations=(outputs.Expectation(pattern, "seen"), outputs.Expectation(pattern, None)),
        report=TestReport(cases, 3, 1, 1, True),
        lines=5,
        fault=fault,
        transcript="",
    )


def test_every_result_is_a_test_case() -> None:
    root = ET.fromstring(
        junit({"test.board": results_of("adds", "Expected 1 Was 2", "ready", "bus")})
    )

    (suite,) = root
    assert suite.get("name") == "test.board"
    assert (suite.get("tests"), suite.get("failures")) == ("6", "2")
    assert (suite.get("skipped"), suite.get("errors")) == ("1", "1")
    failure = suite.find("testcase[@line='2']/failure")
    assert failure is not None
    assert failure.get("message") == "Expected 1 Was 2"
    assert [case.get("time") for case in suite.findall("testcase[@line='2']")] == ["0.25"]
    assert [each.get("name") for each in suite.findall("testcase[@classname='expect']")] == [
        "ready",
        "ready",
    ]


@pytest.mark.slow
@given(st.text(), st.text(), st.text())
def test_any_text_stays_xml(name: str, message: str, pattern: str) -> None:
    root = ET.fromstring(junit({"test.simulator": results_of(name, message, pattern, message)}))
    assert len(root.findall(".//testcase")) >= 5


def cases_of(tested: outputs.Tested | None) -> list[tuple[str | None, list[str]]]:
    """Names of the test cases, each with its results."""
    root = ET.fromstring(junit({"test.board": tested} if tested else {}))
    return [(case.get("name"), [each.tag for each in case]) for case in root.iter("testcase")]


def test_failures_that_only_a_summary_counts_are_test_cases() -> None:
    report = TestReport((TestCase("a", Outcome.FAIL, "a.c", 1),), 5, 3, 0, True)
    tested = replace(results_of("adds", "", "ready"), expectations=(), report=report)

    assert [result for _name, result in cases_of(tested)] == [["failure"]] * 3


def test_tests_that_were_cut_off_are_an_error() -> None:
    report = TestReport((TestCase("a", Outcome.PASS, "a.c", 1),), 1, 0, 0, False)
    tested = replace(results_of("adds", "", "ready"), expectations=(), report=report)

    assert cases_of(tested) == [("a", []), ("the tests come to their end", ["error"])]


def test_firmware_that_was_silent_or_not_run_is_a_test_that_was_left_out() -> None:
    silent = replace(results_of("", "", ""), expectations=(), report=None, silent=True)

    assert cases_of(silent) == [("the firmware prints something", ["skipped"])]
    assert cases_of(None) == [("the firmware runs", ["skipped"])]
