"""A real SSH server on loopback, and a network between it and its clients that can be cut."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.waits import wait_for

_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, at once: close(2) sends RST
_PASSED = ("PATH", "LANG", "XDG_CACHE_HOME", "ZIG_LOCAL_CACHE_DIR", "ZIG_GLOBAL_CACHE_DIR")
_PASSED_OF_OURS = ("ESPDECK_",)

needs_sshd = pytest.mark.skipif(
    not (os.access(_SSHD, os.X_OK) and shutil.which("ssh") and shutil.which("ssh-keygen")),
    reason="no SSH server here: apt install openssh-server",
)


class SshServer:
    """An sshd of this user's own, with keys of its own.

    Args:
        folder: for its keys and its settings.
        alive_seconds: after which a client that is silent is taken for gone.
    """

    def __init__(self, folder: Path, *, alive_seconds: int = 1) -> None:
        folder.mkdir(mode=0o700)
        self._folder = folder
        for name in ("host", "client"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as Debian's service does
        self.port = _free_port()
        settings = folder / "sshd_config"
        settings.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder / 'host'}\n"
            f"AuthorizedKeysFile {folder / 'client.pub'}\nPidFile none\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "StrictModes no\n"  # a folder for temporary files is everybody's
            f"ClientAliveInterval {alive_seconds}\nClientAliveCountMax 2\nPrintMotd no\n"
        )
        self._log = folder / "sshd.log"
        self._process = subprocess.Popen(
            [_SSHD, "-D", "-f", str(settings), "-E", str(self._log)], stdin=subprocess.DEVNULL
        )
        try:
            wait_for(self._listens)
        except AssertionError:
            self.close()
            raise

    @property
    def log(self) -> str:
        """What it said."""
        return self._log.read_text("utf-8", "replace")

    def command(self, port: int, *, home: Path) -> Sequence[str]:
        """The words that run a program, given behind them, in a terminal over SSH.

        Args:
            port: where clients connect.
            home: the home of the program.
        """
        options = {
            "IdentityFile": self._folder / "client",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "EscapeChar": "none",
        }
        words = [f"-o{name}={text}" for name, text in options.items()]
        host = [f"{getpass.getuser()}@127.0.0.1", "-p", str(port)]
        variables = [f"{name}={text}" for name, text in _passed(os.environ).items()]
        return ["ssh", "-F", "none", "-tt", *words, *host, "env", f"HOME={home}", *variables]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
            return True
        return False


class Network:
    """What lies between clients and a server: a relay that loses connections when it is told to.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._is_silent = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Both ends are told that their connection is gone, without a farewell of the other."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                end.shutdown(socket.SHUT_RD)  # wakes who reads
            end.close()
        self._ends.clear()

    def fall_silent(self) -> None:
        """Nothing arrives any more, and nobody is told: a laptop that was closed."""
        self._is_silent.set()

    def close(self) -> None:
        """End it."""
        self._door.close()
        self.reset()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                self._ends += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                if not self._is_silent.is_set():
                    other.sendall(data)
            other.shutdown(socket.SHUT_WR)


def _passed(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name in _PASSED or name.startswith(_PASSED_OF_OURS)
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
