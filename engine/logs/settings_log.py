"""What the log may say of the settings: what changed in them, and no value that may be secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python

from engine.logs.secrets import is_secret_name

_MAX_CHANGES = 20
_MAX_VALUE_CHARACTERS = 60
_MAY_HOLD_SECRETS = re.compile(r"(?i).*(?:notif|channel|webhook|url|recipient|heartbeat).*")
"""Settings of addresses, in which services of chats have their keys."""


def settings_secrets(settings: BaseModel) -> frozenset[str]:
    """Values that must not be seen in a log: keys, and addresses in which services have theirs."""
    return frozenset(
        text
        for name, value in _values("", _plain(settings.model_dump(exclude_defaults=True)))
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
        and (is_secret_name(name.rpartition(".")[2]) or (_may_be_secret(name) and "://" in text))
    )


def settings_changes(before: BaseModel, now: BaseModel) -> tuple[str, ...]:
    """What changed, each as ``checks.git_check.interval: 5.0 -> 10.0``; the names by the alphabet.

    Args:
        before, now: models of one class.
    """
    old = dict(_values("", _plain(before.model_dump())))
    new = dict(_values("", _plain(now.model_dump())))
    changed = [
        _change(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    more = len(changed) - _MAX_CHANGES
    return (*changed[:_MAX_CHANGES], f"{more} more") if more > 0 else tuple(changed)


def _change(name: str, old: object, new: object) -> str:
    if _may_be_secret(name):
        return f"{name}: {'set' if old is None else 'unset' if new is None else 'changed'}"
    return f"{name}: {_shown(old)} -> {_shown(new)}"


def _may_be_secret(name: str) -> bool:
    return any(
        is_secret_name(part) or _MAY_HOLD_SECRETS.fullmatch(part) for part in name.split(".")
    )


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}..."


def _plain(value: Any) -> Any:
    """A value as JSON has it; a secret as what it is."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return to_jsonable_python(value)


def _values(before: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Each value that is no table, by its whole name."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _values(f"{before}{name}.", value)
        else:
            yield f"{before}{name}", value
