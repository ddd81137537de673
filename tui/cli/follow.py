"""A run followed on the command line: its events printed until it ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.enums import RunStatus
from engine.errors import EspdeckError
from tui import garbage_collection
from tui.cli.exit_codes import FAILED, INTERRUPTED, SUCCESS

if TYPE_CHECKING:
    from engine import Engine, RunService, Settings
    from tui.cli.event_printer import Printer
    from tui.remote.lab import RemoteBuilds, RemoteLab

_LOOK_SECONDS = 0.2
"""Seconds between two looks whether somebody pressed Ctrl-C."""


@contextlib.contextmanager
def printing(settings: Settings, *, as_json: bool) -> Iterator[tuple[Engine, Printer]]:
    """An engine that executes runs, open while the block runs, and what prints its events.

    Args:
        as_json: JSON, one event a line, instead of lines for people.
    """
    from engine import Engine
    from tui.cli.event_printer import Printer

    engine, printer = Engine(settings), Printer(sys.stdout, as_json=as_json)
    engine.events.subscribe(printer)
    try:
        engine.open()
        yield engine, printer
    finally:
        engine.close()
        printer.close()


def follow(runs: RunService | RemoteBuilds, number: int, printer: Printer) -> int:
    """Print a run's events until it ends; Ctrl-C cancels it.

    Args:
        runs: ``engine.builds`` or ``engine.tasks``.

    Returns:
        The exit code.
    """
    printer.follow(number)
    with _interrupt() as asked:
        code = _until_it_ends(runs, number, printer, asked)
    if code == INTERRUPTED:
        _cancel(runs, [number])
    return code


def follow_each(
    engine: Engine | RemoteLab,
    numbers: Sequence[int],
    printer: Printer,
    on_end: Callable[[int], None],
) -> int:
    """Print the events of builds, one build after the other; Ctrl-C cancels all of them.

    Args:
        on_end: called with the number of each that was followed to its end.

    Returns:
        The exit code: of the worst.
    """
    worst = SUCCESS
    with _interrupt() as asked:
        for place, number in enumerate(numbers):
            printer.follow(number, engine.replay(number) if place else ())
            code = _until_it_ends(engine.builds, number, printer, asked)
            if code == INTERRUPTED:
                _cancel(engine.builds, numbers[place:])
            printer.drain()
            on_end(number)
            if code == INTERRUPTED:
                return code
            worst = max(worst, code)
    return worst


def _until_it_ends(
    runs: RunService | RemoteBuilds, number: int, printer: Printer, asked: threading.Event
) -> int:
    garbage_collection.modules_are_there()
    run = runs.wait(number, timeout=_LOOK_SECONDS)
    while not (run.status.is_final or asked.is_set()):
        run = runs.wait(number, timeout=_LOOK_SECONDS)
    if not run.status.is_final:
        return INTERRUPTED
    printer.wait_completed(timeout=2.0)
    return SUCCESS if run.status is RunStatus.SUCCESS else FAILED


def _cancel(runs: RunService | RemoteBuilds, numbers: Sequence[int]) -> None:
    for number in reversed(numbers):  # else the next one begins when one is cancelled
        with contextlib.suppress(EspdeckError):
            runs.cancel(number)
    for number in numbers:
        runs.wait(number, timeout=5.0)


@contextlib.contextmanager
def _interrupt() -> Iterator[threading.Event]:
    """Whether somebody pressed Ctrl-C while the block runs."""
    asked = threading.Event()
    # An exception may come where it is swallowed, in a finaliser or a callback; a flag is not lost.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
