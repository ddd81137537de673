"""Whether a person's folder has changes, and how far a commit is ahead: quick looks with a limit.

Nothing is written there: no index is refreshed, no lock is taken, no submodule is fetched; see
:mod:`engine.projects.folder_git`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.projects import folder_git

_DETACHED = "(detached)"

# As a build of a folder's changes has it: new files count (:mod:`engine.projects.working_tree`).
_OPTIONS = ("--branch", "--untracked-files=normal", "--no-renames")


@dataclass(frozen=True, slots=True)
class FolderState:
    """A working tree.

    Args:
        is_dirty: whether anything in it is not committed: changed, staged, or new and not ignored.
        branch: that is checked out, empty for a detached ``HEAD``.
        head: commit that is checked out, empty for none yet.
    """

    is_dirty: bool
    branch: str
    head: str


def read_folder_state(folder: Path, *, cancel: CancelToken, timeout: float) -> FolderState:
    """Look at a working tree.

    Args:
        timeout: seconds that Git may take.

    Raises:
        ToolError: Git cannot say in that time; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    heads: dict[str, str] = {}
    is_dirty = False
    for entry in folder_git.status(folder, *_OPTIONS, cancel=cancel, timeout=timeout).split("\0"):
        if entry.startswith("# "):
            name, _blank, value = entry[2:].partition(" ")
            heads[name] = value
        elif entry:
            is_dirty = True
    head, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    return FolderState(
        is_dirty=is_dirty,
        branch="" if branch == _DETACHED else branch,
        head="" if head == "(initial)" else head,
    )


def count_commits(
    repository: Path, before: str, after: str, *, cancel: CancelToken, timeout: float
) -> int:
    """How many commits one has that another has not.

    Args:
        before, after: their hashes.
        timeout: seconds that Git may take.

    Raises:
        ToolError: Git cannot say in that time, or has not both of them; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    words = ("rev-list", "--count", f"{before}..{after}", "--")
    return int(folder_git.ask(repository, *words, cancel=cancel, timeout=timeout))


def stamp_of(folder: Path) -> tuple[int, ...]:
    """Times of the folder, of its ``HEAD`` and of its index: what a commit or a checkout changes.

    An edit of a file need not change it.
    """
    found = []
    for name in ("", ".git/HEAD", ".git/index", ".git/logs/HEAD"):
        with contextlib.suppress(OSError):
            found.append((folder / name).stat().st_mtime_ns)
    return tuple(found)
