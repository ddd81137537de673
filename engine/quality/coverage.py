"""Test coverage: of a report in the tree, or of host tests that are run for it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats.untrusted import file_inside
from engine.quality import coverage_reports, host_tests
from engine.quality.result import Measure, broken, measured, unknown
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy
from engine.quality_requirements import Aspect, QualityRequirements
from engine.text import count as number_of

NO_DATA = (
    "no coverage report in the tree, and espdeck.toml names no tests to run: [quality] host_tests"
)


MIN_KNOWN = 0.5
"""Part of the sources that a report must know to be of them all."""

_HEADERS = (".h", ".hpp", ".hh", ".hxx")


def measure(
    app: Path,
    copy: TreeCopy,
    requirements: QualityRequirements,
    thresholds: Thresholds,
    runner: ToolRunner,
    *,
    timeout: float,
    changed: Collection[str] = (),
) -> Measure:
    """Percent of the lines of the sources that count which tests ran.

    Only files that the report knows are counted; how many these are, the detail says. A report that
    knows less than :data:`MIN_KNOWN` of the sources says nothing good of them: what it says is
    taken where it is too little, and else unknown.

    Args:
        app: the folder that is measured, where host tests are run. Untrusted.
        copy: its files.
        requirements: where tests or a report are.
        thresholds: what it is held against.
        runner: where to work.
        timeout: seconds that building host tests, or running them, may take.
        changed: files that a model changed: one that it wrote itself is no report.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    limit = thresholds.of(Aspect.COVERAGE)
    errors: tuple[Finding, ...] = ()
    try:
        if requirements.host_tests:
            runner.progress.move("host tests", 0, 1)
            outcome = host_tests.run(app, requirements.host_tests, runner, timeout=timeout)
            runner.progress.move("host tests", 1, 1)
            if outcome.lines is None:
                return broken(Aspect.COVERAGE, limit, outcome.said, outcome.errors)
            lines, said, errors = outcome.lines, outcome.said, outcome.errors
        else:
            name = _report(copy, requirements)
            if name is None:
                return unknown(Aspect.COVERAGE, limit, NO_DATA)
            if name in changed:
                said = f"{name} is a model's own, not that of a test run"
                return unknown(Aspect.COVERAGE, limit, said)
            lines = coverage_reports.read(file_inside(app, name, "espdeck.toml", "project"))
            said = f"by {name}, as the tree has it"
    except (MissingToolError, ToolError) as error:
        return unknown(Aspect.COVERAGE, limit, str(error))
    sources = (*copy.c_sources, *copy.python_sources)
    found = coverage_reports.of_sources(lines, sources)
    whole = len(found.files | _with_code(copy, sources))
    detail = (
        f"{said}: {found.run} of {number_of(found.lines, 'line')} in {len(found.files)} of "
        f"{number_of(whole, 'source')}{copy.note()}"
    )
    failed = bool(errors)
    if not found.lines and not failed:
        return unknown(Aspect.COVERAGE, limit, f"{said}: nothing about the sources that count")
    if not failed and found.percent >= limit and len(found.files) < MIN_KNOWN * whole:
        return unknown(Aspect.COVERAGE, limit, f"too few sources are known: {detail}")
    return measured(Aspect.COVERAGE, found.percent, limit, detail, errors, failed=failed)


def _with_code(copy: TreeCopy, sources: Collection[str]) -> frozenset[str]:
    """Sources that have lines to run: headers rarely do, and a package's mark may be empty."""
    return frozenset(
        name
        for name in sources
        if not name.endswith(_HEADERS) and (copy.folder / name).stat().st_size
    )


def _report(copy: TreeCopy, requirements: QualityRequirements) -> str | None:
    """The report that the project names, else the first with a usual name."""
    if requirements.report:
        return str(PurePosixPath(requirements.report))
    return next((name for name in coverage_reports.NAMES if name in copy.names), None)
