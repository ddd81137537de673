"""The changes that a model's answer asks for, block by block, in whatever format it writes them.

Formats are told apart by what they look like, not by what was asked for: search/replace blocks,
unified diffs, ``apply_patch`` and whole files in fences, also several of them in one answer; calls
of tools that a model writes as text are read as such blocks (:mod:`engine.llm.written_calls`).
Every line is looked at a bounded number of times, whatever the answer is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from engine.llm.written_calls import as_blocks
from engine.repair import before_after, diff_hunks, search_replace
from engine.repair.block_paths import FENCE, PathNames, text_near
from engine.repair.edit_formats import EditFormat
from engine.text import first_lines

MAX_BLOCKS = 64
"""Blocks of one answer."""

MAX_CHARACTERS = 2 << 20
"""The longest answer that is read."""

_DIFF_WORDS = frozenset({"diff", "patch", "udiff", "unified-diff"})
_SHELLS = frozenset({"sh", "bash", "shell", "console", "zsh", "powershell", "cmd"})
_NO_FILES = _SHELLS | {"text", "txt", "output", "log"}
_NESTING = frozenset({"markdown", "md"})
_LONGEST_FENCE = 8


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to be replaced by others, without their ends.

    Args:
        edit_format: how it is written.
        files: path as the answer has it; several where it is one of these. Untrusted, as all of it.
        search: lines that are there; empty for a new file and for a whole one.
        replace: lines that are to be there.
        line: where they begin in the file as it was, from 1, as the model has counted; 0 for none.
        anchors: lines that stand before them in the file, where it has several such places.
        at_end: whether they are the end of the file.
        beside_others: whether it is a whole file in an answer that has other blocks, too: it may
            be an excerpt that illustrates them.
    """

    edit_format: EditFormat
    files: tuple[str, ...]
    search: tuple[str, ...]
    replace: tuple[str, ...]
    line: int = 0
    anchors: tuple[str, ...] = ()
    at_end: bool = False
    beside_others: bool = False

    @property
    def is_whole_file(self) -> bool:
        """Whether it is all of a file's lines."""
        return self.edit_format is EditFormat.WHOLE_FILE


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of an answer, and what is wrong with it, one line each."""

    blocks: tuple[Block, ...]
    problems: tuple[str, ...]


def parse(answer: str, files: Collection[str] = ()) -> Blocks:
    """Find the blocks of an answer; what is around them is passed over.

    ``=======`` divides a search/replace block where it comes first in it.

    Args:
        answer: untrusted text of a model.
        files: paths of the tree that it is about.
    """
    if len(answer) > MAX_CHARACTERS:
        return Blocks((), (f"the answer is longer than {MAX_CHARACTERS >> 20} MiB",))
    return _Parser(answer, PathNames(files)).parse()


@dataclass(frozen=True, slots=True)
class _Whole:
    """A fence that may hold a whole file, and whether that is named right there."""

    block: Block
    named: bool


@dataclass(frozen=True, slots=True)
class _End:
    """The line after what is read, at the latest, and whether the answer says so there."""

    line: int
    is_written: bool


class _Parser:
    """Walks through the lines of one answer, once."""

    def __init__(self, answer: str, names: PathNames) -> None:
        lines = [line.removesuffix("\r") for line in as_blocks(answer).split("\n")]
        self._lines = before_after.as_blocks(lines)
        self._names = names
        self._fences = _Fences(self._lines)
        self._marks = [
            at
            for at, line in enumerate(self._lines)
            if search_replace.begins(line) or diff_hunks.begins_patch(line)
        ]
        self._blocks: list[Block] = []
        self._wholes: list[_Whole] = []
        self._problems: list[str] = []
        self._has_commands = False
        self._file: str | None = None  # of the block before
        self._at = self._since = 0  # since: where the text before the block begins
        self._fence: str | None = None  # the fence that is open around what is read

    def parse(self) -> Blocks:
        lines = self._lines
        while self._at < len(lines) and len(self._blocks) + len(self._wholes) <= MAX_BLOCKS:
            line = lines[self._at]
            if search_replace.begins(line):
                self._search_replace()
            elif search_replace.ends(line):
                self._problem("a block ends here that never began", self._at)
                self._at += 1
            elif diff_hunks.begins_patch(line):
                self._hunks(EditFormat.PATCH, self._at, self._at, self._end_of_patch())
            elif diff_hunks.begins_diff(lines, self._at):
                self._hunks(EditFormat.DIFF, self._at, self._at, self._end_of_fence())
            elif fence := FENCE.fullmatch(line):
                self._enter(fence)
            else:
                self._at += 1
        return self._result()

    def _result(self) -> Blocks:
        blocks, wholes = self._blocks, [each.block for each in self._wholes if each.block.files]
        if blocks:
            # Beside blocks a fence is an illustration, unless its file is named right there.
            named = [each.block for each in self._wholes if each.named]
            wholes = [replace(each, beside_others=True) for each in named]
        if len(blocks) + len(self._wholes) > MAX_BLOCKS:
            self._problems.append(f"more than {MAX_BLOCKS} blocks")
        elif self._wholes and not blocks and not wholes and not self._problems:
            self._problems.append(
                "the fenced block names no file: write its path on the line before it"
            )
        elif self._has_commands and not blocks and not wholes and not self._problems:
            self._problems.append(
                "the answer has commands, which are not run: write changes as blocks, below the "
                "path of the file"
            )
        return Blocks((*wholes, *blocks)[:MAX_BLOCKS], first_lines(self._problems))

    def _problem(self, reason: str, at: int) -> None:
        self._problems.append(f"line {at + 1}: {reason}")

    def _search_replace(self) -> None:
        begin, number = self._at, len(self._blocks) + 1
        found = search_replace.read(self._lines, begin, self._fence is not None)
        if isinstance(found, int):
            self._file = self._names.before(self._lines, self._since, begin) or self._file
            self._problems.append(
                f"block {number} has no end: it wants ======= and >>>>>>> REPLACE, each on a "
                "line of its own"
            )
            self._at = self._since = found
            return
        named, files = self._files_at(begin, found.end)
        if not named and not any(map(str.strip, found.search)):
            files = ()
        if not files:
            self._problems.append(
                f"block {number} names no file: write its path on the line before it"
            )
        self._blocks.append(
            Block(
                EditFormat.SEARCH_REPLACE,
                files,
                found.search,
                found.replace,
                line=found.line,
            )
        )
        self._at = self._since = found.end

    def _hunks(self, edit_format: EditFormat, begin: int, first: int, end: _End) -> None:
        """Take hunks.

        Args:
            begin: where the text before them ends.
            first: their first line.
        """
        is_patch = edit_format is EditFormat.PATCH
        read = diff_hunks.read_patch if is_patch else diff_hunks.read_diff
        hunks, after = read(self._lines, first, end.line, end.is_written)
        around = () if all(each.paths for each in hunks) else self._files_at(begin, after)[1]
        changing = [each for each in hunks if each.changes] or hunks[:1]
        for hunk in changing[: MAX_BLOCKS + 1 - len(self._blocks)]:
            files = (hunk.paths[:1] if hunk.makes else hunk.paths) or around
            number = len(self._blocks) + 1
            if hunk.problem:
                self._problems.append(f"block {number}: {hunk.paths[0][:100]} {hunk.problem}")
            elif not files:
                self._problems.append(f"block {number} names no file: write --- and +++ before it")
            self._file = files[0] if files else self._file
            self._blocks.append(
                Block(
                    edit_format,
                    () if hunk.problem else files,
                    () if hunk.makes else tuple(hunk.search),
                    tuple(hunk.replace),
                    line=hunk.line,
                    anchors=tuple(hunk.anchors),
                    at_end=hunk.at_end,
                )
            )
        self._at = self._since = max(after, first + 1)

    def _end_of_patch(self) -> _End:
        """Where an envelope ends at the latest."""
        end = self._fences.end_of_patch(self._at)
        return self._end_of_fence() if end is None else _End(end + 1, True)

    def _end_of_fence(self) -> _End:
        """Where the fence ends that is open; the end of the answer for none."""
        closing = self._fences.closing(self._fence, self._at) if self._fence else None
        return _End(len(self._lines), False) if closing is None else _End(closing, True)

    def _enter(self, fence: re.Match[str]) -> None:
        """A fence: that of blocks, of a diff, of a file, or the end of one."""
        lines, begin = self._lines, self._at
        info = fence[2].strip()
        if self._fence and not info:
            self._fence, self._at = None, begin + 1
            return
        closing = self._fences.closing(fence[1], begin)
        word = (info.replace(":", " ").split() or [""])[0].lower()
        if word in _NESTING and not self._marks:
            closing = self._fences.nested_closing(begin)
        stop = len(lines) if closing is None else closing
        mark = bisect_left(self._marks, begin)
        if mark < len(self._marks) and self._marks[mark] < stop:
            self._fence, self._at = fence[1], begin + 1
            return
        first = next((at for at in range(begin + 1, stop) if lines[at].strip()), stop)
        if self._is_diff(word, first, stop):
            self._hunks(EditFormat.DIFF, begin, first, _End(stop, True))
        elif first < stop and word not in _DIFF_WORDS:
            self._whole_file(begin, stop, word)
        # An empty fence, or a path in one of its own, belongs to what comes after it.
        is_path = first < stop and not any(map(str.strip, lines[first + 1 : stop]))
        if first < stop and not (is_path and self._names.alone(lines[first].strip())):
            self._since = stop + 1
        self._at = stop + 1

    def _is_diff(self, word: str, first: int, stop: int) -> bool:
        """Whether a fence holds a diff: it says so, or what is in it has the head of one."""
        lines = self._lines
        if any(diff_hunks.begins_diff(lines, at) for at in range(first, min(first + 3, stop))):
            return True
        if first < stop and lines[first].startswith("@@ "):
            return True
        return word in _DIFF_WORDS and any(lines[at][:1] in ("+", "-") for at in range(first, stop))

    def _whole_file(self, begin: int, stop: int, word: str) -> None:
        """A fence that may hold a file."""
        names, lines = self._names, self._lines
        indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
        body = [line.removeprefix(indent) for line in lines[begin + 1 : stop]]
        path = names.before(lines, self._since, begin) or names.before(lines, begin, begin + 1)
        path = path or names.in_comment(body[0])
        if path is not None:
            files: tuple[str, ...] = (path,)
        elif word in _SHELLS:
            self._has_commands = True
            return
        elif word in _NO_FILES or (len(body) == 1 and names.alone(body[0].strip())):
            return
        else:
            near = names.mentioned([text_near(lines, begin - 1, self._since - 1, -1)])
            files = near if len(near) == 1 else ()
        block = Block(EditFormat.WHOLE_FILE, files, (), tuple(body))
        self._wholes.append(_Whole(block, path is not None))

    def _files_at(self, begin: int, end: int) -> tuple[bool, tuple[str, ...]]:
        """The files that a block may be of, and whether it is named there by its path alone."""
        path = self._names.before(self._lines, self._since, begin)
        if path is not None:
            self._file = path
            return True, (path,)
        near = self._names.mentioned([text_near(self._lines, begin - 1, self._since - 1, -1)])
        files = dict.fromkeys(near if len(near) == 1 else ())
        if self._file is not None:
            files[self._file] = None
        if not files:
            after = text_near(self._lines, end, min(end + 6, len(self._lines)), 1)
            mentioned = self._names.mentioned([after])
            if len(mentioned) != 1:
                mentioned = self._mentioned
            if len(mentioned) == 1:
                files[mentioned[0]] = None
        return False, tuple(files)

    @property
    def _mentioned(self) -> tuple[str, ...]:
        """The files that the text before the first block means."""
        first = self._marks[0] if self._marks else self._at
        return self._names.mentioned(self._lines[: min(first, 400)])


class _Fences:
    """Where fences and envelopes end, without a search for each."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._closings: dict[tuple[str, int], list[int]] = {}
        self._patch_ends: list[int] = []
        for at, line in enumerate(lines):
            found = FENCE.fullmatch(line)
            if found and not found[2].strip():
                for length in range(3, min(len(found[1]), _LONGEST_FENCE) + 1):
                    self._closings.setdefault((found[1][0], length), []).append(at)
            elif diff_hunks.ends_patch(line):
                self._patch_ends.append(at)

    def closing(self, fence: str, at: int) -> int | None:
        """The line after ``at`` that ends a fence; None for none."""
        key = fence[0], min(len(fence), _LONGEST_FENCE)
        return _after(self._closings.get(key, ()), at)

    def end_of_patch(self, at: int) -> int | None:
        """The line after ``at`` that ends an ``apply_patch`` envelope; None for none."""
        return _after(self._patch_ends, at)

    def nested_closing(self, begin: int) -> int | None:
        """The line that ends a fence of Markdown, in which fences of the same length may stand."""
        outer = FENCE.fullmatch(self._lines[begin])
        depth = 0
        for at in range(begin + 1, len(self._lines)):
            found = FENCE.fullmatch(self._lines[at])
            if not found or not outer or found[1][0] != outer[1][0]:
                continue
            if found[2].strip():
                depth += 1
            elif depth:
                depth -= 1
            elif len(found[1]) >= len(outer[1]):
                return at
        return self.closing(outer[1], begin) if outer else None


def _after(places: Sequence[int], at: int) -> int | None:
    found = bisect_left(places, at + 1)
    return places[found] if found < len(places) else None
