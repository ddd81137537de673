"""Source and patches cut into coloured pieces, by Pygments. Knows no screen, no colours."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

MAX_CHARACTERS = 200_000
"""What is coloured: half a second's work. A longer text is shown as it is."""

_MAX_LINE = 2_000
"""Characters of a line: nobody looks further along, and a lexer may take long for them."""

_SECONDS = 1.0
"""What a lexer may compute. Several look through all the rest of a text for an end that is not
there, from each place that begins something: Markdown's does for each fence."""

CLASSES = ("keyword", "type", "string", "comment", "number", "name", "preproc")
"""What a piece may be, beside an empty string for all that has no colour."""

SEARCH, REPLACE = re.compile(r"<{5,9} ?SEARCH[ \t]*"), re.compile(r">{5,9} ?REPLACE[ \t]*")
"""The lines that begin and end a search/replace block (Aider's documentation, "Edit formats")."""

_DIVIDER = "======="
_HEADS = ("diff ", "index ", "--- ", "+++ ", "new file ", "deleted file ", "@@")
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


@dataclass(frozen=True, slots=True)
class Row:
    """A line: its pieces, each with one of :data:`CLASSES` or an empty string.

    Args:
        ground: what the whole line is: ``added``, ``removed``, ``note`` or nothing special.
    """

    parts: tuple[tuple[str, str], ...]
    ground: str = ""


def source_rows(text: str, name: str) -> list[Row]:
    """Lines of a source file.

    Args:
        name: path or name of the file, which tells its language.
    """
    return [Row(parts) for parts in _colour(_lines(text), _by_file(name))]


def fence_rows(text: str, language: str) -> list[Row]:
    """Lines of a fenced block of Markdown.

    Args:
        language: as the fence names it; ``diff`` is a patch. Search/replace blocks have the
            colours of one.
    """
    if language in ("diff", "patch"):
        return diff_rows(text)
    lines = _lines(text)
    parts = _colour(lines, _by_alias(language))
    return [Row(*each) for each in zip(parts, _grounds(lines), strict=True)]


def _grounds(lines: Sequence[str]) -> Iterator[str]:
    """What each line of a fenced block is: search/replace blocks say what goes and what comes."""
    ground = ""
    for line in lines:
        if SEARCH.fullmatch(line):
            ground = "removed"
            yield "note"
        elif ground == "removed" and line.rstrip() == _DIVIDER:
            ground = "added"
            yield "note"
        elif ground and REPLACE.fullmatch(line):
            ground = ""
            yield "note"
        else:
            yield ground


def diff_rows(text: str) -> list[Row]:
    """Lines of a unified diff: what came and went, each in the colours of its file's language."""
    lines = _lines(text)
    rows: list[Row] = []
    lexer: Lexer | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        hunk = _HUNK.match(line)
        if hunk is None:
            if line.startswith("+++ "):
                lexer = _by_file(line[4:].partition("\t")[0])
            rows.append(Row(((line, ""),), _ground_of(line)))
            at += 1
            continue
        rows.append(Row(((line, ""),), "note"))
        body = list(_hunk(lines, at + 1, int(hunk[2] or 1), int(hunk[4] or 1)))
        rows += _hunk_rows(body, lexer)
        at += 1 + len(body)
    return rows


def _hunk(lines: Sequence[str], at: int, old: int, new: int) -> Iterator[str]:
    """Lines of a hunk that has so many lines of the old and of the new file."""
    while at < len(lines) and (old > 0 or new > 0):
        sign = lines[at][:1]
        if sign not in ("+", "-", " ", "\\", ""):
            return
        old -= sign in ("-", " ", "")
        new -= sign in ("+", " ", "")
        yield lines[at]
        at += 1


def _hunk_rows(body: Sequence[str], lexer: Lexer | None) -> Iterator[Row]:
    """A hunk's lines; each side is coloured as a whole, so that comments over lines are right."""
    sides = {
        "-": iter(_colour([line[1:] for line in body if line[:1] not in ("+", "\\")], lexer)),
        "+": iter(_colour([line[1:] for line in body if line[:1] not in ("-", "\\")], lexer)),
    }
    for line in body:
        sign = line[:1]
        if sign == "\\":
            yield Row(((line, ""),), "note")
            continue
        if sign not in sides:  # on both sides
            next(sides["-"])
        parts = next(sides["-" if sign == "-" else "+"])
        ground = {"+": "added", "-": "removed"}.get(sign, "")
        yield Row(((sign or " ", ""), *parts), ground)


def _ground_of(line: str) -> str:
    """What a line outside of hunks is; models forget the numbers of a hunk."""
    if line.startswith(_HEADS):
        return "note"
    return {"+": "added", "-": "removed"}.get(line[:1], "")


def _lines(text: str) -> list[str]:
    # Not splitlines: it knows ends of lines that editors and patches do not.
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _colour(lines: Sequence[str], lexer: Lexer | None) -> list[tuple[tuple[str, str], ...]]:
    too_much = sum(map(len, lines)) > MAX_CHARACTERS
    if lexer is None or too_much or any(len(line) > _MAX_LINE for line in lines):
        return [((line, ""),) for line in lines]
    coloured: list[tuple[tuple[str, str], ...]] = []
    parts: list[tuple[str, str]] = []
    # A lexer takes other ends of lines for newlines too: they must not move what is below.
    text = "\n".join(line.translate(_ENDS) for line in lines)
    deadline = time.thread_time() + _SECONDS
    for kind, value in lexer.get_tokens(text):
        if time.thread_time() > deadline:
            break
        word = _class_of(kind)
        head, *rest = value.split("\n")
        if head:
            parts.append((head, word))
        for piece in rest:
            coloured.append(tuple(parts))
            parts = [(piece, word)] if piece else []
    else:
        coloured.append(tuple(parts))
        coloured += [()] * (len(lines) - len(coloured))
    coloured += [((line, ""),) for line in lines[len(coloured) :]]
    return coloured[: len(lines)]


_ENDS = dict.fromkeys((0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029), " ")


def _class_of(kind: _TokenType) -> str:
    from pygments.token import Comment, Keyword, Name, Number, String

    above = kind.split()

    for token, word in (
        (Comment.Preproc, "preproc"),
        (Comment.PreprocFile, "string"),
        (Comment, "comment"),
        (Keyword.Type, "type"),
        (Keyword, "keyword"),
        (String, "string"),
        (Number, "number"),
        (Name.Function, "name"),
        (Name.Class, "type"),
        (Name.Tag, "keyword"),
        (Name.Attribute, "name"),
        (Name.Decorator, "preproc"),
        (Name.Builtin, "name"),
    ):
        if token in above:
            return word
    return ""


def _by_file(name: str) -> Lexer | None:
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        return get_lexer_for_filename(name, stripnl=False)
    except ClassNotFound:
        return None


def _by_alias(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
