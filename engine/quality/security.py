"""Security: known dangerous calls, and secrets that were checked in.

flawfinder, bandit and detect-secrets find; what of it blocks is what a person would block, see
:mod:`engine.quality.c.dangers`, :mod:`engine.quality.python_dangers` and
:mod:`engine.quality.secrets`. A line that a person looked at can be marked for the tool
(``flawfinder: ignore``, ``nosec``, ``pragma: allowlist secret``); how many are, is said.
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
from engine.quality.per_file import PerFile, Said, said_of
from engine.quality.requirements import Limits
from engine.quality.result import Measure, measured, unknown
from engine.quality.security_levels import Verdict, Word
from engine.quality.tools import Bench
from engine.quality.tree_copy import Counted
from engine.text import clean
from engine.text import count as number_of
from engine.thresholds import Aspect

BLOCKING_LEVEL, WARNING_LEVEL = 4, 3
"""Levels of flawfinder from which a call blocks where no ruling is about it, and from which it is
told."""

_HIT = 8
_JUDGED = 2000  # calls of one file; of more, all count
_MAX_TEXT = 300
_SECRETS = ("scan", "--no-verify", "--disable-plugin", "IPPublicDetector")
"""Verifying would send what is found to whoever gave it out."""

_NO_REPORT = (*(ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError),)
"""What comes of JSON that is not the tool's."""

_FLAWS = ("--quiet", "--dataonly", "--csv", f"--minlevel={WARNING_LEVEL}")
_PYTHON = ("--quiet", "--exit-zero", "--severity-level=medium", "--format=json")
_report_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Looked:
    """What the tools found.

    Args:
        findings: those that block are errors.
        used: the tools that found them.
        problem: why one could not look, else empty.
    """

    findings: tuple[Finding, ...]
    used: tuple[str, ...]
    problem: str = ""


def measure(looked: Looked, counted: Counted, limits: Limits, *, known: str = "") -> Measure:
    """Findings that block.

    Args:
        looked: what the tools found.
        counted: where.
        limits: what it is held against.
        known: what the detail says of findings that do not block because they are not new.
    """
    limit = limits.of(Aspect.SECURITY)
    if not counted.files:
        return unknown(Aspect.SECURITY, limit, "no files")
    blocking = sum(each.severity is Severity.ERROR for each in looked.findings)
    if looked.problem and blocking <= limit:
        return unknown(Aspect.SECURITY, limit, looked.problem)
    detail = f"by {', '.join(looked.used)}{known}{_marked(counted)}{counted.note()}"
    detail += f"; {looked.problem}" if looked.problem else ""
    return measured(Aspect.SECURITY, blocking, limit, detail, looked.findings)


def look(counted: Counted, bench: Bench) -> Looked:
    """Everything that the tools find.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    looks = dict(_looks(counted))
    outcomes = bench.each(lambda name: _outcome(looks[name], counted, bench), list(looks))
    findings: list[Finding] = []
    problems = [each for each in outcomes if isinstance(each, str)]
    for each in outcomes:
        findings += each if not isinstance(each, str) else []
    used = [name for name, each in zip(looks, outcomes, strict=True) if not isinstance(each, str)]
    return Looked(tuple(findings), tuple(used), problems[0] if problems else "")


def parts(counted: Counted) -> tuple[str, ...]:
    """The tools that apply, by name."""
    return tuple(name for name, _ in _looks(counted))


_Look = Callable[[Counted, Bench], list[Finding]]


def _looks(counted: Counted) -> Iterator[tuple[str, _Look]]:
    """The tools that apply, by name."""
    yield "detect-secrets", _secrets
    if counted.c_sources:
        yield "flawfinder", _flawfinder
    if counted.python_sources:
        yield "bandit", _bandit


def _outcome(look: _Look, counted: Counted, bench: Bench) -> list[Finding] | str:
    """What a tool finds, or why it cannot."""
    try:
        return look(counted, bench)
    except (MissingToolError, ToolError) as error:
        return str(error)


def _marked(counted: Counted) -> str:
    """How many lines tell the tools to look away, which is a person's to decide."""
    names = (*counted.c_sources, *counted.python_sources)
    marked = sum(len(suppressions.SECURITY.findall(counted.text(name))) for name in names)
    return f"; {number_of(marked, 'line')} marked as looked at" if marked else ""


def _severity(verdict: Verdict) -> Severity:
    return Severity.ERROR if verdict.word is Word.BLOCKS else Severity.WARNING


def _secrets(counted: Counted, bench: Bench) -> list[Finding]:
    def look(batch: Sequence[str]) -> Said:
        argv = [*tools.reporting("detect-secrets"), *_SECRETS, "--", *tools.paths(batch)]
        code, printed = bench.read(argv, cwd=counted.folder)
        try:
            # Warnings of its libraries may stand before it.
            results = json_of(printed[printed.index(b"{") :])["results"]
            return {
                tools.plain(str(file)): [[str(x["type"]), int(x["line_number"])] for x in found]
                for file, found in results.items()
            }
        except _NO_REPORT as error:
            said = printed.decode("utf-8", "replace")
            raise ToolError(tools.failure("detect-secrets", code, said)) from error

    tool = PerFile("detect-secrets", " ".join(_SECRETS), look)
    findings = []
    for file, rows in said_of(tool, counted.files, counted, bench).items():
        text = counted.text(file) if rows and file in counted.hashes else ""
        found = [(kind, line) for kind, line in rows]
        for kind, line, verdict in secrets.judge(f"{counted.app}{file}", text, found):
            findings.append(_secret(file, kind, line, verdict))
    return findings


def _secret(file: str, kind: str, line: int, verdict: Verdict) -> Finding:
    looks = "looks like a secret" if kind in secrets.GUESSED else "a secret"
    why = f" ({verdict.why})" if verdict.why else ""
    return Finding(
        severity=_severity(verdict),
        code="security.secret",
        message=f"{looks}: {clean(kind)[:80]}{why}",
        file=file,
        line=line,
        hint="take it out, and make a new one: it is in the history for good",
    )


def _flawfinder(counted: Counted, bench: Bench) -> list[Finding]:
    def look(batch: Sequence[str]) -> Said:
        argv = [*tools.reporting("flawfinder"), *_FLAWS, "--", *tools.paths(batch)]
        code, printed = bench.read(argv, cwd=counted.folder)
        text = printed.decode("utf-8", "replace")
        head, _, rows = text.partition("\n")
        if code != 0 or not head.startswith("File,Line,Column"):
            raise ToolError(tools.failure("flawfinder", code, text))
        return _hits(rows.splitlines())

    tool = PerFile("flawfinder", " ".join(_FLAWS), look)
    names = Names(counted.c_sources, counted.text)
    findings: list[Finding] = []
    for file, rows in said_of(tool, counted.c_sources, counted, bench).items():
        bench.cancel.check()
        source = Source(counted.text(file)) if rows and file in counted.hashes else None
        for index, row in enumerate(rows):
            if source is not None:
                findings += _call(file, row, names, source if index < _JUDGED else None)
    return findings


def _hits(rows: Sequence[str]) -> dict[str, list[list[Any]]]:
    """Rows of flawfinder's CSV: file, line, column, default level, level, category, name, warning,
    suggestion, and more."""
    found: dict[str, list[list[Any]]] = {}
    for row in tools.table(rows, "flawfinder"):
        if len(row) <= _HIT or not (row[1].isdigit() and row[2].isdigit() and row[4].isdigit()):
            continue
        said = [clean(row[5])[:40], *(clean(each)[:_MAX_TEXT] for each in row[6 : _HIT + 1])]
        hit = [int(row[1]), int(row[2]), int(row[4]), *said]
        found.setdefault(tools.plain(row[0]), []).append(hit)
    return found


def _call(file: str, row: Sequence[Any], names: Names, source: Source | None) -> Iterator[Finding]:
    line, column, level, category, name, warning, hint = row
    unruled = Word.BLOCKS if level >= BLOCKING_LEVEL else Word.WARNS
    verdict = Verdict(unruled)
    if source is not None:
        verdict, line = dangers.judge(names, source, name, line, column, unruled=unruled)
    if verdict.word is Word.NOTHING:
        return
    why = f" ({verdict.why})" if verdict.why else ""
    yield Finding(
        severity=_severity(verdict),
        code=f"security.{category}",
        message=f"{name[:80]}: {warning}{why}",
        file=file,
        line=line,
        column=column,
        hint=hint or None,
    )


def _bandit(counted: Counted, bench: Bench) -> list[Finding]:
    def look(batch: Sequence[str]) -> Said:
        report = bench.folder / f"bandit-{next(_report_numbers)}.json"
        argv = [
            *(*tools.command("bandit"), *_PYTHON),
            *(f"--output={report}", "--", *tools.paths(batch)),
        ]
        done = bench.run(argv, cwd=counted.folder)
        data = tools.report_of(report, done, "bandit")
        found: dict[str, list[list[Any]]] = {}
        try:
            for each in json_of(data)["results"]:
                keys = ("test_id", "issue_severity", "issue_confidence", "issue_text", "more_info")
                row = [int(each["line_number"]), *(clean(str(each[key])) for key in keys)]
                found.setdefault(tools.plain(str(each["filename"])), []).append(row)
        except _NO_REPORT as error:
            raise ToolError(tools.failure("bandit", done.returncode, done.tail)) from error
        return found

    tool = PerFile("bandit", " ".join(_PYTHON), look)
    said = said_of(tool, counted.python_sources, counted, bench)
    return [
        _danger(file, row, counted.text(file) if file in counted.hashes else "")
        for file, rows in said.items()
        for row in rows
    ]


def _danger(file: str, row: Sequence[Any], source: str) -> Finding:
    line, test, severity, confidence, text, more = row
    verdict = python_dangers.judge(test, severity, confidence, source)
    why = f" ({verdict.why})" if verdict.why else ""
    return Finding(
        severity=_severity(verdict),
        code=f"security.{test[:20]}",
        message=f"{text[:_MAX_TEXT]}{why}",
        file=file,
        line=line,
        hint=f"see {more[:_MAX_TEXT]}",
    )
