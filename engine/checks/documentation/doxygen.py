"""Doxygen: pages, and comments in headers, by the commands of its ``commentscan.l``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from engine.checks.documentation.document import (
    Document,
    DocumentFormat,
    Heading,
    Link,
    LinkKind,
    Name,
    NameKind,
)
from engine.checks.documentation.names import MAX_NAMES, names_in_block, names_in_prose, without_own

_COMMENT = re.compile(r"/\*[*!](?!\*).*?(?:\*/|\Z)|^[ \t]*//[/!][^\n]*", re.DOTALL | re.MULTILINE)
_TELLING = re.compile(
    r"\(\)|CONFIG_|[\\@](?:ref|link|include|snippet|image|anchor|page|\w*section)"
)
"""What a comment of a source must have to be read: most only say what is below them."""

_MARGIN = re.compile(r"^[ \t]*(?:/\*[*!]<?|\*(?!/)|//[/!]<?)?[ \t]?", re.MULTILINE)
_COMMAND = re.compile(
    r"[\\@](?P<name>mainpage|page|subpage|section|subsection|subsubsection|anchor|include|includelineno"
    r"|dontinclude|verbinclude|htmlinclude|snippet|snippetlineno|example|image|dotfile|ref|link)"
    r"(?:\{[^}\n]*\}|\[[^\]\n]*\])?[ \t]+(?=(?P<rest>[^\n]{0,400}))"
)
_CODE = re.compile(
    r"[\\@](?P<name>code|verbatim)(?:\{\.?(?P<language>\w+)\})?(?P<body>.*?)(?:[\\@]end(?P=name)|\Z)",
    re.DOTALL,
)
_LEVELS = {"mainpage": 1, "page": 1, "section": 2, "subsection": 3, "subsubsection": 4}
_INPUTS = frozenset(
    {
        "include",
        "includelineno",
        "dontinclude",
        "verbinclude",
        "htmlinclude",
        "snippet",
        "snippetlineno",
    }
)


def parse_doxygen(text: str, *, in_code: bool) -> Document:
    """Read a page of Doxygen, or the comments of a source.

    Args:
        text: all of the file. Untrusted: time is linear in its length.
        in_code: whether it is a source: then only what its comments say counts, and no headings.
    """
    document = Document(DocumentFormat.DOXYGEN)
    if not in_code and "/*" not in text:
        _read(text, 1, document, in_code)
    else:
        at, line = 0, 1
        for comment in _COMMENT.finditer(text):
            line += text.count("\n", at, comment.start())
            at = comment.start()
            if not in_code or _TELLING.search(comment[0]):
                body = comment[0].removesuffix("*/")
                _read(_MARGIN.sub("", body), line, document, in_code)
    document.names = without_own(document.names)
    return document


def is_documented(text: str) -> bool:
    """Whether a source has comments for Doxygen at all."""
    return "/**" in text or "/*!" in text or "///" in text


def _read(text: str, line: int, document: Document, in_code: bool) -> None:
    for block in _CODE.finditer(text):
        if not in_code:
            first = line + text.count("\n", 0, block.start("body"))
            _add(document, names_in_block(block["language"] or "c", block["body"], first))
    text = _CODE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, each in enumerate(text.split("\n"), line):
        _add(document, names_in_prose(each, number))
        for found in _COMMAND.finditer(each):
            _read_command(found["name"], found["rest"].strip(), number, document, in_code)


def _read_command(name: str, rest: str, line: int, document: Document, in_code: bool) -> None:
    words = rest.split()
    if not words:
        return
    if name in _LEVELS:
        label = "" if name == "mainpage" else words[0]
        shown = rest if name == "mainpage" else rest[len(words[0]) :].strip() or words[0]
        if not in_code:
            document.headings.append(Heading(_LEVELS[name], shown, line, label))
        document.labels.add(label)
    elif name == "anchor":
        document.labels.add(words[0])
    elif name in _INPUTS:
        document.links.append(Link(LinkKind.INPUT, words[0].strip('"'), line))
    elif name == "image" and len(words) > 1:
        document.links.append(Link(LinkKind.INPUT, words[1].strip('"'), line))
    elif name in ("ref", "link"):
        word = words[0].rstrip(".,;:").partition("(")[0].rpartition("::")[2]
        if "_" in word and re.fullmatch(r"[A-Za-z]\w{3,}", word):
            _add(document, iter([Name(NameKind.FUNCTION, word, line)]))


def _add(document: Document, names: Iterator[Name]) -> None:
    document.names.extend(islice(names, MAX_NAMES - len(document.names)))
