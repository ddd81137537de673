"""The terminal under the app: lent to a program for a while, or left for the shell."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TypeVar

from textual.app import App, SuspendNotSupported

from engine.errors import EspdeckError, UsageError

R = TypeVar("R")


def lend(app: App[None], work: Callable[[], R], *, what: str) -> R:
    """Let something have the terminal. Blocks: there is no screen meanwhile.

    Args:
        work: what writes to the terminal and reads keys; whatever it raises, the app comes back.
        what: names it in errors.

    Returns:
        What ``work`` returned.

    Raises:
        UsageError: there is no terminal.
        EspdeckError: a person ended it by Ctrl-C.
        Exception: what ``work`` raised.
    """
    result: list[R] = []
    raised: BaseException | None = None
    try:
        with app.suspend():
            # asyncio's own would not end the work, and end the app after it.
            interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                result.append(work())
            except BaseException as error:
                raised = error  # Textual takes the terminal back only where the block ends well.
            finally:
                signal.signal(signal.SIGINT, interrupt)
    except SuspendNotSupported as error:
        raise UsageError(f"{what} needs a terminal") from error
    if isinstance(raised, KeyboardInterrupt):
        raise EspdeckError(f"{what} was interrupted") from raised
    if raised is not None:
        raise raised
    return result[0]


def has_shell() -> bool:
    """Whether a shell started this process as a job, and can bring it back with ``fg``.

    Without one (``ssh -t host espdeck``, a window of tmux that runs espdeck itself) a stopped
    process stays stopped: its process group is orphaned (POSIX, "Orphaned Process Group").
    """
    import psutil

    group, session = os.getpgrp(), os.getsid(0)
    try:
        parent = os.getppid()
        while parent and os.getpgid(parent) == group:  # a script around espdeck
            parent = psutil.Process(parent).ppid()
        return bool(parent) and os.getsid(parent) == session
    except (OSError, psutil.Error):
        return False


def to_shell(app: App[None]) -> None:
    """Stop the app with all that belongs to its job, as the terminal does on Ctrl-Z.

    Raises:
        UsageError: nothing would bring it back.
    """
    if not has_shell():
        raise UsageError("no shell started espdeck here: nothing could bring it back")
    # The whole job: a shell takes no notice while a script around espdeck goes on.
    lend(app, lambda: os.killpg(os.getpgrp(), signal.SIGSTOP), what="going to the shell")
