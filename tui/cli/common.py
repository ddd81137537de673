"""What subcommands share: settings, an engine that executes no runs, tables, lines, progress."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.errors import UsageError
from engine.events import Event, ProjectChanged
from engine.text import clean
from tui import garbage_collection
from tui.presentation.tables import Row, columns

if TYPE_CHECKING:
    from engine import Engine, Finding, Settings

_CLEAR_LINE = "\r\x1b[K"  # ECMA-48: erase in line
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,18})([smhdw])")
_LINE_COLUMNS = 78  # a terminal has this many at least

PROGRESS_LINE_SECONDS = 3.0
"""Seconds from one line of progress to the next where there is no terminal."""


REMOTE = "espdeck.remote"
"""Where a context keeps which lab ``--remote`` names; nothing for that of this machine."""

PROFILE = "espdeck.profile"
"""Where a context of the command line, and those below it, keep the profile that was chosen."""


def flags_of(context: typer.Context) -> dict[str, Any]:
    """What the command line says of settings, for every command."""
    return {"workspace": context.obj, "profile": context.meta.get(PROFILE)}


def load_settings(context: typer.Context, **flags: Any) -> Settings:
    """Read the settings; what the command line says wins.

    Raises:
        UsageError: they make no sense, or the command is about another machine's lab.
    """
    if REMOTE in context.meta:
        raise UsageError(
            f"espdeck {context.info_name} cannot be used with --remote: "
            "run it on the lab machine over ssh"
        )
    return load_local_settings(context, **flags)


def load_local_settings(context: typer.Context, **flags: Any) -> Settings:
    """Read the settings of this machine, whichever lab a command is about."""
    from engine import Settings, show_utc

    settings = Settings.load(**(flags_of(context) | flags))
    show_utc(settings.utc)
    return settings


def find_workspace(context: typer.Context) -> Path:
    """The workspace that a command is about; no other setting has to make sense.

    Raises:
        UsageError: the settings make no sense, and may name a workspace that cannot be told.
    """
    try:
        return load_local_settings(context).workspace
    except UsageError:
        from engine import find_workspace

        return find_workspace(**flags_of(context))


def chosen_profile(context: typer.Context) -> str:
    """The profile that the command line names; empty for none."""
    return context.meta.get(PROFILE) or ""


@contextlib.contextmanager
def open_engine(context: typer.Context) -> Iterator[Engine]:
    """Open an engine that executes no runs, while the block runs."""
    from engine import Engine

    engine = Engine(load_settings(context), lambda: load_settings(context))
    if sys.stderr.isatty():
        engine.events.subscribe(_CloneProgress())
    try:
        engine.open(execute=False)
        garbage_collection.modules_are_there()
        yield engine
    finally:
        engine.close()


def split_names(text: str | None) -> list[str]:
    """Split names at commas; each is there once."""
    names = (each.strip() for each in (text or "").split(","))
    return list(dict.fromkeys(filter(None, names)))


def run_number(text: str) -> int:
    """Read the number of a run, as ``12`` or ``#12``.

    Raises:
        UsageError: it is none.
    """
    digits = text.removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,18}", digits):  # what SQLite can count to
        raise UsageError(f"{text!r} is not the number of a build")
    return int(digits)


def duration(text: str) -> timedelta:
    """Read how long something is, as ``30m``, ``2h`` or ``1d``.

    Raises:
        UsageError: it is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text[:80]!r} is not a duration: write 30m, 2h or 1d")
    try:
        long = timedelta(seconds=int(found[1]) * _UNIT_SECONDS[found[2]])
        _ = datetime.now(UTC) + long
    except OverflowError as error:
        raise UsageError(f"{text} is too long: give less than 7,000 years") from error
    return long


def table(head: Row, rows: Sequence[Row], *, empty: str = "") -> None:
    """Print a table: as wide as the terminal at the most, whole where something else reads it.

    Args:
        empty: what is printed where there are no rows; without, it is the head.
    """
    if empty and not rows:
        print_line(empty)
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    cut = "…" if (sys.stdout.encoding or "").lower().startswith("utf") else "~"
    for line in columns(head, rows, width, cut):
        print_line(line)


def print_line(text: str) -> None:
    """Print one line; whatever it is, it cannot steer the terminal."""
    typer.echo(clean(text))


@contextlib.contextmanager
def progress() -> Iterator[Callable[[float, str], None]]:
    """Show progress on standard error while the block runs.

    Yields:
        What is called with percent and what is being done, from one thread at a time: it moves a
        bar on a terminal; else it prints a line from time to time, none of what is soon over.
    """
    if not sys.stderr.isatty():
        yield _ProgressLines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    # Text, as what is being done is no markup.
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=100)

        def tell(percent: float, what: str) -> None:
            bars.update(bar, completed=percent, description=clean(what))

        yield tell


class _ProgressLines:
    """Prints a line when some seconds have passed since the last one."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def tell(self, percent: float, what: str) -> None:
        if time.monotonic() - self._told >= PROGRESS_LINE_SECONDS:
            self._told = time.monotonic()
            typer.echo(f"{percent:3.0f} % {clean(what)}", err=True)


def print_aside(text: str) -> None:
    """Print one line to standard error that is no error."""
    typer.echo(f"{clean(text)}", err=True)


def print_notes(notes: Iterable[Finding]) -> None:
    """Print the notes of a commit to standard error."""
    for note in notes:
        print_error(f"{note.severity}: {note.message}")


def print_error(text: str) -> None:
    """Print one line to standard error."""
    with contextlib.suppress(OSError):  # nobody can be told
        typer.echo(f"espdeck: {clean(text)}", err=True)


class _CloneProgress:
    """Shows how far a clone or a fetch is, in one line of a terminal that is written over."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, event: Event) -> None:
        if not isinstance(event, ProjectChanged):
            return
        told = f"{event.project}: {event.detail}" if event.detail.endswith("%") else ""
        if told or self._shown:
            sys.stderr.write(_CLEAR_LINE + clean(told)[:_LINE_COLUMNS])
            sys.stderr.flush()
        self._shown = bool(told)


def check_dirty(dirty: bool, others: Mapping[str, bool]) -> None:
    """See that ``--dirty`` stands alone.

    Args:
        others: options that name other sources, and whether they are given.

    Raises:
        UsageError: one is given as well.
    """
    other = next((option for option, given in others.items() if given), "")
    if dirty and other:
        raise UsageError(f"--dirty takes the folder as it is now: leave {other} out")
