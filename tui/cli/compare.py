"""``espdeck compare``: what differs between two builds of a project."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, run_number
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine import BuildComparison, FindingRow, LogChange, Run

cli = Commands()


@cli.command()
def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="Number of a build.")],
    after: Annotated[str, typer.Argument(help="Number of another build of the project.")],
    as_json: AsJson = False,
) -> None:
    """Compare two builds: commits, findings, tests, sizes, times, files and logs.

    The build with the smaller number is the one before.
    """
    from tui.presentation.compare_rows import compare_rows, compare_title

    first, second = sorted((run_number(before), run_number(after)))
    with open_engine(context) as engine:
        found = engine.builds.compare(second, first)
        logs = engine.builds.compare_logs(second, first)
    if as_json:
        print_json(_facts(found, logs))
        return
    print_line(f"COMPARE {compare_title(found)}")
    for row in compare_rows(found, logs):
        if row.is_head:
            print_line("")
        print_line(row.section if row.is_head else f"  {row.text}")


def _facts(found: BuildComparison, logs: Sequence[LogChange]) -> dict[str, Any]:
    return {
        "before": _build(found.other),
        "after": _build(found.build),
        "commits": asdict(found.commits) if found.commits else None,
        "findings": {
            "new": [_finding(row) for row in found.new_findings],
            "gone": [_finding(row) for row in found.gone_findings],
            "same": [_finding(row) for row in found.same_findings],
        },
        "tests": {
            "before": asdict(found.tallies[1]),
            "after": asdict(found.tallies[0]),
            "changed": [asdict(each) for each in found.tests],
        },
        "regions": [asdict(each) | {"change": each.change} for each in found.regions],
        "components": [asdict(each) | {"change": each.change} for each in found.components],
        "stages": [asdict(each) for each in found.stages],
        "files": [asdict(each) for each in found.files],
        "logs": [asdict(each) for each in logs],
        "problems": found.problems,
    }


def _build(run: Run) -> dict[str, Any]:
    names = ("id", "status", "commit_sha", "error", "verdict", "duration")
    return {name: getattr(run, name) for name in names}


def _finding(row: FindingRow) -> dict[str, Any]:
    return {"stage": row.stage, "attempt": row.attempt, **asdict(row.finding)}
