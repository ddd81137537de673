"""Hunks out of unified diffs and of ``apply_patch`` envelopes, as models write them.

A hunk is found by its lines. Models cannot count: the numbers of ``@@ -12,5 +12,6 @@`` only say
which of several places is meant. Where a fence or an envelope says where the diff ends, a line
without a sign before it is taken for one that stays.

Forms: GNU diff, "Detailed Description of Unified Format"; git-diff(1), "Generating patch text with
-p"; Aider's documentation, "Edit formats", "udiff"; the instructions of OpenAI's ``apply_patch``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_HUNK = re.compile(
    r"@@+(?: *-(?P<line>\d{1,9})(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})?)?[ .]*(?:@@+ ?(?P<near>.*))?"
)
_ANCHOR = re.compile(r"@@+ ?(?P<near>.*)")
_SECTION = re.compile(r"\*\*\* ?(Update|Modify|Edit|Add|Create|Delete|Remove) File: *(.+)", re.I)
_MOVE = re.compile(r"\*\*\* ?(?:Move|Rename) ?(?:File )?to: *(.+)", re.I)
_END_OF_FILE = re.compile(r"\*\*\* ?End of File", re.I)
_BEGIN_PATCH = re.compile(r"\*\*\* ?Begin Patch", re.I)
_END_PATCH = re.compile(r"\*\*\* ?End Patch", re.I)
_GIT_HEAD = re.compile(r"diff --git \"?a/(.+?)\"? \"?b/(.+?)\"?")
_GIT_DETAIL = re.compile(
    r"(?:index |old mode |new mode |new file|similarity |dissimilarity |copy |Binary |=====).*"
)
_NULL = "/dev/null"
_RENAMES = "renames a file, which is not done here: change its lines only"
_DELETES = "deletes a file, which is not done here: change its lines only"
_MAX_ANCHORS = 8


@dataclass(slots=True)
class Hunk:
    """A hunk as it stands in an answer.

    Args:
        paths: those that its head names, the likeliest first; empty where it has none.
        search: lines that stay and that go.
        replace: lines that stay and that come.
        makes: whether it is of a new file.
        line: where its lines begin in the old file, from 1; 0 where it does not say.
        anchors: lines that stand before it in the file.
        at_end: whether it is the end of the file.
        problem: why it cannot be taken, None for nothing.
    """

    paths: tuple[str, ...]
    search: list[str] = field(default_factory=list)
    replace: list[str] = field(default_factory=list)
    makes: bool = False
    line: int = 0
    anchors: list[str] = field(default_factory=list)
    at_end: bool = False
    problem: str | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.search != self.replace or self.problem is not None


def begins_diff(lines: Sequence[str], at: int) -> bool:
    """Whether a unified diff with a head begins in a line."""
    if lines[at].startswith("diff --git "):
        return _GIT_HEAD.fullmatch(lines[at].rstrip()) is not None
    return _has_head(lines, at, len(lines))


def begins_patch(line: str) -> bool:
    """Whether an ``apply_patch`` envelope, or a part of one, begins in a line."""
    text = line.strip()
    return text.startswith("***") and bool(_BEGIN_PATCH.fullmatch(text) or _SECTION.fullmatch(text))


def ends_patch(line: str) -> bool:
    """Whether an ``apply_patch`` envelope ends in a line."""
    text = line.strip()
    return text.startswith("***") and _END_PATCH.fullmatch(text) is not None


def once_signed(
    search: Sequence[str], replace: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The lines of a hunk whose signs were written twice (``--old``); None where they were not."""
    stay = {*search} & {*replace}
    gone = [line for line in search if line not in stay]
    come = [line for line in replace if line not in stay]
    if not gone or not all(line.startswith("-") for line in gone):
        return None
    if not all(line.startswith("+") for line in come):
        return None
    return (
        tuple(line if line in stay else line[1:] for line in search),
        tuple(line if line in stay else line[1:] for line in replace),
    )


def read_diff(lines: Sequence[str], begin: int, stop: int, bounded: bool) -> tuple[list[Hunk], int]:
    """The hunks of a unified diff.

    Args:
        lines: of the answer.
        begin: where it begins.
        stop: the line after it, at the latest.
        bounded: whether a fence ends it there; else the first line ends it that is no diff's.

    Returns:
        The hunks, and the line after them.
    """
    hunks: list[Hunk] = []
    paths: tuple[str, ...] = ()
    makes = False
    hunk: Hunk | None = None
    at = begin
    while at < stop:
        line = lines[at]
        if _has_head(lines, at, stop):
            old, new = _path_of(line), _path_of(lines[at + 1])
            makes = old == _NULL
            paths = tuple(dict.fromkeys(path for path in (new, old) if path != _NULL))
            hunk = None
            if new == _NULL:
                hunks.append(Hunk(paths, problem=_DELETES))
            at += 2
            continue
        if line.startswith("diff --git ") and (found := _GIT_HEAD.fullmatch(line.rstrip())):
            paths, makes, hunk = (found[2], found[1]), False, None
        elif hunk is None and line.startswith(("rename to ", "rename from ")):
            if line.startswith("rename to "):
                hunks.append(Hunk(paths, problem=_RENAMES))
        elif hunk is None and line.startswith("deleted file mode"):
            hunks.append(Hunk(paths, problem=_DELETES))
        elif hunk is None and _GIT_DETAIL.fullmatch(line):
            pass
        elif line.startswith("@@"):
            hunk = _begin_hunk(line, paths, makes)
            hunks.append(hunk)
        elif line[:1] in ("+", "-", " ", "\\", "") or bounded:
            if hunk is None:
                if not line.strip():
                    at += 1
                    continue
                hunk = Hunk(paths, makes=makes)
                hunks.append(hunk)
            _add(hunk, line)
        else:
            break
        at += 1
    deleted = {each.paths for each in hunks if each.problem == _DELETES}
    kept = [each for each in hunks if each.problem or each.paths not in deleted]
    return [_trimmed(each) for each in kept], at


def read_patch(
    lines: Sequence[str], begin: int, stop: int, bounded: bool
) -> tuple[list[Hunk], int]:
    """The hunks of an ``apply_patch`` envelope; arguments and result as :func:`read_diff` has them.

    ``*** End Patch`` ends it, where it comes before ``stop``.
    """
    hunks: list[Hunk] = []
    paths: tuple[str, ...] = ()
    adds = False
    hunk: Hunk | None = None
    at = begin
    while at < stop:
        line = lines[at]
        text = line.strip()
        if text.startswith("***"):
            if _END_PATCH.fullmatch(text):
                at += 1
                break
            if found := _SECTION.fullmatch(text):
                verb, paths, hunk = found[1].lower(), (found[2].strip(),), None
                adds = verb in ("add", "create")
                if adds:
                    hunk = Hunk(paths, makes=True)
                    hunks.append(hunk)
                elif verb in ("delete", "remove"):
                    hunks.append(Hunk(paths, problem=_DELETES))
            elif _MOVE.fullmatch(text):
                hunks.append(Hunk(paths, problem=_RENAMES))
            elif hunk and _END_OF_FILE.fullmatch(text):
                hunk.at_end, hunk = True, None
            at += 1
            continue
        if not paths:
            at += 1
            continue
        if adds and hunk is not None:
            if not bounded and text and not line.startswith("+"):
                break
            hunk.replace.append(line)
        elif line.startswith("@@"):
            if hunk is not None and not hunk.search and not hunk.replace:
                _add_anchor(hunk, line)
            else:
                hunk = _begin_hunk(line, paths, False)
                hunks.append(hunk)
        elif line[:1] in ("+", "-", " ", "") or bounded:
            if hunk is None and text:
                hunk = Hunk(paths)
                hunks.append(hunk)
            if hunk is not None:
                _add(hunk, line)
        else:
            break
        at += 1
    renamed = {each.paths for each in hunks if each.problem == _RENAMES}
    kept = [each for each in hunks if each.problem or each.paths not in renamed]
    return [_trimmed(_added(each) if each.makes else each) for each in kept], at


def _has_head(lines: Sequence[str], at: int, stop: int) -> bool:
    return (
        at + 1 < stop
        and lines[at].startswith("--- ")
        and lines[at + 1].startswith(("+++ ", "+++\t"))
    )


def _path_of(line: str) -> str:
    """The path in the head of a file, without its time."""
    path = line[4:].partition("\t")[0].strip().strip('"')
    return path[2:] if path.startswith(("a/", "b/")) else path


def _begin_hunk(line: str, paths: tuple[str, ...], makes: bool) -> Hunk:
    hunk = Hunk(paths, makes=makes)
    _add_anchor(hunk, line)
    return hunk


def _add_anchor(hunk: Hunk, line: str) -> None:
    found = _HUNK.fullmatch(line.rstrip()) or _ANCHOR.fullmatch(line.rstrip())
    if found is None:
        return
    groups = found.groupdict()
    hunk.line = int(groups.get("line") or hunk.line)
    near = (groups["near"] or "").removesuffix("@@").strip()
    if near and len(hunk.anchors) < _MAX_ANCHORS:
        hunk.anchors.append(near)


def _add(hunk: Hunk, line: str) -> None:
    sign, text = line[:1], line[1:]
    if sign == "\\":
        return
    if sign not in ("+", "-", " "):
        text = line
    if sign != "+":
        hunk.search.append(text)
    if sign != "-":
        hunk.replace.append(text)


def _added(hunk: Hunk) -> Hunk:
    """A new file, with or without the signs before its lines."""
    signed = [line.startswith("+") for line in hunk.replace if line.strip()]
    if all(signed):
        hunk.replace = [line.removeprefix("+") for line in hunk.replace]
    elif any(signed):
        hunk.problem = 'has lines with and without "+" before them'
    return hunk


def _trimmed(hunk: Hunk) -> Hunk:
    """A hunk without the blank lines after it, which belong to the answer."""
    while hunk.search and hunk.replace and not hunk.search[-1] and not hunk.replace[-1]:
        hunk.search.pop()
        hunk.replace.pop()
    while hunk.makes and hunk.replace and not hunk.replace[-1].strip():
        hunk.replace.pop()
    return hunk
