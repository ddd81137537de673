"""How a daemon is found and asked: a socket in its workspace.

A question is one JSON object on a line, with the key ``command``; so is the answer. What a command
takes and answers is only added to: a daemon and a client of different versions understand each
other. Only this user and root are answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import EspdeckError, UsageError
from engine.processes.identity import ProcessIdentity
from engine.store.busy_wait import lock_holders

LOCK_FILE = "daemon.lock"
SOCKET_FILE = "daemon.sock"

ASK_SECONDS = 5.0
"""Seconds that a daemon may take to answer."""

_MAX_LINE_BYTES = 1 << 20
_CREDENTIALS = struct.Struct("3i")  # process, user and group (unix(7), SO_PEERCRED)

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class DaemonSilentError(EspdeckError):
    """A daemon is there, but does not answer."""


class ControlServer:
    """Answers questions of clients, each in a thread of its own.

    Args:
        workspace: the daemon holds its lock.
        answer: called with a question; what it raises is told to the one who asked.

    Raises:
        OSError: nobody can be answered there.
    """

    def __init__(self, workspace: Path, answer: Answer) -> None:
        self._path = workspace / SOCKET_FILE
        self._path.unlink(missing_ok=True)  # of one that was killed
        with _short(self._path) as path:
            self._server = _Server(path, answer)
        self._made = self._path.lstat()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.5,), name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self._made, self._path.lstat()):  # else it is a later daemon's
                self._path.unlink()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)


def running_daemon(workspace: Path) -> int | None:
    """The number of the process that is the workspace's daemon; None where there is none."""
    return next(iter(lock_holders(workspace / LOCK_FILE)), None) or answering_daemon(workspace)


def answering_daemon(workspace: Path) -> int | None:
    """The number of the daemon that takes questions; None where none does as yet.

    A container may hide who holds a lock (``/proc/locks``), but not who listens.
    """
    try:
        with _connected(workspace, ASK_SECONDS) as client:
            pid = _peer(client)[0]
    except OSError:
        return None
    return pid if ProcessIdentity.of(pid) is not None else None  # a killed one takes a moment


def ask_daemon(
    workspace: Path, command: str, *, seconds: float = ASK_SECONDS, **arguments: Any
) -> dict[str, Any]:
    """What the workspace's daemon answers.

    Raises:
        UsageError: there is no daemon, or it refuses.
        DaemonSilentError: it does not answer in time.
    """
    try:
        with _connected(workspace, seconds) as client:
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            line = client.makefile("rb").readline(_MAX_LINE_BYTES)
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("no object")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        pid = running_daemon(workspace)
        if pid is None:
            raise UsageError(
                f"no daemon runs in {workspace}: espdeck daemon start starts one"
            ) from error
        raise DaemonSilentError(
            f"the daemon (process {pid}) starts or stops, or its {SOCKET_FILE} was deleted: try "
            "again, else espdeck daemon restart"
        ) from error
    except (OSError, ValueError) as error:
        pid = running_daemon(workspace)
        if pid is None:
            raise UsageError(f"no daemon runs in this workspace: {error}") from error
        raise DaemonSilentError(
            f"the daemon (process {pid}) does not answer: espdeck daemon stop ends it"
        ) from error
    if "error" in answer:
        raise UsageError(str(answer["error"]))
    return answer


def own_version() -> str:
    """The version of this espdeck."""
    return version("espdeck")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: str, answer: Answer) -> None:
        self.answer = answer
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who asked has gone."""


class _Handler(socketserver.StreamRequestHandler):
    timeout = ASK_SECONDS

    def handle(self) -> None:
        """Answer one question."""
        assert isinstance(self.server, _Server)
        if _peer(self.connection)[1] not in (os.geteuid(), 0):
            return
        try:
            question = json.loads(self.rfile.readline(_MAX_LINE_BYTES))
            said: Mapping[str, Any] = self.server.answer(question)
        except EspdeckError as error:
            said = {"error": str(error)}
        except (ValueError, LookupError, TypeError) as error:
            said = {"error": f"the question is not valid: {error!r}"}
        self.wfile.write(json.dumps(said).encode() + b"\n")


def is_older_daemon(daemon: str) -> bool:
    """Whether a daemon is of an earlier version than this espdeck.

    Args:
        daemon: its version.
    """
    return _numbers(daemon) < _numbers(own_version())


def older_version(daemon: str) -> str:
    """What is to be said where a daemon is of another version than this espdeck; else empty.

    Args:
        daemon: its version.
    """
    own = own_version()
    if daemon == own:
        return ""
    older = "the daemon" if is_older_daemon(daemon) else "this command"
    return (
        f"the daemon is espdeck {daemon}, this command is espdeck {own}: {older} is older; "
        "espdeck daemon restart, with the newer one"
    )


def _numbers(version_text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version_text)))


def _peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(data)
    return pid, user


@contextlib.contextmanager
def _connected(workspace: Path, seconds: float) -> Iterator[socket.socket]:
    """A connection to the daemon of a workspace, each step of which may take so long.

    Raises:
        OSError: nobody listens there.
    """
    with _short(workspace / SOCKET_FILE) as path, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        client.connect(path)
        yield client


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A path that fits into the address of a socket, 107 bytes (unix(7)), for the block."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
