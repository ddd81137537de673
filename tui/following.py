"""A run followed on the command line: its events printed until it ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.errors import EspdeckError
from engine.words import BuildStatus
from tui import collecting

if TYPE_CHECKING:
    from engine.carried import Carried
    from engine.engine import Engine
    from engine.settings import Settings
    from tui.console import Printer

SUCCESS, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: it went well, a run failed, a mistake of usage or environment, Ctrl-C."""

_LOOK = 0.2
"""Seconds between two looks whether somebody pressed Ctrl-C."""


@contextlib.contextmanager
def printing(settings: Settings, *, as_json: bool) -> Iterator[tuple[Engine, Printer]]:
    """An engine that carries runs, open while the block runs, and what prints its events.

    Args:
        as_json: JSON, one event a line, instead of lines for people.
    """
    from engine import Engine
    from tui.console import Printer

    engine, printer = Engine(settings), Printer(sys.stdout, as_json=as_json)
    engine.events.subscribe(printer)
    try:
        engine.open()
        yield engine, printer
    finally:
        engine.close()
        printer.close()


def follow(runs: Carried, number: int, printer: Printer) -> int:
    """Print a run's events until it ends; Ctrl-C cancels it.

    Args:
        runs: ``engine.builds`` or ``engine.tasks``.

    Returns:
        The exit code.
    """
    printer.follow(number)
    collecting.modules_are_there()
    asked = threading.Event()
    # An exception may come where it is swallowed, in a finaliser or a callback; a flag is not lost.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: asked.set())
    try:
        build = runs.wait(number, timeout=_LOOK)
        while not (build.status.is_final or asked.is_set()):
            build = runs.wait(number, timeout=_LOOK)
    finally:
        signal.signal(signal.SIGINT, before)
    if not build.status.is_final:
        with contextlib.suppress(EspdeckError):
            runs.cancel(number)
        runs.wait(number, timeout=5.0)
        return INTERRUPTED
    printer.wait_completed(timeout=2.0)
    return SUCCESS if build.status is BuildStatus.SUCCESS else FAILED
