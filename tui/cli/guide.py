"""``espdeck guide``: the manual, one page a topic."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

import typer

from engine.errors import UsageError
from tui.cli.command_line import Commands
from tui.cli.common import print_line, table
from tui.cli.exit_codes import FAILED
from tui.cli.json_output import AsJson, print_json
from tui.presentation import manual
from tui.presentation.manual import Topic

cli = Commands()

_MAX_COLUMNS = 100
"""Columns of a page on a wide terminal: longer lines are hard to read."""

_LESS = "-FR"
"""Options of less where a person has none: colours, and no waiting for a key after a short page."""


@cli.command("guide")
def guide_command(
    topic: Annotated[str, typer.Argument(help="A page; without one, the list of pages.")] = "",
    search: Annotated[
        str | None, typer.Option("--search", help="Print the lines with this text instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a page of the manual, list the pages, or search in them. Exit code 1: nothing found."""
    pages = manual.topics()
    chosen = [manual.topic_of(topic, pages)] if topic else list(pages.values())
    if search is not None:
        _print_matches(search, chosen, as_json=as_json)
    elif as_json:
        for each in chosen:
            print_json({"topic": each.name, "title": each.title, "summary": each.summary})
    elif topic:
        _show(chosen[0])
    else:
        table(("TOPIC", "WHAT"), [(each.name, each.summary) for each in chosen])


def _print_matches(wanted: str, pages: list[Topic], *, as_json: bool) -> None:
    if not wanted.strip():
        raise UsageError("nothing to search for: --search needs a text")
    found = manual.search(wanted, pages)
    if not found:
        raise typer.Exit(FAILED)
    if as_json:
        for each in found:
            print_json(each)
        return
    table(("TOPIC", "UNDER", "LINE"), [(each.topic, each.heading, each.line) for each in found])


def _show(page: Topic) -> None:
    """Page it on a terminal; else print it as it is."""
    if not sys.stdout.isatty():
        for line in page.text.splitlines():
            print_line(line)
        return
    import click  # not for the list

    os.environ.setdefault("LESS", _LESS)
    click.echo_via_pager(_laid_out(page.text))


def _laid_out(text: str) -> str:
    """A page with the colours of the terminal's own palette."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.style import Style

    from tui.presentation.text_renderer import STYLES, Paper, render

    styles = {name: Style.parse(_STYLES.get(name, "none")) for name in STYLES}
    width = min(_MAX_COLUMNS, shutil.get_terminal_size().columns)
    console = Console(width=width, highlight=False)
    lines = render(text, "page.md", Paper(width, styles, ascii=console.options.ascii_only))
    with console.capture() as captured:
        for line in lines:
            row = line.strip.crop(0, cell_len(line.strip.text.rstrip()))
            console.print(Segments([*row, Segment.line()]), end="")
    return captured.get()


_STYLES = {
    "heading": "bold cyan",
    "strong": "bold",
    "quote": "dim",
    "link": "cyan",
    "note": "cyan",
    "string": "green",
    "comment": "dim",
    "keyword": "blue",
    "type": "cyan",
    "number": "yellow",
}
"""Colours that are seen on dark and light terminals."""
