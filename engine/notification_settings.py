"""Settings of notifications: ``[notifications]`` of the settings file."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Topic = Literal["builds", "checks", "boards", "lab"]
"""What can be told of: builds, checks, boards, and problems of espdeck itself."""

TOPICS: tuple[Topic, ...] = ("builds", "checks", "boards", "lab")

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_ADDRESS = re.compile(r"[^\s@,;<>\"]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
_SCHEME = re.compile(r"[A-Za-z0-9+.-]+://")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class RuleSettings(BaseModel):
    """What a channel is told: ``[notifications.rules.NAME]``. Patterns are as in fnmatch(3)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    on: tuple[Topic, ...] = TOPICS
    """What it is about."""

    projects: tuple[str, ...] = ()
    """Patterns of names of projects; empty for all."""

    branches: tuple[str, ...] = ()
    """Patterns of branches, for builds; empty for all."""

    checks: tuple[str, ...] = ()
    """Patterns of names of checks; empty for all."""

    every_failure: bool = False
    """Tell each further failure of a streak, too."""


class ChannelSettings(BaseModel):
    """Where notifications go: ``[notifications.channels.NAME]``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = SecretStr("")
    """A URL of apprise, such as ``ntfy://topic``; see https://github.com/caronc/apprise."""

    commit_status: Literal["", "github", "gitlab", "gitea"] = ""
    """Instead of a URL: set the status of the commit that is built, at such a server."""

    base_url: str = ""
    """The server's API for a commit status; empty for the public one of GitHub or GitLab, and for
    the host of the project's source at Gitea."""

    token: SecretStr = SecretStr("")
    """Token for a commit status; empty for the variable ``GITHUB_TOKEN``, ``GITLAB_TOKEN`` or
    ``GITEA_TOKEN``."""

    rules: tuple[str, ...] = ()
    """Names of rules, any of which may match; empty for everything."""

    quiet_hours: str = ""
    """Hours in which nothing is sent, such as ``22:00-07:00``; what is held is told after them."""

    time_zone: str = ""
    """Time zone of the quiet hours, such as ``Europe/Berlin``; empty for this machine's."""

    rate_limit: int = Field(default=20, ge=0, le=100_000)
    """Messages in an hour; what is beyond is told in one message later. 0: any number."""

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: SecretStr) -> SecretStr:
        return _with_scheme(value, "ntfy://topic")

    @field_validator("base_url")
    @classmethod
    def _known_url(cls, value: str) -> str:
        if value and not is_http(value):
            raise ValueError("no URL such as https://git.example.org/api/v1")
        if "@" in urlsplit(value).netloc:
            raise ValueError("a password or token in it would be shown: set token instead")
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _known_hours(cls, value: str) -> str:
        if value:
            begin, end = parse_hours(value)
            if begin == end:
                raise ValueError("quiet hours begin and end at the same time")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (OSError, ValueError, LookupError) as error:
                raise ValueError(f"no time zone is called {value}") from error
        return value

    @model_validator(mode="after")
    def _one_way(self) -> ChannelSettings:
        if bool(self.url.get_secret_value()) == bool(self.commit_status):
            raise ValueError("a channel has a url, or a commit_status, and not both")
        return self


class NotificationSettings(BaseModel):
    """Who is told what: ``[notifications]``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    error_threshold: int = Field(default=3, ge=1, le=1000)
    """Errors of a check in a row before it is told; a board is told gone after as many looks."""

    group_wait_seconds: float = Field(default=30.0, ge=0, le=3600)
    """Seconds that news waits for what belongs to it, such as other boards of the same hub."""

    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    """Where notifications go."""

    rules: dict[str, RuleSettings] = Field(default_factory=dict)
    """What channels are told."""

    recipients: tuple[str, ...] = ()
    """E-mail addresses: the channel ``mail``."""

    mail_server: SecretStr = SecretStr("mailto://localhost")
    """URL of apprise of the server that takes mail for ``recipients``, such as
    ``mailtos://user:password@smtp.example.org``."""

    slack_webhook: SecretStr = SecretStr("")
    """URL of an incoming webhook of Slack: the channel ``slack``."""

    heartbeats: dict[str, SecretStr] = Field(default_factory=dict)
    """URLs in the manner of healthchecks.io that schedules ping, by the name of a check or
    ``build:PROJECT``: at the end the URL itself or ``/fail``, of builds at the start ``/start``."""

    @field_validator("mail_server")
    @classmethod
    def _known_server(cls, value: SecretStr) -> SecretStr:
        return _with_scheme(value, "mailto://localhost")

    @field_validator("slack_webhook")
    @classmethod
    def _known_webhook(cls, value: SecretStr) -> SecretStr:
        return _with_scheme(value, "https://hooks.slack.com/services/...")

    @field_validator("recipients")
    @classmethod
    def _known_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _ADDRESS.fullmatch(each):  # apprise leaves such a one out, and says nothing
                raise ValueError(f"{each!r} is not an e-mail address such as ada@lab.example")
        return value

    @field_validator("heartbeats")
    @classmethod
    def _known_urls(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, url in value.items():
            if not is_http(url.get_secret_value()):
                raise ValueError(f"{name}: no URL such as https://hc-ping.com/UUID")
        return value

    @model_validator(mode="after")
    def _known_names(self) -> NotificationSettings:
        for name, channel in self.channels.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"a channel cannot be called {name!r}: letters, digits, _ . -")
            for rule in channel.rules:
                if rule not in self.rules:
                    raise ValueError(f"channel {name}: no rule is called {rule}")
        return self


def _with_scheme(url: SecretStr, example: str) -> SecretStr:
    text = url.get_secret_value()
    if text and not _SCHEME.match(text):
        raise ValueError(f"no URL such as {example}")
    return url


def is_http(url: str) -> bool:
    """Whether a URL is one of HTTP with a host."""
    try:
        split = urlsplit(url)
        return split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        return False


def parse_hours(text: str) -> tuple[time, time]:
    """Begin and end of hours as settings write them.

    Raises:
        ValueError: they make no sense.
    """
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a range of hours such as 22:00-07:00")
    a, b, c, d = map(int, found.groups())
    return time(a, b), time(c, d)
