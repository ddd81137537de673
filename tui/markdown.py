"""Markdown for a pane: parsed by markdown-it, laid out by Rich, with code in our colours.

HTML is text like any other: what a model wrote is all to be seen. Links are written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich import markdown as rich_markdown
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from tui import syntax

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


class _Heading(rich_markdown.Heading):
    """A heading, on the left whatever its level."""

    LEVEL_ALIGN: ClassVar = {f"h{level}": "left" for level in range(1, 7)}


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


class Document(rich_markdown.Markdown):
    """A text as a renderable of Rich."""

    elements: ClassVar = {
        **rich_markdown.Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "image": _Image,
    }

    def __init__(self, text: str, styles: Mapping[str, Style]) -> None:
        """Parse a text.

        Args:
            styles: by the names of :data:`tui.document.STYLES`.
        """
        super().__init__("", hyperlinks=False)
        self.parsed = _PARSER.parse(text)
        self.styles = styles
