"""reStructuredText as Sphinx reads it: titles, labels, roles and directives that name something.

Read by line, after the specification of docutils ("reStructuredText Markup Specification"):
docutils itself takes some 100 ms to load and a second for a large page, stops at every role and
directive of an extension that is not installed, and makes a tree of which little is wanted here.
"""

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
from engine.checks.documentation.names import (
    MAX_NAMES,
    names_in_block,
    names_in_prose,
    names_in_span,
    without_own,
)

_MAX_LINE_CHARACTERS = 4000

_UNDERLINE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
_LABEL = re.compile(r"^\s*\.\. _(?!_)(`[^`]+`|(?:[^:\\]|\\.|:(?!\s|$))+):(?:\s+(\S.*))?\s*$")
_DIRECTIVE = re.compile(r"^(\s*)(?:[-*]\s+)?\.\. (?:\|[^|]+\|\s+)?([\w:.+-]+)::(?:\s+(.*?))?\s*$")
_ROLE = re.compile(r":([a-zA-Z][\w:.+-]{0,40}):`([^`\n]{1,400})`")
_LITERAL = re.compile(r"``([^`\n]+)``")
_HYPERLINK = re.compile(r"`[^`<>\n]{0,300}<([^<>`\n]{1,300})>`__?")
_TITLED = re.compile(r"^(.*?)\s*<([^<>]*)>$", re.DOTALL)
_FUNCTION_ROLES = frozenset({"c:func", "cpp:func", "func", "py:func", "c:macro"})
_PATH_ROLES = {
    **dict.fromkeys(("project", "project_file", "project_raw", "idf", "idf_file", "idf_raw"), ""),
    **dict.fromkeys(("component", "component_file", "component_raw"), "components/"),
    **dict.fromkeys(("example", "example_file", "example_raw"), "examples/"),
}
"""Roles of esp-docs (link_roles.py) that link to a path, and where that begins."""

_INCLUDES = {
    "include": LinkKind.INCLUDE,
    "literalinclude": LinkKind.INCLUDE,
    "image": LinkKind.IMAGE,
    "figure": LinkKind.IMAGE,
}
_CODE = frozenset({"code-block", "code", "sourcecode", "highlight", "parsed-literal", "tabs-code"})


def parse_rst(text: str) -> Document:
    """Read a document of reStructuredText.

    Args:
        text: all of it. Untrusted: time is linear in its length.
    """
    document = Document(DocumentFormat.RST)
    lines = [each if len(each) <= _MAX_LINE_CHARACTERS else "" for each in text.splitlines()]
    document.headings.extend(_headings(lines))
    number = 0
    while number < len(lines):
        number = _read_line(lines, number, document)
    document.names = without_own(document.names)
    return document


def _headings(lines: list[str]) -> Iterator[Heading]:
    """Titles: lines that are underlined; the first style is level 1."""
    styles: list[str] = []
    for number in range(1, len(lines)):
        under, title = lines[number], lines[number - 1]
        found = _UNDERLINE.match(under)
        if (
            not found
            or not title.strip()
            or _UNDERLINE.match(title)
            or (title[0] == " " and number < 2)
        ):
            continue
        over = number > 1 and lines[number - 2].rstrip() == under.rstrip()
        if not over and (title[0].isspace() or len(under.rstrip()) < _width(title.rstrip())):
            continue
        if (
            number > 1
            and lines[number - 2].strip()
            and not over
            and not lines[number - 2].startswith("..")
        ):
            continue  # in the midst of a paragraph, as in a table
        style = found[1] * (2 if over else 1)
        if style not in styles:
            styles.append(style)
        yield Heading(styles.index(style) + 1, _shown(title.strip()), number)


def _width(text: str) -> int:
    """Least length of an underline: docutils lets one of three characters and more be too short."""
    return min(len(text), 4)


def _shown(title: str) -> str:
    title = _ROLE.sub(lambda found: _target(found[2])[1], title)
    return re.sub(r"`([^`<]*?)\s*(?:<[^>]*>)?`_{0,2}", r"\1", title.replace("``", "")).strip()


def _read_line(lines: list[str], number: int, document: Document) -> int:
    """Read a line, or a directive with its content; the number of the next one."""
    line = lines[number]
    label = _LABEL.match(line)
    if label:
        name = " ".join(label[1].strip("`").replace("\\", "").lower().split())
        document.labels.add(name)
        document.anchors.add(name)
        if label[2] and not label[2].rstrip().endswith("_"):
            document.links.append(Link(LinkKind.LINK, label[2].strip(), number + 1))
        return number + 1
    directive = _DIRECTIVE.match(line)
    if directive:
        return _read_directive(lines, number, directive, document)
    if line.lstrip().startswith(".. "):  # a comment: what is indented below it belongs to it
        return _end_of_block(lines, number, len(line) - len(line.lstrip()))
    _read_text(line, number + 1, document)
    if line.rstrip().endswith("::"):
        end = _end_of_block(lines, number, len(line) - len(line.lstrip()))
        _add(document, names_in_block("", "\n".join(lines[number + 1 : end]), number + 2))
        return max(end, number + 1)
    return number + 1


def _read_directive(lines: list[str], number: int, found: re.Match[str], document: Document) -> int:
    indent, name, argument = len(found[1]), found[2].lower(), found[3] or ""
    if name in _INCLUDES and argument:
        document.links.append(Link(_INCLUDES[name], argument, number + 1))
        return number + 1
    if name == "toctree":
        end = _end_of_block(lines, number, indent)
        document.links.extend(_entries(lines, number + 1, end))
        return end
    if name in _CODE or name.endswith("code-block"):
        end = _end_of_block(lines, number, indent)
        body = "\n".join(
            "" if each.strip().startswith(":") else each for each in lines[number + 1 : end]
        )
        _add(document, names_in_block(argument, body, number + 2))
        return end
    _read_text(argument, number + 1, document)
    return number + 1  # a note, a list-table: read as what it contains


def _entries(lines: list[str], begin: int, end: int) -> Iterator[Link]:
    is_glob = any(":glob:" in each for each in lines[begin:end])
    for number in range(begin, end):
        word = lines[number].strip()
        if not word or word.startswith(":") or word == "self" or (is_glob and "*" in word):
            continue
        yield Link(LinkKind.DOC, _target(word)[0], number + 1)


def _end_of_block(lines: list[str], number: int, indent: int) -> int:
    end = number + 1
    while end < len(lines):
        each = lines[end]
        if each.strip() and len(each) - len(each.lstrip()) <= indent:
            break
        end += 1
    return end


def _read_text(line: str, number: int, document: Document) -> None:
    if "`" not in line:
        _add(document, names_in_prose(line, number))
        return
    for found in _ROLE.finditer(line):
        _read_role(found[1].lower(), found[2], number, document)
    rest = _ROLE.sub(" ", line)
    for found in _LITERAL.finditer(rest):
        _add(document, names_in_span(found[1], number))
    rest = _LITERAL.sub(" ", rest)
    for found in _HYPERLINK.finditer(rest):
        if not found[1].endswith("_"):
            document.links.append(Link(LinkKind.LINK, found[1], number))
    _add(document, names_in_prose(rest, number))


def _read_role(role: str, content: str, number: int, document: Document) -> None:
    if content.startswith("!"):
        return
    target, _title = _target(content)
    if role == "doc":
        document.links.append(Link(LinkKind.DOC, target, number))
    elif role == "ref":
        document.links.append(Link(LinkKind.REF, target, number))
        if target.startswith("CONFIG_"):
            _add(document, names_in_prose(target, number))
    elif role in _FUNCTION_ROLES:
        name = target.lstrip("~").rpartition(":")[2].rpartition(".")[2].partition("(")[0]
        if re.fullmatch(r"[A-Za-z_]\w{3,}", name):
            _add(document, iter([Name(NameKind.FUNCTION, name, number)]))
    elif role in _PATH_ROLES:
        path = _PATH_ROLES[role] + target.partition("#")[0].strip("/")
        if path.rstrip("/") and re.fullmatch(r"[\w.+@/ -]+", path):
            _add(document, iter([Name(NameKind.PATH, f"/{path}", number)]))
    elif role in ("file", "code", "samp"):
        _add(document, names_in_span(content, number))


def _target(content: str) -> tuple[str, str]:
    """Target and title of a role: ``title <target>``, or both in one."""
    found = _TITLED.match(content)
    return (found[2].strip(), found[1]) if found else (content.strip(), content.strip())


def _add(document: Document, names: Iterator[Name]) -> None:
    document.names.extend(islice(names, MAX_NAMES - len(document.names)))
