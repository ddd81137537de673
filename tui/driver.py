"""The terminal driver of the app: Textual's, which ends the app when its terminal is gone.

A terminal that closes tells its session by SIGHUP; a process whose controlling terminal it is not
(started by ``setsid``, or by what runs programs in a pseudo terminal of its own) is told nothing.
Textual then reads an end of file again and again, and waits for ever for its thread that writes.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import IO, Any, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui.app_base import AppBase


class TerminalDriver(LinuxDriver):
    """Watches whether the terminal is there; what is written to one that is not is dropped."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As Textual's."""
        super().__init__(*arguments, **options)
        if self._file is not None:
            self._file = cast("Any", _Output(self._file))
        if os.isatty(self.fileno):
            threading.Thread(target=self._await_end, name="terminal", daemon=True).start()

    def _await_end(self) -> None:
        """Wait until the terminal hangs up, then end the app. Costs nothing until then."""
        poll = select.poll()
        poll.register(self.fileno, 0)  # a hang-up is told without being asked for
        for _fd, event in poll.poll():
            if event & (select.POLLHUP | select.POLLERR):
                self._hang_up()

    def run_input_thread(self) -> None:
        """Read keys until the app ends, or its terminal is gone: Linux then gives EIO for a moment.

        Textual would show a traceback, in a terminal that nobody has.
        """
        try:
            super().run_input_thread()
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(RuntimeError):  # the app ended at the same time
            self._loop.call_soon_threadsafe(hang_up, self._app)


def hang_up(app: App[Any]) -> None:
    """End an app as its terminal is gone."""
    if isinstance(app, AppBase):
        app.hang_up()
    else:
        app.exit()


class _Output:
    """A terminal to write to; once it is gone nobody misses what is written."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()
