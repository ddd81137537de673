"""Settings as people look at them: each value with its origin, and what a reload changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from engine.settings.keys import KeyPath, find_key, has_secret_name, join_key, leaves, toml_text
from engine.settings.load import Settings
from engine.settings.models import SettingsFile
from engine.settings.sources import Layers, Origin, Source, config_file
from engine.text import mask

MASK = "********"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it is now.

    Args:
        key: dotted.
        value: as JSON can hold it; a secret is masked.
        origin: where it comes from.
        at_start: whether a change takes effect at the next start only.
        explanation: what it is; empty for one that a check brings.
        is_masked: whether the value is not what it is.
    """

    key: str
    value: Any
    origin: Origin
    at_start: bool
    explanation: str
    is_masked: bool

    @property
    def shown(self) -> str:
        """The value as TOML writes it."""
        return toml_text(self.value)


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable that is no setting and changes what espdeck does."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two readings of the settings; secrets are masked.

    Args:
        key: dotted.
        old: as it was, None for nothing.
        new: as it is, None for nothing.
        at_start: whether it takes effect at the next start only.
    """

    key: str
    old: Any
    new: Any
    at_start: bool

    def __str__(self) -> str:
        """For a line of the log."""
        later = " (at the next start)" if self.at_start else ""
        return f"{self.key}: {toml_text(self.old)} -> {toml_text(self.new)}{later}"


_VARIABLES: Mapping[str, str] = {
    "ESPDECK_CONFIG": "the settings file",
    "ESPDECK_LLM_API_KEY": "key of the model server llm.openai",
    "ESPDECK_REMOTE": "the lab of espdeck --remote",
    "ESPDECK_TOKEN": "token for the lab of espdeck --remote",
    "OPENROUTER_API_KEY": "key of openrouter.ai",
    "OLLAMA_HOST": "the Ollama server where llm.ollama is empty",
    "AWS_ENDPOINT_URL": "the store of artifacts where artifact_store.endpoint is empty",
    "AWS_REGION": "region of the store of artifacts where artifact_store.region is empty",
    "AWS_ACCESS_KEY_ID": "access key where artifact_store.access_key is empty",
    "AWS_SECRET_ACCESS_KEY": "secret key where artifact_store.secret_key is empty",
    "IDF_PATH": "the ESP-IDF that is preferred to all others",
    "ESP_IDF_VERSION": "the version of ESP-IDF that is chosen where IDF_PATH is not set",
}


def list_settings(**flags: Any) -> tuple[SettingRow, ...]:
    """Every setting that holds now, in the order of the manual.

    Args:
        flags: as :meth:`Settings.load` takes them.

    Raises:
        UsageError: a value makes no sense.
    """
    settings = Settings.load(**flags)
    given = {name: value for name, value in flags.items() if value is not None}
    layers = Layers(SettingsFile, config_file(), os.environ, given)
    rows = []
    for path, value in leaves(_values(settings)):
        key = find_key(SettingsFile, path)
        assert key is not None
        origin = layers.origin(path)
        if (value is None or value == {}) and origin.source is Source.DEFAULT and len(path) > 2:
            continue  # what a table with a free name does not say
        plain = _plain(value)
        # What everybody has is no secret.
        told = plain if origin.source is Source.DEFAULT else _masked(path, value)
        rows.append(
            SettingRow(join_key(path), told, origin, key.at_start, key.explanation, told != plain)
        )
    return tuple(rows)


def list_variables() -> tuple[VariableRow, ...]:
    """Variables that are set, are no settings, and change what espdeck does."""
    return tuple(
        VariableRow(name, MASK if name.endswith("_KEY") else mask(value), meaning)
        for name, meaning in _VARIABLES.items()
        if (value := os.environ.get(name, "").strip())
    )


def changes(old: SettingsFile, new: SettingsFile) -> tuple[Change, ...]:
    """What differs between two readings of the settings, in the order of the manual."""
    before, after = dict(leaves(_values(old))), dict(leaves(_values(new)))
    found = []
    for path in dict.fromkeys((*before, *after)):
        was, now = before.get(path), after.get(path)
        if was == now or {str(was), str(now)} <= {"None", "{}"}:
            continue
        key = find_key(SettingsFile, path)
        found.append(
            Change(
                join_key(path),
                _masked(path, was),
                _masked(path, now),
                key.at_start if key is not None else False,
            )
        )
    return tuple(found)


def _values(settings: SettingsFile) -> dict[str, Any]:
    return settings.model_dump()  # secrets stay what they are, so that a change of one is seen


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, secrets and all."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _masked(path: KeyPath, value: Any) -> Any:
    """A value as it is shown: what JSON can hold, no secret, no password before a URL's host."""
    key = find_key(SettingsFile, path)
    return _shown(value, is_secret=key is not None and key.secret)


def _shown(value: Any, *, is_secret: bool = False) -> Any:
    if isinstance(value, SecretStr):
        return _shown(value.get_secret_value(), is_secret=True)
    if isinstance(value, Mapping):
        return {
            name: _shown(each, is_secret=is_secret or has_secret_name(name))
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_shown(each, is_secret=is_secret) for each in value]
    if is_secret and value not in (None, "") and not isinstance(value, bool):
        return MASK
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value)
    return mask(text) if "://" in text else text
