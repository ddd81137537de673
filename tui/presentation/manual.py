"""The manual: the Markdown pages of ``tui/guide``, what each is about, and search in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from engine.errors import UsageError

_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_IMAGE_ROW = re.compile(r"^!\[[^\n]*\]\([^\n]*\)\n+", re.MULTILINE)
_HEADING = re.compile(r"#{1,6} (?P<text>.+)")
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\([^)]+\)")
_EXCERPT_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Topic:
    """A page of the manual.

    Args:
        name: how it is asked for.
        title: its heading.
        summary: the sentence that says what it is about.
        text: all of it as Markdown, without comments and pictures.
    """

    name: str
    title: str
    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A line of a page in which something was found.

    Args:
        topic: name of the page.
        heading: the heading above the line.
        line: as much of the line as is quickly read.
    """

    topic: str
    heading: str
    line: str


def topics() -> Mapping[str, Topic]:
    """The pages by their names, in alphabetical order."""
    folder = files("tui").joinpath("guide")
    pages = sorted((page for page in folder.iterdir()), key=lambda page: page.name)
    return {
        name: parse(name, page.read_text("utf-8"))
        for page in pages
        if (name := page.name.removesuffix(".md")) != page.name
    }


def parse(name: str, text: str) -> Topic:
    """A page from its file: a ``# Title``, then a paragraph that says what it is about."""
    text = _IMAGE_ROW.sub("", _COMMENT.sub("", text))
    title, summary, *_ = text.split("\n\n", 2)
    return Topic(name, title.removeprefix("# "), " ".join(summary.split()), text)


def topic_of(wanted: str, pages: Mapping[str, Topic]) -> Topic:
    """The page with this name.

    Raises:
        UsageError: there is none; names those with a similar name, else all.
    """
    if wanted in pages:
        return pages[wanted]
    near = difflib.get_close_matches(wanted.lower(), pages)
    near = [name for name in pages if wanted and wanted.lower() in name] or near
    if near:
        raise UsageError(f"no page {wanted!r}: did you mean {' or '.join(near)}?")
    raise UsageError(f"no page {wanted!r} (pages: {', '.join(pages)})")


def search(wanted: str, pages: Iterable[Topic]) -> list[Match]:
    """Lines of pages in which a text stands, whatever its case; wrapped lines are one line."""
    needle = " ".join(wanted.split()).casefold()
    return [
        Match(page.name, heading, _excerpt(line, needle))
        for page in pages
        for heading, line in _lines(page.text)
        if needle in line.casefold()
    ]


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Paragraphs, items, rows of tables and lines of code, each under which heading it stands."""
    heading, paragraph, is_code = "", "", False

    for row in [*text.split("\n"), ""]:
        is_fence = row.lstrip().startswith("```")
        starts = is_code or is_fence or not row or row[0] in "|#" or _ITEM.match(row.lstrip())
        if starts and paragraph:
            yield heading, _plain(paragraph)
            paragraph = ""
        if is_fence:
            is_code = not is_code
        elif is_code:
            yield heading, row.strip()
        elif found := _HEADING.fullmatch(row):
            heading = found["text"]
            yield heading, heading
        else:
            paragraph = f"{paragraph} {row.strip(' |')}".strip()


def _plain(line: str) -> str:
    return " ".join(_LINK.sub(r"\g<text>", line).replace("**", "").split())


def _excerpt(line: str, needle: str) -> str:
    """The part of a line around what was found, cut at blanks."""
    if len(line) <= _EXCERPT_CHARACTERS:
        return line
    at = line.casefold().find(needle)
    begin = max(0, min(at - _EXCERPT_CHARACTERS // 3, len(line) - _EXCERPT_CHARACTERS))
    end = min(len(line), max(begin + _EXCERPT_CHARACTERS, at + len(needle)))
    begin = line.rfind(" ", 0, begin) + 1 if begin else 0
    end = line.find(" ", end) if end < len(line) and " " in line[end:] else len(line)
    return f"{'…' if begin else ''}{line[begin:end]}{'…' if end < len(line) else ''}"
