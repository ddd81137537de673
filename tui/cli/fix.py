"""``espdeck fix``: shows, commits, exports or discards the repairs of a build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, run_number
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import Fix

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
            print_line(f"written: {engine.fixes.export(number, export)}")
            return
        if commit:
            fix: Fix | None = engine.fixes.commit(number)
        elif discard:
            fix = engine.fixes.discard(number)
        else:
            fix = engine.fixes.of(number)
    if fix is None:
        raise UsageError(f"build {number} has no fix")
    if as_json:
        print_json(_facts(fix))
    elif discard:
        print_line(f"the fix of build {number} is put aside")
    elif commit:
        print_line(f"committed on {fix.branch}; to get it: {fix.fetch}")
    else:
        _print(fix)


def _print(fix: Fix) -> None:
    for line in (*fix.message.splitlines(), "", *fix.diff.split("\n")):
        print_line(line)
    if fix.state == "committed":
        print_line(f"committed on {fix.branch}: {fix.fetch}")
    elif fix.state == "discarded":
        print_line("discarded")
    else:
        print_line(f"espdeck fix {fix.build} --commit, --export FILE or --discard")


def _facts(fix: Fix) -> dict[str, object]:
    return {
        "build": fix.build,
        "state": fix.state,
        "proved": fix.proved,
        "files": fix.files,
        "branch": fix.branch,
        "fetch": fix.fetch,
        "clone": str(fix.clone),
        "message": fix.message,
        "diff": fix.diff,
    }
