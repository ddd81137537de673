"""Measures files that belong to no repository, such as what a model wrote. Untrusted.

They are written to a folder of their own, measured with the tools of the gate, and deleted. Nothing
of them is executed: tests among them are not run, and an ``espdeck.toml`` among them is not read.
What they lack is not guessed: without a coverage report there is no coverage.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.enums import Severity
from engine.errors import ToolError, UsageError
from engine.findings import Finding
from engine.manifest import Manifest
from engine.quality.coverage import NO_DATA
from engine.quality.gate import measure_tree
from engine.quality.result import BuildReport, GateResult, Measure, MeasureStatus, evaluate
from engine.quality_requirements import Aspect, Demands, QualityRequirements
from engine.settings import Settings

MAX_FILES = 500
"""Files that are measured at once."""

MAX_TOTAL_BYTES = 4 << 20
"""Bytes that all of them may have."""

_NO_REPORT = "no coverage report among the files (coverage.info, coverage.xml); tests are not run"

JOBS = 2
"""Tools that run at the same time."""

_MAX_PATH_CHARACTERS = 300
_MAX_PART_BYTES = 200
_MAX_PARTS = 16
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\"\\\ud800-\udfff]+")


def measure_files(
    files: Mapping[str, str], demands: Demands, *, settings: Settings, cancel: CancelToken
) -> GateResult:
    """Measure files.

    Args:
        files: what each says, by its path.
        demands: what they are held against.
        settings: what else they are held against, and where the workspace is.
        cancel: ends it early.

    Raises:
        UsageError: there are too many, they are too large, or a path is no plain one.
        ToolError: they cannot be written or measured.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    _check(files)
    aspects = [Aspect.COVERAGE, Aspect.CODE]
    aspects += [Aspect.SECURITY] if demands.security else []
    thresholds = {
        Aspect.COVERAGE: demands.coverage,
        Aspect.CODE: demands.code,
        Aspect.DOCUMENTATION: 0.0,
    }
    try:
        with tempfile.TemporaryDirectory(prefix="espdeck-files-") as name:
            for path, text in files.items():
                file = Path(name, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8", "replace", newline="")
            found = measure_tree(
                Path(name),
                settings=settings,
                manifest=Manifest(quality=QualityRequirements(thresholds)),
                built=BuildReport(None),
                cancel=cancel,
                on_output=lambda _: None,
                jobs=JOBS,
            )
    except OSError as error:
        raise ToolError(f"the files cannot be measured: {error.strerror}") from error
    measures = [_of_files(each) for each in found.measures if each.id in aspects]
    result = evaluate(measures, [each for each in demands.require if each in aspects])
    if all(each.status is MeasureStatus.UNKNOWN for each in measures):
        nothing = Finding(Severity.ERROR, "quality.nothing", "nothing of this can be measured")
        return replace(result, passed=False, blockers=(nothing,))
    return result


def _of_files(measure: Measure) -> Measure:
    """A measure whose detail speaks of files, not of a project."""
    return replace(measure, detail=_NO_REPORT) if measure.detail == NO_DATA else measure


def _check(files: Mapping[str, str]) -> None:
    if not files:
        raise UsageError("no files to measure")
    if len(files) > MAX_FILES:
        raise UsageError(f"{len(files)} files, at most {MAX_FILES} are measured")
    size = sum(len(text.encode("utf-8", "replace")) for text in files.values())
    if size > MAX_TOTAL_BYTES:
        raise UsageError(f"the files have {size} bytes, at most {MAX_TOTAL_BYTES} are measured")
    folders = set(_folders(files))
    for name in files:
        problem = _problem(name) or ("is a folder of another file" if name in folders else "")
        if problem:
            raise UsageError(f"artifact {name[:80]!a}: its path {problem}")


def _problem(name: str) -> str:
    """What is wrong with a path, empty for nothing."""
    parts = name.split("/")
    if len(name) > _MAX_PATH_CHARACTERS or len(parts) > _MAX_PARTS:
        return "is too long"
    if not _PLAIN.fullmatch(name):
        return "is not a plain relative path"
    if name.startswith("/") or ".." in parts:
        return "leaves the folder"
    if "" in parts or "." in parts:
        return "is not a plain relative path"
    if any(part.lower() == ".git" for part in parts):
        return "is Git's"
    if any(len(part.encode()) > _MAX_PART_BYTES for part in parts):
        return "is too long"
    return ""


def _folders(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield from (str(folder) for folder in PurePosixPath(name).parents)
