"""Markdown: CommonMark with tables, as GitHub and GitLab read it, and what sites add to it."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from engine.checks.documentation.document import (
    Document,
    DocumentFormat,
    Heading,
    Link,
    LinkKind,
    Name,
)
from engine.checks.documentation.names import (
    MAX_NAMES,
    names_in_block,
    names_in_prose,
    names_in_span,
    without_own,
)

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_NESTING = 20  # of quotes and lists
_MAX_PARAGRAPH_CHARACTERS = (
    20_000  # of a longer one nobody reads the links, and brackets take their square
)

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ATTRIBUTES = re.compile(
    r"""\s(?P<name>href|src|name|id)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?P<tag>[A-Za-z]\w{0,15})\b(?P<rest>[^<>]{0,4000})>")
_HTML_HEADING = re.compile(
    r"<h([1-6])\b[^<>]{0,400}>(.{0,400}?)</h\1\s*>", re.IGNORECASE | re.DOTALL
)
_EXPLICIT = re.compile(r"\s*\{:?\s*#([\w.:-]+)[^}]*\}\s*$")
_MYST_LABEL = re.compile(r"^\(([\w.:-]+)\)=\s*$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_PARTS = re.compile(
    r"^import\s[^\n]{1,300}\sfrom\s|--8<--|\{%-?\s*include|\{\{\s*#?include|\{include\}|<!--@include:|^\[!INCLUDE",
    re.MULTILINE,
)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)([^\n]{1,300}?)\1[ \t]*$", re.MULTILINE)


def parse_markdown(text: str) -> Document:
    """Read a Markdown document.

    Args:
        text: all of it. Untrusted: time is linear in its length.
    """
    document = Document(DocumentFormat.MARKDOWN)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    front = _FRONT_MATTER.match(text)
    if front:
        titled = _FRONT_TITLE.search(front[0])
        if titled:
            document.headings.append(Heading(0, titled[2], 1))
        # Its lines stay, so that those below keep their numbers.
        text = "\n" * front[0].count("\n") + text[front.end() :]
    document.anchors.update(found[1] for found in _MYST_LABEL.finditer(text))
    document.labels.update(document.anchors)
    parser = _parser()
    environment: dict[str, object] = {}
    tokens = parser.parse(text, environment)
    line, heading = 1, 0
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type == "inline":
            shown = _read_inline(parser, token, line, environment, document)
            if heading:
                document.headings.append(_heading(heading, shown, line))
                heading = 0
        elif token.type in ("fence", "code_block"):
            first = line + (token.type == "fence")
            _add_names(document, names_in_block(token.info, token.content, first))
        elif token.type == "html_block":
            _read_html(token.content, line, document)
    document.names = without_own(document.names)
    document.has_parts = bool(_PARTS.search(text))
    return document


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    # Inline code is read paragraph by paragraph below, where it is short enough.
    parser.core.ruler.disable("inline")
    # What only changes how text looks takes most of the time.
    parser.inline.ruler2.disable(["emphasis"])
    return parser


def _read_inline(
    parser: MarkdownIt,
    token: Token,
    line: int,
    environment: dict[str, object],
    document: Document,
) -> str:
    """Read what a paragraph, heading or cell holds; the text of it that is shown."""
    content = token.content
    if len(content) > _MAX_PARAGRAPH_CHARACTERS:
        return ""
    if not re.search(r"[\[`<\\&]", content):  # most paragraphs are nothing but words
        for number, each in enumerate(content.split("\n"), line):
            _add_names(document, names_in_prose(each, number))
        return _without_emphasis(content)
    children: list[Token] = []
    parser.inline.parse(content, parser, environment, children)
    return _read_children(children, line, document)


def _read_children(children: Sequence[Token], line: int, document: Document) -> str:
    shown: list[str] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            line += 1
            shown.append(" ")
        elif child.type == "text":
            shown.append(_without_emphasis(child.content))
            _add_names(document, names_in_prose(child.content, line))
        elif child.type == "code_inline":
            shown.append(child.content)
            _add_names(document, names_in_span(child.content, line))
        elif child.type == "link_open":
            document.links.append(Link(LinkKind.LINK, str(child.attrGet("href") or ""), line))
        elif child.type == "image":
            document.links.append(Link(LinkKind.IMAGE, str(child.attrGet("src") or ""), line))
        elif child.type == "html_inline":
            _read_html(child.content, line, document)
            line += child.content.count("\n")
    return "".join(shown)


def _read_html(text: str, line: int, document: Document) -> None:
    """Read links and anchors of HTML that stands in Markdown."""
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    at, number = 0, line
    for tag in _TAG.finditer(text):
        number += text.count("\n", at, tag.start())
        at = tag.start()
        name = tag["tag"].lower()
        for found in _ATTRIBUTES.finditer(tag["rest"]):
            value = html.unescape(found["double"] or found["single"] or found["bare"] or "").strip()
            attribute = found["name"].lower()
            if attribute == "id" or (attribute == "name" and name == "a"):
                document.anchors.add(value)
            elif attribute == "href" and name == "a":
                document.links.append(Link(LinkKind.LINK, value, number))
            elif attribute == "src" and name in ("img", "source", "video", "audio"):
                document.links.append(Link(LinkKind.IMAGE, value, number))
    for found in _HTML_HEADING.finditer(text):
        shown = html.unescape(re.sub(r"<[^<>]*>", "", found[2])).strip()
        if shown:
            number = line + text.count("\n", 0, found.start())
            document.headings.append(Heading(int(found[1]), shown, number))


def _heading(level: int, shown: str, line: int) -> Heading:
    explicit = _EXPLICIT.search(shown)
    if explicit:
        return Heading(level, shown[: explicit.start()].strip(), line, explicit[1])
    return Heading(level, shown.strip(), line)


def _without_emphasis(text: str) -> str:
    """Text without the stars and underscores that make it bold; those inside of words stay."""
    if "*" not in text and "_" not in text and "~~" not in text:
        return text
    text = re.sub(r"\*+(?=\S)|(?<=\S)\*+|~~", "", text)
    return re.sub(r"(?<![\w])_+(?=\w)|(?<=\w)_+(?![\w])", "", text)


def _add_names(document: Document, names: Iterator[Name]) -> None:
    document.names.extend(islice(names, MAX_NAMES - len(document.names)))
