"""Security: known dangerous calls, and secrets that were checked in.

flawfinder, bandit and detect-secrets find; which of their findings block is decided by rules in
:mod:`engine.quality.c.dangers`, :mod:`engine.quality.python_dangers` and
:mod:`engine.quality.secrets`. A person can suppress a finding on its line
(``flawfinder: ignore``, ``nosec``, ``pragma: allowlist secret``); the detail counts these lines.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.enums import Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats.untrusted import json_of
from engine.quality import python_dangers, secrets, suppressions, tools
from engine.quality.c import dangers
from engine.quality.c.names import Names
from engine.quality.c.source import Source
from engine.quality.per_file import PerFileTool, RowsByFile, rows_by_file
from engine.quality.result import Measure, measured, unknown
from engine.quality.security_ratings import Rating, SecurityLevel
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy
from engine.quality_requirements import Aspect
from engine.text import clean
from engine.text import count as number_of

BLOCKING_LEVEL, WARNING_LEVEL = 4, 3
"""Levels of flawfinder: from the first a call without a rule blocks, from the second it warns."""

_HINT_COLUMN = 8
_MAX_RATED_CALLS = 2000  # calls of one file; of more, all count
_MAX_TEXT_CHARACTERS = 300
_DETECT_SECRETS_OPTIONS = ("scan", "--no-verify", "--disable-plugin", "IPPublicDetector")
"""Verifying would send what is found to whoever gave it out."""

_REPORT_ERRORS = (
    *(ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError),
)
"""What comes of JSON that is not the tool's."""

_FLAWFINDER_OPTIONS = ("--quiet", "--dataonly", "--csv", f"--minlevel={WARNING_LEVEL}")
_BANDIT_OPTIONS = ("--quiet", "--exit-zero", "--severity-level=medium", "--format=json")
_report_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class SecurityScan:
    """The findings of all tools.

    Args:
        findings: those that block are errors.
        used: the tools that found them.
        problem: why a tool could not run, else empty.
    """

    findings: tuple[Finding, ...]
    used: tuple[str, ...]
    problem: str = ""


def measure(
    scanned: SecurityScan, copy: TreeCopy, thresholds: Thresholds, *, known: str = ""
) -> Measure:
    """Count the findings that block.

    Args:
        scanned: what the tools found.
        copy: where.
        thresholds: what it is held against.
        known: what the detail says of findings that do not block because they are not new.
    """
    limit = thresholds.of(Aspect.SECURITY)
    if not copy.files:
        return unknown(Aspect.SECURITY, limit, "no files")
    blocking = sum(each.severity is Severity.ERROR for each in scanned.findings)
    if scanned.problem and blocking <= limit:
        return unknown(Aspect.SECURITY, limit, scanned.problem)
    detail = f"by {', '.join(scanned.used)}{known}{_suppressed_note(copy)}{copy.note()}"
    detail += f"; {scanned.problem}" if scanned.problem else ""
    return measured(Aspect.SECURITY, blocking, limit, detail, scanned.findings)


def scan(copy: TreeCopy, runner: ToolRunner) -> SecurityScan:
    """Run every tool that applies.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    scanners = dict(_scanners(copy))
    outcomes = runner.each(lambda name: _scan_with(scanners[name], copy, runner), list(scanners))
    findings: list[Finding] = []
    problems = [each for each in outcomes if isinstance(each, str)]
    for each in outcomes:
        findings += each if not isinstance(each, str) else []
    used = [
        name for name, each in zip(scanners, outcomes, strict=True) if not isinstance(each, str)
    ]
    return SecurityScan(tuple(findings), tuple(used), problems[0] if problems else "")


def parts(copy: TreeCopy) -> tuple[str, ...]:
    """The tools that apply, by name."""
    return tuple(name for name, _ in _scanners(copy))


_Scanner = Callable[[TreeCopy, ToolRunner], list[Finding]]


def _scanners(copy: TreeCopy) -> Iterator[tuple[str, _Scanner]]:
    """The tools that apply, by name."""
    yield "detect-secrets", _secrets
    if copy.c_sources:
        yield "flawfinder", _flawfinder
    if copy.python_sources:
        yield "bandit", _bandit


def _scan_with(scanner: _Scanner, copy: TreeCopy, runner: ToolRunner) -> list[Finding] | str:
    """The findings of a tool, or one line with why it cannot run."""
    try:
        return scanner(copy, runner)
    except (MissingToolError, ToolError) as error:
        return str(error)


def _suppressed_note(copy: TreeCopy) -> str:
    """How many lines suppress findings by a comment; a person decides that."""
    names = (*copy.c_sources, *copy.python_sources)
    marked = sum(len(suppressions.SECURITY.findall(copy.text(name))) for name in names)
    return f"; {number_of(marked, 'line')} marked as reviewed" if marked else ""


def _severity(rating: Rating) -> Severity:
    return Severity.ERROR if rating.level is SecurityLevel.BLOCKS else Severity.WARNING


def _secrets(copy: TreeCopy, runner: ToolRunner) -> list[Finding]:
    def scan(batch: Sequence[str]) -> RowsByFile:
        argv = [
            *tools.report_command("detect-secrets"),
            *_DETECT_SECRETS_OPTIONS,
            "--",
            *tools.paths(batch),
        ]
        code, printed = runner.read(argv, cwd=copy.folder)
        try:
            # Warnings of its libraries may stand before it.
            results = json_of(printed[printed.index(b"{") :])["results"]
            return {
                tools.original_name(str(file)): [
                    [str(x["type"]), int(x["line_number"])] for x in found
                ]
                for file, found in results.items()
            }
        except _REPORT_ERRORS as error:
            said = printed.decode("utf-8", "replace")
            raise ToolError(tools.failure("detect-secrets", code, said)) from error

    tool = PerFileTool("detect-secrets", " ".join(_DETECT_SECRETS_OPTIONS), scan)
    findings = []
    for file, rows in rows_by_file(tool, copy.files, copy, runner).items():
        text = copy.text(file) if rows and file in copy.hashes else ""
        found = [(kind, line) for kind, line in rows]
        for kind, line, rating in secrets.rate(f"{copy.app}{file}", text, found):
            findings.append(_secret(file, kind, line, rating))
    return findings


def _secret(file: str, kind: str, line: int, rating: Rating) -> Finding:
    looks = "looks like a secret" if kind in secrets.GUESSED else "a secret"
    why = f" ({rating.reason})" if rating.reason else ""
    return Finding(
        severity=_severity(rating),
        code="security.secret",
        message=f"{looks}: {clean(kind)[:80]}{why}",
        file=file,
        line=line,
        hint="remove it and issue a new one: it stays in the Git history",
    )


def _flawfinder(copy: TreeCopy, runner: ToolRunner) -> list[Finding]:
    def scan(batch: Sequence[str]) -> RowsByFile:
        argv = [
            *tools.report_command("flawfinder"),
            *_FLAWFINDER_OPTIONS,
            "--",
            *tools.paths(batch),
        ]
        code, printed = runner.read(argv, cwd=copy.folder)
        text = printed.decode("utf-8", "replace")
        head, _, rows = text.partition("\n")
        if code != 0 or not head.startswith("File,Line,Column"):
            raise ToolError(tools.failure("flawfinder", code, text))
        return _hits(rows.splitlines())

    tool = PerFileTool("flawfinder", " ".join(_FLAWFINDER_OPTIONS), scan)
    names = Names(copy.c_sources, copy.text)
    findings: list[Finding] = []
    for file, rows in rows_by_file(tool, copy.c_sources, copy, runner).items():
        runner.cancel.check()
        source = Source(copy.text(file)) if rows and file in copy.hashes else None
        for index, row in enumerate(rows):
            if source is not None:
                findings += _call(file, row, names, source if index < _MAX_RATED_CALLS else None)
    return findings


def _hits(rows: Sequence[str]) -> dict[str, list[list[Any]]]:
    """Rows of flawfinder's CSV: file, line, column, default level, level, category, name, warning,
    suggestion, and more."""
    found: dict[str, list[list[Any]]] = {}
    for row in tools.table(rows, "flawfinder"):
        if len(row) <= _HINT_COLUMN or not (
            row[1].isdigit() and row[2].isdigit() and row[4].isdigit()
        ):
            continue
        said = [
            clean(row[5])[:40],
            *(clean(each)[:_MAX_TEXT_CHARACTERS] for each in row[6 : _HINT_COLUMN + 1]),
        ]
        hit = [int(row[1]), int(row[2]), int(row[4]), *said]
        found.setdefault(tools.original_name(row[0]), []).append(hit)
    return found


def _call(file: str, row: Sequence[Any], names: Names, source: Source | None) -> Iterator[Finding]:
    line, column, level, category, name, warning, hint = row
    default = SecurityLevel.BLOCKS if level >= BLOCKING_LEVEL else SecurityLevel.WARNS
    rating = Rating(default)
    if source is not None:
        rating, line = dangers.rate(names, source, name, line, column, default=default)
    if rating.level is SecurityLevel.NOTHING:
        return
    why = f" ({rating.reason})" if rating.reason else ""
    yield Finding(
        severity=_severity(rating),
        code=f"security.{category}",
        message=f"{name[:80]}: {warning}{why}",
        file=file,
        line=line,
        column=column,
        hint=hint or None,
    )


def _bandit(copy: TreeCopy, runner: ToolRunner) -> list[Finding]:
    def scan(batch: Sequence[str]) -> RowsByFile:
        report = runner.folder / f"bandit-{next(_report_numbers)}.json"
        argv = [
            *(*tools.command("bandit"), *_BANDIT_OPTIONS),
            *(f"--output={report}", "--", *tools.paths(batch)),
        ]
        done = runner.run(argv, cwd=copy.folder)
        data = tools.report_of(report, done, "bandit")
        found: dict[str, list[list[Any]]] = {}
        try:
            for each in json_of(data)["results"]:
                keys = ("test_id", "issue_severity", "issue_confidence", "issue_text", "more_info")
                row = [int(each["line_number"]), *(clean(str(each[key])) for key in keys)]
                found.setdefault(tools.original_name(str(each["filename"])), []).append(row)
        except _REPORT_ERRORS as error:
            raise ToolError(tools.failure("bandit", done.returncode, done.tail)) from error
        return found

    tool = PerFileTool("bandit", " ".join(_BANDIT_OPTIONS), scan)
    said = rows_by_file(tool, copy.python_sources, copy, runner)
    return [
        _danger(file, row, copy.text(file) if file in copy.hashes else "")
        for file, rows in said.items()
        for row in rows
    ]


def _danger(file: str, row: Sequence[Any], source: str) -> Finding:
    line, test, severity, confidence, text, more = row
    rating = python_dangers.rate(test, severity, confidence, source)
    why = f" ({rating.reason})" if rating.reason else ""
    return Finding(
        severity=_severity(rating),
        code=f"security.{test[:20]}",
        message=f"{text[:_MAX_TEXT_CHARACTERS]}{why}",
        file=file,
        line=line,
        hint=f"see {more[:_MAX_TEXT_CHARACTERS]}",
    )
