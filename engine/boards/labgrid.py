"""Boards of a lab that runs labgrid: a place is acquired while it is used, then given back.

Everything goes through ``labgrid-client`` (labgrid documentation, "Remote Access"), which finds its
coordinator by ``LG_COORDINATOR``. It must be installed apart from espdeck, as with pipx: it brings
a pyserial of its own. What it prints is documented by example only; what is read here is of
labgrid 26.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from engine.boards.names import labgrid_place
from engine.cancel import CancelToken
from engine.errors import BoardError, MissingToolError, ToolError
from engine.process import Completed, run

PLACE_POLL_SECONDS = 5.0
"""How long to wait before a place that somebody else has is asked for again."""

_CLIENT = "labgrid-client"
_CLIENT_SECONDS = 30.0
_TAKEN = re.compile(r"already acquired by (\S+?)\.")
_RESOURCE = re.compile(
    r"^Acquired resource '.*?' \(.*?/(?:NetworkSerialPort|SerialPort|USBSerialPort)/.*?\):\n"
    r"((?:  .*\n?)+)",
    re.M,
)


@contextlib.contextmanager
def acquired(name: str, *, cancel: CancelToken, on_wait: Callable[[str], None]) -> Iterator[str]:
    """Acquire a place while the block runs. One that this user acquired before stays acquired.

    Args:
        name: ``labgrid:PLACE``.
        cancel: ends it early.
        on_wait: called once with who has it, if it must be waited for.

    Yields:
        What esptool and pyserial open.

    Raises:
        MissingToolError: labgrid is not installed.
        BoardError: there is no such place, no serial port in it, or no coordinator.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    place = labgrid_place(name)
    is_ours = _acquire(name, place, cancel, on_wait)
    try:
        cancel.check()
        yield _serial_url(name, _client(place, "show", cancel).tail)
    finally:
        if is_ours:
            # Also when the work was cancelled: else nobody has the place until somebody wonders.
            with contextlib.suppress(BoardError):
                _client(place, "release", CancelToken())


def check_installed() -> str:
    """See whether labgrid is there; the path of its client.

    Raises:
        MissingToolError: it is not.
    """
    program = shutil.which(_CLIENT)
    if program is None:
        raise MissingToolError(f"{_CLIENT}: not found; pipx install labgrid")
    return program


def _acquire(name: str, place: str, cancel: CancelToken, on_wait: Callable[[str], None]) -> bool:
    """Acquire it; whether it is to be released."""
    told = ""
    while True:
        # Not cancelled: ended in the middle, nobody would know whether the place is ours now.
        cancel.check()
        done = _client(place, "acquire", CancelToken())
        if not done.returncode:
            return True
        if "You have already acquired" in done.tail:
            return False
        taken = _TAKEN.search(done.tail)
        if taken is None:
            reason = (done.tail.strip().splitlines() or ["no reason given"])[-1]
            raise BoardError(f"{name}: labgrid: {re.sub(r'^.*?[Ee]rror: ', '', reason)}")
        if taken[1] != told:
            told = taken[1]
            on_wait(f"waiting for {name}: acquired by {told}")
        cancel.wait(PLACE_POLL_SECONDS)


def _client(place: str, command: str, cancel: CancelToken) -> Completed:
    try:
        return run(
            [check_installed(), "-p", place, command],
            timeout=_CLIENT_SECONDS,
            cancel=cancel,
            on_output=_ignore,
        )
    except ToolError as error:
        raise BoardError(f"labgrid: {error}") from error


def _serial_url(name: str, shown: str) -> str:
    """The serial port among what ``labgrid-client show`` says of an acquired place."""
    for found in _RESOURCE.finditer(shown):
        with contextlib.suppress(ValueError, SyntaxError, LookupError, TypeError):
            params: dict[str, Any] = ast.literal_eval(found[1].strip())["params"]
            if "host" not in params:
                return str(params["port"])
            scheme = "socket" if params.get("protocol") == "raw" else "rfc2217"
            return f"{scheme}://{params['host']}:{int(params['port'])}"
    raise BoardError(f"{name}: labgrid: the place has no serial port")


def _ignore(_output: bytes) -> None:
    pass
