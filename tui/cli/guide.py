"""``espdeck guide``: the manual, one page a topic."""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from typing import Annotated

import typer

from engine.errors import UsageError
from tui.cli.common import print_line, table

cli = typer.Typer()

_WIDEST = 100
"""Columns of a page on a wide terminal: longer lines are hard to read."""


@cli.command("guide")
def guide_command(
    topic: Annotated[str, typer.Argument(help="A page; without one, the list of pages.")] = "",
) -> None:
    """Read a page of the manual, or list the pages."""
    folder = files("tui").joinpath("guide")
    pages = {page.name.removesuffix(".md"): page for page in folder.iterdir()}
    texts = {name: pages[name].read_text("utf-8") for name in sorted(pages)}
    if not topic:
        titles = ((name, text.partition("\n")[0].lstrip("# ")) for name, text in texts.items())
        table(("TOPIC", "WHAT"), list(titles))
        return
    if topic not in texts:
        raise UsageError(f"no page {topic!r} (pages: {', '.join(texts)})")
    if not sys.stdout.isatty():
        for line in texts[topic].splitlines():
            print_line(line)
        return
    from rich.console import Console  # not for the list
    from rich.markdown import Markdown

    width = min(_WIDEST, shutil.get_terminal_size().columns)
    Console(width=width).print(Markdown(texts[topic], hyperlinks=False))
