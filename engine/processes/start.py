"""Starts programs, and ends all that they start: one with a supervisor between, one without."""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol, TypedDict, Unpack

from engine.errors import MissingToolError, ToolError
from engine.processes.identity import ProcessIdentity
from engine.processes.members import (
    GROUP_VARIABLE,
    MAX_KILL_SECONDS,
    Member,
    end_all,
    find_scope,
    members,
    new_group_id,
)
from engine.processes.registry import current_registry, scope_name
from engine.processes.supervisor import COMMAND, ENDED, FAILED, KILL_AFTER_SECONDS, LEFT

_FINISH_TIMEOUT_SECONDS = (
    KILL_AFTER_SECONDS + MAX_KILL_SECONDS + 2.0
)  # seconds that a supervisor may take to end all
_CHUNK_BYTES = 1 << 12
_SOURCE_ROOT = str(Path(__file__).parents[2])  # the folder of the package


class Options(TypedDict, total=False):
    """What :class:`subprocess.Popen` takes."""

    stdin: int
    stdout: int
    stderr: int | IO[bytes]
    pass_fds: Sequence[int]
    cwd: Path | None
    env: dict[str, str]


class RunningProgram(Protocol):
    """A program that runs, and all that it starts."""

    process: subprocess.Popen[bytes]
    returncode: int | None
    """How the program itself ended; None until it did, or when nobody can tell any more."""
    over: bool
    """Whether nothing more will be printed, but by what cannot be ended."""
    failure: int
    """Why it could not be started (errno); 0 when it was."""

    def fileno(self) -> int:
        """What becomes readable when :meth:`look` would find something new."""
        ...

    def look(self) -> None:
        """See what became of it; never waits."""
        ...

    def end(self) -> None:
        """Ask all of it to end, and see to it. Any thread; never waits."""
        ...

    def finish(self) -> list[Member]:
        """Wait until nothing is left, for a bounded time; who could not be ended."""
        ...


def start(
    argv: list[str],
    stack: contextlib.ExitStack,
    *,
    supervised: bool = True,
    terminal: bool = False,
    **options: Unpack[Options],
) -> RunningProgram:
    """Start a program; what it takes is in the registry until ``stack`` ends.

    Raises:
        MissingToolError: it is not there or not executable.
    """
    group_id, registry = new_group_id(), current_registry()
    supervised = supervised or not _has_handles()
    scope = f"{own_scope()}/{scope_name(group_id)}" if supervised and own_scope() else ""
    note = stack.enter_context(registry.entry(group_id, scope)) if registry is not None else None
    options["env"] = {**options["env"], GROUP_VARIABLE: group_id}
    cwd = options["cwd"]
    try:
        program: RunningProgram = (
            _Supervised(argv, group_id, scope, terminal, **options)
            if supervised
            else _Direct(argv, group_id, **options)
        )
    except OSError as error:
        if isinstance(error, FileNotFoundError) and cwd is not None and not cwd.is_dir():
            raise MissingToolError(f"{cwd}: not found") from error
        raise _not_started(argv[0], error) from error
    stack.enter_context(program.process)
    if note is not None:
        note(program.process.pid)
    return program


def _not_started(name: str, error: OSError) -> MissingToolError:
    if isinstance(error, FileNotFoundError):
        return MissingToolError(f"{name}: not found")
    return MissingToolError(f"{name}: cannot be started: {error.strerror}")


def exit_code(program: RunningProgram, argv: list[str]) -> int:
    """The exit code of a program that is over.

    Raises:
        MissingToolError: it was never started.
        ToolError: nobody can tell.
    """
    if program.failure:
        raise _not_started(argv[0], OSError(program.failure, os.strerror(program.failure)))
    if program.returncode is None:
        raise ToolError(f"{Path(argv[0]).name}: the process that watched over it was killed")
    return program.returncode


own_scope = functools.cache(find_scope)
"""The cgroup that those of programs are made in; empty for none."""


class _Supervised:
    """A program with a supervisor between, and its socket."""

    def __init__(
        self,
        argv: list[str],
        group_id: str,
        scope: str,
        terminal: bool,
        **options: Unpack[Options],
    ) -> None:
        self._mark = group_id
        self._scope = scope
        self._said = b""
        self._left: list[Member] | None = None
        self.returncode: int | None = None
        self.over = False
        self.failure = 0
        self._socket, theirs = socket.socketpair()
        session = "shared" if terminal else "own"
        with theirs:
            # Arguments and environment pass through it as bytes, whatever the locale.
            command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", COMMAND, _SOURCE_ROOT]
            try:
                self.process = subprocess.Popen(
                    [*command, str(theirs.fileno()), group_id, scope, session, *argv],
                    start_new_session=not terminal,
                    **options | {"pass_fds": (theirs.fileno(), *options.get("pass_fds", ()))},
                )
            except BaseException:
                self._socket.close()
                raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def look(self) -> None:
        try:
            data = self._socket.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._said += data
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            kind, *fields = line.decode("utf-8", "replace").split(" ")
            if kind == ENDED:
                self.returncode = int(fields[0])
            elif kind == FAILED:
                self.failure = int(fields[0])
            elif kind == LEFT:
                pairs = (word.partition("=") for word in fields)
                self._left = [Member(int(pid), 0, 0, 0, name) for pid, _, name in pairs]
        self.over = not data or self._left is not None

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self.process.send_signal(signal.SIGCONT)  # the program may have stopped it

    def finish(self) -> list[Member]:
        wait(self, _FINISH_TIMEOUT_SECONDS)
        if self._left is None:  # the supervisor was killed or stopped
            own = ProcessIdentity.of(self.process.pid)
            leader = None if own is None else (own.pid, own.ticks)
            find = functools.partial(members, self._mark, leader)
            self._left = end_all(lambda: find() or None, scope=self._scope)
            self.process.kill()
        self._socket.close()
        self.process.wait()
        return self._left


class _Direct:
    """A short command of ours: its process group is ended, and on a bad end all of its group."""

    def __init__(self, argv: list[str], group_id: str, **options: Unpack[Options]) -> None:
        self._mark = group_id
        self._lock = threading.Lock()  # while its number is its own: it was not waited for
        self._reaped = False
        self._killer: threading.Timer | None = None
        self.returncode: int | None = None
        self.over = False
        self.failure = 0
        self.process = subprocess.Popen(argv, start_new_session=True, **options)
        try:
            self._handle = os.pidfd_open(self.process.pid)
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise

    def fileno(self) -> int:
        return self._handle

    def look(self) -> None:
        how = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if how is not None:
            self.returncode = how.si_status if how.si_code == os.CLD_EXITED else -how.si_status
            self.over = True

    def end(self) -> None:
        with self._lock:
            if self._reaped or self._killer is not None:
                return
            self._signal(signal.SIGTERM)
            self._killer = threading.Timer(KILL_AFTER_SECONDS, self._kill)
            self._killer.daemon = True
            self._killer.start()

    def finish(self) -> list[Member]:
        wait(self, _FINISH_TIMEOUT_SECONDS)
        with self._lock:
            self._signal(signal.SIGKILL)
            if self.over:
                self._reaped = True
                self.process.wait()
        os.close(self._handle)
        if self._killer is None:
            return []
        self._killer.cancel()
        return end_all(lambda: members(self._mark) or None)

    def _kill(self) -> None:
        with self._lock:
            if not self._reaped:
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


@functools.cache
def _has_handles() -> bool:
    """Whether a process can be held by a descriptor (Linux 5.3, unless a container forbids it)."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError):
        return False
    return True


def wait(program: RunningProgram, seconds: float | None) -> None:
    """Wait until all is over, at most so long."""
    until = None if seconds is None else time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(program, selectors.EVENT_READ)
        while not program.over:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            if selector.select(left):
                program.look()
