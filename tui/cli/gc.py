"""``espdeck gc``: free disk."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_error, print_line
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import CleanupReport

cli = Commands()

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
    as_json: AsJson = False,
) -> None:
    """Free disk: old builds and tasks, worktrees, build folders and clones of no project.

    How long builds and tasks stay, and how many, say the settings run_days, run_count and
    run_megabytes. Those that something kept needs stay, and so does every commit that a build was
    of. What no build has any more goes from the store of artifacts, too.
    """
    with open_engine(context) as engine:
        if dry_run:
            swept = engine.maintenance.preview(unused_for=days * DAY_SECONDS)
        else:
            swept = engine.maintenance.sweep(unused_for=days * DAY_SECONDS)
        print_swept(swept, dry_run=dry_run, as_json=as_json)


def print_swept(swept: CleanupReport, *, dry_run: bool, as_json: bool) -> None:
    """Print what went, or would go."""
    if as_json:
        _print_json(swept)
    else:
        _print(swept, "would free" if dry_run else "freed")


def _print(swept: CleanupReport, word: str) -> None:
    from tui.presentation.units import day, size

    for run in swept.runs:
        print_line(f"{run.kind} #{run.number}, ended {day(run.ended)}: {size(run.size)}")
    for line in swept.removed:
        print_line(line)
    store = swept.store
    if store.objects:
        what = f"{count(store.objects, 'file')} that no build has any more"
        print_line(f"in the store, {what}: {size(store.object_bytes)}")
    if store.files:
        what = f"{count(store.files, 'file')} that the store has"
        print_line(f"here, {what}: {size(store.file_bytes)}")
    print_line(f"{word}: {size(swept.bytes)}")
    if store.problem:
        print_error(store.problem)


def _print_json(swept: CleanupReport) -> None:
    for run in swept.runs:
        facts = {"run": run.number, "kind": run.kind, "ended": run.ended}
        print_json(facts | {"size": run.size})
    for line in swept.removed:
        print_json({"removed": line})
    print_json({"bytes": swept.bytes, "store": asdict(swept.store)})
