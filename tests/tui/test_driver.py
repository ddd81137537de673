"""The driver of a terminal that goes away."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from textual.drivers.linux_driver import LinuxDriver

from tests.tui.workspaces import running
from tui.driver import TerminalDriver


async def test_a_read_that_fails_as_the_terminal_goes_ends_the_app_without_a_panic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_driver: LinuxDriver) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LinuxDriver, "run_input_thread", read)
    async with running(tmp_path) as story:
        TerminalDriver(story.app)._run_input_thread()
        await story.until(lambda: story.app._exit)
        assert story.app.return_code == 0
