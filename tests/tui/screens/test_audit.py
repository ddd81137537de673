"""The screen of the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.workspaces import fill, fill_audit, running

pytestmark = pytest.mark.slow


async def test_who_did_what_is_read(tmp_path: Path) -> None:
    fill(tmp_path)
    fill_audit(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("L")
        await story.sees("audit log", "401", "198.51.100.23")
        await story.sees("POST /builds/{number}/cancel: 3")
        await story.press("j")
        await story.sees("nobody who is known, 198.51.100.23", "401 a token is needed")
        await story.press("g")
        await story.sees("ci, 192.0.2.9", "403 token 'ci' has the scope read: build is needed")
        await story.press("enter")
        await story.sees("entry 4", "status  403")
        await story.press("escape", "t")
        await story.sees("tokens of the HTTP API", "desk", "revoked")
        await story.press("escape", "r", "q")
        await story.sees("builds of")


async def test_nothing_was_asked_yet(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("L")
        await story.sees("no requests to the HTTP API yet")
        await story.press("t")
        await story.sees("no tokens: espdeck token create")
