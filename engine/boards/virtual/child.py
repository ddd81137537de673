"""The process that is a virtual board: ``python -m engine.boards.virtual.child``.

One client at a time over TCP, as on a serial port; others wait. TCP has no owner and no mode, so
that any user of the machine can connect: who is not the owner's process is hung up on before a
byte is read or sent, unless the board is shared (:mod:`engine.boards.peers`). Root is a stranger
too: much that runs as root carries connections of others. A client that sends the SYNC frame
of Espressif's serial protocol talks to the ROM bootloader (:mod:`engine.boards.virtual.loader`);
every other one sees the console of the program in flash, which runs in a process of its own (the
simulator holds the interpreter lock while it computes). The chip resets when a bootloader
conversation ends, unless it was told to stay, or to run a program in RAM. Firmware of chips that
nothing simulates is kept and not run: the console says so.

Time of the chip passes only while a client reads: with no client, or with one that does not take
what it is sent, the program stands still, so nothing is lost and nothing piles up. What a client
sends is typed to the program's console.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import json
import os
import queue
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from engine.boards.peers import uid_of_peer
from engine.boards.virtual.board import SYNC, Running
from engine.boards.virtual.chips import CANNOT_RUN, CHIPS, RUNNABLE, STOPPED, Options, parse_options
from engine.boards.virtual.flash import Cipher, Flash, Program, read_program
from engine.boards.virtual.loader import Loader, Outcome
from engine.boards.virtual.registers import efuses_of, mac_of, registers
from engine.processes.identity import ProcessIdentity
from engine.simulators.labwired_frames import MAX_INPUT_BYTES, FrameReader, pack
from engine.simulators.labwired_stops import Halt, explain

FIRST_BYTE_SECONDS = 0.05
"""Seconds that a client may take to send its first byte before the program goes on: esptool, which
sends it within a millisecond, is spared the console of a program that it is about to end."""

_MAX_CLIENTS = 64
"""Clients that wait; more are hung up on."""

_MAX_CONNECTIONS = 4096
"""Connections that wait to be looked at: who connects in a loop is not to keep the owner out."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, socket(7): a close forgets the connection at once

SAYS = "virtual board: {}\r\n"
"""What is said instead of the console of a program that nothing runs."""


class App:
    """The program in flash, running in a process of its own, one slice a grant."""

    def __init__(self, elf: bytes, chip: str, efuses: Mapping[int, int]) -> None:
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
                    json.dumps(efuses),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[file.fileno()],
            )
        self._chip = chip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._grants, self._output = self._process.stdin, self._process.stdout
        self._frames = FrameReader()
        self._typed = b""
        self._granted = False
        self.over = False
        self.has_run = False

    def fileno(self) -> int:
        """What becomes readable when a slice has run."""
        return self._output.fileno()

    def type(self, data: bytes) -> None:
        """Type to the program's console, from its next slice on."""
        self._typed += data[: MAX_INPUT_BYTES - len(self._typed)]

    def grant(self) -> None:
        """Let one slice run, unless one runs already or nothing will come any more."""
        if self.over or self._granted:
            return
        typed, self._typed = self._typed, b""
        try:
            self._grants.write(pack(typed))
            self._grants.flush()
            self._granted = self.has_run = True
        except OSError:
            self.over = True

    def read(self) -> bytes:
        """Console output that has come; only when readable."""
        chunk = os.read(self._output.fileno(), 1 << 16)
        outputs = self._frames.feed(chunk)
        if outputs:
            self._granted = False
        self.over = not chunk or self._frames.ended
        if not self._frames.ended:
            return b"".join(outputs)
        while chunk := os.read(self._output.fileno(), 1 << 16):  # its process ends now
            self._frames.feed(chunk)
        return b"".join(outputs) + self._stopped()

    def _stopped(self) -> bytes:
        """What is said where the chip cannot go on; nothing where it merely waits for nothing."""
        try:
            reason = explain(Halt.load(self._frames.reason), self._chip).reason
        except (ValueError, TypeError):
            return b""
        return f"\r\n{STOPPED}{reason}\r\n".encode()

    def end(self) -> None:
        """End the process, now."""
        self._process.kill()
        self._process.wait()
        self._grants.close()
        self._output.close()


class Board:
    """One chip with its flash: reset, bootloader, program."""

    def __init__(self, chip: str, options: Options, flash: Path) -> None:
        self._chip = chip
        self._options = options
        # Boards lie in folders that are called as they are.
        self._mac = mac_of(flash.resolve().parent.name)
        self._flash = Flash(flash, options.flash)
        self._cipher = Cipher(self._mac) if options.is_encrypted else None
        self._app: App | None = None
        self._greeting = b""
        self._start()

    def serve(self, client: socket.socket) -> None:
        """Serve one client until it leaves."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client:
            first = self._console(client)
            while first:
                loader = Loader(
                    *(self._chip, self._options, dict(self._registers)),
                    *(self._flash, self._cipher),
                )
                client.setblocking(True)
                stays = False
                try:
                    stays = loader.talk(client, first)
                finally:
                    try:
                        self._flash.save()
                    finally:
                        # A chip runs what its flash holds, whether or not a file could be written.
                        self._leave(loader)
                if not stays:
                    return
                first = self._console(client)
                if not first and (self._app is None or self._app.has_run):
                    # A flasher that lets the program run does not listen to it.
                    self._start()

    @functools.cached_property
    def _registers(self) -> dict[int, int]:
        return registers(self._chip, self._options, self._mac)

    def prepare(self) -> None:
        """Do what the first conversation would have to wait for."""
        _ = self._registers

    def _leave(self, loader: Loader) -> None:
        """Do what the chip does when a conversation is over."""
        if loader.outcome is Outcome.RESET:
            self._start()
        elif loader.outcome is Outcome.RUN and self._chip in RUNNABLE:
            self._end()
            self._app = self._app_of(loader.program)
        else:
            self._end()

    def _app_of(self, program: Program) -> App:
        return App(program.elf(), self._chip, efuses_of(self._chip, self._registers))

    def _end(self) -> None:
        self._greeting = b""
        if self._app is not None:
            self._app.end()
            self._app = None

    def _start(self) -> None:
        """Reset: start from flash."""
        self._end()
        flash = bytes(self._flash.data)
        if self._cipher is not None:
            flash = self._cipher.apply(0, flash)
        program = read_program(flash, self._chip)
        silicon = CHIPS[self._chip]
        if program is not None and self._chip in RUNNABLE:
            self._app = self._app_of(program)
            return
        said = (
            silicon.erased * 8
            if program is None
            else SAYS.format(CANNOT_RUN.format(chip=self._chip))
        )
        if self._chip not in RUNNABLE:
            said = f"{silicon.rom},boot:{silicon.boot} (SPI_FAST_FLASH_BOOT)\r\n{said}"
        self._greeting = said.encode()

    def _console(self, client: socket.socket) -> bytes:
        """Be the program's console until the client leaves (empty) or wants the bootloader."""
        client.setblocking(False)
        select.select([client], [], [], FIRST_BYTE_SECONDS)
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
    parser.add_argument("--options", default="")
    parser.add_argument("--flash", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--share", action="store_true")
    options = parser.parse_args()
    os.umask(0o077)
    lock = options.flash.with_suffix(".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("taken")
        return 1
    server = _listen(options.port)
    board = Board(options.chip, parse_options(options.chip, options.options), options.flash)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    port = server.getsockname()[1]
    parent = ProcessIdentity.of(os.getppid())
    if parent is None:
        return 1  # nobody wants it any more
    Running(port, options.share, (ProcessIdentity.own(), parent)).write(options.flash.parent)
    clients: queue.Queue[socket.socket] = queue.Queue(_MAX_CLIENTS)
    threading.Thread(target=_accept, args=(server, options.share, clients), daemon=True).start()
    _say(f"port {port}")
    board.prepare()
    while True:
        with contextlib.suppress(OSError):
            board.serve(clients.get())


def _listen(port: int) -> socket.socket:
    """Listen at a port, or at any where another program has that one."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=_MAX_CONNECTIONS)
    except OSError:
        return socket.create_server(("127.0.0.1", 0), backlog=_MAX_CONNECTIONS)


def _accept(server: socket.socket, share: bool, clients: queue.Queue[socket.socket]) -> None:
    """Let in who may use the board; a thread of its own, so that no stranger holds a place."""
    while True:
        try:
            client, _address = server.accept()
        except OSError:
            time.sleep(0.1)  # out of descriptors, perhaps
            continue
        if share or uid_of_peer(client) == os.geteuid():
            with contextlib.suppress(queue.Full):
                clients.put_nowait(client)
                continue
        with contextlib.suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.close()


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def _end_with_parent() -> None:
    """The parent holds the other end of standard input: it ends with the parent, even if killed."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
