"""One session of the app in a browser: a process of the app, and the messages to and from it.

The messages are those of textual-serve, whose page script speaks to ``/app/ws``: JSON arrays
``["stdin", TEXT]``, ``["resize", {"width": …, "height": …}]``, ``["ping", …]``, ``["blur"]`` and
``["focus"]`` come in; what the terminal is to show goes out as binary messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shlex
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from starlette.websockets import WebSocketDisconnect
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

STOP_SECONDS = 10.0
"""Seconds in which the app's process ends by itself, once it was told to."""

COLUMNS = (20, 500)
ROWS = (5, 200)
"""Sizes of a terminal that are believed, the least and the most."""

MAX_MESSAGE_CHARACTERS = 1 << 20
"""Length of a message from a browser: what is pasted comes as one."""

_WENT_AWAY = (RuntimeError, OSError, WebSocketDisconnect)
"""What is raised when something is sent to a browser that went away."""

_LOG = logging.getLogger("espdeck.server")


def app_command(workspace: Path, profile: str) -> tuple[str, ...]:
    """The command that opens the app on a workspace: the console script ``espdeck`` as a module."""
    (script,) = entry_points(group="console_scripts", name="espdeck")
    chosen = ("--profile", profile) if profile else ()
    return (sys.executable, "-m", script.module, "--workspace", str(workspace), *chosen)


class AppSession(AppService):
    """A process of the app whose terminal is a browser.

    Args:
        command: the program and its arguments.
        write_bytes: sends to the browser what its terminal is to show.
        write_str: sends a message to the browser.
        close: closes the connection.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            shlex.join(command),
            write_bytes=write_bytes,
            write_str=write_str,
            close=close,
            download_manager=DownloadManager(),
        )
        self._arguments = tuple(command)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Start the app without a shell; it writes its own log."""
        environment: dict[str, str] = self._build_environment(width=width, height=height)
        process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C at the server's terminal is not the app's
        )
        process.stderr = asyncio.StreamReader()  # textual-serve reads it to its end
        process.stderr.feed_eof()
        self._process, self._stdin = process, process.stdin
        return process

    async def run(self) -> None:
        """Carry what the app shows to the browser, until the app ends."""
        with contextlib.suppress(*_WENT_AWAY):
            await super().run()
        with contextlib.suppress(*_WENT_AWAY):
            await self.remote_close()

    async def stop(self) -> None:
        """End the app as when a terminal is closed; what does not end is ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await super().stop()
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            _LOG.warning("the app of a browser (process %s) did not end: killed", process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()

    async def take(self, text: str) -> str | None:
        """Take a message of the browser; one that makes no sense is left out.

        Returns:
            What is to be answered; None for nothing.
        """
        kind, value = _read(text)
        if kind == "stdin" and isinstance(value, str):
            await self.send_bytes(value.encode("utf-8", "replace"))
        elif kind == "resize" and isinstance(value, dict):
            width, height = value.get("width"), value.get("height")
            if isinstance(width, int) and isinstance(height, int):
                await self.set_terminal_size(*terminal_size(width, height))
        elif kind == "ping":
            return json.dumps(["pong", str(value)[:40]])
        elif kind == "blur":
            await self.blur()
        elif kind == "focus":
            await self.focus()
        return None


def terminal_size(width: int, height: int) -> tuple[int, int]:
    """A size that a terminal may have, the nearest one to what a browser says."""
    return min(max(width, COLUMNS[0]), COLUMNS[1]), min(max(height, ROWS[0]), ROWS[1])


def _read(text: str) -> tuple[str, Any]:
    """Kind and value of a message; an empty kind for one that is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        return "", None
    return message[0], message[1] if len(message) > 1 else None
