"""The screen of notifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.enums import NotificationKind
from engine.store.database import Store
from engine.store.tables import DeliveryRow, NotificationRow
from tests.tui.test_type_ahead import burst
from tests.tui.workspaces import fill, running

pytestmark = pytest.mark.slow


def notify(workspace: Path) -> None:
    store = Store(workspace / "espdeck.db")
    with store.write() as session:
        for number in range(1, 6):
            session.add(
                NotificationRow(
                    id=number,
                    at=datetime.now(UTC) - timedelta(minutes=10 - number),
                    kind=NotificationKind.PROBLEM if number % 2 else NotificationKind.RECOVERY,
                    subject="build:x",
                    title=f"sensor-hub main esp32c3 news {number} [b]x\x1b[31m",
                    body="build #3 failed in stage build\n" + "x" * 300,
                    project="sensor-hub",
                    run_id=3 if number == 5 else None,
                )
            )
        session.add(
            DeliveryRow(
                channel="chat",
                lane="chat",
                notifications=[5],
                status="unknown",  # type: ignore[arg-type]
                attempts=1,
                error="no answer",
                cut=150,
            )
        )
    store.close()


async def test_what_happened_is_read_later(tmp_path: Path) -> None:
    fill(tmp_path)
    notify(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("n")
        await story.sees("notifications, 5 unread", "news 5 [b]x", "chat may have arrived")
        await story.press("enter")
        await story.sees("150 characters cut: no answer", "notification 5")
        await story.press("escape")
        await story.sees("notifications, 4 unread")
        await story.press("U")
        await story.sees("4 unread, only these")
        await story.press("U", "A")
        await story.sees("4 notifications marked as read", "notifications, 0 unread")
        await story.press("g", "b")
        await story.sees("FINDINGS")
        await story.press("q")
        await story.sees("notifications, 0 unread")
        await story.press("j", "b")
        await story.sees("this notification is not about a build")
        await story.press("q")
        await story.sees("builds of")


async def test_mutes_and_channels(tmp_path: Path) -> None:
    fill(tmp_path)
    notify(tmp_path)
    settings = {"channels": {"hook": {"url": "json://127.0.0.1:1/t0ken"}}}
    async with running(tmp_path, notifications=settings) as story:
        await story.sees("sensor-hub")
        await story.press("n")
        await story.sees("5 unread")
        await story.press("m")
        await story.sees("Send nothing about sensor-hub for")
        await story.press("down", "enter")
        await story.sees("muted: project sensor-hub")
        await story.press("c")
        await story.sees("hook: json://127.0.0.1/***", "last delivery: none yet")
        await story.press("escape", "u")
        await story.sees("Send again")
        await story.press("enter")
        await story.sees("no longer muted")
        assert "t0ken" not in story.text()


async def test_keys_wait_for_the_notification_that_they_open(tmp_path: Path) -> None:
    fill(tmp_path)
    notify(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        burst(story, "n", "enter", "escape", "U")
        await story.sees("4 unread, only these")
