"""The file of each command: only the one that was named is loaded, and its parser made."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import typer

from tui.cli.command_line import CommandGroup, Commands
from tui.cli.sections import SECTIONS

if TYPE_CHECKING:
    from typer._click import Command, Context

FILES: Mapping[str, str] = {
    "builds": "build builds show cancel retry",
    "projects": "add sync edit remove projects",
    "sources": "apps menuconfig",
    "boards": "boards reserve release monitor sessions",
    "fix": "fix",
    "models": "models",
    "gate": "gate",
    "checks": "check checks",
    "daemon": "daemon",
    "serve": "serve web",
    "mcp": "mcp",
    "guide": "guide",
    "flash": "flash verify read-flash erase partitions efuses reset power name lab",
    "size": "size",
    "compare": "compare",
    "stats": "stats",
    "workflows": "workflow pipeline",
    "tasks": "task",
    "db": "db",
    "gc": "gc",
    "artifacts": "artifacts",
    "config": "config",
    "notify": "notify",
    "tokens": "token",
    "audit": "audit",
    "webhooks": "approve webhooks",
}
"""The commands of each file of this folder but those of :mod:`tui.cli.main`."""

_FILE_OF = {name: file for file, names in FILES.items() for name in names.split()}


class FirstCommand(CommandGroup):
    """``espdeck``, whose commands are loaded when they are asked for."""

    sections = SECTIONS

    def load(self, *files: str) -> None:
        """Load the commands of some files; none loads all."""
        for file in files or FILES:
            holder = Commands(rich_markup_mode=None)
            holder.add_typer(import_module(f"tui.cli.{file}").cli)
            holder.callback()(_nothing)
            found = typer.main.get_group(holder).commands
            self.commands.update({name: found[name] for name in found if name not in self.commands})

    def list_commands(self, ctx: Context) -> list[str]:
        """The names of all commands."""
        self.load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of a name; None where there is none."""
        if cmd_name not in self.commands and cmd_name in _FILE_OF:
            self.load(_FILE_OF[cmd_name])
        return super().get_command(ctx, cmd_name)


def _nothing() -> None:
    """A holder is no command itself."""
