"""``espdeck gc``: free disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.common import open_engine, print_line

if TYPE_CHECKING:
    from engine import CleanupReport

cli = typer.Typer()

DAY_SECONDS = 86400.0


@cli.command()
def gc(
    context: typer.Context,
    days: Annotated[
        float,
        typer.Option(min=0, help="Only worktrees in which nothing was built for so many days."),
    ] = 7.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> None:
    """Free disk: old builds and tasks, worktrees, build folders and clones of no project.

    How long builds and tasks stay, and how many, say the settings run_days and run_count. Those
    that something kept needs stay, and so does every commit that a build was of.
    """
    with open_engine(context) as engine:
        if dry_run:
            swept = engine.maintenance.preview(unused_for=days * DAY_SECONDS)
        else:
            swept = engine.maintenance.sweep(unused_for=days * DAY_SECONDS)
        if as_json:
            _print_json(swept)
        else:
            _print(swept, "would free" if dry_run else "freed")


def _print(swept: CleanupReport, word: str) -> None:
    from tui.presentation.units import size

    for run in swept.runs:
        print_line(f"{run.kind} #{run.number}, ended {run.ended:%Y-%m-%d}: {size(run.size)}")
    for line in swept.removed:
        print_line(line)
    print_line(f"{word}: {size(swept.bytes)}")


def _print_json(swept: CleanupReport) -> None:
    for run in swept.runs:
        facts = {"run": run.number, "kind": run.kind, "ended": run.ended.isoformat()}
        print_line(json.dumps(facts | {"size": run.size}))
    for line in swept.removed:
        print_line(json.dumps({"removed": line}))
    print_line(json.dumps({"bytes": swept.bytes}))
