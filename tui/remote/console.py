"""A console of a lab on another machine, watched and typed to from this terminal."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine import ApiError, Client, ConsoleInput, ConsoleSocket, Lines, ResetStep, Restart

if TYPE_CHECKING:
    from engine import CancelToken

_PATIENCE_SECONDS = 300.0
_COME_AGAIN_SECONDS = 2.0
_LOOK_SECONDS = 0.2

_IS_READ = "reading "
"""How the state of a console begins whose board is read."""


class RemoteConsole:
    """Watches a board until it is cancelled; a connection that breaks off is opened again.

    Args:
        name: the board.
        on_output: called with each piece of what it says.
        on_note: called with a line for people.
        console_input: what is typed to it.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        console_input: ConsoleInput,
    ) -> None:
        self._client = client
        self._name = name
        self._on_output = on_output
        self._on_note = on_note
        self._input = console_input

    def watch(self, cancel: CancelToken, *, reset: bool) -> None:
        """Watch.

        Args:
            reset: whether the board begins anew, once it is listened to.

        Raises:
            ApiError: the server refuses, or was away for minutes.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        last_seen = time.monotonic()
        while True:
            try:
                with ConsoleSocket(self._client, self._name) as socket:
                    last_seen = time.monotonic()
                    self._converse(socket, cancel, reset=reset)
            except ApiError as error:
                cancel.check()
                if not error.is_passing or time.monotonic() - last_seen > _PATIENCE_SECONDS:
                    raise
                self._on_note(f"{error}: trying again")
                reset = False
            cancel.wait(_COME_AGAIN_SECONDS)

    # Of the console's control lines only a restart is reached over the network:

    def set(self, _lines: Lines) -> None:
        """Say that DTR and RTS are out of reach."""
        self._on_note("DTR and RTS are not reached over the network")

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        """Restart its program."""
        if restart.bootloader:
            self._on_note("the bootloader is not reached over the network")
        else:
            self._reset()
        return ()

    def _reset(self) -> None:
        try:
            self._client.reset(self._name)
        except ApiError as error:
            self._on_note(f"not reset: {error}")

    def _converse(self, socket: ConsoleSocket, cancel: CancelToken, *, reset: bool) -> None:
        """Show what comes, and type once the board is read: before, the lab takes nothing."""
        is_over = threading.Event()
        typist = threading.Thread(
            target=self._type, args=(socket, is_over), name="typist", daemon=True
        )
        forget = cancel.on_stop(socket.close)
        try:
            for message in socket:
                is_read = True
                if isinstance(message, bytes):
                    self._on_output(message)
                else:
                    self._on_note(message.text)
                    is_read = message.text.startswith(_IS_READ)
                if is_read and typist.ident is None:
                    if reset:
                        self._reset()
                    typist.start()
        finally:
            forget()
            is_over.set()
            if typist.ident is not None:
                typist.join()

    def _type(self, socket: ConsoleSocket, is_over: threading.Event) -> None:
        def write(data: bytes) -> int:
            socket.send(data)
            return len(data)

        with self._input.reading() as wake:
            while not is_over.is_set():
                select.select([wake], [], [], _LOOK_SECONDS)
                try:
                    while self._input.pump(wake, write, self) is not None:
                        pass
                except ApiError:
                    return  # who reads says so
