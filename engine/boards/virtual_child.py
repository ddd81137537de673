"""The process that is a virtual board: ``python -m engine.boards.virtual_child``.

One client at a time over TCP, as on a serial port; others wait. A client that sends the SYNC frame
of Espressif's serial protocol talks to the ROM bootloader (esp32-mock-bootloader); every other one
sees the console of the program in flash, which runs in a process of its own (the simulator holds
the interpreter lock while it computes). The chip resets when a bootloader conversation ends.

Time of the chip passes only while a client reads: with no client, or with one that does not take
what it is sent, the program stands still, so nothing is lost and nothing piles up. What a client
sends is typed to the program's console.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from esp32_mock_bootloader.server import BootloaderConnection, handle_client

from engine.boards.virtual import ADDRESS, SYNC, name_process
from engine.boards.virtual_flash import Flash, read_program
from engine.simulators.labwired_frames import MAX_TYPED, FrameReader, pack

GRACE = 0.05
"""Seconds that a client may take to send its first byte before the program goes on: esptool, which
sends it within a millisecond, is spared the console of a program that it is about to end."""

PATIENCE = 10.0
"""Seconds that a bootloader waits for the rest of a conversation that has begun."""

ERASED = b"invalid header: 0xffffffff\r\n"
"""What the ROM says of an erased flash, over and over; here it is said eight times."""


class App:
    """The program in flash, running in a process of its own, one slice a grant."""

    def __init__(self, elf: bytes, chip: str) -> None:
        with tempfile.TemporaryFile(prefix="espdeck-") as file:
            file.write(elf)
            file.flush()
            self._process = subprocess.Popen(
                # -P here and wherever "-m" is run: the current folder may hold anybody's code.
                [
                    *(sys.executable, "-P", "-m", "engine.simulators.labwired_child"),
                    # A file without a name: nothing is left behind, however we end.
                    f"/proc/self/fd/{file.fileno()}",
                    chip,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[file.fileno()],
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._grants, self._output = self._process.stdin, self._process.stdout
        self._frames = FrameReader()
        self._typed = b""
        self._granted = False
        self.over = False

    def fileno(self) -> int:
        """What becomes readable when a slice has run."""
        return self._output.fileno()

    def type(self, data: bytes) -> None:
        """Type to the program's console, from its next slice on."""
        self._typed += data[: MAX_TYPED - len(self._typed)]

    def grant(self) -> None:
        """Let one slice run, unless one runs already or nothing will come any more."""
        if self.over or self._granted:
            return
        typed, self._typed = self._typed, b""
        try:
            self._grants.write(pack(typed))
            self._grants.flush()
            self._granted = True
        except OSError:
            self.over = True

    def read(self) -> bytes:
        """Console output that has come; only when readable."""
        chunk = os.read(self._output.fileno(), 1 << 16)
        outputs = self._frames.feed(chunk)
        if outputs:
            self._granted = False
        self.over = not chunk or self._frames.ended
        return b"".join(outputs)

    def end(self) -> None:
        """End the process, now."""
        self._process.kill()
        self._process.wait()
        self._grants.close()
        self._output.close()


class Rewound(BootloaderConnection):  # type: ignore[misc] # the library is untyped
    """A connection whose first bytes were read already, and that is patient.

    The library gives up on an answer after 50 ms, which a busy machine can take.
    """

    def __init__(self, connection: socket.socket, first: bytes) -> None:
        super().__init__(sock=connection)
        self._first = first

    def set_timeout(self, timeout: float) -> None:
        """Wait at least :data:`PATIENCE` for each piece, whatever the library asks for."""
        super().set_timeout(max(timeout, PATIENCE))

    def recv(self, size: int) -> bytes:
        """The next bytes; raises as a socket with a timeout does."""
        if self._first:
            first, self._first = self._first, b""
            return first
        return bytes(super().recv(size))


class Board:
    """One chip with its flash: reset, bootloader, program."""

    def __init__(self, chip: str, flash: Path) -> None:
        self._chip = chip
        self._flash = Flash(flash)
        self._app: App | None = None
        self._greeting = b""
        self._ending = threading.Event()
        self._reset()

    def serve(self, client: socket.socket) -> None:
        """Serve one client until it leaves."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client:
            first = self._console(client)
            if not first:
                return
            try:
                handle_client(Rewound(client, first), self._ending, self._chip, flash=self._flash)
            finally:
                try:
                    self._flash.save()
                finally:
                    # A chip runs what its flash holds, whether or not a file could be written.
                    self._reset()

    def _reset(self) -> None:
        if self._app is not None:
            self._app.end()
            self._app = None
        program = read_program(self._flash.data, self._chip)
        if program is None:
            self._greeting = ERASED * 8
        else:
            self._greeting = b""
            self._app = App(program.elf(), self._chip)

    def _console(self, client: socket.socket) -> bytes:
        """Be the program's console until the client leaves (empty) or wants the bootloader."""
        client.setblocking(False)
        select.select([client], [], [], GRACE)
        pending, self._greeting = self._greeting, b""
        while True:
            app = self._app if self._app is not None and not self._app.over else None
            readers: list[socket.socket | App] = [client]
            if app is not None and not pending:
                app.grant()
                readers.append(app)
            readable, writable, _ = select.select(readers, [client] if pending else [], [])
            try:
                if client in readable:
                    data = client.recv(4096)
                    if not data or SYNC in data:
                        return data[max(0, data.find(SYNC)) :]
                    if app is not None:
                        app.type(data)
                if writable:
                    pending = pending[client.send(pending) :]
            except OSError:
                return b""
            if app is not None and app in readable:
                pending += app.read()


def main() -> int:
    """Serve clients until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chip", required=True)
    parser.add_argument("--flash", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    lock = options.flash.with_suffix(".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("taken")
        return 1
    server = socket.create_server(("127.0.0.1", options.port))
    board = Board(options.chip, options.flash)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    port = server.getsockname()[1]
    processes = f"{name_process(os.getpid())} {name_process(os.getppid())}"
    options.flash.with_name(ADDRESS).write_text(f"{port} {processes}", "ascii")
    _say(f"port {port}")
    while True:
        client, _address = server.accept()
        with contextlib.suppress(OSError):
            board.serve(client)


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def _end_with_parent() -> None:
    """The parent holds the other end of standard input: it ends with the parent, even if killed."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
