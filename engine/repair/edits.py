"""From a model's answer to a patch, or to the reasons why it is refused.

The rule: every block applies, or none does. The lines that it searches stand in the file exactly
once, as whole lines in a row, as the blocks before it have left them; how a line ends and blanks
at its end do not count. The file is a tracked text of the project, or a new one whose name says
nothing against it (:mod:`engine.source.file_policy`), reached through no link.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import ToolError
from engine.files import read_file
from engine.llm.chat import Message, Speaker
from engine.llm.conversation import Refused
from engine.repair.blocks import Block, parse
from engine.repair.edited_text import BLANKS, EditedText
from engine.repair.sources import MAX_FILE_BYTES
from engine.source.editable_tree import EditableTree
from engine.text import clean


@dataclass(frozen=True, slots=True)
class Edits:
    """What an answer comes to.

    Args:
        patch: unified diff against the worktree as it is; empty where the answer is refused.
        files: the files that it changes.
        refusals: why it is refused, one line each, for the model and for people.
    """

    patch: str
    files: tuple[str, ...]
    refusals: tuple[str, ...]


class Worktree(Protocol):
    """A worktree that takes patches."""

    @property
    def tree(self) -> EditableTree:
        """What of it may be changed."""
        ...

    def apply(self, patch: str) -> None:
        """Apply a unified diff to the worktree as it is.

        Raises:
            ToolError: it does not apply. Nothing was changed.
        """
        ...

    def diff(self) -> str:
        """All of the difference between the commit and the worktree."""
        ...


@dataclass(frozen=True, slots=True)
class AppliedEdits:
    """What an answer made of a worktree.

    Args:
        change: unified diff of this answer alone.
        patch: all of the difference between the commit and the worktree as it now is.
        files: the files that the answer changed.
    """

    change: str
    patch: str
    files: tuple[str, ...]


def apply_answer(answer: str, worktree: Worktree) -> AppliedEdits | Refused:
    """Change a worktree as a model's answer says; one that is refused changes nothing.

    Args:
        answer: the model's text, untrusted.
    """
    edits = edits_of(answer, worktree.tree)
    if edits.refusals:
        return Refused(edits.refusals)
    try:
        worktree.apply(edits.patch)
    except ToolError as error:
        return Refused((str(error),))
    return AppliedEdits(edits.patch, worktree.diff(), edits.files)


def refusal(reasons: Sequence[str]) -> Message:
    """What a model is told whose answer was refused."""
    lines = "\n".join(f"- {reason}" for reason in reasons)
    return Message(
        Speaker.USER,
        f"Nothing was changed, because:\n{lines}\nAnswer again, with all the blocks.",
    )


def edits_of(answer: str, tree: EditableTree) -> Edits:
    """What a model wants to be changed. Nothing is changed here.

    Args:
        answer: the model's text, untrusted.
        tree: what it may change.
    """
    found = parse(answer)
    refusals = list(found.problems)
    if not found.blocks and not refusals:
        refusals.append("the answer has no search/replace block")
    texts: dict[str, EditedText] = {}
    for number, block in enumerate(found.blocks, 1):
        reason = _apply_block(block, tree, texts)
        if reason:
            refusals.append(f"block {number}: {clean(block.file)[:100]} {reason}")
    if not refusals:
        patches = {file: text.patch(file) for file, text in sorted(texts.items())}
        files = tuple(file for file, patch in patches.items() if patch)
        if files:
            return Edits("".join(patches.values()), files, ())
        refusals.append("the blocks change nothing")
    return Edits("", (), tuple(refusals))


def _apply_block(block: Block, tree: EditableTree, texts: dict[str, EditedText]) -> str | None:
    """Apply a block to the texts; the reason where that cannot be done."""
    reason = tree.write_refusal(block.file)
    if reason:
        return reason
    searches = any(map(str.strip, block.search))
    if block.file not in texts:
        if block.file in tree.files:
            try:
                texts[block.file] = EditedText.of(_read(tree.root / block.file))
            except OSError as error:
                return f"cannot be read: {error.strerror}"
            except ValueError:
                return "is not a text file"
        elif searches:
            return "is not a tracked file of the project"
        elif os.path.lexists(tree.root / block.file):
            return "exists, but Git does not track it"
    text = texts.setdefault(block.file, EditedText.of(None))
    reason = _replace(text, block) if searches else _make(text, block)
    if reason is None and sum(map(len, text.lines)) + len(text.lines) > MAX_FILE_BYTES:
        return f"would have more than {MAX_FILE_BYTES >> 20} MiB"
    return reason


def _read(path: Path) -> str:
    """Text of a file with its line ends.

    Raises:
        OSError: it is gone, no file, or too large.
        ValueError: it is no text.
    """
    data = read_file(path, MAX_FILE_BYTES)
    if b"\0" in data:
        raise ValueError("binary")
    return data.decode("utf-8")


def _make(text: EditedText, block: Block) -> str | None:
    if text.lines:
        return "already exists: search for lines of it"
    if not any(map(str.strip, block.replace)):
        return "would be empty"
    text.put(0, 0, [line.rstrip(BLANKS) for line in block.replace])
    return _odd(block.replace)


def _replace(text: EditedText, block: Block) -> str | None:
    search = [line.rstrip(BLANKS) for line in block.search]
    at, times = _find(text.lines, search)
    if not times:
        return _missed(text.lines, search)
    if times > 1:
        return "has these lines more than once: search for more of what is around them"
    replace = [line.rstrip(BLANKS) for line in block.replace]
    # What stays as it was keeps its ends and its blanks.
    head = _common_prefix(search, replace)
    tail = _common_prefix(search[head:][::-1], replace[head:][::-1])
    added = replace[head : len(replace) - tail]
    text.put(at + head, at + len(search) - tail, added)
    return _odd(set(added) - set(search))


def _find(lines: Sequence[str], wanted: Sequence[str]) -> tuple[int, int]:
    """Where lines stand in others, from 0, and whether never (0), once (1) or more often (2).

    One search through the whole text, which takes linear time, as lines that are all the same
    would make one by lines quadratic.
    """
    text, part = "\n".join(("", *lines, "")), "\n".join(("", *wanted, ""))
    found = text.find(part)
    if found < 0:
        return 0, 0
    return text.count("\n", 0, found), 2 if text.find(part, found + 1) >= 0 else 1


def _missed(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """That lines are not there, and where the first of them is."""
    first = next(filter(None, map(str.strip, wanted)))
    near = [number for number, line in enumerate(lines, 1) if line.strip() == first]
    if not near:
        return f"has no line {clean(first)[:80]!r}: SEARCH repeats lines exactly as they are now"
    where = ", ".join(map(str, near[:3]))
    return f"does not have these lines in a row; the first is line {where}: look at what follows it"


def _odd(lines: Iterable[str]) -> str | None:
    """What a person who looks at the diff would not see is not let in."""
    for line in lines:
        plain = line.replace("\t", " ")
        if clean(plain) != plain:
            return "would have control characters"
    return None


def _common_prefix(some: Sequence[str], others: Sequence[str]) -> int:
    """How many lines two sequences begin with alike."""
    alike = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        alike += 1
    return alike
