"""``espdeck audit``: who did what through the HTTP API, and who was refused."""

from __future__ import annotations

from typing import Annotated

import typer

from tui.cli.command_line import Commands
from tui.cli.common import open_engine, table
from tui.cli.json_output import AsJson, print_json

cli = Commands()


@cli.command()
def audit(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List who did what through the HTTP API, and who was refused, newest first."""
    from tui.presentation.audit_rows import AUDIT_HEAD, audit_row

    with open_engine(context) as engine:
        entries = engine.access.audit(limit=limit)
        if as_json:
            for entry in entries:
                print_json(entry)
            return
        rows = [audit_row(entry) for entry in entries]
        table(AUDIT_HEAD, rows, empty="no requests to the HTTP API yet")
