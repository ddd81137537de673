"""Runs Espressif's esptool and espefuse, each in a process of its own.

What says what a board is, or writes it, goes through :mod:`engine.boards.esptool_child`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.boards import esptool_child, ports
from engine.boards.esptool_child import Request
from engine.boards.esptool_errors import problem
from engine.cancel import CancelToken
from engine.errors import BoardError, ToolError
from engine.process import run

CONNECT_ATTEMPTS = 5
"""How often esptool tries to get an answer; each takes a second or two."""

ESPTOOL_BEFORE = ("default-reset", "usb-reset", "no-reset", "no-reset-no-sync")
"""How esptool can get a board into its bootloader."""

ESPTOOL_AFTER = ("hard-reset", "soft-reset", "no-reset", "no-reset-stub", "watchdog-reset")
"""How esptool can leave a board."""

_QUIET_TERMINAL = {"TERM": "dumb", "NO_COLOR": "1", "PYTHONUTF8": "1", "COLUMNS": "100"}


@dataclass(frozen=True, slots=True)
class Connection:
    """How esptool reaches a board.

    Args:
        port: a serial port or URL.
        before: one of :data:`ESPTOOL_BEFORE`, empty for esptool's own choice.
        after: one of :data:`ESPTOOL_AFTER`, empty for esptool's own choice.
        baud: speed of the transfer in bits a second, None for the ROM's.
        lock: the descriptor that keeps the board ours, None for none. esptool inherits it, so that
            nobody else has the board before it ends, whatever becomes of this process.
    """

    port: str
    before: str = ""
    after: str = ""
    baud: int | None = None
    lock: int | None = None

    def options(self) -> list[str]:
        """As options of esptool's command line."""
        options = ["--port", self.port]
        options += ["--before", self.before] if self.before else []
        options += ["--after", self.after] if self.after else []
        return options + (["--baud", str(self.baud)] if self.baud else [])


def esptool(
    connection: Connection,
    arguments: Sequence[str],
    *,
    cancel: CancelToken,
    timeout: float,
    on_line: Callable[[bytes], None] = lambda _line: None,
) -> str:
    """Run esptool on a board.

    Args:
        connection: the board.
        arguments: of esptool, after its options for the port.
        cancel: ends it early.
        timeout: seconds for all of it.
        on_line: called with each line that it prints; progress is a line each time.

    Returns:
        The end of what it printed.

    Raises:
        BoardGoneError: the board was there and is not any more.
        BoardSilentError: no chip answers.
        BoardError: the port cannot be used, the board does not answer or is another chip, or
            esptool failed; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    options = [*connection.options(), "--connect-attempts", str(CONNECT_ATTEMPTS)]
    return _run("esptool", connection, [*options, *arguments], cancel, timeout, on_line)


def ask(
    connection: Connection,
    request: Request,
    *,
    cancel: CancelToken,
    timeout: float,
    on_line: Callable[[bytes], None],
) -> str:
    """Have esptool connect to a board, say what it is, and do what is asked for.

    Args:
        connection: the board.
        request: what; its ``attempts`` are :data:`CONNECT_ATTEMPTS`.
        cancel: ends it early.
        timeout: seconds for all of it.
        on_line: called with each line that it prints; progress is a line each time.

    Returns:
        The end of what it printed.

    Raises:
        BoardGoneError, BoardSilentError, CancelledError, Interrupted: as :func:`esptool`.
        BoardError: as :func:`esptool`, or what is asked for may not be done on this board.
    """
    word = replace(request, attempts=CONNECT_ATTEMPTS).to_json()
    return _run("esptool", connection, [word], cancel, timeout, on_line, esptool_child.__name__)


def espefuse(
    connection: Connection, arguments: Sequence[str], *, cancel: CancelToken, timeout: float
) -> str:
    """Run espefuse on a board, as :func:`esptool` does; ``arguments`` only ever read.

    Raises:
        BoardGoneError, BoardError, CancelledError, Interrupted: as :func:`esptool`.
    """
    arguments = [*connection.options(), *arguments]
    return _run("espefuse", connection, arguments, cancel, timeout, lambda _line: None)


def _run(
    tool: str,
    connection: Connection,
    arguments: Sequence[str],
    cancel: CancelToken,
    timeout: float,
    on_line: Callable[[bytes], None],
    module: str = "",
) -> str:
    port = connection.port
    ports.check(port)
    command = [sys.executable, "-P", "-m", module or tool, *arguments]
    rest = b""

    def split(chunk: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
        for line in lines:
            on_line(line + b"\n")

    try:
        done = run(
            command,
            timeout=timeout,
            cancel=cancel,
            on_output=split,
            env=_QUIET_TERMINAL,
            pass_fds=() if connection.lock is None else (connection.lock,),
        )
    except ToolError as error:
        raise BoardError(f"{port}: {tool} took longer than {timeout:g} s") from error
    if rest:
        on_line(rest + b"\n")
    if done.returncode != 0:
        raise problem(tool, port, done.tail)
    return done.tail
