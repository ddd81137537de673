"""Runs the quality gate: measures a tree and its build, and decides whether they pass."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.manifest import FILE_NAME, Manifest
from engine.projects import revisions
from engine.projects.revisions import Commit
from engine.quality import code, coverage, documentation, performance, security, suppressions
from engine.quality.baseline import Baseline
from engine.quality.cache import Cache
from engine.quality.progress import PARTS, OnProgress, Progress
from engine.quality.result import BuildFacts, BuildReport, GateResult, Measure, evaluate, failing
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import CommitOrigin, FolderOrigin, Origin, TreeCopy, collect
from engine.quality_requirements import TABLE, QualityRequirements
from engine.settings import Settings
from engine.source.diffs import rows_of
from engine.source.files import CommitFiles

GATE_REPORT = "quality.json"
"""Artifact with the result."""


def read_report(data: bytes) -> GateResult:
    """Parse the :data:`GATE_REPORT` that a run kept.

    Raises:
        ToolError: it is none.
    """
    try:
        return TypeAdapter(GateResult).validate_json(data)
    except ValidationError as error:
        raise ToolError(
            f"{GATE_REPORT} is not a result of the quality gate: {error.errors()[0]['msg']}"
        ) from None


def measure_tree(
    tree: Path,
    *,
    settings: Settings,
    manifest: Manifest,
    built: BuildReport,
    cancel: CancelToken,
    on_output: Callable[[bytes], None],
    on_progress: OnProgress = lambda _percent, _what: None,
    app: str = "",
    chips: Sequence[str] = (),
    patch: str = "",
    baseline: str = "",
    jobs: int | None = None,
) -> GateResult:
    """Measure a source tree, and what is known of its build.

    Takes a second for a small tree, minutes for a large one or one with host tests; what has not
    changed since the last time is known.

    Args:
        tree: a worktree, or any folder. Untrusted.
        settings: thresholds, how long host tests may take to build, and where the workspace is.
        manifest: the project's own thresholds, and where its tests are.
        built: what is known of a build of this tree.
        cancel: ends it early.
        on_output: called with what tools print, as it comes; from one thread at a time.
        on_progress: called with percent and what is being done; from one thread at a time.
        app: the folder of the tree that is measured, empty for all of it.
        chips: those that the project is built for.
        patch: unified diff of what models changed in the tree: what of it would make the tools look
            away fails the gate, and no report in it is believed.
        baseline: a commit, branch or tag: findings that it has as well do not block; empty for the
            one that the project names, if it does.
        jobs: how many tools run at the same time; None for one on each processor.

    Raises:
        UsageError: there is no such baseline.
        ToolError: the tree cannot be listed or copied.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    requirements = manifest.quality or QualityRequirements({})
    thresholds = Thresholds.choose(settings.quality, requirements)
    start = f"{app}/" if app else ""
    changed = {row.file.removeprefix(start) for row in rows_of(patch) if row.file.startswith(start)}
    other = _baseline(tree, baseline, requirements)
    cache = Cache(settings.workspace / "cache" / "quality")
    progress = Progress(on_progress)
    try:
        with tempfile.TemporaryDirectory(prefix="espdeck-quality-") as name:
            folder = Path(name)
            runner = ToolRunner(folder, cancel, on_output, cache, progress, jobs or processors())
            begin = ["files", "host tests"] if requirements.host_tests else ["files"]
            progress.expect([*begin, *PARTS])
            copy = _collect(FolderOrigin(tree, app), app, requirements, runner)
            progress.expect([*begin, *_parts(copy, other)])
            covered = coverage.measure(
                tree / app,
                copy,
                requirements,
                thresholds,
                runner,
                timeout=settings.compile_timeout,
                changed=changed,
            )
            scanned, (judged, told) = runner.both(
                lambda: security.scan(copy, runner),
                lambda: runner.both(
                    lambda: code.measure(copy, thresholds, runner),
                    lambda: documentation.measure(copy, chips, thresholds, runner),
                ),
            )
            known = ""
            if other is not None:
                before = _baseline_copy(tree, other, app, requirements, thresholds, runner)
                scanned, known = before.known(scanned, copy)
                judged, told = (before.score(each, chips) for each in (judged, told))
                progress.move("baseline", 1, 1)
            safe = security.measure(scanned, copy, thresholds, known=known)
            measures = [covered, judged, safe, told]
    except OSError as error:
        raise ToolError(f"quality gate: {error.filename or tree}: {error.strerror}") from error
    cache.tidy()
    measures = list(_fail_suppressed(list(_in_repository(measures, app)), patch))
    on_progress(100.0, "done")
    return evaluate([*measures, *performance.measure(built, thresholds)], requirements.require)


def _baseline(tree: Path, named: str, requirements: QualityRequirements) -> Commit | None:
    """The commit whose findings are known; the one that is named wins over the project's own."""
    wanted = named or requirements.baseline
    if not wanted:
        return None
    try:
        return revisions.resolve(tree, wanted)
    except (UsageError, ToolError) as error:
        key = "--baseline" if named else f"{FILE_NAME}: {TABLE}.baseline"
        raise UsageError(f"{key}: {error}") from error


def _parts(copy: TreeCopy, other: Commit | None) -> list[str]:
    """What there is to do, for the progress."""
    parts = [*security.parts(copy), *code.parts(copy), "documentation"]
    return [*parts, "baseline"] if other is not None else parts


def _collect(
    origin: Origin, app: str, requirements: QualityRequirements, runner: ToolRunner
) -> TreeCopy:
    runner.progress.move("files", 0, 1)
    folder = runner.folder / "tree"
    folder.mkdir()
    copy = collect(
        origin,
        app,
        folder,
        tests=requirements.host_tests,
        exclude=requirements.exclude,
        cancel=runner.cancel,
    )
    runner.progress.move("files", 1, 1)
    return copy


def _baseline_copy(
    tree: Path,
    commit: Commit,
    app: str,
    requirements: QualityRequirements,
    thresholds: Thresholds,
    runner: ToolRunner,
) -> Baseline:
    """The commit that a tree is compared with, in a folder of its own."""
    folder = runner.folder / "baseline"
    folder.mkdir()
    runner.progress.move("baseline", 0, 1)
    quiet = Progress(lambda _percent, _what: None)
    own = ToolRunner(folder, runner.cancel, runner.on_output, runner.cache, quiet, runner.jobs)
    with CommitFiles(tree, commit.sha) as files:
        copy = _collect(CommitOrigin(files, app), app, requirements, own)
    return Baseline(commit.sha[:10], copy, own, thresholds)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_build(facts: BuildFacts, *, settings: Settings, manifest: Manifest) -> GateResult:
    """Measure a build alone: what takes no tools.

    Args:
        facts: of the build.
        settings: thresholds.
        manifest: the project's own thresholds.
    """
    thresholds = Thresholds.choose(settings.quality, manifest.quality)
    return evaluate(performance.measure(BuildReport(facts), thresholds))


def _fail_suppressed(measures: Sequence[Measure], patch: str) -> Iterator[Measure]:
    """The measures; one whose tools a patch suppresses fails."""
    errors = suppressions.added(patch)
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
