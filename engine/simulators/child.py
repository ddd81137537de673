"""Runs a simulator's process until it has shown enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError
from engine.process import Completed, run


def run_until(
    argv: Sequence[str | Path],
    *,
    on_output: Callable[[bytes], None],
    until: Callable[[float], bool],
    cancel: CancelToken,
    timeout: float,
    seconds: float,
    console_input: ConsoleInput | None = None,
    cwd: Path | None = None,
    clean_env: bool = False,
) -> Completed | None:
    """Run a program whose firmware time is the wall's, until ``until`` says so.

    Args:
        argv, on_output, cancel, console_input, cwd, clean_env: as :func:`engine.process.run` takes
            them.
        until: asked with the seconds since the start, after each piece of output and some times a
            second without any; true ends the program.
        timeout: seconds after which the program counts as hung.
        seconds: seconds after which it has shown enough.

    Returns:
        How it ended by itself, None when it was ended because it had shown enough.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
    """
    enough = CancelToken()
    forget = cancel.on_stop(enough.cancel)

    def look(passed: float) -> None:
        if until(passed) or passed >= seconds:
            enough.cancel()

    try:
        return run(
            argv,
            timeout=timeout,
            cancel=enough,
            on_output=on_output,
            on_poll=look,
            console_input=console_input,
            cwd=cwd,
            clean_env=clean_env,
        )
    except CancelledError:
        cancel.check()
        return None
    finally:
        forget()
