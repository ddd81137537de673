"""Findings and artifacts as rows of a list, and as texts to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.presentation.labels import stage_label
from tui.presentation.units import size

if TYPE_CHECKING:
    from engine import Artifact, Finding, FindingRow, ToldFinding
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_SEVERITIES = {"error": "bad", "warning": "busy", "info": "dim"}


def finding_parts(told: ToldFinding, glyphs: Glyphs, *, attempts: int) -> Parts:
    """A finding as a row; which attempt it is of is said when there were several."""
    row = told.row
    where = row.finding.where if row.finding.title != row.message else ""
    is_past = told.is_repaired or not told.counts
    return [
        (
            f" {glyphs.state(row.severity)} ",
            "dim" if is_past else _SEVERITIES.get(row.severity, "dim"),
        ),
        (f"{where}: " if where else "", "dim" if is_past else "note"),
        (row.message, "dim" if is_past else ""),
        (f"  {found_in(told, attempts)}", "dim"),
    ]


def found_in(told: ToldFinding, attempts: int) -> str:
    """Which stages found it, in which of several attempts, and whether a repair mended it."""
    stages = ", ".join(map(stage_label, told.stages))
    attempt = f" attempt {told.attempt}" if attempts > 1 else ""
    return f"{stages}{attempt}{', repaired' if told.is_repaired else ''}"


def finding_text(row: FindingRow) -> str:
    """All of a finding: what, where, what to do, and the lines that show it."""
    return describe_finding(row.finding, f"in {stage_label(row.stage)}")


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
    of = f" of {stage_label(row.stage)} attempt {row.attempt}" if row.superseded else ""
    return [
        (f" {size(row.size):>9} ", "dim"),
        (f"{row.path} ", "dim" if row.superseded else ""),
        (f" {row.kind}{of}", "dim"),
    ]
