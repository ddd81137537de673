"""``espdeck fix``: shows, commits, exports or discards the repairs of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import UsageError
from tui.cli import change_sets
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, run_number
from tui.cli.json_output import AsJson

cli = Commands()


@cli.command("fix")
def fix_command(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of the build.")],
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit it on the branch espdeck/fix-BUILD.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write it into this file, for git apply.")
    ] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Put it aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the repairs of a build changed; commit, export or discard it."""
    if sum((commit, export is not None, discard)) > 1:
        raise UsageError("one of --commit, --export and --discard at a time")
    number = run_number(build)
    with open_engine(context) as engine:
        if export is not None:
            change_sets.export(engine.fixes, number, export)
        elif commit:
            change_sets.commit(engine.fixes, number, as_json=as_json)
        elif discard:
            change_sets.discard(engine.fixes, number, as_json=as_json)
        else:
            commands = f"espdeck fix {number} --commit, --export FILE or --discard"
            change_sets.show(engine.fixes, number, commands, as_json=as_json)
