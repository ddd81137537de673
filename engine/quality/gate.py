"""The gate itself: measures a tree and a build, and says whether they pass."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.manifest import Manifest
from engine.quality import code, coverage, documentation, marks, performance, security
from engine.quality.limits import Limits
from engine.quality.model import BuildFacts, GateResult, Measure, failing, judge
from engine.quality.tools import Bench
from engine.quality.tree import collect
from engine.repair.diffs import rows_of
from engine.settings import Settings
from engine.thresholds import Demands

REPORT = "quality.json"
"""Artifact with the result."""


def read_report(data: bytes) -> GateResult:
    """What a run kept as :data:`REPORT`.

    Raises:
        ToolError: it is none.
    """
    try:
        return TypeAdapter(GateResult).validate_json(data)
    except ValidationError as error:
        raise ToolError(f"{REPORT} is no result of the gate: {error.errors()[0]['msg']}") from None


def measure_tree(
    tree: Path,
    *,
    settings: Settings,
    manifest: Manifest,
    facts: BuildFacts | None,
    cancel: CancelToken,
    on_output: Callable[[bytes], None],
    app: str = "",
    patch: str = "",
) -> GateResult:
    """Measure a source tree, and what is known of its build.

    Takes a second for a small tree, minutes for a large one or one with host tests.

    Args:
        tree: a worktree, or any folder. Untrusted.
        settings: thresholds, and how long host tests may take to build.
        manifest: the project's own thresholds, and where its tests are.
        facts: of a build of this tree, None where there is none.
        cancel: ends it early, with whatever it runs.
        on_output: called with what tools print, as it comes.
        app: the folder of the tree that is measured, empty for all of it.
        patch: unified diff of what models changed in the tree: what of it would make the tools look
            away fails the gate, and no report in it is believed.

    Raises:
        ToolError: the tree cannot be listed or copied.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    demands = manifest.quality or Demands({})
    limits = Limits.choose(settings.quality, demands)
    start = f"{app}/" if app else ""
    changed = {row.file.removeprefix(start) for row in rows_of(patch) if row.file.startswith(start)}
    try:
        with tempfile.TemporaryDirectory(prefix="espdeck-quality-") as name:
            folder = Path(name)
            bench = Bench(folder, cancel, on_output)
            copy = folder / "tree"
            copy.mkdir()
            counted = collect(tree, app, copy, tests=demands.host_tests, cancel=cancel)
            measures = [
                coverage.measure(
                    tree / app,
                    counted,
                    demands,
                    limits,
                    bench,
                    timeout=settings.compile_timeout,
                    changed=changed,
                ),
                code.measure(counted, limits, bench),
                security.measure(counted, limits, bench),
                documentation.measure(counted, facts.target if facts else "", limits, cancel),
            ]
    except OSError as error:
        raise ToolError(f"quality gate: {error.filename or tree}: {error.strerror}") from error
    measures = list(_without_marks(list(_in_repository(measures, app)), patch))
    return judge([*measures, *performance.measure(facts, limits)], demands.require)


def measure_build(facts: BuildFacts, *, settings: Settings, manifest: Manifest) -> GateResult:
    """Measure a build alone: what takes no tools.

    Args:
        facts: of the build.
        settings: thresholds.
        manifest: the project's own thresholds.
    """
    limits = Limits.choose(settings.quality, manifest.quality)
    return judge(performance.measure(facts, limits))


def _without_marks(measures: Sequence[Measure], patch: str) -> Iterator[Measure]:
    """Measures, of which those fail that a patch keeps tools from measuring."""
    errors = marks.added(patch)
    for each in measures:
        yield failing(each, errors[each.id]) if each.id in errors else each


def _in_repository(measures: list[Measure], app: str) -> Iterator[Measure]:
    """Measures whose findings name files from the repository's root."""
    for each in measures:
        findings = tuple(
            replace(finding, file=f"{app}/{finding.file}") if app and finding.file else finding
            for finding in each.findings
        )
        yield replace(each, findings=findings)
