"""Tells when the settings file changes, however people change it.

An editor writes in several steps, or replaces the file; dotfiles are links whose target is
replaced, or another link takes their place; a whole folder is deleted and made anew. inotify(7)
tells what happens in the folder in which the file was; what it cannot tell is seen by a look from
time to time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.folder_watch import FolderWatch

SETTLE_SECONDS = 0.3
"""How long after a change the file is read: editors write in several steps."""

LOOK_SECONDS = 10.0
"""Between two looks whether the file changed without a word."""

_State = tuple[int, ...] | None


def follow_file(
    path: Path,
    changed: Callable[[], object],
    stop: CancelToken,
    *,
    settle: float = SETTLE_SECONDS,
    look: float = LOOK_SECONDS,
) -> None:
    """Say so whenever a file may have changed, until the token says to stop.

    Args:
        path: the file; it may be absent, and a link.
        changed: called in this thread, first when changes begin to be seen.
        settle: seconds after a change at which it is called.
        look: seconds between two looks at the file itself.
    """
    seen: _State = ()
    while not stop.stopped:
        folder, name = _place(path)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        place = _state(folder)
        watch = FolderWatch(folder, (name,))
        forget = stop.on_stop(watch.close)
        try:
            while not stop.stopped:
                if (state := _state(path)) != seen:
                    seen = state
                    changed()
                if (folder, name) != _place(path) or _inode(place) != _inode(_state(folder)):
                    break
                if watch.wait(look):
                    watch.pause(settle)
        finally:
            forget()
            watch.release()


def _place(path: Path) -> tuple[Path, str]:
    """Folder and name of the file that a path leads to."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError):  # a circle of links
        real = path
    return real.parent, real.name


def _state(path: Path) -> _State:
    """What tells a file that was changed from what it was; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size


def _inode(state: _State) -> _State:
    return state and state[:2]
