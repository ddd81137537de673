"""Texts as rows of cells: source and patches with their colours, Markdown as it is meant.

Everything is untrusted. Markdown is cleaned after the parser too: an entity of HTML may spell a
control character. No link of a terminal is made: one that can be followed is data beside its row.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.text import clean
from tui.presentation import syntax
from tui.presentation.strips import wrap

STYLES = (
    "text", "note", "added", "removed", "block", "heading", "strong", "quote", "link",
    *syntax.CLASSES,
)  # fmt: skip
"""Names of the styles that rows are made with."""

MAX_MARKDOWN = 64_000
"""Characters of Markdown that are laid out; a longer text is shown as it was written."""

_AS_WRITTEN = "(too long or too deep to be laid out: as it was written)"
_MAX_LINE = 4_000
_MARKDOWN = (".md", ".markdown")
_PATCHES = (".patch", ".diff")


@dataclass(frozen=True, slots=True)
class Link:
    """Cells of a row that lead elsewhere.

    Args:
        begin, end: the first cell, and the one behind the last.
        target: where to, as it is written.
    """

    begin: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row.

    Args:
        strip: as wide as it is.
        ground: the style of the cells beyond its end.
        links: its links, where they were asked for.
        anchor: what a link to it says behind ``#``, when it is a heading.
    """

    strip: Strip
    ground: Style
    links: tuple[Link, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What rows are made for.

    Args:
        width: cells that Markdown is wrapped to.
        styles: a style for each of :data:`STYLES`.
        ascii: no other characters of our own.
        links: links are their text alone, and can be followed; else they are written out.
    """

    width: int
    styles: Mapping[str, Style]
    ascii: bool
    links: bool = False


def render(text: str, name: str, paper: Paper) -> list[Line]:
    """A text as rows. Takes up to half a second: keep it off the event loop.

    Args:
        name: path or name of the file, which tells what it is; ``.md`` is Markdown.
    """
    if name.endswith(_MARKDOWN):
        laid_out = _markdown(text, paper) if len(text) <= MAX_MARKDOWN else None
        return laid_out if laid_out is not None else _as_written(text, paper)
    rows = syntax.diff_rows(text) if name.endswith(_PATCHES) else syntax.source_rows(text, name)
    return [_line(row, paper.styles) for row in rows]


def _line(row: syntax.Row, styles: Mapping[str, Style], ground: str = "text") -> Line:
    under = styles[row.ground or ground]
    segments, left = [], _MAX_LINE
    for text, word in row.parts:
        style = under + Style(color=styles[word].color) if word else under
        text = clean(text[:left])
        left -= len(text)
        if text:
            segments.append(Segment(text, style))
    return Line(Strip(segments), under)


def _as_written(text: str, paper: Paper) -> list[Line]:
    """Markdown that cannot be laid out, wrapped, so that all of it is seen."""
    width, style, note = max(1, paper.width), paper.styles["text"], paper.styles["note"]
    lines = text.removesuffix("\n").split("\n")
    rows = (part for line in lines for part in wrap(clean(line), width))
    told = [Line(Strip([Segment(part, note)]), style) for part in wrap(_AS_WRITTEN, width)]
    return [*told, *(Line(Strip([Segment(row, style)]), style) for row in rows)]


def _markdown(text: str, paper: Paper) -> list[Line] | None:
    """Markdown as it is meant; None when there is no room for how deep its parts lie."""
    from rich.console import Console
    from rich.theme import Theme

    from tui.presentation.markdown import Document, anchor_in

    styles = paper.styles
    theme = Theme({name: styles[ours] for name, ours in _THEME.items()})
    width = max(1, paper.width)
    console = Console(file=io.StringIO(), theme=theme, width=width, color_system="truecolor")
    options = console.options
    if paper.ascii:
        options.encoding = "ascii"
    # Before, so that nothing is wrapped in the midst of a sequence; and after, see above.
    cleaned = "\n".join(map(clean, text.split("\n")))
    document = Document(cleaned, styles, hyperlinks=paper.links)
    if not document.fits(width):
        return None
    rows = console.render_lines(document, options, style=styles["text"], pad=False)
    return [_row(row, paper, anchor_in(row)) for row in rows]


def _row(row: Iterable[Segment], paper: Paper, anchor: str) -> Line:
    segments: list[Segment] = []
    links: list[Link] = []
    at = 0
    for text, style, _ in row:
        text = clean(text)
        text = text.translate(_PLAIN) if paper.ascii else text
        style = style or Style.null()
        end = at + cell_len(text)
        if style.link and text:
            links.append(Link(at, end, style.link))
        segments.append(Segment(text, style.clear_meta_and_links()))
        at = end
    return Line(Strip(segments), paper.styles["text"], tuple(links), anchor)


_THEME = {
    **{f"markdown.h{level}": "heading" for level in range(1, 7)},
    "markdown.strong": "strong",
    "markdown.code": "string",
    "markdown.block_quote": "quote",
    "markdown.item.bullet": "link",
    "markdown.item.number": "link",
    "markdown.link": "strong",
    "markdown.link_url": "link",
    "markdown.hr": "quote",
    "markdown.table.border": "quote",
    "markdown.table.header": "heading",
}
"""Which of our styles Rich's Markdown takes."""

_PLAIN = {ord("•"): "*", ord("▌"): "|"}
"""What Rich draws lists and quotes with, in ASCII; tables know it themselves."""
