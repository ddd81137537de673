"""JUnit XML: every result is in it, and whatever firmware prints, it stays XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from engine.pipelines import outputs
from engine.pipelines.junit import junit
from engine.testcases import Outcome, TestCase, TestReport


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


@given(st.text(), st.text(), st.text())
def test_any_text_stays_xml(name: str, message: str, pattern: str) -> None:
    root = ET.fromstring(junit({"test.simulator": results_of(name, message, pattern, message)}))
    assert len(root.findall(".//testcase")) >= 5
