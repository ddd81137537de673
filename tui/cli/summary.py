"""Prints the result of a run: its stages, findings and artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.cli.common import print_line, table
from tui.presentation.labels import commit_of, variant_of

if TYPE_CHECKING:
    from engine import Engine, Run, RunService, StageRow
    from tui.remote.lab import RemoteBuilds, RemoteLab

EVIDENCE_LINES = 6
"""How much of a finding's evidence is printed; the screen shows all."""

MESSAGE_CHARACTERS = 100
"""How much of the first line of a commit's message is printed."""


def print_build(engine: Engine | RemoteLab, number: int) -> None:
    """Print the result of a build; its notes come last, where they are seen."""
    build = engine.builds.get(number)
    project = engine.projects.get(str(build.project_id))
    took = f" in {build.duration:.1f} s" if build.duration is not None else ""
    print_line("")
    verdict = f", {build.verdict}" if build.verdict else ""
    print_line(f"build #{number} of {project.name}: {build.status}{verdict}{took}")
    if build.error:
        print_line(f"  {build.error}")
    message = build.commit_message.split("\n")[0][:MESSAGE_CHARACTERS]
    print_line(f"  commit {commit_of(build, 10)} {message} ({build.commit_author})")
    configuration = f", configuration {build.configuration}" if build.configuration else ""
    dirty = ", with uncommitted changes" if build.dirty else ""
    print_line(f"  for {build.target}{configuration}{dirty}")
    if build.asked_by:
        print_line(f"  asked for by {build.asked_by} ({build.triggered_by})")
    print_line("")
    print_stages(engine.builds.stages(number))
    print_findings(engine.builds, number)
    fix = engine.fixes.of(number) if build.status.is_final else None
    if fix is not None:
        print_line("")
        how = "repaired" if fix.proved else "repaired in part"
        print_line(f"{how} ({fix.state}): espdeck fix {number} shows the diff")
    print_artifacts(engine.builds, number)
    if build.notes:
        print_line("")
    for note in build.notes:
        print_line(f"{note['severity']}: {note['message']}")


def print_builds(found: Sequence[Run]) -> None:
    """Print builds that were asked for together, a row each."""
    print_line("")
    table(
        ("BUILD", "FOR", "STATUS", "VERDICT", "TIME", "ERROR"),
        [
            (
                f"#{each.number}",
                variant_of(each),
                each.status,
                each.verdict,
                f"{each.duration:.1f} s" if each.duration is not None else "",
                each.error,
            )
            for each in found
        ],
    )


def print_stages(rows: Sequence[StageRow]) -> None:
    """Print the stages of a run as a table."""
    table(
        ("STAGE", "AGENT", "ATTEMPT", "STATUS", "TIME", "SUMMARY"),
        [
            (
                each.key,
                each.agent,
                str(each.attempt),
                each.status,
                f"{each.seconds:.2f} s" if each.seconds is not None else "",
                each.summary,
            )
            for each in rows
        ],
    )


def print_findings(runs: RunService | RemoteBuilds, number: int) -> None:
    """Print the findings of a run, the newest attempt and the worst first."""
    findings = sorted(runs.findings(number), key=lambda row: (-row.attempt, row.rank))
    attempts = max((row.attempt for row in findings), default=1)
    if findings:
        print_line("")
    for row in findings:
        finding = row.finding
        of = f"{row.stage}, attempt {row.attempt}" if attempts > 1 else row.stage
        print_line(f"{finding.severity}: {finding.title} [{finding.code}] ({of})")
        if finding.hint:
            print_line(f"    {finding.hint}")
        for line in (finding.evidence or "").split("\n")[:EVIDENCE_LINES]:
            if line.strip():
                print_line(f"    | {line}")


def print_artifacts(runs: RunService | RemoteBuilds, number: int) -> None:
    """Print the artifacts of a run, and the folder that they are in."""
    artifacts = runs.artifacts(number)
    if artifacts:
        print_line("")
        table(
            ("ARTIFACT", "KIND", "BYTES", "SHA-256"),
            [(each.path, each.kind, str(each.size), each.sha256[:16]) for each in artifacts],
        )
        print_line(f"in {runs.get(number).artifacts_path}")
