"""Runs a simulator's process until it has shown enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Timer

from engine.cancel import CancelToken
from engine.errors import CancelledError
from engine.process import Completed, run


def run_until(
    argv: Sequence[str | Path],
    *,
    on_output: Callable[[bytes], None],
    until: Callable[[], bool],
    cancel: CancelToken,
    timeout: float,
    seconds: float | None = None,
    cwd: Path | None = None,
    clean_env: bool = False,
) -> Completed | None:
    """Run a program and hand its output on, until ``until`` says so.

    Args:
        argv, on_output, cancel, cwd, clean_env: as :func:`engine.process.run` takes them.
        until: asked after each piece of output; true ends the program.
        timeout: seconds after which the program counts as hung.
        seconds: seconds after which it has shown enough, None where it ends by itself.

    Returns:
        How it ended by itself, None when it was ended because it had shown enough.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
    """
    enough = CancelToken()
    forget = cancel.on_stop(enough.cancel)

    def hand_on(data: bytes) -> None:
        on_output(data)
        if until():
            enough.cancel()

    timer = Timer(seconds, enough.cancel) if seconds is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        return run(
            argv, timeout=timeout, cancel=enough, on_output=hand_on, cwd=cwd, clean_env=clean_env
        )
    except CancelledError:
        cancel.check()
        return None
    finally:
        forget()
        if timer is not None:
            timer.cancel()
