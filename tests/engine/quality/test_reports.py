"""Coverage reports of others: read in each format, never trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ToolError
from engine.quality import coverage_reports
from engine.quality.result import MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.quality.trees import RING, measure, write

LCOV = """TN:
SF:/home/ada/ring/src/ring.c
FN:2,ring_push
FNDA:3,ring_push
DA:2,3
DA:3,3
DA:4,0
DA:6,3,checksum
LF:4
LH:3
end_of_record
SF:/usr/include/stdio.h
DA:1,0
end_of_record
"""
COBERTURA = """<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.75"><sources><source>/home/ada/ring/src</source></sources>
<packages><package name="src"><classes><class name="ring_c" filename="ring.c">
<methods><method name="push"><lines><line number="2" hits="3"/></lines></method></methods>
<lines><line number="2" hits="3"/><line number="3" hits="3"/><line number="4" hits="0"/>
<line number="6" hits="3"/></lines></class></classes></package></packages></coverage>
"""
JSON = json.dumps({"files": {"src/ring.c": {"executed_lines": [2, 3, 6], "missing_lines": [4]}}})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("coverage.info", LCOV),
        ("coverage/lcov.info", LCOV),
        ("cobertura.xml", COBERTURA),
        ("coverage.json", JSON),
    ],
)
def test_a_report_in_the_tree_is_read(tmp_path: Path, name: str, text: str) -> None:
    found = measure(write(tmp_path / "x", {**RING, name: text}), Aspect.COVERAGE)

    assert (found.value, found.status) == (75, MeasureStatus.FAILED)
    said = "as the tree has it: 3 of 4 lines in 1 of 1 source"
    assert found.detail == f"by {name}, {said}"


@pytest.mark.slow
def test_a_project_names_its_report(tmp_path: Path) -> None:
    toml = '[quality]\nreport = "out/my.info"\ncoverage = 75\n'
    tree = write(tmp_path / "x", {**RING, "espdeck.toml": toml, "out/my.info": LCOV})

    assert measure(tree, Aspect.COVERAGE).status is MeasureStatus.PASSED


@pytest.mark.slow
def test_a_report_of_other_files_says_nothing(tmp_path: Path) -> None:
    other = "SF:elsewhere.c\nDA:1,1\nend_of_record\n"

    found = measure(write(tmp_path / "x", {**RING, "lcov.info": other}), Aspect.COVERAGE)

    assert found.status is MeasureStatus.UNKNOWN
    assert "nothing about the sources that count" in found.detail


@pytest.mark.slow
def test_a_report_of_a_few_sources_says_nothing_good_of_all(tmp_path: Path) -> None:
    others = {f"src/driver_{number}.c": "int x(void) { return 1; }\n" for number in range(3)}
    covered = "SF:src/ring.c\nDA:3,1\nDA:4,{}\nend_of_record\n"
    tree = write(tmp_path / "x", {**RING, **others, "lcov.info": covered.format(1)})

    found = measure(tree, Aspect.COVERAGE)

    assert (found.value, found.status) == (None, MeasureStatus.UNKNOWN)
    assert found.detail == (
        "too few sources are known: by lcov.info, as the tree has it: "
        "2 of 2 lines in 1 of 4 sources"
    )

    write(tree, {"lcov.info": covered.format(0)})
    found = measure(tree, Aspect.COVERAGE)
    assert (found.value, found.status) == (50, MeasureStatus.FAILED)


def test_the_longest_end_of_a_path_tells_which_file_it_is() -> None:
    lines = {
        "/x/a/b/main.c": {1: True},
        "/x/main.c": {1: False, 2: False},
        "other\\main.c": {9: True},
    }

    found = coverage_reports.of_sources(lines, ["a/b/main.c", "main.c", "none.c"])

    assert (found.run, found.lines) == (2, 4)
    assert found.files == {"a/b/main.c", "main.c"}


def test_lines_of_several_runs_are_run_when_one_ran_them(tmp_path: Path) -> None:
    (tmp_path / "x.info").write_text("SF:a.c\nDA:1,0\nDA:2,0\nend_of_record\nSF:a.c\nDA:1,4\n")

    assert coverage_reports.read(tmp_path / "x.info") == {"a.c": {1: True, 2: False}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a coverage report"),
        ("hello\n", "not a coverage report"),
        ("SF:a.c\nDA:one,1\n", "'one' is not a number"),
        ("SF:a.c\nDA:1,1e999\n", "'1e999' is not a number"),
        ("{", "not a coverage report of coverage.py"),
        ("{}", "not a coverage report of coverage.py"),
        ('{"files": {"a.py": []}}', "not a coverage report of coverage.py"),
        ("[" * 100_000, "not a coverage report"),
        ('{"files":' * 100_000, "not a coverage report of coverage.py"),
        ("<html/>", "not a coverage report of Cobertura"),
        ("<coverage>", "no element found"),
        ("<a>" * 2000, "more than 1000 elements in each other"),
        ('<!DOCTYPE c [<!ENTITY a "b">]><coverage>&a;</coverage>', "declares entities"),
        ('<!DOCTYPE c [<!ENTITY a SYSTEM "/etc/passwd">]><c>&a;</c>', "declares entities"),
        ("<coverage><line number='x' hits='1'/></coverage>", "'x' is not a number"),
        ('<?xml version="1.0" encoding="nonsense"?><coverage/>', "unknown encoding"),
    ],
    ids=lambda text: text[:24],
)
def test_what_is_no_report_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.info"
    path.write_text(text)

    with pytest.raises(ToolError) as raised:
        coverage_reports.read(path)

    assert said in str(raised.value)
    assert str(raised.value).startswith("x.info: ")
    assert "\n" not in str(raised.value)


@given(data=st.binary(max_size=300) | st.text('<>/{}[]":,SFDA0123. \n').map(str.encode))
def test_no_bytes_do_more_than_raise_a_tool_error(data: bytes) -> None:
    try:
        found = coverage_reports.parse(data, "any.info")
    except ToolError:
        return
    assert all(line >= 0 for lines in found.values() for line in lines)
