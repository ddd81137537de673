"""``espdeck db``: check, back up and restore the databases of the workspace."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import load_settings, print_line, table
from tui.cli.exit_codes import FAILED
from tui.cli.json_output import AsJson, print_json
from tui.presentation.units import day_and_clock

if TYPE_CHECKING:
    from engine import Backup

cli = Commands()
_db = Commands(help="Check, back up and restore the databases of the workspace.")
cli.add_typer(_db, name="db")

_MAX_LISTED_RUNS = 20
"""How many runs without rows are named."""


@_db.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Say whether the databases are whole and what they name is there. Exit code 1: damage.

    Reads all of both databases; others may use the workspace meanwhile.
    """
    from engine import check_databases, known_backups

    workspace = load_settings(context).workspace
    if not workspace.is_dir():
        raise UsageError(f"{workspace}: there is no workspace yet")
    faults = check_databases(workspace)
    known = known_backups(workspace)
    damaged = any(fault.damage for fault in faults)
    if as_json:
        for fault in faults:
            print_json(asdict(fault))
    else:
        for fault in faults:
            print_line(f"{fault.where}: {fault.what}")
        if damaged and known:
            print_line(f"espdeck db restore brings back the backup of {_time(known[0])}")
        elif damaged:
            print_line("there is no backup: espdeck db restore saves what can be read")
        else:
            newest = f"the newest backup is of {_time(known[0])}" if known else "there is no backup"
            print_line(f"the databases are whole; {newest}")
    if damaged:
        raise typer.Exit(FAILED)


@_db.command()
def backup(context: typer.Context, as_json: AsJson = False) -> None:
    """Back the databases up, also while espdeck runs; the oldest backups go."""
    from engine import back_up_databases, known_backups
    from tui.presentation.units import size

    workspace = load_settings(context).workspace
    if not workspace.is_dir():
        raise UsageError(f"{workspace}: there is no workspace yet")
    made = back_up_databases(workspace)
    if as_json:
        for each in known_backups(workspace):
            print_json(_facts(each))
        return
    print_line(f"made {made.folder}")
    table(
        ("BACKUP", "MADE", "SIZE"),
        [(each.folder.name, _time(each), size(each.size)) for each in known_backups(workspace)],
    )


@_db.command()
def restore(
    context: typer.Context,
    chosen: Annotated[
        Path | None,
        typer.Argument(
            metavar="[BACKUP]", help="Its folder or name. [default: the newest whole one]"
        ),
    ] = None,
    recover: Annotated[
        bool,
        typer.Option("--recover", help="Save what the damaged database still gives instead."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in place of the databases, which are put aside, not deleted.

    Nobody may have the workspace open. Where there is no backup, what can be read is saved.
    """
    from engine import restore_databases

    if recover and chosen is not None:
        raise UsageError("--recover reads the damaged database: name no backup")
    done = restore_databases(load_settings(context).workspace, chosen, recover=recover)
    if as_json:
        facts = {
            "backup": _facts(done.backup) if done.backup is not None else None,
            "aside": str(done.aside) if done.aside is not None else None,
            "rows": done.rows,
            "lost": done.lost,
            "without_rows": done.without_rows,
        }
        print_json(facts)
        return
    if done.backup is not None:
        print_line(f"restored the backup of {_time(done.backup)}: {done.backup.folder}")
    else:
        rows = ", ".join(f"{number} of {name}" for name, number in done.rows.items())
        print_line(f"saved what could be read, table by table: {rows}")
        if done.lost:
            print_line(f"not all could be read of: {', '.join(done.lost)}")
    if done.aside is not None:
        print_line(f"what was there before is in {done.aside}")
    if done.without_rows:
        numbers = ", ".join(f"#{number}" for number in done.without_rows[:_MAX_LISTED_RUNS])
        more = ", …" if len(done.without_rows) > _MAX_LISTED_RUNS else ""
        runs = count(len(done.without_rows), "run")
        print_line(f"kept, though nothing is known of them: artifacts of {runs} ({numbers}{more})")


def _time(backup: Backup) -> str:
    return day_and_clock(backup.made)


def _facts(backup: Backup) -> dict[str, Any]:
    return {
        "folder": str(backup.folder),
        "made": backup.made,
        "version": backup.version,
        "size": backup.size,
    }
