"""Prints the result of a run: its stages, findings and artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.cli.common import print_line, table
from tui.presentation.labels import commit_of, stage_label, variant_of
from tui.presentation.result_rows import found_in
from tui.presentation.units import clock

if TYPE_CHECKING:
    from engine import Engine, Retry, Run, RunService, StageRow
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
    for retry in engine.builds.retries(number):
        print_line(_retried(retry))
    print_findings(engine.builds, number)
    fix = engine.fixes.of(number) if build.status.is_final else None
    if fix is not None:
        print_line("")
        how = "repaired" if fix.proved else "repaired in part"
        print_line(f"{how} ({fix.state}): espdeck fix {number} shows the diff")
        if fix.fetch:
            print_line(f"to get it: {fix.fetch}")
    print_artifacts(engine.builds, number)
    if build.notes:
        print_line("")
    for note in build.notes:
        print_line(f"{note['severity']}: {note['message']}")


def _retried(retry: Retry) -> str:
    """What a run had come to before it was retried, in a line."""
    start = f"from {retry.phase}" if retry.phase else "from the start"
    took = f" in {retry.duration:.1f} s" if retry.duration is not None else ""
    why = f": {retry.error}" if retry.error else ""
    at = clock(retry.asked_at)
    return f"retried {start} at {at} as attempt {retry.attempt}; before: {retry.status}{took}{why}"


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
    """Print the stages of a run as a table; those that a retry did again say so."""
    table(
        ("STAGE", "AGENT", "ATTEMPT", "STATUS", "TIME", "SUMMARY"),
        [
            (
                stage_label(each.key),
                each.agent,
                str(each.attempt),
                f"{each.status}, done again" if each.superseded else each.status,
                f"{each.seconds:.2f} s" if each.seconds is not None else "",
                each.summary,
            )
            for each in rows
        ],
    )


def print_findings(runs: RunService | RemoteBuilds, number: int) -> None:
    """Print the findings of a run, the worst first; then those of its other attempts, in short."""
    from engine import count_findings

    findings = runs.listed_findings(number)
    attempts = max((row.attempt for row in runs.stages(number)), default=1)
    if findings:
        print_line("")
        print_line(f"findings: {count_findings(findings)}")
    is_past = False
    for told in findings:
        finding = told.finding
        if not told.counts and not is_past:
            is_past = True
            print_line("")
            print_line("findings of other attempts:")
        found = found_in(told, attempts)
        print_line(f"{finding.severity}: {finding.title} [{finding.code}] ({found})")
        if is_past:
            continue
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
