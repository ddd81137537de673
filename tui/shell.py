"""What every subcommand uses: the settings, an engine that only looks, tables and lines."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from engine.errors import UsageError
from engine.text import clean
from tui import collecting
from tui.columns import Row, columns

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.settings import Settings


def settings_of(context: typer.Context, **flags: Any) -> Settings:
    """Read the settings; what the command line says wins."""
    from engine.settings import Settings

    return Settings.load(**({"workspace": context.obj} | flags))


@contextlib.contextmanager
def looking(context: typer.Context) -> Iterator[Engine]:
    """An engine that runs no builds, open while the block runs."""
    from engine import Engine

    engine = Engine(settings_of(context))
    try:
        engine.open(execute=False)
        collecting.modules_are_there()
        yield engine
    finally:
        engine.close()


def number_of(text: str) -> int:
    """The number of a build, as a person writes it."""
    digits = text.removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,18}", digits):  # what SQLite can count to
        raise UsageError(f"{text!r} is not the number of a build")
    return int(digits)


def table(head: Row, rows: Sequence[Row]) -> None:
    """Print a table."""
    for line in columns(head, rows):
        print_line(line)


def print_json(row: Any, **instead: str) -> None:
    """Print a row of the store as JSON; ``instead`` replaces some of it."""
    print_line(json.dumps(row.model_dump(mode="json") | instead))


def print_line(text: str) -> None:
    """Print one line; whatever it is, it cannot steer the terminal."""
    typer.echo(clean(text))


def complain(text: str) -> None:
    """Print one line to standard error, as every failure is told."""
    typer.echo(f"espdeck: {clean(text)}", err=True)
