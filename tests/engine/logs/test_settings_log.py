"""What is logged of the settings, and what of them is never logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from engine.logs.settings_log import settings_changes, settings_secrets
from engine.settings import Settings
from engine.webhook_settings import WebhookSettings


def changes(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    first, second = (Settings(workspace=Path("/ws"), **each) for each in (before, now))
    return settings_changes(first, second)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({}, {}, ()),
        ({}, {"max_concurrent_builds": 4}, ("max_concurrent_builds: 2 -> 4",)),
        (
            {"checks": {"git_check": {"interval": 5}}},
            {"checks": {"git_check": {"interval": 10, "enabled": False}}},
            ("checks.git_check.enabled: none -> False", "checks.git_check.interval: 5.0 -> 10.0"),
        ),
        ({"boards": ["/dev/a"]}, {}, ("boards: ['/dev/a'] -> []",)),
        ({}, {"keys": {"build": "ctrl+b"}}, ("keys.build: none -> ctrl+b",)),
    ],
)
def test_what_changed_is_told(
    before: dict[str, Any], now: dict[str, Any], told: tuple[str, ...]
) -> None:
    assert changes(before, now) == told


class Channels(BaseModel):
    notify: dict[str, str] = {}
    api_key: str | None = None
    urls: list[str] = []
    rule: str = "first-failure"


def test_addresses_and_keys_are_not_for_the_log() -> None:
    settings = Channels(
        notify={"team": "slack://s3cret", "rule": "first-failure"},
        api_key="s3cret-2",
        urls=["ntfy://s3cret-3"],
    )
    found = settings_secrets(settings)
    assert found == {"slack://s3cret", "s3cret-2", "ntfy://s3cret-3"}
    assert settings_secrets(Settings(keys={"build": "ctrl+b"}, boards=("socket://lab:1",))) == set()


def test_what_the_settings_keep_secret_is_not_for_the_log() -> None:
    settings = Settings.model_validate(
        {
            "webhooks": {"secret": "s3cret-1"},
            "remotes": {"lab": {"url": "https://lab", "token": "s3cret-2"}},
            "artifact_store": {"access_key": "name-3", "secret_key": "s3cret-3"},
        }
    )
    changed = settings.model_copy(
        update={"webhooks": WebhookSettings(secret=SecretStr("s3cret-4"))}
    )

    assert {"s3cret-1", "s3cret-2", "s3cret-3"} <= settings_secrets(settings)
    assert settings_changes(settings, changed) == ("webhooks.secret: changed",)


def test_what_may_be_secret_is_told_without_its_value() -> None:
    before = Channels(notify={"team": "slack://s3cret"})
    now = Channels(notify={"team": "slack://s3cret-2", "me": "ntfy://s3cret"}, api_key="s3cret")
    told = settings_changes(before, now)
    assert told == ("api_key: set", "notify.me: set", "notify.team: changed")
    assert settings_changes(now, Channels())[1:] == ("notify.me: unset", "notify.team: unset")


def test_it_is_bounded() -> None:
    told = changes({}, {"keys": {f"action{each:03}": "x" * 1000 for each in range(50)}})
    assert len(told) == 21
    assert told[0] == f"keys.action000: none -> {'x' * 60}..."
    assert told[-1] == "30 more"
