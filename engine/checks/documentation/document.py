"""What a document says of its repository: headings, links, and the code that it names."""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from engine.source.file_policy import THIRD_PARTY_FOLDERS

MARKDOWN_SUFFIXES = frozenset({".md", ".mdx", ".markdown", ".mkd"})
RST_SUFFIXES = frozenset({".rst"})
DOXYGEN_SUFFIXES = frozenset({".dox", ".doxygen"})
HEADER_SUFFIXES = frozenset({".h", ".hh", ".hpp", ".hxx"})

_VENDORED = THIRD_PARTY_FOLDERS | {
    *("third-party", "thirdparty", "3rdparty", "external", "externals", "extern", "submodules"),
    *("subprojects", "deps", "libdeps", "_build", "cmake-build-debug", "site-packages", "vendored"),
}
_NO_DOCUMENTS = re.compile(
    r"(?:issue|pull_request|merge_request)_template|\btemplates?\b|cookiecutter|CMakeLists|robots"
    r"|requirements[\w.-]*\.txt",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"^(?:changes?|change[-_]?log|history|news|releases?|release[-_ ]?notes?|whats[-_]?new"
    r"|upgrad\w*|updat(?:e|ing)\w*|migrat\w*|todo|roadmap|authors|credits|contributors|licen[cs]e|copying"
    r"|notice|code_of_conduct|security|third[-_]?party\w*)(?:[-_. v\d][\w.-]*)?$",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?(?:0\d|1[0-2])[-_.]?[0-3]\d(?!\d)")
_DATED_FOLDERS = frozenset(
    {
        *(
            "blog",
            "_posts",
            "posts",
            "news",
            "changelog",
            "changelogs",
            "changelog.d",
            "newsfragments",
        ),
        *("release_notes", "release-notes", "releasenotes", "migration-guides", "migration_guides"),
        *(
            "plans",
            "specs",
            "designs",
            "design-docs",
            "superpowers",
            "followup",
            "meetings",
            "notes",
        ),
        *(
            "archive",
            "archived",
            "versioned_docs",
            "rfcs",
            "rfc",
            "adr",
            "adrs",
            "decisions",
            "proposals",
        ),
    }
)
_GENERATED = re.compile(
    r"auto[- ]?(?:matically)?[- ]?generated|generated (?:by|from|with|automatically)"
    r"|do not (?:edit|modify)[^\n]{0,60}(?:generat|overwrit)|@generated",
    re.IGNORECASE,
)
_GENERATED_HEAD_CHARACTERS = 400
_DOXYBOOK_TABLE = "| Type | Name |\n| ---: | :--- |"  # doxybook, of which an API.md is made
_MAX_PAST = 1000  # characters of a line
_PAST = re.compile(
    r"\b(?:remov(?:e[ds]?|al|ing)|renam(?:e[ds]?|ing)|deprecat\w+|no longer|not? (?:more|longer)"
    r"|former(?:ly)?|previous(?:ly)?|legacy|obsolete|used to|replac\w+|superseded|instead of"
    r"|migrat\w+|moved|dropped"
    r"|deleted?|older|old|earlier|prior to|before v?\d|since v?\d|until v?\d|v\d+\.\d+|breaking"
    r"|does not exist|doesn't exist|not yet|will be|todo|planned"
    r"|if (?:it|they|you) (?:exists?|have))\b|~~"
    r"|移除|删除|废弃|旧版|重命名",
    re.IGNORECASE,
)


class DocumentFormat(StrEnum):
    """How a document is written."""

    MARKDOWN = "markdown"
    RST = "rst"
    DOXYGEN = "doxygen"


_FORMATS = {
    **dict.fromkeys(MARKDOWN_SUFFIXES, DocumentFormat.MARKDOWN),
    **dict.fromkeys(RST_SUFFIXES, DocumentFormat.RST),
    **dict.fromkeys(DOXYGEN_SUFFIXES, DocumentFormat.DOXYGEN),
}


class LinkKind(StrEnum):
    """How a link names its target, which says where that is looked for."""

    LINK = "link"
    IMAGE = "image"
    DOC = "doc"
    REF = "ref"
    INCLUDE = "include"
    INPUT = "input"
    """What Doxygen finds in ``EXAMPLE_PATH`` or ``IMAGE_PATH``."""


class NameKind(StrEnum):
    """What of the code a document names."""

    PATH = "path"
    FUNCTION = "function"
    OPTION = "option"
    """``CONFIG_NAME`` of Kconfig."""

    FLAG = "flag"
    """An option of a script: ``--port``."""

    TARGET = "target"
    """What a build tool is told to make: ``idf.py NAME``, ``make NAME``, ``pio run -e NAME``."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; ``level`` and ``line`` are from 1."""

    level: int
    text: str
    line: int
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another place of the repository, as it is written."""

    kind: LinkKind
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name of something in the code.

    Args:
        kind: of what.
        text: the name itself.
        line: where it stands, from 1.
        owner: whose it is: the script of a flag, the tool of a target; ``run`` of a path that is
            a command, ``defined`` of a function whose body the document itself has.
        listed: whether it stands in a listing of files, which says that it is there and no more.
    """

    kind: NameKind
    text: str
    line: int
    owner: str = ""
    listed: bool = False


@dataclass(slots=True)
class Document:
    """What a document says.

    Args:
        anchors: names that it gives to places of itself.
        labels: names of places that the whole documentation knows (``.. _label:``).
        has_parts: whether a generator puts other files into it, whose anchors are its own then.
        past: lines that speak of what was, from 1: what they name need not be there.
    """

    format: DocumentFormat
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    past: frozenset[int] = frozenset()
    has_parts: bool = False

    @property
    def title(self) -> str:
        """The first heading of the highest level, empty for none."""
        top = min((each.level for each in self.headings), default=0)
        return next((each.text for each in self.headings if each.level == top), "")


def format_of(path: str) -> DocumentFormat | None:
    """What a file is written in, by its name; None where it is no document of the project.

    Args:
        path: from the root of the repository. Untrusted.
    """
    suffix = posixpath.splitext(path)[1].lower()
    kind = _FORMATS.get(suffix)
    if kind is None:
        return None
    folder, name = posixpath.split(path)
    hidden = [part for part in folder.split("/") if part.startswith(".")]
    if is_vendored(path) or (hidden and hidden != [".github"]):
        return None
    return None if _NO_DOCUMENTS.search(path) or name.startswith(".") else kind


def is_vendored(path: str) -> bool:
    """Whether others wrote a file, or a build made it, by the folders that it lies in."""
    return _is_vendored_folder(posixpath.dirname(path))


@functools.lru_cache(maxsize=1 << 16)
def _is_vendored_folder(folder: str) -> bool:
    folders = folder.split("/")
    # The component manager's name for NAMESPACE/COMPONENT, where somebody copied one.
    managed = any("__" in part.strip("_") for part in folders)
    return managed or not _VENDORED.isdisjoint(part.lower() for part in folders)


def is_dated(path: str) -> bool:
    """Whether a document speaks of the past, and is right to: a changelog, a guide to migration."""
    pure = PurePosixPath(path)
    folders = {part.lower() for part in pure.parts[:-1]}
    is_named_so = bool(_DATED.match(pure.stem) or _DATE.search(pure.stem))
    return is_named_so or not _DATED_FOLDERS.isdisjoint(folders)


def past_lines(text: str, document: Document) -> frozenset[int]:
    """Lines with names or links that speak of what was, and all below a heading that does."""
    lines = text.splitlines()
    told = {name.line for name in document.names} | {link.line for link in document.links}
    found = {
        number
        for number in told
        if 0 < number <= len(lines) and _PAST.search(lines[number - 1][:_MAX_PAST])
    }
    headings = document.headings
    for at, heading in enumerate(headings):
        if heading.level and _PAST.search(heading.text[:_MAX_PAST]):
            later = (each.line for each in headings[at + 1 :] if 0 < each.level <= heading.level)
            found.update(range(heading.line, next(later, len(lines) + 1)))
    return frozenset(found)


def is_generated(text: str) -> bool:
    """Whether a document says in its first lines that a program makes it, or shows that it did."""
    head = text[:_GENERATED_HEAD_CHARACTERS]
    return bool(_GENERATED.search(head)) or _DOXYBOOK_TABLE in text
