"""Markdown for a pane: parsed by markdown-it, laid out by Rich, with code in our colours.

HTML is text like any other: what a model wrote is all to be seen. Links are written out, or are
part of the style of their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from rich import markdown as rich_markdown
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from tui.presentation import syntax

_DEEPEST = 40
"""Levels of lists and quotes within each other; the parser drops what is deeper."""

_LEAST = 12
"""Cells that the text of the deepest list or quote is to have."""

_INDENTS = {"blockquote_open": 4, "list_item_open": 3}
"""Cells that Rich takes from what is within."""

_ENDS = {name.replace("_open", "_close"): cells for name, cells in _INDENTS.items()}


def _edit(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    """A rule of the parser: a search/replace block is a fence, as it stands."""

    def line(at: int) -> str:
        return state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]]

    if not syntax.SEARCH.fullmatch(line(begin)):
        return False
    for at in range(begin + 1, end):
        if syntax.REPLACE.fullmatch(line(at)):
            break
        if syntax.SEARCH.fullmatch(line(at)):
            return False  # the one before has no end
    else:
        return False
    if not silent:
        state.line = at + 1
        token = state.push("fence", "code", 0)
        token.content = state.getLines(begin, at + 1, state.sCount[begin], True)
    return True


_ANCHOR = "anchor"
"""Key of a style's meta data in which a heading has its anchor."""

_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
_PARSER.enable(["strikethrough", "table"])
_PARSER.block.ruler.before("fence", "edit", _edit, {"alt": ["paragraph", "blockquote", "list"]})


def anchor_of(heading: str) -> str:
    """How a link names a heading behind ``#``, as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchor_in(row: Sequence[Segment]) -> str:
    """The anchor of a heading whose row this is; empty in other rows."""
    return next((each.style.meta[_ANCHOR] for each in row if each.style and each.style.meta), "")


class _Heading(rich_markdown.Heading):
    """A heading, on the left whatever its level; its style knows its anchor."""

    LEVEL_ALIGN: ClassVar = {f"h{level}": "left" for level in range(1, 7)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.stylize(Style(meta={_ANCHOR: anchor_of(self.text.plain)}))
        yield from super().__rich_console__(console, options)


class _Image(rich_markdown.ImageItem):
    """An image is its text and where it lies."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text.assemble("[image: ", self.text, f" ({self.destination})] ", end="")


class _Code(rich_markdown.TextElement):
    """A fenced block; what its info string says beside the language stands above it."""

    def __init__(self, language: str, told: str, styles: Mapping[str, Style]) -> None:
        self._language = language
        self._told = told
        self._styles = styles

    @classmethod
    def create(cls, markdown: rich_markdown.Markdown, token: Token) -> _Code:
        assert isinstance(markdown, Document)
        language, _, told = token.info.strip().partition(" ")
        return cls(language, told.strip(), markdown.styles)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._told:
            yield Text(self._told, style=self._styles["note"])
        for row in syntax.fence_rows(str(self.text), self._language):
            under = self._styles[row.ground or "block"]
            text = Text(style=under, overflow="fold")
            for piece, word in row.parts:
                text.append(piece, Style(color=self._styles[word].color) if word else None)
            text.pad_right(max(0, options.max_width - text.cell_len))
            yield text


class _Table(rich_markdown.TableElement):
    """A table whose cells are folded: nothing of them is cut."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)
            for column in table.columns:
                column.overflow = "fold"
            yield table


class Document(rich_markdown.Markdown):
    """A text as a renderable of Rich."""

    elements: ClassVar = {
        **rich_markdown.Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "image": _Image,
        "table_open": _Table,
    }

    def __init__(self, text: str, styles: Mapping[str, Style], *, hyperlinks: bool = False) -> None:
        """Parse a text.

        Args:
            styles: by the names of :data:`tui.presentation.text_renderer.STYLES`.
            hyperlinks: the style of a link's text has its target; else that is written out.
        """
        super().__init__("", hyperlinks=hyperlinks)
        self.parsed = _PARSER.parse(text)
        self.styles = styles

    def fits(self, width: int) -> bool:
        """Whether all of it can be seen in so many cells: lists and quotes take some a level."""
        indent, levels = 0, [0]
        for token in self.parsed:
            if token.type in _INDENTS:
                indent += _INDENTS[token.type]
                levels.append(indent)
            elif token.type in _ENDS:
                indent -= _ENDS[token.type]
        deepest = max((token.level for token in self.parsed), default=0)
        indent = max(levels)
        return deepest < _DEEPEST - 2 and (indent == 0 or indent + _LEAST <= width)
