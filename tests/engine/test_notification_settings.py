"""Settings of notifications that make no sense."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.notification_settings import NotificationSettings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"channels": {"a b": {"url": "json://h"}}}, "cannot be called 'a b'"),
        ({"channels": {"a": {}}}, "a url, or a commit_status"),
        ({"channels": {"a": {"url": "json://h", "commit_status": "gitea"}}}, "not both"),
        ({"channels": {"a": {"url": "json://h", "rules": ["x"]}}}, "no rule is called x"),
        (
            {"channels": {"a": {"commit_status": "gitea", "base_url": "git.lab"}}},
            "no URL such as",
        ),
        (
            {"channels": {"a": {"commit_status": "gitea", "base_url": "https://me:5ecret@h"}}},
            "set token instead",
        ),
        ({"channels": {"a": {"url": "slack:/T1/B1/5ecret"}}}, "no URL such as ntfy://topic"),
        ({"slack_webhook": "hooks.slack.com/5ecret"}, "no URL such as https://hooks.slack.com"),
        ({"mail_server": "smtp.lab"}, "no URL such as mailto://localhost"),
        ({"heartbeats": {"doc_check": "hc-ping.com/x"}}, "doc_check: no URL such as"),
        ({"recipients": ["ada@lab.example", "root@localhost"]}, "'root@localhost' is not"),
        ({"recipients": ["a@b.cc,x@y.zz"]}, "is not an e-mail"),
        ({"error_threshold": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        NotificationSettings.model_validate(settings)

    assert "5ecret" not in str(caught.value)
