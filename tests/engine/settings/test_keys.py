"""Dotted keys: read and written as TOML has them; what the model says of each."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings.keys import (
    NAME,
    explanations,
    find_key,
    is_table,
    join_key,
    known_keys,
    plain_type,
    split_key,
    toml_text,
)
from engine.settings.models import SettingsFile


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("max_iterations", ("max_iterations",)),
        ('board."/dev/ttyUSB0".known_good', ("board", "/dev/ttyUSB0", "known_good")),
        ("board.'/dev/ttyUSB0'.x", ("board", "/dev/ttyUSB0", "x")),
        (' a . "b c" ', ("a", "b c")),
        ('"a.b"', ("a.b",)),
        ('"q\\"\\u00e9"', ('q"é',)),
    ],
)
def test_a_key_is_read_as_toml_has_it(text: str, path: tuple[str, ...]) -> None:
    assert split_key(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", "a..b", "a b", "a = 1", "a\nb", "[a]", "/dev/x", 'a."b', '"\\q"', "é",
             "a." * 600 + "a"],
)  # fmt: skip
def test_what_is_no_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a key"):
        split_key(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1))
def test_any_names_survive_being_written(names: list[str]) -> None:
    assert split_key(join_key(tuple(names))) == tuple(names)


@given(
    st.recursive(
        st.one_of(st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))),
        lambda inner: st.one_of(
            st.lists(inner), st.dictionaries(st.text("ab /", min_size=1), inner)
        ),
        max_leaves=5,
    )
)
def test_values_are_written_as_toml(value: object) -> None:
    assert tomllib.loads(f"x = {toml_text(value)}")["x"] == value


@pytest.mark.parametrize(
    ("path", "at_start"),
    [
        ("workspace", True),
        ("lock_folder", True),
        ("keys.build", True),
        ("max_iterations", False),
        ("checks.doc_check.interval", False),
        ("checks.git_check.token_threshold", False),
    ],
)
def test_a_key_says_when_it_takes_effect(path: str, at_start: bool) -> None:
    key = find_key(SettingsFile, split_key(path))
    assert key is not None
    assert key.at_start is at_start


@pytest.mark.parametrize("path", ["nothing", "quality.nothing", "mouse.x", "board.x.nothing"])
def test_what_is_no_setting_is_not_found(path: str) -> None:
    assert find_key(SettingsFile, split_key(path)) is None


def test_secrets_are_known_by_their_names_also_in_settings_of_checks() -> None:
    def is_secret(path: str) -> bool:
        key = find_key(SettingsFile, split_key(path))
        return key is not None and key.secret

    assert is_secret("checks.mine.api_key")
    assert is_secret("checks.mine.projects.p.password")
    assert not is_secret("checks.git_check.token_threshold")
    assert not is_secret("checks.git_check.token_model")


def test_every_setting_explains_itself() -> None:
    for key in known_keys(SettingsFile):
        if key.field is not None and key.model is not None:
            text = explanations(key.model).get(key.path[-1], "")
            assert text.endswith((".", ")")) or is_table(plain_type(key.type)), key.path
            assert "``" not in text
    assert any(NAME in key.path for key in known_keys(SettingsFile))
