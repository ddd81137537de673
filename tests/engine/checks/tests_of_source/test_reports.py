"""Reports of test runners: JUnit XML and CTest's Test.xml."""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks.tests_of_source.reports import (
    parse_ctest,
    parse_junit,
    parse_lines,
    read_ctest,
    read_junit,
)
from engine.errors import ToolError
from engine.testing.results import Outcome

PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite>
<testcase classname="tests.test_a.TestA" name="test_ok[1]"
file="tests/test_a.py" line="4" time="0.25"/>
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" line="9" time="0.001">
<failure message="assert 1 == 2&#10;second">tests/test_a.py:11: in test_bad
    helper(1)
lab/core.py:3: in helper
    assert 1 == 2
E   assert 1 == 2</failure></testcase>
<testcase classname="tests.test_a" name="test_left" file="tests/test_a.py" line="20" time="0">
<skipped type="pytest.skip" message="no board">x</skipped></testcase>
<testcase classname="" name="tests.test_b" time="0"><error message="collection failure">
E   ModuleNotFoundError: No module named 'yaml'</error></testcase>
</testsuite></testsuites>"""

CTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="6" failures="3" disabled="1" skipped="2">
<testcase name="ok" classname="ok" time="0.0018" status="run"><properties/>
<system-out>test/ring.c:7:test_push:PASS
1 Tests 0 Failures 0 Ignored</system-out></testcase>
<testcase name="bad" classname="bad" time="0.0015" status="fail"><failure message="Failed"/>
<system-out>test/ring.c:9:test_pop:FAIL: [NON-XML-CHAR-0x1B][31mExpected 1</system-out></testcase>
<testcase name="crash" classname="crash" time="0.0014" status="fail">
<failure message="Subprocess aborted"/>
<system-out>a: /src/a.c:5: main: Assertion `n==0' failed.</system-out></testcase>
<testcase name="none" classname="none" time="0" status="notrun">
<skipped message="Unable to find executable"/>
<system-out>Unable to find executable: nowhere</system-out></testcase>
<testcase name="skip" classname="skip" time="0.0016" status="notrun">
<skipped message="SKIP_RETURN_CODE=77"/>
<system-out></system-out></testcase>
<testcase name="dis" classname="dis" time="0" status="disabled">
<system-out>Disabled</system-out></testcase>
</testsuite>"""

TEST_XML = """<Site BuildName="x"><Testing><TestList><Test>./ok</Test><Test>./bad</Test></TestList>
<Test Status="passed"><Name>ok</Name><Results>
<NamedMeasurement type="numeric/double" name="Execution Time"><Value>0.5</Value></NamedMeasurement>
<Measurement><Value>fine</Value></Measurement></Results></Test>
<Test Status="failed"><Name>bad</Name><Results>
<NamedMeasurement type="text/string" name="Exit Code">
<Value>Timeout</Value></NamedMeasurement>
<NamedMeasurement type="text/string" name="Completion Status">
<Value>Completed</Value></NamedMeasurement>
</Results></Test>
<Test Status="notrun"><Name>off</Name><Results>
<NamedMeasurement type="text/string" name="Completion Status">
<Value>Disabled</Value></NamedMeasurement>
</Results></Test></Testing></Site>"""


def test_pytest_says_where_each_test_is_and_failed() -> None:
    ok, bad, left, gone = parse_junit(PYTEST.encode())

    assert (ok.id, ok.outcome) == ("tests/test_a.py::TestA::test_ok[1]", Outcome.PASS)
    assert (ok.seconds, ok.line) == (0.25, 5)
    assert (bad.outcome, bad.file, bad.line) == (Outcome.FAIL, "tests/test_a.py", 11)
    assert bad.message == "assert 1 == 2"
    assert (left.outcome, left.message) == (Outcome.IGNORE, "no board")
    assert (gone.test_file, gone.outcome) == ("tests/test_b.py", Outcome.FAIL)
    assert gone.message == "ModuleNotFoundError: No module named 'yaml'"


def test_ctest_says_what_its_programs_say() -> None:
    ok, bad, crash, none, skip, disabled = parse_junit(CTEST.encode())

    assert (ok.id, ok.outcome, ok.names) == ("ctest::ok", Outcome.PASS, ("ok", "test_push"))
    assert (bad.outcome, bad.file, bad.line) == (Outcome.FAIL, "test/ring.c", 9)
    assert bad.message == "test_pop: Expected 1"
    assert (crash.file, crash.line) == ("/src/a.c", 5)
    assert (none.outcome, none.message) == (Outcome.FAIL, "Unable to find executable")
    assert (skip.outcome, disabled.outcome) == (Outcome.IGNORE, Outcome.IGNORE)


def test_a_failure_of_googletest_has_its_place() -> None:
    output = "[ RUN      ] Ring.Push\nsrc/ring_test.cc:12: Failure\n[  FAILED  ] Ring.Push (0 ms)"
    (found,) = parse_junit(
        f'<testsuite><testcase name="ring" status="fail"><failure message="Failed"/>'
        f"<system-out>{output}</system-out></testcase></testsuite>".encode()
    )

    assert (found.file, found.line) == ("src/ring_test.cc", 12)
    assert found.message.startswith("Ring.Push: src/ring_test.cc:12")
    assert "Ring.Push" in found.names


def test_the_last_run_of_ctest_is_the_one_that_its_tag_names(tmp_path: Path) -> None:
    folder = tmp_path / "Testing"
    (folder / "20261128-1005").mkdir(parents=True)
    (folder / "TAG").write_text("20261128-1005\nExperimental\nExperimental\n")
    (folder / "20261128-1005" / "Test.xml").write_text(TEST_XML)

    ok, bad, off = read_ctest(tmp_path)

    assert (ok.id, ok.outcome, ok.seconds) == ("ctest::ok", Outcome.PASS, 0.5)
    assert (bad.outcome, bad.message) == (Outcome.FAIL, "Timeout")
    assert off.outcome is Outcome.IGNORE


@pytest.mark.parametrize("tag", ["", "../../etc\n", "20261128-1005\n"])
def test_a_tag_that_names_no_run_is_refused(tmp_path: Path, tag: str) -> None:
    (tmp_path / "Testing").mkdir()
    (tmp_path / "Testing" / "TAG").write_text(tag)

    with pytest.raises(ToolError):
        read_ctest(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<testsuite>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite><testcase name="&a;"/></testsuite>',
        b'<?xml version="1.0" encoding="utf-16"?><testsuite/>',
        b"<a>" * 2000,
        b"\0",
    ],
)
def test_hostile_reports_are_refused(data: bytes) -> None:
    for parse in (parse_junit, parse_ctest):
        with pytest.raises(ToolError):
            parse(data)


def test_a_report_of_any_size_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.truncate(1 << 30)

    with pytest.raises(ToolError, match="larger than"):
        read_junit(path)


@given(
    name=st.text(max_size=400),
    message=st.text(max_size=400),
    line=st.text(max_size=20),
    time=st.text(max_size=20),
    status=st.sampled_from(["", "run", "fail", "notrun", "disabled", "x"]),
)
def test_whatever_a_report_says_results_are_plain(
    name: str, message: str, line: str, time: str, status: str
) -> None:
    plain = [
        "".join(each for each in text if each.isprintable() or each in "\x85\u2028\t\n")
        for text in (name, message, line, time)
    ]
    quoted = [quoteattr(each) for each in plain]
    case = (
        f"<testcase name={quoted[0]} file={quoted[0]} classname={quoted[1]} line={quoted[2]} "
        f"time={quoted[3]} status={quoteattr(status)}><failure message={quoted[1]}/></testcase>"
    )
    (found,) = parse_junit(f"<testsuite>{case}</testsuite>".encode("utf-8", "replace"))

    assert found.id.isprintable() and 0 < len(found.id) <= 1000
    assert found.message.isprintable() and len(found.message) <= 300
    assert found.file.isprintable() and 0 <= found.line < 10_000_000
    assert found.seconds is None or 0 <= found.seconds < 1e7


def test_lines_of_the_plugin_say_what_ended_and_what_is_on() -> None:
    lines = [
        {"began": "tests/a.py::test_one", "file": "tests/a.py"},
        {
            **{"id": "tests/a.py::test_one", "file": "tests/a.py", "line": 3},
            **{"outcome": "failed", "seconds": 0.5, "message": "assert 1 == 2\nE   more"},
        },
        {"began": "tests/a.py::test_two", "file": "tests/a.py"},
    ]
    data = b"\n".join(json.dumps(each).encode() for each in lines) + b'\n{"began": "cut of'

    (found,), on = parse_lines(data)

    assert on == "tests/a.py::test_two"
    assert (found.outcome, found.line, found.message) == (Outcome.FAIL, 3, "more")


@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: f"{text}\n{{}}".encode()))
def test_no_line_of_the_plugin_is_trusted(data: bytes) -> None:
    parse_lines(data)
    parse_lines(b'{"id": ' + data)
    parse_lines(b"\n".join([b"[]", b"1", b"null", b'"began"', b'{"id": 1}', data]))


@given(st.binary(max_size=300))
def test_nonsense_is_refused_in_one_line(data: bytes) -> None:
    for parse in (parse_junit, parse_ctest):
        try:
            parse(b"<testsuite>" + data)
        except ToolError as error:
            assert "\n" not in str(error)
