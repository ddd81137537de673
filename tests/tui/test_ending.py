"""An app that ends, as its terminal goes away or while a screen opens."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from textual.css.query import NoMatches
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


async def test_a_screen_that_opens_while_the_app_ends_makes_no_traceback(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        story.app.exit()
        story.app._handle_exception(NoMatches("its parts are gone"))
        assert story.app.return_code == 0
