"""The driver of the app in a browser: Textual's, which ends the app when the browser is gone."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from typing import Any

from textual.app import App
from textual.drivers.web_driver import WebDriver

from tui.driver import hang_up

_VARIABLES = ("COLUMNS", "ROWS", "TERM_PROGRAM", "TERM_PROGRAM_VERSION")
"""What tells the app of its terminal, beside the variables of Textual."""


class BrowserDriver(WebDriver):
    """Has the app end, as when a terminal is closed, when the server says so or is gone."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        """As Textual's; programs that the app starts do not take its terminal for theirs."""
        super().__init__(app, **options)
        self._loop = asyncio.get_running_loop()
        self._write = functools.partial(_write_if_read, self.fileno)
        for name in [*_VARIABLES, *(name for name in os.environ if name.startswith("TEXTUAL"))]:
            os.environ.pop(name, None)

    def run_input_thread(self) -> None:
        """Take what the browser says; an end of it is the end of the terminal."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            with contextlib.suppress(RuntimeError):  # the app ended at the same time
                self._loop.call_soon_threadsafe(hang_up, self._app)

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Take a message of the server, which says ``quit`` when the browser has gone."""
        if packet_type == "quit":
            self._loop.call_soon_threadsafe(hang_up, self._app)
        else:
            super().on_meta(packet_type, payload)


def _write_if_read(descriptor: int, data: bytes) -> int:
    """Write all of it, unless nobody reads it any more."""
    left = memoryview(data)
    with contextlib.suppress(BrokenPipeError):
        while left:
            left = left[os.write(descriptor, left) :]
    return len(data)
