"""Debian's nginx as a process of a test, on ports and files of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.waits import wait_for

_PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_AROUND = """
daemon off;
{user}
pid nginx.pid;
error_log stderr;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{servers}
}}
"""


def is_installed() -> bool:
    """Whether there is one."""
    return _PROGRAM is not None


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as opened:
        port: int = opened.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, servers: str, port: int) -> Iterator[None]:
    """nginx with these blocks inside of ``http``, while the block runs.

    Args:
        folder: its files.
        port: one that it listens on.
    """
    assert _PROGRAM is not None
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_AROUND.format(user=user, servers=servers))
    words = [_PROGRAM, "-p", f"{folder}/", "-c", str(config), "-e", "stderr"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:

        def listens() -> bool:
            assert process.poll() is None, process.stderr and process.stderr.read()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return True
            return False

        try:
            wait_for(listens)
            yield
        finally:
            process.terminate()
