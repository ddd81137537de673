"""Whether ``power_command`` does what it is for: off makes the port vanish, on brings it back."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from engine.boards import ports
from engine.boards.board_session import BoardSession
from engine.errors import BoardError

VANISHES_WITHIN_SECONDS = 10.0
"""Seconds that a port may take to vanish: a hub tells the system late."""

BACK_WITHIN_SECONDS = 20.0
"""Seconds that it may take to come back."""

_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 2.0


def prove_power(board: BoardSession) -> str:
    """Switch a board off and on; it is on afterwards.

    Returns:
        What does not work; empty where it does.

    Raises:
        CancelledError, Interrupted: as the session's token says.
    """
    try:
        try:
            board.power.off()
            vanished = _wait(board, there=False, seconds=VANISHES_WITHIN_SECONDS)
        finally:
            board.power.restore()
        back = _wait(board, there=True, seconds=BACK_WITHIN_SECONDS)
    except BoardError as error:
        return str(error)
    if not back:
        return f"power_command on did not bring the port back within {BACK_WITHIN_SECONDS:g} s"
    if not vanished:
        return (
            f"power_command off left the port there for {VANISHES_WITHIN_SECONDS:g} s: "
            "it switches nothing, or not what powers the port"
        )
    return ""


def _wait(board: BoardSession, *, there: bool, seconds: float) -> bool:
    """Whether the port is there, or is not, within some seconds."""
    deadline = time.monotonic() + seconds
    while True:
        if _is_there(board) is there:
            return True
        if time.monotonic() > deadline:
            return False
        board.port.cancel.wait(_POLL_SECONDS)


def _is_there(board: BoardSession) -> bool:
    try:
        url = board.url
    except BoardError:
        return False
    if not ports.is_url(url):
        return Path(url).exists()
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
