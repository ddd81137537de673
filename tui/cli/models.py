"""``espdeck models``: names of models, the model behind each, and what servers have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from tui.cli.command_line import Commands
from tui.cli.common import load_settings, print_line, table
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import ModelState

cli = Commands()


@cli.command("models")
def models_command(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """List names of models, which model the settings mean by each, and what servers have."""
    from engine import CancelToken, Models, model_purposes

    purposes = model_purposes()
    models = Models(load_settings(context).llm)
    servers = models.servers(CancelToken())
    states = models.states(servers)
    if as_json:
        for row in (*map(asdict, states), *map(asdict, servers)):
            print_json(row)
        return
    table(
        ("NAME", "FOR", "MODEL", "STATE"),
        [
            (
                each.name,
                _purpose(each, purposes),
                f"{each.server} {each.model}".strip() or "-",
                "ready" if each.ready and not each.problem else each.problem,
            )
            for each in states
        ],
    )
    for server in servers:
        print_line("")
        has = ", ".join(server.models) or "no models"
        print_line(server.problem or f"{server.name}: {has}")


def _purpose(state: ModelState, purposes: Mapping[str, str]) -> str:
    """What a model is used for."""
    if state.kind is not None:
        return ", ".join(state.kind.recommended)
    return purposes.get(state.name, "") or f"--model {state.name}"
