"""The commented default file: every key, each default, and TOML when it is uncommented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.settings import Settings
from engine.settings.keys import NAME, is_table, known_keys, plain_type
from engine.settings.models import SettingsFile
from engine.settings.template import template

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "doc_check": {"skip": ()},
    "git_check": {"interval": 5.0, "token_threshold": 50000},
}
TEXT = template(OPTIONS)


def uncommented() -> str:
    return re.sub(r"^#(?=[\[\w\"])", "", TEXT, flags=re.MULTILINE)


def test_as_it_is_it_says_nothing() -> None:
    assert SettingsFile.model_validate(tomllib.loads(TEXT)) == SettingsFile()


def test_every_key_is_there_with_its_explanation() -> None:
    lines = TEXT.splitlines()
    for key in known_keys(SettingsFile):
        if key.field is None or is_table(plain_type(key.type)) or key.path == ("profile",):
            continue
        if key.path[:3] == ("checks", NAME, "projects"):
            continue  # as for all projects
        at = next(n for n, line in enumerate(lines) if line.startswith(f"#{key.path[-1]} = "))
        assert lines[at - 1].startswith("# "), key.path


def test_uncommented_it_is_a_settings_file_with_the_defaults() -> None:
    data = tomllib.loads(uncommented())
    profile = data.pop("profile")
    assert profile == {"production": {"max_concurrent_builds": 4, "quality": {"coverage": 90}}}
    assert data["checks"]["git_check"] == {
        "enabled": True,
        "interval": 5.0,
        "token_threshold": 50000,
    }
    try:
        SettingsFile.model_validate(data)
    except ValidationError as error:
        # An example of a table may lack what only a person can say.
        assert {each["type"] for each in error.errors()} == {"value_error"}
    plain = SettingsFile().model_dump(mode="json")
    with_examples = {key.path[0] for key in known_keys(SettingsFile) if NAME in key.path}
    for name in SettingsFile.model_fields.keys() - with_examples - {"profile"}:
        said = SettingsFile.model_validate({name: data[name]}).model_dump(mode="json")
        assert _without_examples(said[name], plain[name]) == plain[name], name


def _without_examples(said: Any, plain: Any) -> Any:
    """What is said, without examples of what is nothing by default."""
    if plain is None:
        return None
    if isinstance(plain, dict):
        return {key: _without_examples(said[key], plain[key]) for key in plain}
    return said


def test_each_line_is_short_enough_for_an_editor() -> None:
    assert max(map(len, TEXT.splitlines())) <= 100


def test_a_key_that_counts_at_the_next_start_says_so() -> None:
    about_workspace = TEXT.split("#workspace")[0].rsplit("\n\n", 1)[1]
    assert "Takes effect at the next start." in " ".join(about_workspace.split("\n# "))
    assert Settings.model_fields["workspace"].json_schema_extra == {"at_start": True}
