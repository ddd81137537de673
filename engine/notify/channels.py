"""The channels of the settings, and those that follow from ``recipients`` and ``slack_webhook``."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from pydantic import SecretStr

from engine.notification_settings import ChannelSettings, NotificationSettings
from engine.notify.outcome import show_url

MAIL = "mail"
SLACK = "slack"


def channels_of(settings: NotificationSettings) -> Mapping[str, ChannelSettings]:
    """All channels by name; one that a person named so wins over ``mail`` and ``slack``."""
    implied: dict[str, ChannelSettings] = {}
    if settings.recipients:
        server = settings.mail_server.get_secret_value()
        to = ",".join(quote(each, safe="@") for each in settings.recipients)
        url = f"{server}{'&' if '?' in server else '?'}to={to}"
        implied[MAIL] = ChannelSettings(url=SecretStr(url))
    if webhook := settings.slack_webhook.get_secret_value():
        implied[SLACK] = ChannelSettings(url=SecretStr(webhook))
    return {**implied, **settings.channels}


def where(channel: ChannelSettings) -> str:
    """Where a channel goes, as far as others may see it."""
    if channel.commit_status:
        return f"commit status at {channel.base_url or channel.commit_status}"
    return show_url(channel.url.get_secret_value())
