"""``espdeck mcp``: the lab as tools for coding agents."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tui import garbage_collection
from tui.cli.command_line import Commands
from tui.cli.common import load_settings, print_aside, split_names

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
    from engine import Engine, McpAllow, parse_mcp_allowed, serve_mcp

    allowed = parse_mcp_allowed(split_names(allow))

    def open_engine() -> Engine:
        engine = Engine(load_settings(context), lambda: load_settings(context))
        engine.open(execute=McpAllow.BUILD in allowed)
        garbage_collection.modules_are_there()
        return engine

    if sys.stdin.isatty():
        print_aside("waits for an agent on standard input: see  espdeck guide agents")
    serve_mcp(open_engine, allowed)
