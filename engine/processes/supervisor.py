"""The process between espdeck and a program, which ends all that the program started.

It is a small interpreter of its own, started by :mod:`engine.process`. Every process that loses its
parent becomes its child (``PR_SET_CHILD_SUBREAPER``, PR_SET_CHILD_SUBREAPER(2const)), so that none
can leave it; when it has no child, nothing is left. One socket joins it with espdeck: it tells how
the program ended and what could not be ended, and when espdeck closes its end, or dies, everything
is ended at once.

It imports little: it starts in some 15 ms.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # the other loads enum: 5 ms
import ctypes
import os
import resource
import select
import sys
import time

from engine.processes.members import (
    KILL_TIMEOUT_SECONDS,
    RTTIME,
    Member,
    descendants,
    end_all,
    living_processes,
    send,
)

KILL_AFTER_SECONDS = 0.5
"""Seconds between TERM and KILL: a cancelled stage is gone within a second."""

COMMAND = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    "from engine.processes.supervisor import main; main()"
)
"""Program text that starts it, with the folder of ``engine`` and then what :func:`main` takes."""

FAILED, ENDED, LEFT = "failed", "ended", "left"
"""What it tells, a line each: the program could not be started (errno); how it ended (its exit
code, negative for a signal); at the end who could not be ended (``PID=NAME`` each)."""

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ORPHAN_GRACE_SECONDS = 0.1  # seconds that what a program leaves behind has to end by itself


def main() -> None:
    """Run a program. Arguments: the socket's descriptor, the group id, the cgroup to make or an
    empty word, ``own`` or ``shared`` session, then the program and its arguments."""
    control, group_id, scope, session, *argv = sys.argv[1:]
    supervisor = _Supervisor(int(control), scope)
    supervisor.run(group_id, argv, own_session=session == "own")
    os._exit(0)  # nothing here needs the interpreter's own end, which takes some ms


class _Supervisor:
    def __init__(self, control: int, scope: str) -> None:
        self._control = control
        self._scope = scope
        self._program = 0
        self._alone = False
        os.set_inheritable(control, False)

    def run(self, group_id: str, argv: list[str], *, own_session: bool) -> None:
        # Without it (a container may forbid it) those that leave are not seen here: espdeck is told
        # nothing at the end, and looks for them itself.
        sees_all = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        self._limit(int(group_id, 16))
        if self._scope:
            try:
                os.mkdir(self._scope, 0o700)
            except OSError:
                self._scope = ""
        try:
            self._start(argv, own_session=own_session)
        except OSError as error:
            self._report(FAILED, str(error.errno))
        else:
            self._watch(terminal=not own_session)
        left = self._end()
        if sees_all:
            self._report(LEFT, *(f"{each.pid}={'_'.join(each.name.split())}" for each in left))

    def _limit(self, group_id: int) -> None:
        """Set what every child inherits: no core files, and the group id."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            resource.setrlimit(RTTIME, (group_id, group_id))
        except (OSError, ValueError):
            pass  # there is a limit already, or a container knows none: descent has to do

    def _start(self, argv: list[str], *, own_session: bool) -> None:
        environment = _environment()
        failure, tell = os.pipe2(os.O_CLOEXEC)
        self._program = os.fork()
        if self._program == 0:
            try:
                if own_session:
                    os.setsid()
                if self._scope:
                    self._join_scope()
                for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
                    signal.signal(number, signal.SIG_DFL)
                os.execvpe(argv[0], argv, environment)  # noqa: S606 - it is what this is for
            except OSError as error:
                os.write(tell, str(error.errno).encode())
            finally:
                os._exit(127)
        os.close(tell)
        code = os.read(failure, 16)
        os.close(failure)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):  # they end with the program
            os.dup2(nothing, stream)
        if code:
            raise OSError(int(code), "")

    def _join_scope(self) -> None:
        try:
            with open(f"{self._scope}/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")
        except OSError:
            pass

    def _watch(self, *, terminal: bool) -> None:
        """Wait until the program ends, or shall end; then ask all to end, and wait a moment."""
        self._wake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, _wake_up)
        if terminal:  # what a person types is the program's
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        asked = False
        while self._program and not asked:
            self._reap()
            if self._program:
                ready = {descriptor for descriptor, _event in poll.poll()}
                asked = self._control in ready or self._received() - {signal.SIGCHLD} != set()
        if not asked:
            self._wait(_ORPHAN_GRACE_SECONDS)
        if not self._alone:
            for member in descendants(os.getpid(), living_processes()):
                send(member, signal.SIGTERM)
            self._wait(KILL_AFTER_SECONDS)

    def _wait(self, seconds: float) -> None:
        """Wait so long, or until no child is left."""
        until = time.monotonic() + seconds
        self._reap()
        while not self._alone and (left := until - time.monotonic()) > 0:
            select.select([self._wake], [], [], left)
            self._received()
            self._reap()

    def _received(self) -> set[int]:
        try:
            return set(os.read(self._wake, 1 << 12))
        except BlockingIOError:
            return set()

    def _end(self) -> list[Member]:
        return end_all(self._left, scope=self._scope, within=KILL_TIMEOUT_SECONDS)

    def _left(self) -> list[Member] | None:
        self._reap()
        return None if self._alone else descendants(os.getpid(), living_processes())

    def _reap(self) -> None:
        """Take note of children that ended; the program among them is told of."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._alone = True
                return
            if pid == 0:
                return
            if pid == self._program:
                self._program = 0
                self._report(ENDED, str(os.waitstatus_to_exitcode(status)))

    def _report(self, *fields: str) -> None:
        try:
            os.write(self._control, " ".join(fields).encode() + b"\n")
        except OSError:
            pass  # espdeck is gone


def _wake_up(_number: int, _frame: object) -> None:
    """The wakeup descriptor says it."""


def _environment() -> dict[bytes, bytes]:
    """The environment as it was given: Python adds ``LC_CTYPE`` to it (PEP 538)."""
    with open("/proc/self/environ", "rb") as file:
        pairs = (each.partition(b"=") for each in file.read().split(b"\0") if b"=" in each)
        return {name: value for name, _, value in pairs}
