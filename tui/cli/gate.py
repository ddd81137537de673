"""``espdeck gate``: measures a project against the thresholds of the quality gate."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli import common
from tui.cli.command_line import Commands
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import GateMeasurement

cli = Commands()

FAILED = 1
BAR_CHARACTERS = 10
"""Length of a bar."""

MAX_JOBS = 64
"""Tools at the same time."""

MAX_FINDINGS = 20
"""Findings that are listed; --json has all."""


@cli.command("gate")
def gate_command(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="A project's name, a Git URL or a path.")],
    commit: Annotated[
        str | None, typer.Option(help="Commit, tag or branch. [default: the branch's tip]")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Commit, tag or branch whose findings do not block.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=MAX_JOBS, help="Tools at the same time."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a project: coverage, code, security, documentation, size. Exit code 1: it failed."""
    with common.open_engine(context) as engine:
        found = engine.projects.find_or_add(project)
        with common.progress() as on_progress:
            gated = engine.gate.measure(
                found.id,
                commit=commit,
                baseline=baseline or "",
                jobs=jobs,
                on_progress=on_progress,
            )
        ascii_only = engine.settings.ascii
    if as_json:
        print_json(asdict(gated))
    else:
        _print(gated, ascii_only=ascii_only)
        common.print_notes(gated.notes)
    if not gated.result.passed:
        raise typer.Exit(FAILED)


def _print(gated: GateMeasurement, *, ascii_only: bool) -> None:
    from engine.enums import Severity
    from tui.theme import Glyphs

    glyphs = Glyphs(ascii_only)
    result = gated.result
    commit = gated.commit.sha[:10]
    common.print_line(f"{gated.project} at {commit}, {gated.built}: {result.summary}")
    common.print_line("")
    common.table(
        ("MEASURE", "STATUS", "VALUE", "DEMANDED", "", "HOW"),
        [
            (
                each.title,
                each.status,
                each.shown,
                each.limit,
                glyphs.bar(each.score, BAR_CHARACTERS) if each.value is not None else "",
                each.detail,
            )
            for each in result.measures
        ],
    )
    told = [
        finding
        for each in result.measures
        for finding in each.findings
        if finding.severity is not Severity.INFO
    ]
    listed = list(dict.fromkeys((*result.blockers, *told)))
    if listed:
        common.print_line("")
    for finding in listed[:MAX_FINDINGS]:
        common.print_line(f"{finding.severity}: {finding.title} [{finding.code}]")
        if finding.hint:
            common.print_line(f"    {finding.hint}")
    if len(listed) > MAX_FINDINGS:
        common.print_line(f"and {len(listed) - MAX_FINDINGS} more: --json has all")
