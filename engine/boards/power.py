"""Switches a board's power, where the settings have a command for that."""

from __future__ import annotations

from dataclasses import replace

from engine.boards.board_port import PortCommand
from engine.boards.capabilities import Power
from engine.cancel import CancelToken
from engine.errors import UsageError

POWER_OFF_SECONDS = 1.0
"""How long a board is without power when it is switched off and on."""


class CommandPower:
    """Power that a command of the settings switches."""

    def __init__(self, command: PortCommand) -> None:
        """Know the board.

        Args:
            command: of the settings; without arguments where they have none, then each switching
                raises UsageError.
        """
        self._command = command
        self.is_switchable = bool(command.argv)

    def on(self) -> None:
        """Switch it on."""
        self._run("on")

    def off(self) -> None:
        """Switch it off."""
        self._run("off")

    def cycle(self) -> None:
        """Switch it off and on again."""
        self.off()
        self._command.port.cancel.wait(POWER_OFF_SECONDS)
        self.on()

    def restore(self) -> None:
        """Switch it on, also when what is done with the board was to stop."""
        port = replace(self._command.port, cancel=CancelToken())
        replace(self._command, port=port).run("on")

    def _run(self, word: str) -> None:
        if not self.is_switchable:
            name = self._command.port.name
            raise UsageError(f"{name}: no power_command in the settings (espdeck guide boards)")
        self._command.run(word)


def switch_power(power: Power, word: str) -> None:
    """Switch a board's power as a person says.

    Args:
        power: of the board.
        word: ``on``, ``off``, or ``cycle`` for off and on again.

    Raises:
        UsageError: another word, or nothing switches the power of this board.
        BoardError: the command failed.
        CancelledError, Interrupted: as the session's token says.
    """
    actions = {"on": power.on, "off": power.off, "cycle": power.cycle}
    if word not in actions:
        raise UsageError(f"power {word!r}: give on, off or cycle")
    actions[word]()
