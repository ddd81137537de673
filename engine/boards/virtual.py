"""A virtual board: a chip behind a serial URL; esptool and pyserial take it for a real one.

It runs in a process of its own (:mod:`engine.boards.virtual_child`) that ends with this one. Its
address lies beside its flash, so that other processes use the same board instead of a second one.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import psutil

from engine.boards.virtual_chips import RUNNABLE, parse_options
from engine.cancel import CancelToken
from engine.errors import BoardError, UsageError

SYNC = b"\xc0\x00\x08"
"""How the SYNC command begins (Espressif, "Serial Protocol": SLIP frame, request, command 8).

Whoever sends it talks to the bootloader; the board resets when that conversation ends.
"""

START_SECONDS = 20.0
"""How long a board may take to answer: two interpreters start, on a machine that may be busy."""

ADDRESS = "address"
"""File in a board's folder, while it runs: its TCP port, then its process and the one that it ends
with, each with the time at which it began."""

_ROUND = 0.1  # seconds that a start waits before it looks whether it is cancelled
_TAKEN = "taken"


def address_in(folder: Path) -> str:
    """The URL of the board that runs on a folder's flash, in whatever process; empty for none."""
    try:
        port, *processes = (folder / ADDRESS).read_text("ascii", "replace").split()
        if len(processes) == 4 and all(map(_is_alive, processes[::2], processes[1::2])):
            return f"socket://127.0.0.1:{int(port)}"
    except (OSError, ValueError):
        pass
    return ""


def name_process(pid: int) -> str:
    """A process as :data:`ADDRESS` names it: numbers are used again, times are not."""
    return f"{pid} {psutil.Process(pid).create_time()!r}"


def _is_alive(pid: str, began: str) -> bool:
    try:
        process = psutil.Process(int(pid))
        dead = process.status() == psutil.STATUS_ZOMBIE
        return not dead and repr(process.create_time()) == began
    except (ValueError, psutil.Error):
        return False


class VirtualBoard:
    """One virtual board, started and stopped from one thread; its client may be anywhere.

    Where another process runs it already, it is that one, and ends with that process.
    """

    def __init__(self, *, chip: str = "esp32c3", options: str = "", folder: Path) -> None:
        """Describe a board; nothing is started yet.

        Args:
            chip: one of :data:`engine.boards.virtual_chips.CHIPS`.
            options: what it is beside its chip, as
                :func:`engine.boards.virtual_chips.parse_options` reads it.
            folder: where its flash is kept (``flash.bin``), and what its process complains of. Its
                name gives the board its MAC.
        """
        self._chip = chip
        self._options = options
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def __enter__(self) -> VirtualBoard:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What esptool and pyserial open: ``socket://…``, empty before the start."""
        return self._url

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        if self._process is None:
            return bool(self._url) and address_in(self._folder) == self._url
        return self._process.poll() is None

    def missing(self) -> str | None:
        """One line that says what to install, or None when nothing is missing."""
        if self._chip not in RUNNABLE or find_spec("labwired"):
            return None
        return "virtual board: pip install 'espdeck[lab]'"

    def start(self, cancel: CancelToken | None = None) -> None:
        """Start it and wait until it answers; does nothing while it is alive.

        Args:
            cancel: ends the waiting, and what was started.

        Raises:
            BoardError: there is no such virtual chip, or it did not start; says why.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        if self.is_alive:
            return
        try:
            parse_options(self._chip, self._options)
        except UsageError as error:
            raise BoardError(f"virtual board: {error}") from error
        self._folder.mkdir(parents=True, exist_ok=True)
        cancel = cancel or CancelToken()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._url = address_in(self._folder) or self._started(cancel)
            if self._url:
                return
            if time.monotonic() > deadline:
                raise BoardError(
                    f"virtual board {self._chip}: another process has {self._folder} "
                    "and does not say where its board is"
                )
            cancel.wait(_ROUND)  # it is just starting, or just ending

    def stop(self) -> None:
        """End its process if this one started it; its flash stays."""
        process, self._process, self._url = self._process, None, ""
        if process is None:
            return
        assert process.stdin is not None
        with process:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()

    def _started(self, cancel: CancelToken) -> str:
        """Start the process: its URL, empty when another one has the flash."""
        command = [sys.executable, "-P", "-m", "engine.boards.virtual_child", "--chip", self._chip]
        command += ["--options", self._options]
        command += ["--flash", str(self._folder / "flash.bin"), "--port", "0"]
        log = self._folder / "board.log"
        with log.open("wb") as complaints:
            # Not engine.process.run, which waits for the end: a board lives as long as we do.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        try:
            word, _, rest = self._first_line(cancel).partition(" ")
        except BaseException:
            # It does not look at its standard input before it has started.
            self._process.kill()
            self.stop()
            raise
        if word == "port":
            return f"socket://127.0.0.1:{rest}"
        self.stop()
        if word == _TAKEN:
            return ""
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        reason = rest or "".join(last) or f"no answer within {START_SECONDS:g} s"
        raise BoardError(f"virtual board {self._chip}: {reason}")

    def _first_line(self, cancel: CancelToken) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline, line = time.monotonic() + START_SECONDS, b""
        while not line.endswith(b"\n"):
            cancel.check()
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], min(_ROUND, left))[0]:
                if not left:
                    return ""
                continue
            chunk = os.read(self._process.stdout.fileno(), 256)
            if not chunk:
                return ""
            line += chunk
        return line.decode("utf-8", "replace").strip()
