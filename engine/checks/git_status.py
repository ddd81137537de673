"""What of a working tree is not committed, as ``git status --porcelain=v2 -z`` prints it.

Source of the format: git-status(1), "Porcelain Format Version 2".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.checks.git_reader import GitReader

ARGUMENTS = (
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--ahead-behind",
    "--untracked-files=all",
    "--ignore-submodules=none",
    "--renames",
)
"""What Git is asked."""


class FileStatus(StrEnum):
    """What became of a file."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"
    TYPE_CHANGED = "type changed"
    UNTRACKED = "untracked"
    CONFLICTED = "conflicted"


_LETTERS = {
    "A": FileStatus.ADDED,
    "M": FileStatus.MODIFIED,
    "D": FileStatus.DELETED,
    "R": FileStatus.RENAMED,
    "C": FileStatus.COPIED,
    "T": FileStatus.TYPE_CHANGED,
}

_CONFLICTS = {
    "DD": "both deleted",
    "AU": "added by us",
    "UD": "deleted by them",
    "UA": "added by them",
    "DU": "deleted by us",
    "AA": "both added",
    "UU": "both modified",
}

_FIELDS = {"1": 8, "2": 9, "u": 10}
"""Blanks before the path, by the first letter."""

_NO_FILE = "000000"
_NO_SUBMODULE = "N..."


@dataclass(frozen=True, slots=True)
class SubmoduleState:
    """How a submodule differs from what its commit says.

    Args:
        commit: another commit is checked out.
        modified: its tracked files have changes.
        untracked: it has untracked files.
    """

    commit: bool
    modified: bool
    untracked: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One path that differs from the commit.

    Args:
        path: from the root; bytes that are no UTF-8 are lone surrogates. Untrusted.
        status: what became of it, all in all.
        staged: what became of it in the index, None for nothing.
        unstaged: what became of it since, None for nothing.
        old_path: what it was called, where it was renamed or copied. Untrusted.
        submodule: where it is one.
        conflict: who did what, where that is one.
    """

    path: str
    status: FileStatus
    staged: FileStatus | None = None
    unstaged: FileStatus | None = None
    old_path: str | None = None
    submodule: SubmoduleState | None = None
    conflict: str = ""

    @property
    def is_untracked_only(self) -> bool:
        """Whether all that differs are untracked files of a submodule, such as its build's."""
        state = self.submodule
        return state is not None and not (self.staged or state.commit or state.modified)


@dataclass(frozen=True, slots=True)
class TreeStatus:
    """A working tree.

    Args:
        commit: that is checked out, empty for none yet.
        branch: that is checked out, empty for a detached ``HEAD``.
        upstream: what it follows, empty for none.
        ahead: commits that the upstream does not have; None where it is gone, or none.
        behind: commits of the upstream that the branch does not have; None likewise.
        entries: what differs, as Git lists it.
    """

    commit: str
    branch: str
    upstream: str
    ahead: int | None
    behind: int | None
    entries: tuple[Entry, ...]


def parse_status(printed: bytes) -> TreeStatus:
    """What Git printed.

    Entries of a form that this version of the format does not have are passed over.
    """
    heads: dict[str, str] = {}
    found: list[Entry] = []
    tokens = iter(printed.decode("utf-8", "surrogateescape").split("\0"))
    for token in tokens:
        if token.startswith("# "):
            name, _blank, value = token[2:].partition(" ")
            heads[name] = value
        elif token[:1] == "2":
            entry = _entry(token, next(tokens, ""))
            found += [entry] if entry else []
        elif token:
            entry = _entry(token, None)
            found += [entry] if entry else []
    oid, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    ahead, behind = _ahead_behind(heads.get("branch.ab", ""))
    return TreeStatus(
        commit="" if oid == "(initial)" else oid,
        branch="" if branch == "(detached)" else branch,
        upstream=heads.get("branch.upstream", ""),
        ahead=ahead,
        behind=behind,
        entries=tuple(found),
    )


def _ahead_behind(text: str) -> tuple[int | None, int | None]:
    words = text.split(" ")
    if len(words) != 2 or not all(word[1:].isdecimal() for word in words):
        return None, None
    return int(words[0][1:]), int(words[1][1:])


def _entry(token: str, old_path: str | None) -> Entry | None:
    if token.startswith("? ") and len(token) > 2:
        return Entry(token[2:], FileStatus.UNTRACKED)
    words = token.split(" ", _FIELDS.get(token[:1], 0))
    if len(words) < 9 or not words[-1]:
        return None
    letters, kind = words[1], words[2]
    submodule = None
    if kind != _NO_SUBMODULE and len(kind) == 4:
        submodule = SubmoduleState(kind[1] == "C", kind[2] == "M", kind[3] == "U")
    if words[0] == "u":
        conflict = _CONFLICTS.get(letters, letters)
        return Entry(words[-1], FileStatus.CONFLICTED, submodule=submodule, conflict=conflict)
    staged, unstaged = _LETTERS.get(letters[:1]), _LETTERS.get(letters[1:2])
    old = old_path if words[0] == "2" else None
    return Entry(
        words[-1],
        _status(staged, unstaged, in_commit=words[3] != _NO_FILE, there=words[5] != _NO_FILE),
        staged=staged,
        unstaged=unstaged,
        old_path=old,
        submodule=submodule,
    )


def _status(
    staged: FileStatus | None, unstaged: FileStatus | None, *, in_commit: bool, there: bool
) -> FileStatus:
    """What became of a file since the commit, in one word."""
    for status in (FileStatus.RENAMED, FileStatus.COPIED):
        if status in (staged, unstaged):
            return status
    if not there:
        return FileStatus.DELETED
    if not in_commit:
        return FileStatus.ADDED
    if FileStatus.TYPE_CHANGED in (staged, unstaged):
        return FileStatus.TYPE_CHANGED
    return FileStatus.MODIFIED


_OPERATIONS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick or revert"),
    ("BISECT_LOG", "bisect"),
)
"""What Git leaves in a repository while it waits for a person, the most telling first; its own
``wt-status.c`` looks for the same."""

_HEAD_NAMES = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
_MAX_HEAD_NAME_BYTES = 1024


def operation_in(git_folder: Path) -> str:
    """What Git is in the middle of, such as ``merge``; empty for nothing."""
    for name, operation in _OPERATIONS:
        if os.path.lexists(git_folder / name):
            return operation
    return ""


def branch_of_operation(git_folder: Path) -> str:
    """The branch that a rebase or a bisect began on, empty for none."""
    for name in _HEAD_NAMES:
        path = git_folder / name
        if path.is_file():
            with path.open("rb") as file:
                text = file.read(_MAX_HEAD_NAME_BYTES).decode("utf-8", "replace").strip()
            return text.removeprefix("refs/heads/")
    return ""


def read_status(git: GitReader) -> tuple[TreeStatus, bytes]:
    """The working tree, and what Git printed of it.

    Raises:
        ToolError: Git cannot say; one line.
    """
    printed = git.read(*ARGUMENTS)
    return parse_status(printed), printed


_MAX_STAMPED = 2000


def fingerprint(git: GitReader, root: Path) -> bytes | None:
    """What tells whether a working tree is as it was: its status, sizes and times of what differs.

    Returns:
        Some bytes; None where nothing tells, as of a submodule at another commit.

    Raises:
        ToolError: Git cannot say; one line.
    """
    tree, printed = read_status(git)
    if any(each.submodule and each.submodule.commit for each in tree.entries):
        return None
    stamps = (stamp(root, each.path) for each in tree.entries[:_MAX_STAMPED])
    return b"\0".join((printed, *stamps))


def stamp(root: Path, path: str) -> bytes:
    """Size, time and mode of a file, none of them where it is not there."""
    try:
        status = os.lstat(os.fsencode(root) + b"/" + os.fsencode(path))
    except (OSError, ValueError):
        return b"-"
    return f"{status.st_mtime_ns} {status.st_size} {status.st_mode}".encode()
