"""From a model's answers to a patch, or to the reasons why they are refused.

The rule: all blocks of a question's answers apply, or none does. The lines that a block searches
stand at one place of one file, as the blocks before it have left that
(:mod:`engine.repair.line_search` says what counts). The file is a tracked text of the project, or a
new one whose name says nothing against it (:mod:`engine.source.file_policy`), reached through no
link; no file is deleted or renamed, as nobody is asked before a patch is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import ToolError
from engine.llm.chat import Message, Speaker
from engine.llm.conversation import Refused
from engine.llm.fences import fenced
from engine.repair.block_edits import BlockRefusal, EditedFiles
from engine.repair.blocks import Block, parse
from engine.repair.edit_formats import EditFormat
from engine.source.editable_tree import EditableTree
from engine.text import clean, listed

_MAX_SHOWN = 8
"""Blocks whose nearest lines a refusal shows."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What the answers to a question come to until now.

    Args:
        patch: unified diff against the worktree as it is; empty where the last one is refused.
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
    """What the answers to a question made of a worktree.

    Args:
        change: unified diff of these answers alone.
        patch: all of the difference between the commit and the worktree as it now is.
        files: the files that they changed.
    """

    change: str
    patch: str
    files: tuple[str, ...]


class AnswerEdits:
    """The answers to one question for changes: blocks that fit are kept, the rest is asked again.

    The worktree stays as it is until every block of an answer fits; then what all answers said is
    applied at once, and the next answer begins anew.

    Args:
        asked: the format that is asked for.
    """

    def __init__(self, asked: EditFormat = EditFormat.SEARCH_REPLACE) -> None:
        self._asked = asked
        self._files: EditedFiles | None = None
        self._kept: dict[Block, str] = {}
        self._missed: list[BlockRefusal] = []
        self._outcomes: list[tuple[EditFormat, bool]] = []

    @property
    def outcomes(self) -> tuple[tuple[EditFormat, bool], ...]:
        """For each answer the formats of its blocks, and whether all blocks of that fitted.

        One without a block did not manage the format that was asked for.
        """
        return tuple(self._outcomes)

    @property
    def kept(self) -> tuple[str, ...]:
        """The files of the blocks that are kept."""
        return tuple(dict.fromkeys(self._kept.values()))

    @property
    def goes_on(self) -> bool:
        """Whether the next answer is to want the same: blocks are kept, or only misfitted."""
        misfits = [each.misfit for each in self._missed]
        return bool(self._kept) or (bool(misfits) and all(misfits))

    def take(self, answer: str, worktree: Worktree) -> AppliedEdits | Refused:
        """Change a worktree as the answers say; one that is refused changes nothing.

        Args:
            answer: the model's text, untrusted.
            worktree: the same state of it for all answers to a question.
        """
        edits = self.read(answer, worktree.tree)
        if edits.refusals:
            return Refused(edits.refusals)
        self._forget()
        try:
            worktree.apply(edits.patch)
        except ToolError as error:
            return Refused((str(error),))
        return AppliedEdits(edits.patch, worktree.diff(), edits.files)

    def read(self, answer: str, tree: EditableTree) -> Edits:
        """What a model wants to be changed, by this answer and those before it. Nothing is changed.

        Args:
            answer: the model's text, untrusted.
            tree: what it may change.
        """
        found = parse(answer, tree.files)
        files = self._files = self._files or EditedFiles(tree)
        refusals = list(found.problems)
        self._missed = []
        fitted: dict[EditFormat, bool] = {}
        applied = 0
        for number, block in enumerate(found.blocks, 1):
            if not block.files:
                fitted[block.edit_format] = False
                continue  # among the problems
            if block in self._kept:
                applied += 1
                continue
            made = files.apply(block, bool(self._kept), len(self._missed) < _MAX_SHOWN)
            if isinstance(made, BlockRefusal):
                where = clean(made.file)[:100]
                refusals.append(f"block {number}: {where} {made.reason}")
                self._missed.append(made)
                fitted[block.edit_format] = fitted.get(block.edit_format, True) and not made.misfit
                continue
            fitted.setdefault(block.edit_format, True)
            if made is not None:
                applied += 1
                self._kept[block] = made
        self._outcomes += fitted.items() or [(self._asked, False)]
        if not found.blocks and not refusals:
            refusals.append("the answer has no change of a file in it")
        patch = files.patch()
        if not refusals and not (applied and patch.text):
            refusals.append("the blocks change nothing")
        return Edits("", (), tuple(refusals)) if refusals else Edits(patch.text, patch.files, ())

    def refusal(self, reasons: Sequence[str]) -> Message:
        """What a model is told whose answer was refused.

        Args:
            reasons: why, one line each.
        """
        lines = "\n".join(f"- {reason}" for reason in reasons)
        parts = [f"Nothing was changed, because:\n{lines}"]
        shown = [each for each in self._missed if each.shown][:_MAX_SHOWN]
        for missed in shown:
            parts.append(f"The nearest lines of {clean(missed.file)}:\n{fenced(missed.shown)}")
        if shown:
            parts.append("The numbers before these lines are no part of the file.")
        if self._kept:
            kept = listed(list(map(clean, self.kept)))
            parts.append(
                f"The other blocks fit and are kept ({len(self._kept)}, in {kept}): do not send "
                "them again. Answer with what was refused, and only with that; the lines are those "
                "of the files as the kept blocks make them."
            )
        else:
            parts.append("Answer again, with all the blocks.")
        return Message(Speaker.USER, "\n\n".join(parts))

    def _forget(self) -> None:
        self._files = None
        self._kept = {}
        self._missed = []
