"""Starts and stops the daemon of a workspace, from any other process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from engine import private_files
from engine.daemon_control import (
    DaemonSilentError,
    answering_daemon,
    ask_daemon,
    running_daemon,
)
from engine.errors import UsageError
from engine.files import explain, read_file
from engine.processes.identity import ProcessIdentity
from engine.processes.members import GROUP_VARIABLE
from engine.settings import config_file

OUTPUT_FILE = "daemon.out"
"""What the process printed; a line that says why, where it did not start."""

START_SECONDS = 60.0
"""Seconds in which a daemon answers: a database may be migrated first."""

STOP_SECONDS = 40.0
"""Seconds in which a daemon that was told to stop is gone."""

_POLL_SECONDS = 0.05
_MAX_OUTPUT_BYTES = 1 << 16


def start_daemon(workspace: Path, profile: str = "", *, seconds: float = START_SECONDS) -> int:
    """Start the daemon of a workspace: a process that outlives this one and its terminal.

    Args:
        profile: of the settings; empty for none.
        seconds: for which is waited until it answers.

    Returns:
        Its process.

    Raises:
        UsageError: there is one already, or it does not start; says why.
    """
    _refuse_second(workspace)
    output = workspace / OUTPUT_FILE
    environment = {name: text for name, text in os.environ.items() if name != GROUP_VARIABLE}
    if "ESPDECK_CONFIG" in environment:
        environment["ESPDECK_CONFIG"] = str(config_file().absolute())  # it runs in another folder
    words = ["--workspace", str(workspace), *(["--profile", profile] if profile else [])]
    with _open_output(output) as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.daemon", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd="/",
            env=environment,
            start_new_session=True,  # what ends this session does not end it
        )
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            _refuse_second(workspace)  # another one was started at the same moment
            raise UsageError(f"the daemon did not start: {_last_line(output)}")
        if answering_daemon(workspace) == process.pid:
            return process.pid
        time.sleep(_POLL_SECONDS)
    raise UsageError(
        f"the daemon (process {process.pid}) does not answer after {seconds:g} s: see "
        f"{workspace / 'espdeck.log'}"
    )


def stop_daemon(workspace: Path, *, seconds: float = STOP_SECONDS) -> int:
    """Stop the daemon of a workspace, whatever its version: what it carries out goes on later.

    Args:
        seconds: that it has to end by itself; then it is killed, and the next start puts in order
            what it left.

    Returns:
        The process that it was.

    Raises:
        UsageError: there is none, or it cannot be ended.
    """
    pid = running_daemon(workspace)
    identity = ProcessIdentity.of(pid) if pid is not None else None
    if identity is None:
        raise UsageError(f"no daemon runs in {workspace}")
    try:
        ask_daemon(workspace, "stop")
    except (DaemonSilentError, UsageError):
        _signal(identity, signal.SIGTERM)
    if not _is_gone(identity, seconds):
        _signal(identity, signal.SIGKILL)
        if not _is_gone(identity, 5.0):
            raise UsageError(f"the daemon (process {identity.pid}) cannot be ended")
    return identity.pid


def _refuse_second(workspace: Path) -> None:
    if (pid := running_daemon(workspace)) is not None:
        raise UsageError(f"the daemon of {workspace} runs already (process {pid})")


def _open_output(output: Path) -> IO[bytes]:
    """The file for what a daemon prints, emptied; only in a folder that may be believed.

    Raises:
        UsageError: it cannot be made, or the folder is another user's.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        private_files.check_owner(output.parent)
        output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.fdopen(os.open(output, flags, 0o600), "wb", buffering=0)
    except OSError as error:
        raise UsageError(explain(error, output)) from error


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    if process.is_alive:
        try:
            os.kill(process.pid, number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)  # one that was stopped hears it, too
        except OSError as error:
            raise UsageError(f"process {process.pid} cannot be ended: {error.strerror}") from error


def _is_gone(process: ProcessIdentity, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while process.is_alive:
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _last_line(output: Path) -> str:
    try:
        text = read_file(output, _MAX_OUTPUT_BYTES).decode("utf-8", "replace")
    except OSError:
        text = ""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("espdeck: ") if lines else "it ended at once (see espdeck.log)"
