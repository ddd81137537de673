"""Notifications on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.enums import NotificationKind
from engine.store.database import Store
from engine.store.tables import DeliveryRow, NotificationRow
from tests.tui.commands import Here

HOOK = {"channels": {"hook": {"url": "json://user:pa55word@127.0.0.1:1/t0ken"}}}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("ESPDECK_NOTIFICATIONS", json.dumps(HOOK))
    return Here(tmp_path)


def fill(workspace: Path) -> None:
    """Two notifications, of which one was told."""
    store = Store(workspace / "espdeck.db")
    with store.write() as session:
        for number, title in enumerate(("hello failed", "hello recovered\x1b[31m"), 1):
            session.add(
                NotificationRow(
                    id=number,
                    kind=NotificationKind.PROBLEM,
                    subject="build:x",
                    title=title,
                    body="build #3 failed\nespdeck show 3",
                    run_id=3,
                )
            )
        session.add(
            DeliveryRow(
                channel="hook",
                lane="hook",
                notifications=[1],
                status="sent",  # type: ignore[arg-type]
                attempts=1,
                cut=120,
            )
        )
    store.close()


def test_the_list_and_one_of_it(here: Here, tmp_path: Path) -> None:
    fill(tmp_path)

    lines = here.says("notify", "list").splitlines()
    assert [line.split()[0] for line in lines] == ["NO", "2", "1"]
    assert lines[1].endswith("new  hello recovered")
    shown = here.says("notify", "show", "1")
    assert "build #3 failed\nespdeck show 3" in shown
    assert "hook: sent, 120 characters cut" in shown
    (left,) = here.says("notify", "list", "--unread", "--json").splitlines()
    assert json.loads(left)["id"] == 2
    assert here.says("notify", "read") == "read: 1 notification\n"
    assert "no notification 7" in here.refuses("notify", "show", "7")


def test_mutes(here: Here) -> None:
    assert here.says("notify", "mute", "hook", "--for", "2h").startswith("channel hook: muted")
    assert "channel hook" in here.says("notify", "mutes")
    assert "muted until" in here.says("notify", "channels")
    assert here.says("notify", "unmute", "hook") == "not muted any more\n"
    assert "no such mute" in here.refuses("notify", "unmute", "hook")
    for wrong in ("2", "h", "-1h", "2 h"):
        assert "is not a duration" in here.refuses("notify", "mute", "--for", wrong)
    assert "too long" in here.refuses("notify", "mute", "--for", "9999999w")
    assert "up to 365d" in here.refuses("notify", "mute", "--for", "99999w")


def test_channels_show_no_secret(here: Here) -> None:
    assert "json://127.0.0.1/***" in here.says("notify", "channels")
    assert json.loads(here.says("notify", "channels", "--json"))["channel"] == "hook"


@pytest.mark.slow
def test_a_test_that_fails_says_why(here: Here) -> None:
    said = here.says("notify", "test", "hook", code=1)

    assert said.startswith("hook: not sent: ")
    assert "Connection refused" in said
    assert "pa55word" not in said
    assert "t0ken" not in said
    assert "no channel is called x" in here.refuses("notify", "test", "x")


def test_without_channels_there_is_a_hint(tmp_path: Path) -> None:
    here = Here(tmp_path)

    assert "espdeck guide notifications" in here.says("notify", "channels")
    assert "espdeck guide notifications" in here.refuses("notify", "test")
