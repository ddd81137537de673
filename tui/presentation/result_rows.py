"""Findings and artifacts as rows of a list, and as texts to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.presentation.units import size

if TYPE_CHECKING:
    from engine import Artifact, Finding, FindingRow
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_SEVERITIES = {"error": "bad", "warning": "busy", "info": "dim"}


def finding_parts(row: FindingRow, glyphs: Glyphs, *, attempts: int) -> Parts:
    """A finding as a row; which attempt it is of is said when there were several."""
    where = row.finding.where if row.finding.title != row.message else ""
    return [
        (f" {glyphs.state(row.severity)} ", _SEVERITIES.get(row.severity, "dim")),
        (f"{where}: " if where else "", "note"),
        (row.message, ""),
        (f"  {row.stage}", "dim"),
        (f" attempt {row.attempt}" if attempts > 1 else "", "dim"),
    ]


def finding_text(row: FindingRow) -> str:
    """All of a finding: what, where, what to do, and the lines that show it."""
    return describe_finding(row.finding, f"in {row.stage}")


def describe_finding(finding: Finding, of: str) -> str:
    """All of a finding; ``of`` says where it was found."""
    lines = [f"{finding.severity}: {finding.message}", f"[{finding.code}] {of}"]
    if finding.where:
        lines.append(f"at {finding.where}")
    if finding.hint:
        lines += ["", f"hint: {finding.hint}"]
    if finding.evidence:
        lines += ["", *finding.evidence.split("\n")]
    return "\n".join(lines)


def artifact_parts(row: Artifact) -> Parts:
    """An artifact as a row."""
    return [(f" {size(row.size):>9} ", "dim"), (f"{row.path} ", ""), (f" {row.kind}", "dim")]
