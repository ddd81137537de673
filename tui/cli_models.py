"""``espdeck models``: kinds of models, which model each is, and what is really there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tui.shell import print_line, settings_of, table

cli = typer.Typer()


@cli.command("models")
def models_command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> None:
    """List kinds of models, which model the settings mean by each, and what servers have."""
    from engine.cancel import CancelToken
    from engine.llm.service import Models

    models = Models(settings_of(context).llm)
    servers = models.servers(CancelToken())
    kinds = models.kinds(servers)
    if as_json:
        for row in (*map(asdict, kinds), *map(asdict, servers)):
            print_line(json.dumps(row))
        return
    table(
        ("KIND", "FOR", "MODEL", "STATE"),
        [
            (
                each.kind.title,
                ", ".join(each.kind.recommended),
                f"{each.server} {each.model}".strip() or "-",
                "ready" if each.ready and not each.problem else each.problem,
            )
            for each in kinds
        ],
    )
    for server in servers:
        print_line("")
        print_line(f"{server.name}: {server.problem or ', '.join(server.models) or 'no models'}")
