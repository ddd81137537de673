"""What restarts a board while its console is read, where the lines of its port do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from engine.console_input import Lines, Restart, Step
from engine.errors import EspdeckError


class ResetWanted(Exception):  # noqa: N818 (no error)
    """The console must be let go so that the board can be reset."""


class ByFlasher:
    """What resets a virtual board: a flasher that leaves."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def set(self, lines: Lines) -> None:
        """It has no lines."""
        self._say("a virtual board has no DTR and RTS lines")

    def steps(self, restart: Restart) -> Sequence[Step]:
        """Reset it; a flasher gets its bootloader without this."""
        if not restart.bootloader:
            raise ResetWanted
        self._say("a virtual board enters its bootloader when a flasher talks to it")
        return ()


class ByCommand:
    """What resets a board by a command of the settings, while its console is read on."""

    def __init__(
        self, run_command: Callable[[str], None], say: Callable[[str], None], name: str
    ) -> None:
        self._run = run_command
        self._say = say
        self._name = name

    def set(self, lines: Lines) -> None:
        """Its lines do nothing."""
        self._say(f"{self._name}: reset by a command of the settings, not by DTR and RTS")

    def steps(self, restart: Restart) -> Sequence[Step]:
        """Run the command beside the reading."""
        word = "bootloader" if restart.bootloader else "run"

        def run_it() -> None:
            try:
                self._run(word)
            except EspdeckError as error:
                self._say(str(error))

        threading.Thread(target=run_it, name="reset-command", daemon=True).start()
        return ()
