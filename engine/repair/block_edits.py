"""Applies one block of an answer to the files of a tree, in memory, or says why it does not fit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path, PurePosixPath

from engine.files import read_file
from engine.repair.block_paths import PathNames
from engine.repair.blocks import Block
from engine.repair.diff_hunks import once_signed
from engine.repair.edit_formats import EditFormat
from engine.repair.edited_text import BLANKS, EditedText, key_of, typed
from engine.repair.line_search import MAX_PLACES, Nearest, Place, find, nearest
from engine.repair.refused_text import invisible, stands_for_lines
from engine.repair.replacement import common_prefix, leading_blanks, replacement
from engine.repair.search_replace import DIVIDER
from engine.repair.sources import MAX_FILE_BYTES
from engine.source.editable_tree import EditableTree
from engine.text import clean

MAX_WHOLE_LINES = 800
"""Lines of a file that is taken whole: longer ones are not copied without mistakes."""

_UNDERLINED = frozenset({".md", ".rst", ".txt", ".adoc"})
_MAX_DIVIDERS = 8
_NUMBERED = re.compile(r"[ \t]*>?[ \t]*(\d{1,6})(?: ?[|:\u2502]| \u2192|\t)(?: |\Z|(?=\t))?")
_ESCAPED = re.compile(r"&(?:lt|gt|amp|quot|#39|apos);")
_LEFT_OUT = "has a line that stands for lines that are left out, {line!r}: write those lines"


@dataclass(frozen=True, slots=True)
class BlockRefusal:
    """Why a block does not fit.

    Args:
        file: its path.
        reason: in words that follow it.
        misfit: whether its form is the reason, and not what it wants.
        shown: the lines of the file that are nearest, with their numbers; empty for none.
    """

    file: str
    reason: str
    misfit: bool = True
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """A unified diff, and the files that it changes."""

    text: str
    files: tuple[str, ...]


class EditedFiles:
    """The files of a tree while the blocks of answers change them."""

    def __init__(self, tree: EditableTree) -> None:
        self._tree = tree
        self._names = PathNames(tree.files)
        self._texts: dict[str, EditedText] = {}
        self._whole: set[str] = set()

    def patch(self) -> Patch:
        """All that was changed, against the tree."""
        patches = {file: text.patch(file) for file, text in sorted(self._texts.items())}
        changed = {file: patch for file, patch in patches.items() if patch}
        return Patch("".join(changed.values()), tuple(changed))

    def apply(self, block: Block, again: bool, show: bool) -> str | BlockRefusal | None:
        """Apply a block.

        Args:
            again: whether blocks were kept before: one that is found to be done needs nothing then.
            show: whether to look for the nearest lines where it misses.

        Returns:
            The file that it changed; None where there is nothing to do; or why it does not fit.
        """
        makes = not any(map(str.strip, block.search)) and not block.is_whole_file
        refusals = []
        fits = []
        for written in block.files:
            named = self._names.named(written, makes=makes)
            if named.ambiguity:
                refusals.append(BlockRefusal(written, named.ambiguity))
                continue
            text = self._text(named.path, makes or block.is_whole_file)
            if isinstance(text, BlockRefusal):
                refusals.append(text)
                continue
            change = self._change(block, named.path, text, makes, again, show)
            if isinstance(change, BlockRefusal):
                refusals.append(change)
            else:
                fits.append((named.path, text, change))
        if len(fits) > 1 and len({path for path, _, _ in fits}) > 1:
            other = " and ".join(path for path, _, _ in fits[:2])
            return BlockRefusal(fits[0][0], f"is not named at the block, which fits {other}")
        if not fits:
            return next((each for each in refusals if each.shown), refusals[0])
        path, text, change = fits[0]
        return self._carry_out(path, text, change)

    def _carry_out(
        self, path: str, text: EditedText, change: _Change | None
    ) -> str | BlockRefusal | None:
        if change is None:
            return None
        size = sum(map(len, text.lines)) + len(text.lines)
        size += sum(len(part) + 1 for part in change.parts if isinstance(part, str))
        if size > MAX_FILE_BYTES:
            return BlockRefusal(path, f"would have more than {MAX_FILE_BYTES >> 20} MiB", False)
        if change.whole:
            self._whole.add(path)
        self._texts[path] = text
        text.put(change.start, change.stop, change.parts)
        return path

    def _text(self, path: str, may_be_new: bool) -> EditedText | BlockRefusal:
        """The text of a file as it now is; that of a new one is empty."""
        reason = self._tree.write_refusal(path)
        if reason:
            return BlockRefusal(path, reason, misfit=False)
        known = self._texts.get(path)
        if known is not None:
            return known
        if path in self._tree.files:
            try:
                text = self._texts[path] = EditedText.of(_read(self._tree.root / path))
            except OSError as error:
                return BlockRefusal(path, f"cannot be read: {error.strerror}", misfit=False)
            except ValueError:
                return BlockRefusal(path, "is not a text file", misfit=False)
            return text
        if not may_be_new:
            return BlockRefusal(path, "is not a tracked file of the project")
        if os.path.lexists(self._tree.root / path):
            return BlockRefusal(path, "exists, but Git does not track it", misfit=False)
        return EditedText.of(None)

    def _change(
        self, block: Block, path: str, text: EditedText, makes: bool, again: bool, show: bool
    ) -> _Change | BlockRefusal | None:
        if block.is_whole_file:
            block = self._without_path(block, path, text)
        if makes or (block.is_whole_file and not text.lines):
            return _made(block, path, text)
        if block.is_whole_file:
            if path in self._whole:
                return BlockRefusal(path, "is given whole more than once")
            return _whole(block, path, text)
        misses = []
        for version in _versions(block):
            change = _replaced(version, path, text)
            if not isinstance(change, _Miss):
                return change
            misses.append(change)
        if (
            again
            and any(map(str.strip, block.replace))
            and len(find(text, block.replace).places) == 1
        ):
            return None
        return _missed(misses[0], path, text, show)

    def _without_path(self, block: Block, path: str, text: EditedText) -> Block:
        """A whole file without its path in a comment before it, which is no line of the file."""
        first = block.replace[0] if block.replace else ""
        written = self._names.in_comment(first)
        if written is None or text.lines[:1] == [first.rstrip(BLANKS)]:
            return block
        is_path = self._names.named(written, makes=not text.lines).path == path
        return replace(block, replace=block.replace[1:]) if is_path else block


@dataclass(frozen=True, slots=True)
class _Miss:
    """Lines that are not in a file; ``uneven`` where only their indentation differs."""

    search: Sequence[str]
    uneven: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines of a file that others take the place of; ``whole`` for all of them."""

    start: int
    stop: int
    parts: Sequence[str | int]
    whole: bool = False


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


def _made(block: Block, path: str, text: EditedText) -> _Change | BlockRefusal:
    """A new file, or one that was empty."""
    if text.lines:
        if block.search or block.edit_format.is_diff:
            return BlockRefusal(
                path, "already exists: say where the lines go, by lines of it that stay"
            )
        return BlockRefusal(path, "already exists: search for lines of it")
    if not any(map(str.strip, block.replace)):
        return BlockRefusal(path, "would be empty")
    lines = [line.rstrip(BLANKS) for line in block.replace]
    if block.is_whole_file:
        lines = _without_end(lines)
    return _refused(lines, (), path, text) or _Change(0, 0, lines)


def _whole(block: Block, path: str, text: EditedText) -> _Change | BlockRefusal | None:
    """All lines of a file anew."""
    new = _without_end([line.rstrip(BLANKS) for line in block.replace])
    old = text.lines
    refused = _too_long(path, old, new) or _refused(new, (), path, text) or _shrunk(path, old, new)
    if refused:
        return None if block.beside_others else refused
    head = common_prefix(old, new)
    tail = common_prefix(old[head:][::-1], new[head:][::-1])
    if head == len(old) == len(new):
        return None
    return _Change(head, len(old) - tail, new[head : len(new) - tail], whole=True)


def _too_long(path: str, old: Sequence[str], new: Sequence[str]) -> BlockRefusal | None:
    if max(len(old), len(new)) <= MAX_WHOLE_LINES:
        return None
    reason = f"has more than {MAX_WHOLE_LINES} lines, too many to be given whole"
    return BlockRefusal(path, f"{reason}: change parts of it")


def _without_end(lines: list[str]) -> list[str]:
    """Lines without the blank ones after them."""
    return lines[: len(lines) - leading_blanks(lines[::-1])]


def _shrunk(path: str, old: Sequence[str], new: Sequence[str]) -> BlockRefusal | None:
    """Whether what is given for a whole file is rather a part of it."""
    before, after = sum(map(bool, old)), sum(map(bool, new))
    if after * 2 < before:
        return BlockRefusal(
            path,
            f"would keep {len(new)} of {len(old)} lines: give all of it, or change parts of it",
        )
    if after >= before:
        return None
    first = next(line for line in new if line)
    last = next(line for line in reversed(new) if line)
    lost = 0
    if first in old and next(filter(None, old)) not in new:
        lost += old.index(first)
    if last in old and next(filter(None, reversed(old))) not in new:
        lost += old[::-1].index(last)
    is_excerpt = "\n".join(("", *new, "")) in "\n".join(("", *old, ""))
    if is_excerpt or lost * 4 > len(old):
        reason = "is given by a part: give the whole file, or change parts of it"
        return BlockRefusal(path, reason)
    return None


def _versions(block: Block) -> Iterator[Block]:
    """A block as it stands, and as it may be meant where that does not fit."""
    yield block
    numbered = _without_numbers(block.search)
    if numbered is not None:
        yield replace(block, search=numbered, replace=_without_numbers(block.replace, True) or ())
    if block.edit_format in (EditFormat.DIFF, EditFormat.PATCH):
        once = once_signed(block.search, block.replace)
        if once is not None:
            yield replace(block, search=once[0], replace=once[1])
    if any(_ESCAPED.search(line) for line in block.search):
        yield replace(
            block,
            search=tuple(map(unescape, block.search)),
            replace=tuple(map(unescape, block.replace)),
        )
    if PurePosixPath(block.files[0]).suffix.lower() in _UNDERLINED:
        # The first divider may be the line below a title.
        dividers = [at for at, line in enumerate(block.replace) if DIVIDER.fullmatch(line.strip())]
        for at in dividers[:_MAX_DIVIDERS]:
            search = (*block.search, "=======", *block.replace[:at])
            yield replace(block, search=search, replace=block.replace[at + 1 :])


def _without_numbers(lines: Sequence[str], partly: bool = False) -> tuple[str, ...] | None:
    """Lines without the numbers that they were shown with; None where they have none.

    Args:
        partly: whether some of them may have none.
    """
    found: list[str] = []
    last = 0
    for line in lines:
        number = _NUMBERED.match(line)
        if number is None:
            if line.strip() and not partly:
                return None
            found.append(line)
            continue
        if int(number[1]) <= last and not partly:
            return None
        last = int(number[1])
        found.append(line[number.end() :])
    return tuple(found) if last or partly else None


def _replaced(block: Block, path: str, text: EditedText) -> _Change | BlockRefusal | _Miss | None:
    """Lines of a file by others."""
    search = [line.rstrip(BLANKS) for line in block.search]
    lines = [line.rstrip(BLANKS) for line in block.replace]
    if not any(search):
        return BlockRefusal(path, "has lines to come, and none that says where: add some that stay")
    if any(DIVIDER.fullmatch(line) for line in lines) and not _is_underlined(path):
        reason = "would have a line '=======': one of these divides a block, and no other is text"
        return BlockRefusal(path, reason)
    found = find(text, search)
    places = _meant(block, text, found.places)
    if not places:
        return _Miss(search, found.uneven)
    if len(places) > 1:
        where = ", ".join(str(each.start + 1) for each in places)
        more = " and more" if len(places) == MAX_PLACES else ""
        reason = "has these lines more than once: search for more of what is around them"
        return BlockRefusal(path, f"{reason} (lines {where}{more})")
    place = places[0]
    rows = text.lines[place.start : place.stop]
    lines, search = typed(lines, search, rows), typed(search, search, rows)
    refused = _refused(lines, search, path, text)
    if refused:
        return refused
    parts = replacement(place, search, lines)
    if parts is None:
        reason = "has other indentation there, and none that says how far new lines are indented"
        return BlockRefusal(path, reason)
    if parts == list(range(place.start, place.stop)):
        return None
    return _Change(place.start, place.stop, parts)


def _is_underlined(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in _UNDERLINED


def _meant(block: Block, text: EditedText, places: Sequence[Place]) -> Sequence[Place]:
    """Of several places the one that the model points to."""
    if len(places) < 2 or len(places) == MAX_PLACES:
        return places
    if block.line:
        exact = [each for each in places if text.origins[each.start] == block.line - 1]
        if len(exact) == 1:
            return exact
    if block.at_end:
        rest = [each for each in places if not any(text.lines[each.stop :])]
        if len(rest) == 1:
            return rest
    for anchor in reversed(block.anchors):
        key = key_of(anchor)
        rows = [at for at, each in enumerate(text.keys) if each == key]
        if len(rows) == 1:
            after = [each for each in places if each.stop > rows[0]]
            return after[:1] or places
    return places


def _refused(
    lines: Sequence[str], search: Sequence[str], path: str, text: EditedText
) -> BlockRefusal | None:
    """Why lines must not be written that the file does not have yet."""
    known = {*search, *text.lines}
    new = [line for line in lines if line not in known]
    omitting = [line for line in new if stands_for_lines(line, path)]
    keys = set(text.keys) if omitting else set()
    for line in omitting:
        if key_of(line) not in keys:
            return BlockRefusal(path, _LEFT_OUT.format(line=clean(line.strip())[:80]))
    reason = invisible(new, path)
    return BlockRefusal(path, reason, misfit=False) if reason else None


def _missed(miss: _Miss, path: str, text: EditedText, show: bool) -> BlockRefusal:
    """That lines are not there, and which lines of the file are nearest."""
    near = nearest(text, miss.search) if show else None
    shown = _numbered(text, near) if near else ""
    omitted = next((line for line in miss.search if stands_for_lines(line, path)), None)
    strange = next((line for line in miss.search if line and key_of(line) not in text.places), None)
    if omitted is not None:
        reason = _LEFT_OUT.format(line=clean(omitted.strip())[:80])
    elif miss.uneven:
        reason = "has these lines with other indentation, by no rule: copy that as well"
    else:
        reason = "does not have these lines in a row"
        if strange is not None:
            reason = f"has no line {clean(strange.strip())[:80]!r}"
        if near:
            reason += f"; near is line {near.differs + 1}"
        reason += ": copy lines exactly as they are now"
    return BlockRefusal(path, reason, shown=shown)


def _numbered(text: EditedText, near: Nearest) -> str:
    """Lines of a file with their numbers, as blocks may have them, too (:data:`_NUMBERED`)."""
    width = len(str(near.stop))
    rows = range(near.start, near.stop)
    return "\n".join(f"{row + 1:>{width}} | {text.lines[row]}"[:400] for row in rows)
