"""What a run came to, on the command line: its stages, findings and artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.shell import print_line, table

if TYPE_CHECKING:
    from engine.carried import Carried
    from engine.store.tables import StageRow

EVIDENCE = 6
"""Lines of a finding's evidence; the screen shows all."""


def print_stages(rows: Sequence[StageRow]) -> None:
    """Print the stages of a run as a table."""
    table(
        ("STAGE", "AGENT", "ROUND", "STATUS", "TIME", "SUMMARY"),
        [
            (
                each.key,
                each.agent,
                str(each.attempt),
                each.status,
                f"{(each.completed_at - each.started_at).total_seconds():.2f} s"
                if each.started_at and each.completed_at
                else "",
                each.summary,
            )
            for each in rows
        ],
    )


def print_findings(runs: Carried, number: int) -> None:
    """Print what the stages of a run found, the newest round and the worst first."""
    findings = sorted(runs.findings(number), key=lambda row: (-row.attempt, row.rank))
    rounds = max((row.attempt for row in findings), default=1)
    if findings:
        print_line("")
    for row in findings:
        finding = row.finding
        of = f"{row.stage}, round {row.attempt}" if rounds > 1 else row.stage
        print_line(f"{finding.severity}: {finding.title} [{finding.code}] ({of})")
        if finding.hint:
            print_line(f"    {finding.hint}")
        for line in (finding.evidence or "").split("\n")[:EVIDENCE]:
            if line.strip():
                print_line(f"    | {line}")


def print_artifacts(runs: Carried, number: int) -> None:
    """Print what a run kept, and where."""
    artifacts = runs.artifacts(number)
    if artifacts:
        print_line("")
        table(
            ("ARTIFACT", "KIND", "BYTES", "SHA-256"),
            [(each.path, each.kind, str(each.size), each.sha256[:16]) for each in artifacts],
        )
        print_line(f"in {runs.get(number).artifacts_path}")
