"""A virtual board: a chip behind a serial URL; esptool and pyserial take it for a real one.

It runs in a process of its own (:mod:`engine.boards.virtual.child`) that ends with this one. Its
address lies beside its flash, so that other processes use the same board instead of a second one.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from engine.boards.virtual.chips import RUNNABLE, parse_options
from engine.cancel import CancelToken
from engine.errors import BoardError, UsageError
from engine.processes.identity import ProcessIdentity

SYNC = b"\xc0\x00\x08"
"""How the SYNC command begins (Espressif, "Serial Protocol": SLIP frame, request, command 8).

Whoever sends it talks to the bootloader; the board resets when that conversation ends.
"""

START_SECONDS = 20.0
"""How long a board may take to answer: two interpreters start, on a machine that may be busy."""

_START_POLL_SECONDS = 0.1  # seconds that a start waits before it looks whether it is cancelled
_TAKEN = "taken"
_ADDRESS = "address"
_SHARED, _OWN = "shared", "own"


@dataclass(frozen=True, slots=True)
class Running:
    """A board that runs, as its process writes it down beside its flash.

    Args:
        port: TCP port on ``127.0.0.1``.
        shared: whether every user of the machine may use it.
        processes: its own, and the one that it ends with.
    """

    port: int
    shared: bool
    processes: tuple[ProcessIdentity, ProcessIdentity]

    @property
    def url(self) -> str:
        """What esptool and pyserial open."""
        return f"socket://127.0.0.1:{self.port}"

    def write(self, folder: Path) -> None:
        """Write it down in the board's folder.

        Raises:
            OSError: it cannot be written.
        """
        head = f"{self.port} {_SHARED if self.shared else _OWN}"
        (folder / _ADDRESS).write_text("\n".join((head, *map(str, self.processes))), "ascii")

    @staticmethod
    def last_port(folder: Path) -> int:
        """The port of the board that ran last on a folder's flash; 0 where none is known."""
        try:
            port = int((folder / _ADDRESS).read_text("ascii", "replace").partition(" ")[0])
        except (OSError, ValueError):
            return 0
        return port if 0 < port < 1 << 16 else 0

    @classmethod
    def of(cls, folder: Path) -> Running | None:
        """The board that runs on a folder's flash, in whatever process; None when there is none."""
        try:
            head, *rest = (folder / _ADDRESS).read_text("ascii", "replace").split("\n")
            port, word = head.split(" ")
            board, owner = map(ProcessIdentity.parse, rest)
            if board is None or owner is None or not (board.is_alive and owner.is_alive):
                return None
            return cls(int(port), word == _SHARED, (board, owner))
        except (OSError, ValueError):
            return None


class VirtualBoard:
    """One virtual board, started and stopped from one thread; its client may be anywhere.

    Where another process runs it already, it is that one, and ends with that process.
    """

    def __init__(
        self, *, chip: str = "esp32c3", options: str = "", folder: Path, share: bool = False
    ) -> None:
        """Describe a board; nothing is started yet.

        Args:
            chip: one of :data:`engine.boards.virtual.chips.CHIPS`.
            options: what it is beside its chip, as
                :func:`engine.boards.virtual.chips.parse_options` reads it.
            folder: where its flash is kept (``flash.bin``), and what its process complains of. Its
                name gives the board its MAC. It becomes its owner's alone.
            share: whether every user of the machine may use it, else its owner alone.
        """
        self._chip = chip
        self._options = options
        self._folder = folder
        self._share = share
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
            running = Running.of(self._folder)
            return running is not None and running.url == self._url
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
            BoardError: there is no such virtual chip, it did not start, or it is to be shared and
                runs already for its owner alone; says why.
            OSError: its folder cannot be made.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        if self.is_alive:
            return
        try:
            parse_options(self._chip, self._options)
        except UsageError as error:
            raise BoardError(f"virtual board: {error}") from error
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)  # an earlier version made it as the umask said
        cancel = cancel or CancelToken()
        deadline = time.monotonic() + START_SECONDS
        while True:
            running = Running.of(self._folder)
            if running and self._share and not running.shared:
                raise BoardError(
                    f"virtual board {self._chip}: runs already, in process "
                    f"{running.processes[1].pid}, and not to be shared: end that first"
                )
            self._url = running.url if running else self._started(cancel)
            if self._url:
                return
            if time.monotonic() > deadline:
                raise BoardError(
                    f"virtual board {self._chip}: another process has {self._folder} "
                    "and does not say where its board is"
                )
            cancel.wait(_START_POLL_SECONDS)  # it is just starting, or just ending

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
        command = [sys.executable, "-P", "-m", "engine.boards.virtual.child", "--chip", self._chip]
        command += ["--options", self._options]
        command += ["--flash", str(self._folder / "flash.bin")]
        # Where it was before, so that who knows its URL finds it again.
        command += ["--port", str(Running.last_port(self._folder))]
        command += ["--share"] if self._share else []
        log = self._folder / "board.log"
        with open(log, "wb", opener=_private) as complaints:
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
            if not select.select([self._process.stdout], [], [], min(_START_POLL_SECONDS, left))[0]:
                if not left:
                    return ""
                continue
            chunk = os.read(self._process.stdout.fileno(), 256)
            if not chunk:
                return ""
            line += chunk
        return line.decode("utf-8", "replace").strip()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
