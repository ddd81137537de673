"""Runs that are cancelled by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from engine.errors import EspdeckError
from tui.cli.common import print_error, run_number
from tui.cli.exit_codes import USAGE

if TYPE_CHECKING:
    from engine import Run, RunService
    from tui.remote.lab import RemoteBuilds

CANCEL_TIMEOUT_SECONDS = 10.0
"""How long a cancelled run is waited for; its programs end within a second."""


def cancel_each(runs: RunService | RemoteBuilds, words: Sequence[str]) -> Iterator[Run]:
    """Cancel runs, and wait until each has ended.

    Args:
        words: their numbers, as they were typed.

    Raises:
        UsageError: there is none with one of the numbers; nothing is cancelled then.
        Exit: behind the last one, if some could not be cancelled; why is printed.
    """
    numbers = list(dict.fromkeys(map(run_number, words)))
    for number in numbers:
        runs.get(number)
    wrong = False
    asked = []
    for number in numbers:
        try:
            runs.cancel(number)
        except EspdeckError as error:
            wrong = True
            print_error(str(error))
        else:
            asked.append(number)
    for number in asked:
        yield runs.wait(number, timeout=CANCEL_TIMEOUT_SECONDS)
    if wrong:
        raise typer.Exit(USAGE)
