"""``espdeck mcp``: the lab as tools for coding agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from tui import garbage_collection
from tui.cli.command_line import Commands
from tui.cli.common import REMOTE, load_settings, split_names

if TYPE_CHECKING:
    from engine import Engine

cli = Commands()


@cli.command("mcp")
def mcp_command(
    context: typer.Context,
    allow: Annotated[
        str,
        typer.Option(
            metavar="CLASSES",
            help="What agents may do beside reading: build, flash, console, reserve, or several "
            "of them: build,flash.",
        ),
    ] = "",
) -> None:
    """Serve the lab's tools to a coding agent over MCP, on standard input and output.

    Agents start it themselves: see espdeck guide agents.
    """
    from engine import McpAllow, parse_mcp_allowed, serve_mcp

    if REMOTE in context.meta:
        raise UsageError("espdeck mcp cannot be used with --remote: have ssh start it there")
    allowed = parse_mcp_allowed(split_names(allow))

    def open_engine() -> Engine:
        from engine import Engine

        engine = Engine(load_settings(context), lambda: load_settings(context))
        engine.open(execute=McpAllow.BUILD in allowed)
        garbage_collection.modules_are_there()
        return engine

    serve_mcp(open_engine, allowed)
