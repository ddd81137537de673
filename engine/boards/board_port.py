"""The port of a board that is held: where it is now, and what everybody who uses it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.boards.esptool import Connection
from engine.cancel import CancelToken
from engine.errors import BoardError, MissingToolError, ToolError
from engine.process import run

COMMAND_TIMEOUT_SECONDS = 30.0
"""How long a command of the settings, which resets or powers a board, may take."""

_SOCKET = "socket://"


@dataclass(frozen=True, slots=True)
class BoardPort:
    """A board that is held, as programs reach it.

    Args:
        name: as the settings name it.
        lock: the descriptor that keeps it ours, for programs that work with it to inherit.
        open_url: what esptool and pyserial open now; starts a virtual board. Raises BoardError.
        cancel: ends everything that is done with it.
        say: called with lines for people: that it vanished, that it is waited for.
    """

    name: str
    lock: int
    open_url: Callable[[CancelToken], str]
    cancel: CancelToken
    say: Callable[[str], None]

    @property
    def url(self) -> str:
        """What esptool and pyserial open now; it may be another port after a replug.

        Raises:
            BoardError: it is not there.
        """
        return self.open_url(self.cancel)

    @property
    def is_socket(self) -> bool:
        """Whether bytes alone go through it: it has no lines that reset anything."""
        return self.url.startswith(_SOCKET)

    def connection(self, before: str = "", after: str = "", baud: int | None = None) -> Connection:
        """How esptool reaches the board, see :class:`engine.boards.esptool.Connection`."""
        return Connection(self.url, before=before, after=after, baud=baud, lock=self.lock)


@dataclass(frozen=True, slots=True)
class PortCommand:
    """A command of the settings that does something with a board.

    Args:
        port: the board's.
        setting: its name in the settings.
        argv: the command, to which a word is added.
    """

    port: BoardPort
    setting: str
    argv: tuple[str, ...]

    def run(self, word: str) -> None:
        """Run it with a word: what it is to do.

        Raises:
            BoardError: it failed; one line.
            CancelledError, Interrupted: as the session's token says.
        """
        argv = [*self.argv, word]
        shown = f"{self.port.name}: {self.setting} ({' '.join(argv)})"
        try:
            done = run(
                argv,
                timeout=COMMAND_TIMEOUT_SECONDS,
                cancel=self.port.cancel,
                on_output=lambda _data: None,
                pass_fds=(self.port.lock,),
            )
        except (ToolError, MissingToolError) as error:
            raise BoardError(f"{shown}: {error}") from error
        if done.returncode:
            last = done.tail.strip().splitlines()[-1:]
            raise BoardError(
                f"{shown}: exit code {done.returncode}{': ' if last else ''}{''.join(last)}"
            )
