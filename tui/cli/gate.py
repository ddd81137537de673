"""``espdeck gate``: measures a project against the thresholds of the quality gate."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli import common
from tui.cli.command_line import Commands
from tui.cli.exit_codes import FAILED, SUCCESS, WARNING
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import GateMeasurement

cli = Commands()

_EXIT_CODES = {"passed": SUCCESS, "failed": FAILED, "not judged": WARNING}
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
    target: Annotated[
        str | None, typer.Option(help="Chip whose build is measured. [default: the project's]")
    ] = None,
    configuration: Annotated[
        str | None,
        typer.Option("--config", "--env", help="Configuration whose build is measured."),
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Measure the folder as it is, with uncommitted changes.")
    ] = False,
    commit: Annotated[
        str | None, typer.Option(help="Commit, tag, branch, HEAD~2, … [default: what it follows]")
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Branch or tag to follow, for a project that is new.")
    ] = None,
    app_folder: Annotated[
        str, typer.Option("--app", help="Folder of the repository to measure (see: espdeck apps).")
    ] = "",
    baseline: Annotated[
        str | None, typer.Option(help="Commit, tag or branch whose findings do not block.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=MAX_JOBS, help="Tools at the same time."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a project: coverage, code, security, documentation, size.

    Exit code 1: it failed. Exit code 3: too little could be measured to let it pass.
    """
    from engine import check_targets

    common.check_dirty(dirty, {"--commit": commit is not None})
    chips = check_targets([target] if target else [])
    with common.open_engine(context) as engine:
        found = engine.projects.find_or_add(project, targets=chips, app=app_folder, branch=branch)
        variant = None
        if chips or configuration:
            variant = engine.builds.choose_variants(
                found,
                targets=chips,
                configurations=[configuration] if configuration else [],
                commit=commit,
                dirty=dirty,
            )[0]
        with common.progress() as on_progress:
            gated = engine.gate.measure(
                found.id,
                commit=commit,
                dirty=dirty,
                variant=variant,
                baseline=baseline or "",
                jobs=jobs,
                on_progress=on_progress,
            )
        ascii_only = engine.settings.ascii
    if as_json:
        verdict = {"verdict": gated.result.verdict, "summary": gated.result.summary}
        told = asdict(gated)
        print_json({**told, "result": {**told["result"], **verdict}})
    else:
        if dirty and not gated.dirty:
            common.print_line(f"nothing is uncommitted: this is {gated.commit.sha[:10]}")
        _print(gated, ascii_only=ascii_only)
        common.print_notes(gated.notes)
    raise typer.Exit(_EXIT_CODES[gated.result.verdict])


def _print(gated: GateMeasurement, *, ascii_only: bool) -> None:
    from engine.enums import Severity
    from tui.theme import Glyphs

    glyphs = Glyphs(ascii_only)
    result = gated.result
    commit = f"{gated.commit.sha[:10]}{' with uncommitted changes' if gated.dirty else ''}"
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
