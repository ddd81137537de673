"""``espdeck``, or a program of a test, in processes of its own that start at once.

They are forked from a process that has imported espdeck: a Python that does works for more than a
second before it does anything. What is forked is else a process as any: it has its own standard
streams, environment, session and signals, runs :func:`tui.cli.main.main` or the program, and ends
as an interpreter ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Mapping
from pathlib import Path

_LONGEST = 1 << 20  # bytes of a request: arguments and environment
_ENVIRONMENT = dict(os.environ)  # of the server: what a test sets must not reach later ones


class Forked:
    """A process that runs ``espdeck``: of :class:`subprocess.Popen` what tests use.

    A test that is itself about how a process starts starts one of its own.
    """

    def __init__(
        self,
        words: list[str],
        streams: tuple[int, int, int],
        env: Mapping[str, str] | None = None,
        new_session: bool = False,
        program: str | None = None,
    ) -> None:
        """Start it in the current folder.

        Args:
            words: behind ``espdeck``.
            program: text of Python that runs instead, with ``words`` as its arguments.
            streams: its standard input, output and error, which remain the caller's as well.
            env: its environment; none is that of this process.
        """
        self._line = _connected()
        environment = dict(os.environ if env is None else env)
        request = [words, environment, str(Path.cwd()), new_session, program]
        socket.send_fds(self._line, [json.dumps(request).encode()], list(streams))
        self.pid = int(self._line.recv(64))
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has been waited for."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL, unless it has been waited for."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, as :attr:`subprocess.Popen.returncode` says it.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(64)
            except TimeoutError as error:
                raise subprocess.TimeoutExpired("espdeck", timeout or 0.0) from error
            self._line.close()
            self.returncode = os.waitstatus_to_exitcode(int(told))
        return self.returncode


class Running(Forked):
    """One whose output is read as it comes; errors are part of it."""

    def __init__(self, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        """Start it in a session of its own, with nothing to read."""
        reading, writing = os.pipe()
        self.stdout = os.fdopen(reading, encoding="utf-8", errors="replace")
        try:
            with Path(os.devnull).open("rb") as nothing:
                streams = (nothing.fileno(), writing, writing)
                super().__init__([*map(str, words)], streams, env, new_session=True)
        finally:
            os.close(writing)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.wait(60)
        finally:
            self.stdout.close()

    def terminate(self) -> None:
        """Send it SIGTERM, unless it has been waited for."""
        self.send_signal(signal.SIGTERM)

    def communicate(self, timeout: float) -> str:
        """What it says until it ends, which it has to within so many seconds."""
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.append(self.stdout.read()), daemon=True)
        reader.start()
        self.wait(timeout)
        reader.join(timeout)
        return said[0]


def run_espdeck(
    *words: str | Path,
    env: Mapping[str, str] | None = None,
    typed: bytes = b"",
    within: float = 60,
    program: str | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``espdeck`` to its end, as :func:`subprocess.run` does.

    Args:
        typed: what its standard input gives.
        program: text of Python that runs instead.
        within: seconds after which it is killed.

    Raises:
        subprocess.TimeoutExpired: it was.
    """
    argv = [*map(str, words)]
    with contextlib.ExitStack() as stack:
        given, output, errors = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(typed)
        given.seek(0)
        process = Forked(
            argv, (given.fileno(), output.fileno(), errors.fileno()), env, program=program
        )
        try:
            code = process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(argv, code, output.read(), errors.read())


@functools.cache
def _server() -> bytes:
    """Start the process that forks, which ends with this one: the address where it listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind("")  # Linux chooses an address that is no file: unix(7), "autobind"
        door.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(door.fileno())],
            cwd=Path(__file__).parents[1],
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[door.fileno()],
        )
        atexit.register(process.communicate)  # its input ends, then it
        address: bytes = door.getsockname()
        return address


def _connected() -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
    line.connect(_server())
    return line


def _serve(number: int) -> None:
    """Fork for each connection, until the standard input ends.

    Args:
        number: of the file that listens.
    """
    from tests import waits
    from tui.cli.main import main

    waits.shorten()
    for each in ("dbos", "engine.engine", "engine.runs.executor", "tui.app"):
        importlib.import_module(each)  # commands do when they run
    gc.freeze()
    with socket.socket(fileno=number) as door:
        while door in select.select([door, sys.stdin], [], [])[0]:
            line = door.accept()[0]
            if not os.fork():
                door.close()
                program = _become(line)
                break
            line.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        else:
            return
    if program is None:
        main()
    else:
        exec(compile(textwrap.dedent(program), "<test>", "exec"), {"__name__": "__main__"})


def _become(line: socket.socket) -> str | None:
    """Fork what is asked for and be it; the other process tells how this one ends.

    Returns:
        The program to run, None for ``espdeck``.
    """
    message, streams, _flags, _address = socket.recv_fds(line, _LONGEST, 3)
    pid = os.fork()
    if pid:
        for each in (*streams, 0):
            os.close(each)
        line.send(str(pid).encode())
        status = os.waitpid(pid, 0)[1]
        with contextlib.suppress(OSError):  # whoever asked may have gone
            line.send(str(status).encode())
        os._exit(0)
    line.close()
    words, env, folder, new_session, program = json.loads(message)
    if new_session:
        os.setsid()
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # as an interpreter opens it
    if encoding := env.get("PYTHONIOENCODING"):
        sys.stdout = open(1, "w", buffering=1, encoding=encoding, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["espdeck", *words]
    return None if program is None else str(program)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
