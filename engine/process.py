"""Runs external programs; nothing else in espdeck starts one.

Argument lists and no shell, a session of its own, a timeout, a way to cancel, and both streams
handed on as they come. When it is over, whatever way, all that the program started is gone:
:mod:`engine.processes.supervisor` sees to it, and what it cannot do any more is done here. While it
runs, it is written down (:mod:`engine.processes.registry`), so that an engine that starts after a
``kill -9`` can end what its predecessor left behind.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import ToolError
from engine.processes.memory import MemoryGuard
from engine.processes.registry import describe_processes
from engine.processes.start import RunningProgram, exit_code, start, wait

_POLL_SECONDS = 0.2  # seconds that are waited for output before anything else is looked at
_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 1 << 16
_MAX_PIPE_BYTES = 1 << 20  # bytes (proc_sys_fs(5), pipe-max-size)
_INTERRUPT_GRACE_SECONDS = 0.25  # seconds that a program has to end by a Ctrl-C of its own

_LOG = logging.getLogger("espdeck")

_SAFE_VARIABLES = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TMPDIR|TERM|TZ|XDG_\w+|VIRTUAL_ENV"
    r"|(?i:\w+_proxy)|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|SOURCE_DATE_EPOCH"
    r"|CMAKE_\w+|NINJA_STATUS|CCACHE_\w+"
    # What ESP-IDF's export.sh sets and its tools read.
    r"|IDF_\w+|ESP_\w+|OPENOCD_SCRIPTS"
)
"""Variables that a foreign project's build may see: what its tools need, and no one's secrets."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended.

    Args:
        returncode: its exit code, negative for a signal as in :mod:`subprocess`.
        tail: the last 64 KiB of what it printed on both streams.
        seconds: how long it ran.
    """

    returncode: int
    tail: str
    seconds: float


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    cancel: CancelToken,
    on_output: Callable[[bytes], None] | None = None,
    on_poll: Callable[[float], None] | None = None,
    console_input: ConsoleInput | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    clean_env: bool = False,
    errors: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
    supervised: bool = True,
    max_memory_bytes: int | None = None,
) -> Completed:
    """Run a program to its end and hand its output on as it comes.

    Nothing that it started is left when this returns or raises, but for what nobody can end
    (another user's process, one that waits for a device), which the log names.

    Args:
        argv: program and arguments; never seen by a shell.
        timeout: seconds that it may take.
        cancel: ends it early: TERM to all of its processes, KILL half a second later.
        on_output: called in this thread with each chunk of standard output and error, merged in
            the order in which they come.
        on_poll: called in this thread with the seconds since the start, after each chunk and at
            least every 0.2 s.
        console_input: what is typed to its standard input; None for an empty one.
        cwd: folder it runs in.
        env: variables added to this process's environment.
        clean_env: of this process's environment, hand on only what any build needs: for programs
            that run a foreign project's code, which must not see tokens.
        errors: file that its standard error goes to, for output that is parsed; None merges it.
        pass_fds: descriptors that it inherits; a lock that it holds by one stays until all of its
            processes are gone.
        supervised: False for a short command of ours that runs nobody else's code and leaves
            nothing behind, as most of Git's: it starts some 15 ms sooner. Its process group is
            ended still, but a killed espdeck's goes on until the next start.
        max_memory_bytes: that all of its processes together may have in memory, pages that several
            share counted once for each; looked at twice a second. None for any.

    Returns:
        How it ended; a non-zero exit code is not an error here.

    Raises:
        MissingToolError: the program is not there or not executable.
        ToolError: it took longer than ``timeout`` or more memory, or it killed its supervisor.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    cancel.check()
    words = [os.fspath(word) for word in argv]
    started = time.monotonic()
    tail = bytearray()

    def take(data: bytes) -> None:
        tail.extend(data)
        del tail[:-_TAIL_BYTES]
        if on_output is not None:
            on_output(data)

    memory: MemoryGuard | None = None

    def poll() -> None:
        if on_poll is not None:
            on_poll(time.monotonic() - started)
        if memory is not None and memory.is_exceeded():
            program.end()

    with contextlib.ExitStack() as stack:
        program = start(
            words,
            stack,
            supervised=supervised,
            cwd=cwd,
            env={**_environment(clean_env), **(env or {})},
            stdin=subprocess.DEVNULL if console_input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors is None else errors,
            pass_fds=pass_fds,
        )
        if max_memory_bytes is not None:
            memory = MemoryGuard(program.process.pid, max_memory_bytes)
        forget = cancel.on_stop(program.end)
        try:
            typing = (
                None
                if console_input is None
                else _StandardInput(program.process, console_input, stack)
            )
            timed_out = _pump(program, started + timeout, take, poll, typing)
        except BaseException:
            program.end()
            raise
        finally:
            forget()
            left = program.finish()
    name = Path(words[0]).name
    if left:
        _LOG.warning("%s: cannot be ended: %s", name, describe_processes(left))
    cancel.check()
    if memory is not None and memory.exceeded:
        raise ToolError(f"{name}: used {memory.exceeded >> 20} MB of memory, ended it")
    if timed_out:
        but = f"; cannot be ended: {describe_processes(left)}" if left else ""
        raise ToolError(f"{name}: no end after {timeout:g} s, ended it{but}")
    return Completed(
        returncode=exit_code(program, words),
        tail=tail.decode("utf-8", "replace"),
        seconds=time.monotonic() - started,
    )


def run_in_terminal(
    argv: Sequence[str | os.PathLike[str]], *, cwd: Path, env: Mapping[str, str]
) -> int:
    """Run a program of a foreign project to which a person talks: the terminal is its own.

    Args:
        argv: program and arguments; never seen by a shell.
        cwd: folder it runs in.
        env: variables added to the few that any build needs.

    Returns:
        Its exit code.

    Raises:
        MissingToolError: the program is not there or not executable.
        ToolError: it killed its supervisor.
        KeyboardInterrupt: a person typed Ctrl-C, where that raises it.
    """
    words = [os.fspath(word) for word in argv]
    with contextlib.ExitStack() as stack:
        environment = {**_environment(clean=True), **env}
        program = start(words, stack, terminal=True, cwd=cwd, env=environment)
        try:
            wait(program, None)
        except KeyboardInterrupt:
            wait(program, _INTERRUPT_GRACE_SECONDS)  # it was interrupted, too
            raise
        finally:
            program.end()
            left = program.finish()
    if left:
        _LOG.warning("%s: cannot be ended: %s", Path(words[0]).name, describe_processes(left))
    return exit_code(program, words)


def _environment(clean: bool) -> dict[str, str]:
    """The variables of this process that a program gets."""
    own = dict(os.environ)
    return {name: own[name] for name in own if _SAFE_VARIABLES.fullmatch(name)} if clean else own


class _StandardInput:
    """Standard input of a program, with what is typed; never waits."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        console_input: ConsoleInput,
        stack: contextlib.ExitStack,
    ) -> None:
        assert process.stdin is not None
        self._pipe = process.stdin
        self._console_input = console_input
        self._wake = stack.enter_context(console_input.reading())
        os.set_blocking(self._pipe.fileno(), False)

    def pump(self, selector: selectors.BaseSelector) -> None:
        """Write what the program takes, and let ``selector`` wake when it takes more."""
        self._watch(selector, self._wake, selectors.EVENT_READ, watch=True)
        more = self._console_input.pump(self._wake, self._write) == 0
        self._watch(selector, self._pipe.fileno(), selectors.EVENT_WRITE, watch=more)

    def end(self) -> None:
        """Nothing more will be typed."""
        self._pipe.close()

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._pipe.fileno(), data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return len(data)  # it does not read any more: typed in vain

    @staticmethod
    def _watch(
        selector: selectors.BaseSelector, descriptor: int, event: int, *, watch: bool
    ) -> None:
        if watch and descriptor not in selector.get_map():
            selector.register(descriptor, event)
        elif not watch and descriptor in selector.get_map():
            selector.unregister(descriptor)


def _pump(
    program: RunningProgram,
    deadline: float,
    on_output: Callable[[bytes], None],
    on_poll: Callable[[], None],
    typing: _StandardInput | None,
) -> bool:
    """Hand output on until the program is over; True if time ran out."""
    assert program.process.stdout is not None
    descriptor = program.process.stdout.fileno()
    os.set_blocking(descriptor, False)
    timed_out = False
    with selectors.DefaultSelector() as selector:
        selector.register(program, selectors.EVENT_READ)
        selector.register(descriptor, selectors.EVENT_READ)
        while not program.over:
            now = time.monotonic()
            if not timed_out and now >= deadline and program.returncode is None:
                timed_out = True
                program.end()
            on_poll()
            if typing is not None:
                typing.pump(selector)
            bounded = timed_out or program.returncode is not None
            left = _POLL_SECONDS if bounded else min(_POLL_SECONDS, max(0.0, deadline - now))
            ready = {key.fd for key, _ in selector.select(left)}
            if descriptor in ready:
                chunk = os.read(descriptor, _CHUNK_BYTES)
                if chunk:
                    on_output(chunk)
                else:
                    selector.unregister(descriptor)
            if program.fileno() in ready:
                program.look()
    # All of it is gone: a pipe holds what it printed last. Whoever holds it still must not keep us.
    rest = _MAX_PIPE_BYTES
    while rest > 0:
        try:
            chunk = os.read(descriptor, min(rest, _CHUNK_BYTES))
        except BlockingIOError:
            break
        if not chunk:
            break
        rest -= len(chunk)
        on_output(chunk)
    on_poll()
    if typing is not None:
        typing.end()
    return timed_out
