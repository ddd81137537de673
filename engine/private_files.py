"""File permissions: a workspace is its owner's alone, files that a person asks for are not.

A workspace holds passwords in sources, firmware and what consoles said. Closing its folder closes
all that is below; what espdeck and its children make is closed from the beginning
(:func:`restrict_umask`).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from pathlib import Path

from engine.errors import UsageError

_OTHERS_MODE = 0o077
_WORKSPACE_NAMES = (
    *("artifacts", "backups", "boards", "cache", "checks", "daemon", "damaged", "espdeck.db"),
    *("espdeck.log", "executor.lock", "id", "processes", "projects", "runs.db", "sources"),
    *("store.lock", "worktrees"),
)
"""How names of what espdeck keeps at the top of a workspace begin."""

_user_umask: int | None = None


def restrict_umask() -> None:
    """Make only what others cannot read, from now on, in this process and its children.

    A file that a person asks for keeps to the person's umask: :func:`apply_user_umask`.
    """
    global _user_umask
    before = os.umask(_OTHERS_MODE)
    if _user_umask is None:
        _user_umask = before


def apply_user_umask(descriptor: int) -> None:
    """Give a file that was just made the mode that a person's own programs would give it."""
    if _user_umask is not None:
        with contextlib.suppress(OSError):  # some file systems have no modes
            os.fchmod(descriptor, 0o666 & ~_user_umask)


def check_owner(workspace: Path) -> None:
    """See that a workspace is this user's, before anything in it is believed.

    What it says is carried out: durable runs are kept as pickles, clones have configurations of
    Git. Whoever made it, or put a database into a folder of all, would have this user run
    anything. Root is trusted, and is itself as careful of others' folders.

    Raises:
        UsageError: the folder, or what espdeck keeps in it, is another user's.
        OSError: it cannot be looked at.
    """
    trusted = (os.geteuid(), 0)
    if not workspace.exists():
        return  # it is made
    found = [
        workspace,
        *(each for each in workspace.iterdir() if each.name.startswith(_WORKSPACE_NAMES)),
    ]
    for path in found:
        try:
            owner = (path.stat() if path == workspace else path.lstat()).st_uid
        except FileNotFoundError:
            continue  # SQLite deletes files of its own when a process closes a database
        if owner not in trusted:
            raise UsageError(
                f"{path} belongs to {_user(owner)}, who could have espdeck run anything as you: "
                "use a workspace of your own (--workspace)"
            )


def close_to_others(workspace: Path) -> str:
    """Close a workspace to others, where that was not done when it was made.

    Returns:
        What a person has to know of it, in a line; empty for nothing.

    Raises:
        OSError: it cannot be looked at.
    """
    said = _close_folder(workspace)
    for entry in workspace.iterdir():
        with contextlib.suppress(OSError):
            status = entry.lstat()
            is_ours = entry.name.startswith(_WORKSPACE_NAMES) and status.st_uid == os.geteuid()
            kind = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
            if is_ours and kind and status.st_mode & _OTHERS_MODE:
                entry.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_MODE)
    return said


def check_settings(path: Path, *, named: bool) -> str:
    """Close a person's settings file to others; they name programs that are run.

    Args:
        path: the file; it may be absent.
        named: whether somebody named it, as one that several share.

    Returns:
        What is wrong with it, in a line; empty for nothing.
    """
    try:
        status = path.stat()
    except OSError:
        return ""
    if status.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to {_user(status.st_uid)}: settings name programs that are run"
    if status.st_mode & stat.S_IWOTH:
        return f"{path} can be written by everybody: chmod 600 {path}"
    if not named and status.st_uid == os.geteuid() and status.st_mode & _OTHERS_MODE:
        with contextlib.suppress(OSError):
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_MODE)
    return ""


def _close_folder(workspace: Path) -> str:
    status = workspace.stat()
    mode = stat.S_IMODE(status.st_mode)
    if not mode & _OTHERS_MODE:
        return ""
    if status.st_uid != os.geteuid():
        return (
            f"{workspace} belongs to {_user(status.st_uid)} and is open to others (mode {mode:o}): "
            "use a folder of your own"
        )
    home = Path.home()
    if mode & stat.S_ISVTX or workspace in (home, *home.parents):
        return (
            f"{workspace} is open to others (mode {mode:o}) and not for espdeck to close: "
            "use a folder of its own"
        )
    try:
        workspace.chmod(mode & ~_OTHERS_MODE)
    except OSError as error:
        return f"{workspace} is open to others (mode {mode:o}): {error.strerror}"
    return (
        f"{workspace} was open to others (mode {mode:o}) and is yours alone now "
        f"({mode & ~_OTHERS_MODE:o})"
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
