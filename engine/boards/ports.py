"""Serial ports and serial URLs: whether one can be opened, and in one line why not."""

from __future__ import annotations

import contextlib
import grp
import os
import re
from pathlib import Path

from engine.boards import port_users
from engine.errors import BoardBusyError, BoardError

_UNREACHABLE = re.compile(
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname"
    r"|No route to host|Network is unreachable|Host is down|Connection timed out|Errno 110\]"
    r"|Could not open port socket://[^\n]{1,200}: timed out"
)
_GONE = re.compile(
    r"disconnected|returned no data|Input/output error|Connection reset|Broken pipe"
    r"|No such device|[Dd]evice not configured|Protocol error|[Ss]erial exception error"
)


def is_url(port: str) -> bool:
    """Whether this is a URL as pyserial takes it (``socket://…``), not a device."""
    return "://" in port


def check(port: str) -> None:
    """See whether a device is there and may be used, before anything slow is started.

    Raises:
        BoardError: it is absent, or this user may not open it; one line.
    """
    if is_url(port):
        return
    if not Path(port).exists():
        raise BoardError(f"{port}: no such port; is the board plugged in?")
    if not os.access(port, os.R_OK | os.W_OK):
        raise BoardError(_no_permission(port))


def explain(port: str, problem: str) -> BoardError | None:
    """What esptool or pyserial say of a port that cannot be opened or has gone, in one line.

    Args:
        port: the port.
        problem: their text, which carries the text of the system's error.

    Returns:
        The error, a BoardBusyError where another program has the port; None if the text is about
        something else.
    """
    if re.search(r"No such file or directory|FileNotFoundError", problem):
        return BoardError(f"{port}: no such port; is the board plugged in?")
    if re.search(r"Permission denied|PermissionError", problem):
        return BoardError(_no_permission(port))
    if "Connection refused" in problem:
        return BoardError(f"{port}: nothing answers there")
    if re.search(r"Errno 16\]|Errno 11\]|exclusively lock|Resource busy", problem):
        return BoardBusyError(f"{port}: in use{_by_whom(port)}")
    if "Could not configure port" in problem:
        return BoardError(
            f"{port}: not a serial port, or no device is behind it (WSL: usbipd attach)"
        )
    if _UNREACHABLE.search(problem):
        return BoardError(
            f"{port}: this host cannot be reached; check its name, its port and the network"
        )
    if "multiple access" in problem and (reader := _by_whom(port)):
        # Two readers take each other's bytes: pyserial cannot tell that from an unplugged cable.
        return BoardError(f"{port}: read{reader} as well; end that first")
    if _GONE.search(problem):
        return BoardError(vanished(port))
    return None


def vanished(port: str) -> str:
    """One line for a board that was there and is not any more."""
    return f"{port}: the board vanished; check its cable and power"


def _no_permission(port: str) -> str:
    group = "dialout"
    with contextlib.suppress(OSError, KeyError):
        group = grp.getgrgid(Path(port).stat().st_gid).gr_name
    return f"{port}: permission denied; add yourself to the group {group} and log in again"


def _by_whom(port: str) -> str:
    """The program that has a port, where this user may see it."""
    program = port_users.other_user(port) or port_users.who_opened(port)
    return f" by {program}" if program is not None else ""
