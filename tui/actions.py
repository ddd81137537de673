"""Actions of a screen: one record for the key, what runs it and why it is disabled.

The key bar, the help, the command palette and the footers of dialogs read these records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.keymap import Key

Reason = Callable[[], str | None]
"""Gives why something is not possible now, in a clause without a full stop; else None. Cheap: the
key bar calls it whenever it is drawn."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a screen.

    Args:
        key: its id, its keys and its texts, from the key table.
        run: does it.
        reasons: why it is disabled; the first that says something counts.
    """

    key: Key
    run: Callable[[], object]
    reasons: tuple[Reason, ...] = ()

    def disabled_reason(self) -> str | None:
        """Why the action does nothing now, None when it works."""
        return next((text for reason in self.reasons if (text := reason())), None)
