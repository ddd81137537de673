"""Files and definitions that a model asks to see before it answers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.repair.source_index import SourceIndex
from engine.source.editable_tree import EditableTree
from engine.source.file_policy import CRITERIA_FILES, exposure_refusal, is_secret
from engine.text import clean

MAX_REQUESTS = 2
"""Answers of one repair that may ask for something."""

NO_MORE_REQUESTS = "nothing more is shown: answer with changes of what you were shown"
"""Why an answer that asks once more is refused."""

MAX_NAMES = 4
"""Names that one answer may ask for."""

_REQUEST = re.compile(r"[ \t>*`_#-]{0,8}NEED[*`_]{0,4}:[*` \t]*([^\n`*]{1,300})")
_CHANGES = re.compile(
    r"^(?:<{5,9} ?\w|-{5,9} ?SEARCH|\*\*\* Begin|--- \S|\+\+\+ \S|@@)", re.MULTILINE
)
_IDENTIFIER = re.compile(r"(?:struct|union|enum|class)?\s*([A-Za-z_]\w{0,127})(?:\(\))?")
_MAX_NEAR = 5


@dataclass(frozen=True, slots=True)
class Requested:
    """What came of names that were asked for.

    Args:
        places: files to be shown, each with the lines that are meant; none for all of it.
        reasons: why others are not, one line each.
    """

    places: Mapping[str, Sequence[int]]
    reasons: tuple[str, ...]


def names_requested(answer: str) -> tuple[str, ...]:
    """The names in lines ``NEED: name`` of an answer; none where it has none, or has changes.

    Args:
        answer: of a model. Untrusted.
    """
    if _CHANGES.search(answer):
        return ()
    found = [match[1].strip() for line in answer.split("\n") if (match := _REQUEST.match(line))]
    return tuple(dict.fromkeys(filter(None, found)))[:MAX_NAMES]


def look_up(names: Sequence[str], index: SourceIndex, tree: EditableTree) -> Requested:
    """Find files by their path or the end of it, and definitions of functions, types and macros.

    Args:
        names: as a model wrote them. Untrusted.
        index: of the tree.
        tree: what the project tracks.
    """
    places: dict[str, list[int]] = {}
    reasons: list[str] = []
    for name in names:
        path = name.split(":")[0].strip().removeprefix("./").removeprefix("/")
        files = _files(path, index)
        if len(files) == 1:
            places.setdefault(files[0], [])
        elif len(files) > 1:
            reasons.append(f"{clean(name)}: which of {', '.join(files[:_MAX_NEAR])}")
        elif (symbol := _IDENTIFIER.fullmatch(name)) and symbol[1] in index.defining:
            for file in index.defining[symbol[1]][:_MAX_NEAR]:
                places.setdefault(file, []).extend(_lines(index, file, symbol[1]))
        else:
            reasons.append(f"{clean(name)[:100]}: {_why_not(path, index, tree)}")
    return Requested(places, tuple(reasons))


def _files(path: str, index: SourceIndex) -> list[str]:
    if path in index.paths:
        return [path]
    return [each for each in index.paths if each.endswith(f"/{path}")] if path else []


def _lines(index: SourceIndex, file: str, symbol: str) -> list[int]:
    """Where a file defines a name, as far as that is known, else where it has it first."""
    heads = [f.first for f in index.functions(file) if f.name.rpartition("::")[2] == symbol]
    if heads:
        return heads[:_MAX_NEAR]
    word = re.compile(rf"\b{re.escape(symbol)}\b")
    rows = enumerate((index.read(file) or "").split("\n"), 1)
    return [line for line, row in rows if word.search(row)][:1]


def _why_not(path: str, index: SourceIndex, tree: EditableTree) -> str:
    last = path.rpartition("/")[2]
    if is_secret(path):
        return "may hold a secret, and is not shown"
    if last in CRITERIA_FILES:
        return "what it expects is in the question; it cannot be changed"
    if path in tree.files:
        return f"is not shown: {exposure_refusal(path) or 'no text'}"
    by_name = {each.rpartition("/")[2]: each for each in index.paths}
    known = [*by_name, *index.defining]
    near = difflib.get_close_matches(last[:80], known[:5000], _MAX_NEAR, 0.6)
    named = ", ".join(by_name.get(each, each) for each in near)
    return "is not in the project" + (f"; near it are {named}" if named else "")
