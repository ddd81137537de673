"""README and the pages of the manual, taken apart for the tests that hold them to the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tui.presentation.markdown import anchor_of

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "tui" / "guide").glob("*.md")))

_COMMENT = re.compile(r"<!-- (?P<text>.*?) -->", re.DOTALL)
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: the file.
        line: number of its first line, from 1.
        language: what stands behind the fence.
        mark: the comment right before it, empty for none.
        text: what is in it.
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@cache
def tokens(page: Path) -> list[Token]:
    return _PARSER.parse(page.read_text("utf-8"))


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        mark = ""
        for token in tokens(page):
            if token.type == "fence":
                assert token.map is not None
                if token.info in languages:
                    yield Block(page, token.map[0] + 1, token.info, mark, token.content)
            found = _COMMENT.fullmatch(token.content.strip())
            mark = found["text"] if token.type == "html_block" and found else ""


def inline(page: Path, kind: str) -> Iterator[Token]:
    """Tokens of one kind within paragraphs, headings and tables."""
    for token in tokens(page):
        for child in token.children or ():
            if child.type == kind:
                yield child


def code_spans(page: Path) -> Iterator[str]:
    """Texts in backticks; a row of a table spells ``|`` as ``\\|``."""
    for token in inline(page, "code_inline"):
        yield token.content


def links(page: Path) -> Iterator[str]:
    for token in inline(page, "link_open"):
        yield str(token.attrs["href"])
    for token in inline(page, "image"):
        yield str(token.attrs["src"])


def anchors(page: Path) -> set[str]:
    found, is_heading = set(), False
    for token in tokens(page):
        if is_heading:
            text = "".join(child.content for child in token.children or ())
            found.add(anchor_of(text))
        is_heading = token.type == "heading_open"
    return found


def tables(page: Path) -> Iterator[tuple[str, list[list[Token]]]]:
    """Tables with the comment before them: rows of inline tokens, the head first."""
    mark, rows = "", list[list[Token]]()
    for token in tokens(page):
        if token.type == "html_block":
            found = _COMMENT.fullmatch(token.content.strip())
            mark = found["text"] if found else ""
        elif token.type == "fence":
            mark = ""  # it was the block's
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(token)
        elif token.type == "table_close":
            yield mark, rows
            mark, rows = "", []
