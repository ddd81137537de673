"""Search/replace blocks out of a model's answer: the form that many coding models know.

A line with the file's path, then the block, with or without a fence around either::

    main/main.c
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they are to be
    >>>>>>> REPLACE

Aider's documentation ("Edit formats", "diff") describes it. A block without a path is of the same
file as the one before it; one that searches nothing makes a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.text import first_lines

MAX_BLOCKS = 64
"""Blocks of one answer."""

_SEARCH = re.compile(r"<{5,9} ?SEARCH[ \t]*")
_DIVIDER = "======="
_REPLACE = re.compile(r">{5,9} ?REPLACE[ \t]*")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_DECORATION = re.compile(
    r"(?:#{1,6} +|//+ *|[-*] +|\d{1,3}[.)] +)?(?:(?:[Ff]ile(?:name)?|[Pp]ath): *)?"
)
# One word may be prose: it has a folder or an ending, or is a name without one that is known.
_WORD = re.compile(r"(?=\S*(?:/|\.\w)|(?:Makefile|Kconfig|Dockerfile)\S*\Z)[^\s`*<>|]{1,400}")
_LINES_BEFORE = 3
_PATH_LINE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to be replaced by others, without their ends.

    Args:
        file: path as the answer has it. Untrusted, as all of it.
        search: lines that are there; empty for a new file.
        replace: lines that are to be there.
    """

    file: str
    search: tuple[str, ...]
    replace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of an answer, and what is wrong with it, one line each."""

    blocks: tuple[Block, ...]
    problems: tuple[str, ...]


def parse(answer: str) -> Blocks:
    """Find the blocks of an answer; what is around them is passed over.

    Every line is looked at once or twice, whatever it is. ``=======`` divides a block where it
    comes first in it; a later one is text.

    Args:
        answer: untrusted text of a model.
    """
    lines = [line.removesuffix("\r") for line in answer.split("\n")]
    blocks: list[Block] = []
    problems: list[str] = []
    file: str | None = None
    at = since = 0  # since: where the text before the block begins
    while at < len(lines):
        if _REPLACE.fullmatch(lines[at]):
            problems.append(f"line {at + 1}: a block ends here that never began")
        if not _SEARCH.fullmatch(lines[at]):
            at += 1
            continue
        number = len(blocks) + 1
        if number > MAX_BLOCKS:
            problems.append(f"more than {MAX_BLOCKS} blocks")
            break
        file = _path(lines[since:at]) or file
        divider, end = _ends(lines, at)
        if end is None:
            problems.append(
                f"block {number} has no end: it wants {_DIVIDER} and >>>>>>> REPLACE, each on a "
                "line of its own"
            )
            break
        if file is None:
            problems.append(f"block {number} names no file: write its path on the line before it")
        else:
            search, replace = lines[at + 1 : divider], lines[divider + 1 : end]
            blocks.append(Block(file, tuple(search), tuple(replace)))
        at = since = end + 1
    return Blocks(tuple(blocks), first_lines(problems))


def _ends(lines: Sequence[str], begin: int) -> tuple[int, int | None]:
    """Where the block that begins there divides and ends; None when it does not."""
    divider = 0
    for at in range(begin + 1, len(lines)):
        line = lines[at]
        if _SEARCH.fullmatch(line):
            break
        if not divider and line.rstrip() == _DIVIDER:
            divider = at
        elif _REPLACE.fullmatch(line):
            return divider, at if divider else None
    return divider, None


def _path(lines: Sequence[str]) -> str | None:
    """The path that the last lines before a block name; it may stand in the line of a fence."""
    near = [line.strip() for line in lines if line.strip()][-_LINES_BEFORE:] if lines else []
    for line in reversed(near):
        fence = _FENCE.fullmatch(line)
        # ```c, ```main/main.c, ```c main/main.c and ```c:main/main.c are all in use.
        named = (fence[2].replace(":", " ").split() or [""])[-1] if fence else line
        found = _named(named)
        # Only fences may stand between a path and its block.
        if found or not fence:
            return found
    return None


def _named(text: str) -> str | None:
    """The path in a line that has nothing else, else None."""
    if len(text) > _PATH_LINE_CHARACTERS:
        return None
    decoration = _DECORATION.match(text)
    text = text[decoration.end() if decoration else 0 :].strip().removesuffix(":")
    text = text.removeprefix("**").removesuffix("**").removesuffix(":").strip()
    quoted = len(text) > 2 and text[0] == text[-1] == "`"
    text = text.strip("`").removeprefix("./")
    if not text or not (quoted or _WORD.fullmatch(text)):
        return None
    return text
