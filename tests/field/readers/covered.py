"""Which tests cover which sources of a repository, as test_check sees it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.cancel import CancelToken
from engine.checks.tests_of_source import orphans, suites
from engine.checks.tests_of_source.covering import cover
from engine.checks.tests_of_source.source_files import LEFT_OUT, Kind, collect
from tests.field import trees
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``sources`` with their tests; ``tests`` and others by kind; ``orphaned`` and ``suites``."""
    with tempfile.TemporaryDirectory() as name:
        folder = trees.unpack(case.text, Path(name))
        files = collect(folder, str(case.options.get("app", "")))
        coverage = cover(files)
        gone = orphans.find(coverage, folder, "", cancel=CancelToken())
        return {
            "sources": {path: list(tests) for path, tests in coverage.sources.items()},
            "tests": files.of(Kind.TEST),
            "boards": files.of(Kind.BOARD_TEST),
            "left_out": {path: files.kinds[path].value for path in files.of(*LEFT_OUT)},
            "support": files.of(Kind.SUPPORT),
            "orphaned": dict(gone),
            "suites": [each.name for each in suites.find(files)],
        }
