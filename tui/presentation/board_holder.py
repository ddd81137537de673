"""Who has a board, in a few words; loads nothing of a screen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tui.presentation.units import moment

if TYPE_CHECKING:
    from engine import BoardInfo


def who_has(board: BoardInfo, now: datetime) -> str:
    """Who has a board, and who reserved it until when and why; empty when nobody did.

    Args:
        now: the time, with its zone.
    """
    reserved = ""
    if board.reserved_until is not None:
        why = f": {board.reserved_why}" if board.reserved_why else ""
        reserved = f"{board.reserved_by} until {moment(board.reserved_until, now)}{why}"
    else:
        reserved = board.reserved
    if board.holder and reserved:
        return f"{board.holder}; reserved by {reserved}"
    return board.holder or reserved
