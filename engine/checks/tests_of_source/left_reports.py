"""Reports that a person's own test runs left in a working tree: CTest's, and JUnit XML.

They tell how tests do that the check does not run. One that is older than a source or a test of the
project says nothing of these.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from engine.checks.tests_of_source import reports
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.source_files import Kind, ProjectFiles
from engine.errors import ToolError

_FOLDERS = ("", "build", "Build", "out", "test/build", "tests/build", "test", "tests", "reports")
_JUNIT_NAMES = ("junit.xml", "report.xml", "test-results.xml", "results.xml", "XUNIT_RESULT.xml")
_MAX_RESULTS = 5000


def find(files: ProjectFiles) -> tuple[Result, ...]:
    """Results of reports that are newer than all sources and tests; none where there is no such."""
    newest = _newest(files)
    found: list[Result] = []
    for folder in _FOLDERS:
        build = files.root / folder
        tag = build / "Testing" / "TAG"
        with contextlib.suppress(ToolError):
            if _time(tag) > newest:
                found += _known(reports.read_ctest(build), tag)
        for name in _JUNIT_NAMES:
            with contextlib.suppress(ToolError):
                if _time(build / name) > newest:
                    found += _known(reports.read_junit(build / name), build / name)
    return tuple(islice(found, _MAX_RESULTS))


def _known(results: Iterable[Result], report: Path) -> Iterator[Result]:
    """Results whose ids are apart from those of the check's own runs."""
    return (replace(each, id=f"{report.name}: {each.id}") for each in results)


def _newest(files: ProjectFiles) -> int:
    times = (_time(files.root / name) for name in files.of(Kind.SOURCE, Kind.TEST, Kind.SUPPORT))
    return max(times, default=0)


def _time(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 for what is no file, or a link."""
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - of thousands
    except OSError:
        return 0
    return status.st_mtime_ns
