"""Security: known dangerous calls, and secrets that were checked in.

What blocks: flawfinder's risk levels from :data:`BLOCKING_LEVEL` (of 5), bandit's severity HIGH
where it is not unsure, and every secret that detect-secrets knows by its form. What it guesses from
a name or from entropy is a warning. A line that a person looked at can be marked for the tool
(``flawfinder: ignore``, ``nosec``, ``pragma: allowlist secret``); how many are, is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.quality import marks, tools
from engine.quality.limits import Limits
from engine.quality.model import Measure, measured, unknown
from engine.quality.tools import Bench
from engine.quality.tree import Counted
from engine.text import clean
from engine.text import count as number_of
from engine.thresholds import Aspect
from engine.words import Severity

BLOCKING_LEVEL, WARNING_LEVEL = 4, 3
"""Levels of flawfinder from which a call blocks, and from which it is told."""

_GUESSED = frozenset({"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"})
_HIT = 8
_MAX_TEXT = 300


def measure(counted: Counted, limits: Limits, bench: Bench) -> Measure:
    """Findings that block, of all tools that apply.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    limit = limits.of(Aspect.SECURITY)
    if not counted.files:
        return unknown(Aspect.SECURITY, limit, "no files")
    looks: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("detect-secrets", lambda: _secrets(counted, bench))
    ]
    if counted.c_sources:
        looks.append(("flawfinder", lambda: _flawfinder(counted, bench)))
    if counted.python_sources:
        looks.append(("bandit", lambda: _bandit(counted, bench)))
    findings: list[Finding] = []
    used: list[str] = []
    problem = ""
    for name, look in looks:
        try:
            findings += look()
            used.append(name)
        except (MissingToolError, ToolError) as error:
            problem = problem or str(error)
    blocking = sum(each.severity is Severity.ERROR for each in findings)
    if problem and blocking <= limit:
        return unknown(Aspect.SECURITY, limit, problem)
    detail = f"by {', '.join(used)}{_marked(counted)}{counted.note()}"
    detail += f"; {problem}" if problem else ""
    return measured(Aspect.SECURITY, blocking, limit, detail, findings)


def _marked(counted: Counted) -> str:
    """How many lines tell the tools to look away, which is a person's to decide."""
    names = (*counted.c_sources, *counted.python_sources)
    marked = sum(len(marks.SECURITY.findall(counted.text(name))) for name in names)
    return f"; {number_of(marked, 'line')} marked as looked at" if marked else ""


def _secrets(counted: Counted, bench: Bench) -> list[Finding]:
    findings = []
    for batch in tools.batches(counted.files):
        argv = [
            *tools.command("detect-secrets"),
            # Verifying would send what it finds to whoever gave it out.
            *("scan", "--no-verify", "--disable-plugin", "IPPublicDetector", "--", *batch),
        ]
        code, printed = bench.read(argv, cwd=counted.folder)
        try:
            # Warnings of its libraries may stand before it.
            results = json.loads(printed[printed.index(b"{") :])["results"]
            for file, found in results.items():
                findings += [
                    _secret(str(file), str(x["type"]), int(x["line_number"])) for x in found
                ]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            said = printed.decode("utf-8", "replace")
            raise ToolError(tools.failure("detect-secrets", code, said)) from error
    return findings


def _secret(file: str, kind: str, line: int) -> Finding:
    guessed = kind in _GUESSED
    return Finding(
        severity=Severity.WARNING if guessed else Severity.ERROR,
        code="security.secret",
        message=f"{'looks like a secret' if guessed else 'a secret'}: {clean(kind)[:80]}",
        file=tools.plain(file),
        line=line,
        hint="take it out, and make a new one: it is in the history for good",
    )


def _flawfinder(counted: Counted, bench: Bench) -> list[Finding]:
    findings: list[Finding] = []
    for batch in tools.batches(counted.c_sources):
        argv = [
            *tools.command("flawfinder"),
            *("--quiet", "--dataonly", "--csv", f"--minlevel={WARNING_LEVEL}", "--", *batch),
        ]
        code, printed = bench.read(argv, cwd=counted.folder)
        text = printed.decode("utf-8", "replace")
        head, _, rows = text.partition("\n")
        if code != 0 or not head.startswith("File,Line,Column"):
            raise ToolError(tools.failure("flawfinder", code, text))
        findings += _hits(rows.splitlines())
    return findings


def _hits(rows: Sequence[str]) -> list[Finding]:
    """Rows of flawfinder's CSV: file, line, column, default level, level, category, name, warning,
    suggestion, and more."""
    findings = []
    for row in tools.table(rows, "flawfinder"):
        if len(row) <= _HIT or not (row[1].isdigit() and row[2].isdigit() and row[4].isdigit()):
            continue
        blocks = int(row[4]) >= BLOCKING_LEVEL
        findings.append(
            Finding(
                severity=Severity.ERROR if blocks else Severity.WARNING,
                code=f"security.{clean(row[5])[:40]}",
                message=f"{clean(row[6])[:80]}: {clean(row[7])[:_MAX_TEXT]}",
                file=tools.plain(row[0]),
                line=int(row[1]),
                column=int(row[2]),
                hint=clean(row[8])[:_MAX_TEXT] or None,
            )
        )
    return findings


def _bandit(counted: Counted, bench: Bench) -> list[Finding]:
    findings = []
    report = bench.folder / "bandit.json"
    for batch in tools.batches(counted.python_sources):
        report.unlink(missing_ok=True)
        argv = [
            *tools.command("bandit"),
            *("--quiet", "--exit-zero", "--severity-level=medium", "--format=json"),
            *(f"--output={report}", "--", *batch),
        ]
        done = bench.run(argv, cwd=counted.folder)
        data = tools.report_of(report, done, "bandit")
        try:
            for each in json.loads(data)["results"]:
                sure = each["issue_confidence"] in ("MEDIUM", "HIGH")
                high = each["issue_severity"] == "HIGH"
                findings.append(
                    Finding(
                        severity=Severity.ERROR if high and sure else Severity.WARNING,
                        code=f"security.{clean(str(each['test_id']))[:20]}",
                        message=clean(str(each["issue_text"]))[:_MAX_TEXT],
                        file=tools.plain(str(each["filename"])),
                        line=int(each["line_number"]),
                        hint=f"see {clean(str(each['more_info']))[:_MAX_TEXT]}",
                    )
                )
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ToolError(tools.failure("bandit", done.returncode, done.tail)) from error
    return findings
