"""Tells systemd how a daemon is, as sd_notify(3) and sd_watchdog_enabled(3) say it.

Packages that do it (``sdnotify``, ``sd-notify``) had their last release years ago and leave the
address in the environment, where each compiler and test of a build would find it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

from engine.text import escape

_SEND_SECONDS = 1.0  # that a manager which does not read may keep us
_MAX_STATUS_CHARACTERS = 200


class ServiceManager:
    """The systemd that started this process; where none did, nothing is told.

    Args:
        environ: variables in which systemd says where it listens. They are taken out: a child must
            not speak for the daemon.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        # "@" stands for the null byte of an abstract socket; vsock: is for virtual machines.
        self._address = (
            f"\0{address[1:]}" if address[:1] == "@" else address if address[:1] == "/" else ""
        )
        interval, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        is_ours = not pid or pid == str(os.getpid())
        self._watchdog_seconds = _seconds(interval) if is_ours else 0.0

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two calls of :meth:`watchdog`, half of what is allowed; None for none."""
        return self._watchdog_seconds / 2 or None

    def ready(self, status: str = "") -> None:
        """The daemon works: it has started, or has read its settings again."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """The daemon reads its settings again; :meth:`ready` ends it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str = "") -> None:
        """The daemon ends."""
        self._send("STOPPING=1", _status(status))

    def status(self, text: str) -> None:
        """What the daemon does, in a line: ``systemctl --user status`` shows it."""
        self._send(_status(text))

    def watchdog(self) -> None:
        """The daemon is alive."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        data = "\n".join(filter(None, assignments)).encode("utf-8", "replace")
        # A manager that is gone or does not read is no reason to do anything else.
        with (
            contextlib.suppress(OSError, ValueError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line,
        ):
            line.settimeout(_SEND_SECONDS)
            line.connect(self._address)
            line.sendall(data)


def _status(text: str) -> str:
    return f"STATUS={escape(text)[:_MAX_STATUS_CHARACTERS]}" if text else ""


def _seconds(microseconds: str) -> float:
    is_number = microseconds.isascii() and microseconds.isdigit() and len(microseconds) < 19
    return int(microseconds) / 1e6 if is_number else 0.0
