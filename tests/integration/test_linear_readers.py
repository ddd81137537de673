"""Readers of others' files in our own process: twice as much of a file is twice the work.

Work is counted in calls of functions, Python's and C's, not in time.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import manifest
from engine.boards import pytest_suites
from engine.errors import EspdeckError
from engine.formats.untrusted import Fields, yaml_mapping
from engine.images import partition_csv, sdkconfig
from engine.monitor import coredump
from engine.projects import dependencies
from engine.quality import coverage_reports

Reader = Callable[[Path], object]
CASES = '<testcase name="a" line="1"><failure message="b"/></testcase>'
LINES = '<class filename="a.c"><line number="1" hits="1"/></class>'

SHAPES: dict[str, tuple[Reader, Callable[[int], str]]] = {
    "sdkconfig": (sdkconfig.read, lambda count: "CONFIG_A=y\n# CONFIG_B is not set\n" * count),
    "sdkconfig in one line": (sdkconfig.read, lambda count: "CONFIG_A=" + "# CONFIG_B" * count),
    "lcov": (coverage_reports.read, lambda count: "SF:a.c\nDA:1,1\n" * count),
    "Cobertura": (coverage_reports.read, lambda count: f"<coverage>{LINES * count}</coverage>"),
    "attributes": (
        coverage_reports.read,
        lambda count: "<coverage " + " ".join(f"a{n}='1'" for n in range(count)) + "/>",
    ),
    "coverage.py": (
        coverage_reports.read,
        lambda count: json.dumps(
            {"files": {"a.py": {"executed_lines": [*range(count)], "missing_lines": []}}}
        ),
    ),
    "pytest": (pytest_suites.read_report, lambda count: f"<testsuite>{CASES * count}</testsuite>"),
    "partition table": (
        lambda path: partition_csv.parse_csv(path.read_text()),
        lambda count: "# a\n" * count + "nvs, data, nvs, , 0x6000\n",
    ),
    "JSON": (Fields.read, lambda count: json.dumps({"a": [{"b": "c"}] * count})),
    "YAML": (
        lambda path: yaml_mapping(path.read_text(), 1 << 20),
        lambda count: "a:\n" + "  - b: [c, 1]\n" * count,
    ),
    "YAML of references": (
        lambda path: yaml_mapping(path.read_text(), 1 << 20),
        lambda count: "a: &a {b: c}\n" + "".join(f"d{n}: {{<<: *a}}\n" for n in range(count)),
    ),
    "components": (
        lambda path: dependencies.scan_dependencies(path.parent),
        lambda count: "dependencies:\n" + "".join(f"  a{n}: '1'\n" for n in range(count)),
    ),
    "espdeck.toml": (
        lambda path: manifest.parse(path.read_text()),
        lambda count: "[build.cmake]\nA = '1'\n" + "# b\n" * count,
    ),
    "core dump": (
        lambda path: coredump.read_report(path.read_text(), Path("/")),
        lambda count: "==== CURRENT THREAD STACK ====\n" + "#0 0x1 in a () at b:1\n" * count,
    ),
}


@pytest.mark.parametrize(("read", "make"), SHAPES.values(), ids=SHAPES.keys())
def test_twice_as_much_is_twice_the_work(tmp_path: Path, read: Reader, make: Any) -> None:
    def work(count: int) -> int:
        calls = 0

        def tell(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        path = tmp_path / "idf_component.yml"
        path.write_text(make(count))
        sys.setprofile(tell)
        try:
            with contextlib.suppress(EspdeckError):
                read(path)
        finally:
            sys.setprofile(None)
        return calls

    work(1)  # what is done once
    assert work(400) <= 2.2 * work(200) + 200
