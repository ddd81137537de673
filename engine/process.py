"""The one way to run an external program.

Argument lists and no shell, a process group of its own, a timeout, a way to cancel, and both
streams handed on as they come. While it runs, a process group is written down in a ledger folder,
so that an engine that starts after a ``kill -9`` can end what its predecessor left behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.keyboard import Keyboard

KILL_AFTER = 0.5
"""Seconds between TERM and KILL: a cancelled stage is gone within a second."""

MARK = "ESPDECK_GROUP"
"""Environment variable that tells the processes of one run, whatever became of their leader."""

_GONE_WITHIN = 5.0  # seconds that killed processes may take to be gone
_ROUND = 0.2  # seconds that are waited for output before anything else is looked at
_CHUNK = 1 << 16
_TAIL = 1 << 16

_HARMLESS = re.compile(
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


class Ledger:
    """Process groups that are running now, one small file each, in a folder of the workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def entry(self, pid: int, mark: str) -> Iterator[None]:
        """Write the process group down while the block runs.

        Args:
            pid: of its leader, and so of the group.
            mark: what its processes have in the environment variable :data:`MARK`.
        """
        path = self._folder / str(pid)
        with contextlib.suppress(psutil.Error, OSError):
            path.write_text(f"{psutil.Process(pid).create_time()!r} {mark}")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def end_orphans(self) -> int:
        """Kill every process group that is still written down, and forget it.

        Only for the engine that holds the workspace: then whatever is written down belongs to a
        predecessor that died. A group whose id was given out again is told by its mark, or by when
        its leader started.

        Returns:
            How many groups were ended.
        """
        ended = 0
        for path in self._folder.iterdir():
            with contextlib.suppress(ValueError, OSError, psutil.Error):
                group = int(path.name)
                started, _, mark = path.read_text().partition(" ")
                if any(_is_ours(each, group, float(started), mark) for each in _members(group)):
                    os.killpg(group, signal.SIGKILL)
                    ended += 1
                    deadline = time.monotonic() + _GONE_WITHIN
                    while _members(group) and time.monotonic() < deadline:
                        time.sleep(0.02)
            path.unlink(missing_ok=True)
        return ended


def _members(group: int) -> list[psutil.Process]:
    """The living processes of a group, whose leader may be gone."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getpgid(pid) == group:
                member = psutil.Process(pid)
                if member.status() != psutil.STATUS_ZOMBIE:
                    found.append(member)
    return found


def _is_ours(member: psutil.Process, group: int, started: float, mark: str) -> bool:
    """Whether a process that has a group's id belongs to the group that was written down."""
    with contextlib.suppress(OSError, psutil.Error):
        if member.pid == group and abs(member.create_time() - started) < 0.02:
            return True
        # Members start whenever they like: when they did says nothing.
        return bool(mark) and member.environ().get(MARK) == mark
    return False


_ledger: Ledger | None = None


def use_ledger(ledger: Ledger | None) -> None:
    """Set the ledger of this process (one workspace a process)."""
    global _ledger
    _ledger = ledger


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    cancel: CancelToken,
    on_output: Callable[[bytes], None] | None = None,
    on_round: Callable[[float], None] | None = None,
    keyboard: Keyboard | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    clean_env: bool = False,
    errors: IO[bytes] | None = None,
) -> Completed:
    """Run a program to its end and hand its output on as it comes.

    Args:
        argv: program and arguments; never seen by a shell.
        timeout: seconds that it may take.
        cancel: ends it early: TERM to its process group, KILL half a second later.
        on_output: called in this thread with each chunk of standard output and error, merged in
            the order in which they come.
        on_round: called in this thread with the seconds since the start, after each chunk and at
            least every 0.2 s.
        keyboard: types to its standard input; None when nothing does, then it reads an empty one.
        cwd: folder it runs in.
        env: variables added to this process's environment.
        clean_env: of this process's environment, hand on only what any build needs: for programs
            that run a foreign project's code, which must not see tokens.
        errors: file that its standard error goes to, for output that is parsed; None merges it.

    Returns:
        How it ended; a non-zero exit code is not an error here.

    Raises:
        MissingToolError: the program is not there or not executable.
        ToolError: it took longer than ``timeout``.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    cancel.check()
    words = [os.fspath(word) for word in argv]
    ledger, mark = _ledger, uuid.uuid4().hex
    marked = {MARK: mark} if ledger is not None else {}
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if keyboard is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors is None else errors,
            cwd=cwd,
            env={**_environment(clean_env), **(env or {}), **marked},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        missing = error.filename if cwd is not None and not cwd.is_dir() else words[0]
        raise MissingToolError(f"{missing}: not found") from error
    except OSError as error:
        raise MissingToolError(f"{words[0]}: cannot be started: {error.strerror}") from error
    entry = ledger.entry(process.pid, mark) if ledger is not None else contextlib.nullcontext()
    forget = cancel.on_stop(lambda: end_group(process))
    timed_out = False
    tail = bytearray()

    def hand_on(data: bytes) -> None:
        tail.extend(data)
        del tail[:-_TAIL]
        if on_output is not None:
            on_output(data)

    def round_over() -> None:
        if on_round is not None:
            on_round(time.monotonic() - started)

    try:
        with entry, process, contextlib.ExitStack() as stack:
            try:
                typing = _Typing(process, keyboard, stack) if keyboard is not None else None
                timed_out = _pump(process, started + timeout, hand_on, round_over, typing)
            except BaseException:
                # Before the with block ends: it waits for the process.
                end_group(process)
                raise
    finally:
        forget()
    cancel.check()
    if timed_out:
        raise ToolError(f"{Path(words[0]).name}: no end after {timeout:g} s, ended it")
    return Completed(
        returncode=process.returncode,
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
    """
    try:
        return subprocess.run(
            [os.fspath(word) for word in argv],
            cwd=cwd,
            env={**_environment(clean=True), **env},
            check=False,
        ).returncode
    except OSError as error:
        raise MissingToolError(f"{argv[0]}: cannot be started: {error.strerror}") from error


def _environment(clean: bool) -> dict[str, str]:
    """The variables of this process that a program gets."""
    own = dict(os.environ)
    return {name: own[name] for name in own if _HARMLESS.fullmatch(name)} if clean else own


class _Typing:
    """Standard input of a program, as a keyboard types it; never waits."""

    def __init__(
        self, process: subprocess.Popen[bytes], keyboard: Keyboard, stack: contextlib.ExitStack
    ) -> None:
        assert process.stdin is not None
        self._pipe = process.stdin
        self._keyboard = keyboard
        self._wake = stack.enter_context(keyboard.reading())
        os.set_blocking(self._pipe.fileno(), False)

    def pump(self, selector: selectors.BaseSelector) -> None:
        """Write what the program takes, and let ``selector`` wake when it takes more."""
        self._watch(selector, self._wake, selectors.EVENT_READ, watch=True)
        more = self._keyboard.pump(self._wake, self._write) == 0
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
    process: subprocess.Popen[bytes],
    deadline: float,
    on_output: Callable[[bytes], None],
    on_round: Callable[[], None],
    typing: _Typing | None,
) -> bool:
    """Hand output on until the stream ends and the process is gone; True if time ran out."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    timed_out = False
    over_at: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if over_at is None:
                timed_out = process.poll() is None and now >= deadline
                if timed_out:
                    end_group(process)
                if timed_out or process.returncode is not None:
                    over_at = now
            elif now - over_at > KILL_AFTER:
                # Whoever else holds the pipe, silent or not, must not keep us. What the process
                # itself printed was read: one read since takes all that a pipe holds.
                end_group(process)
                break
            on_round()
            if typing is not None:
                typing.pump(selector)
            left = _ROUND if over_at is not None else min(_ROUND, max(0.0, deadline - now))
            if all(key.fd != descriptor for key, _ in selector.select(left)):
                continue
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                break
            on_output(chunk)
    if typing is not None:
        typing.end()
    try:
        process.wait(max(KILL_AFTER, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        timed_out = True
        end_group(process)
        process.wait(5)
    return timed_out


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Send TERM to a process group now and KILL shortly after, without waiting for either."""

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        timer = threading.Timer(KILL_AFTER, kill)
        timer.daemon = True
        timer.start()
