"""Profiles, variables of nested settings, aliases of the older daemon; each value has an origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.settings import Settings
from engine.settings.keys import split_key
from engine.settings.models import SettingsFile
from engine.settings.sources import ALIASES, Layers

FILE = """\
max_iterations = 1
[quality]
coverage = 50

[checks.doc_check]
interval = 20

[profile.production]
max_iterations = 2
[profile.production.quality]
code = 60
[profile.night]
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


def origin(config: Path, key: str, environ: dict[str, str], **flags: Any) -> str:
    layers = Layers(SettingsFile, config, environ, flags)
    return str(layers.origin(split_key(key))).replace(f"{config}", "FILE")


def test_a_profile_overrides_what_it_names_and_nothing_else() -> None:
    settings = Settings.load(profile="production")

    assert settings.profile == "production"
    assert (settings.max_iterations, settings.quality.coverage, settings.quality.code) == (
        2,
        50,
        60,
    )
    assert Settings.load().max_iterations == 1
    assert Settings.load(profile="night").max_iterations == 1


def test_a_variable_chooses_a_profile_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_PROFILE", "production")

    assert Settings.load().max_iterations == 2
    assert Settings.load(profile="night").max_iterations == 1
    assert Settings.load(profile="").max_iterations == 1


def test_an_unknown_profile_is_told_with_the_known_ones(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as raised:
        Settings.load(profile="prod")
    assert str(raised.value) == (
        f"--profile: no profile is called prod ({config} has night, production)"
    )
    config.write_text("")
    monkeypatch.setenv("ESPDECK_PROFILE", "prod")
    with pytest.raises(UsageError) as raised:
        Settings.load()
    assert str(raised.value) == f"ESPDECK_PROFILE: no profile is called prod ({config} has none)"


def test_a_mistake_of_a_profile_has_its_line(config: Path) -> None:
    config.write_text("[profile.production]\nmax_iterations = 2\n[profile.bad]\nmouse = 5\n")

    assert Settings.load(profile="production").max_iterations == 2
    with pytest.raises(UsageError, match=r"config\.toml:4: mouse must "):
        Settings.load(profile="bad")


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ESPDECK_QUALITY__COVERAGE", "90", "quality.coverage", 90),
        ("espdeck_quality__coverage", "90", "quality.coverage", 90),
        ("ESPDECK_CHECKS__DOC_CHECK__INTERVAL", "7.5", "checks.doc_check.interval", 7.5),
        ("ESPDECK_CHECKS__DOC_CHECK__ENABLED", "off", "checks.doc_check.enabled", False),
        ("ESPDECK_CHECKS__GIT_CHECK__TOKEN_THRESHOLD", "9", "checks.git_check.token_threshold", 9),
        ("ESPDECK_CHECKS__GIT_CHECK__TOKEN_MODEL", "o1", "checks.git_check.token_model", "o1"),
        ("ESPDECK_CHECKS__X__ON", "True", "checks.x.on", True),
        ("ESPDECK_CHECKS__X__DAY", "2024-01-01", "checks.x.day", "2024-01-01"),
        ("ESPDECK_CHECKS__X__SKIP", '["a", "b"]', "checks.x.skip", ["a", "b"]),
        ("ESPDECK_BOARDS", '["virtual:esp32c3"]', "boards", ("virtual:esp32c3",)),
        ("ESPDECK_BOARDS", "/dev/a, /dev/b", "boards", ("/dev/a", "/dev/b")),
        ("ESPDECK_BOARDS", "", "boards", ()),
        ("ESPDECK_QUALITY", '{"code": 5}', "quality.code", 5),
        ("ESPDECK_KEYS", '{build = "x"}', "keys.build", "x"),
        ("ESPDECK_PROJECTS", '{"Lab-1": {"watch": {"push": true}}}', "projects.Lab-1.watch.push",
         True),
        ("ESPDECK_MOUSE", "no", "mouse", False),
        ("ESPDECK_LLM__OLLAMA", "", "llm.ollama", ""),
    ],
)  # fmt: skip
def test_every_setting_has_its_variable(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    key: str,
    value: object,
) -> None:
    monkeypatch.setenv(variable, text)

    found: Any = Settings.load()
    for part in split_key(key):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value
    assert origin(config, key, {variable: text}) == variable


def test_a_variable_of_a_key_wins_over_one_of_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_QUALITY__CODE", "7")
    monkeypatch.setenv("ESPDECK_QUALITY", '{"code": 5, "growth": 6}')

    quality = Settings.load().quality

    assert (quality.code, quality.growth, quality.coverage) == (7, 6, 50)


@pytest.mark.parametrize("name", ["MAX_ITERATIONS", "WORKSPACE", "MOUSE", "THEME", "QUALITY"])
def test_an_empty_variable_means_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = Settings.load()
    monkeypatch.setenv(f"ESPDECK_{name}", " ")

    assert Settings.load() == before


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("ESPDECK_MAX_ITERATIONS", "many", "max_iterations must "),
        ("ESPDECK_BOARDS", "[1", 'boards must be a list: boards = ["...", "..."]'),
        ("ESPDECK_QUALITY", "high", "quality must be a table: [quality]"),
        ("ESPDECK_QUALITY__COVRAGE", "1", "no setting is called quality.covrage"),
        ("ESPDECK_QUALITY__COVERAGE", "101", "quality.coverage must "),
        ("AUTOCODE_TESTS_ENABLED", "perhaps", "checks.test_check.enabled must "),
        ("ESPDECK_ARTIFACT_STORE__ACCESS_KEY", "me", "artifact_store: access_key and "),
    ],
)
def test_a_mistake_of_a_variable_names_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, said: str
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(UsageError) as raised:
        Settings.load()

    assert str(raised.value).startswith(f"{variable}: {said}")


def test_what_only_looks_like_a_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ESPDECK_GROUP",
        "ESPDECK_LLM_API_KEY",
        "ESPDECK_BORADS",
        "ESPDECK__X",
        "ESPDECK_",
    ):
        monkeypatch.setenv(name, "x")

    assert Settings.load().boards == ()


OLDER = {
    "AUTOCODE_DOC_CHECK_INTERVAL": ("3", 3),
    "AUTOCODE_GIT_CHECK_INTERVAL": ("4", 4),
    "AUTOCODE_TEST_CHECK_INTERVAL": ("5", 5),
    "AUTOCODE_TOKEN_THRESHOLD": ("1000", 1000),
    "AUTOCODE_TOKEN_MODEL": ("4", "4"),
    "AUTOCODE_DOC_INDEX_ENABLED": ("false", False),
    "AUTOCODE_DOC_INDEX_AUTO_GENERATE": ("False", False),
    "AUTOCODE_DOC_INDEX_PATH": ("/tmp/index.json", "/tmp/index.json"),
    "AUTOCODE_TESTS_ENABLED": ("0", False),
    "AUTOCODE_TESTS_AUTO_EXECUTE": ("false", False),
}


def test_variables_of_the_older_daemon_are_aliases(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(OLDER) == set(ALIASES)
    environ = {name: text for name, (text, _) in OLDER.items()}
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    data = Settings.load().model_dump()

    for name, (_, value) in OLDER.items():
        path, _kind = ALIASES[name]
        found: Any = data
        for part in path:
            found = found[part]
        assert (found, type(found) is bool) == (value, type(value) is bool), name
        said = origin(config, ".".join(path), environ)
        assert said == f"{name}, an alias of the older daemon"


def test_espdecks_own_variable_wins_over_an_alias_and_an_alias_over_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOCODE_DOC_CHECK_INTERVAL", "3")
    assert Settings.load().checks["doc_check"].interval == 3
    monkeypatch.setenv("ESPDECK_CHECKS__DOC_CHECK__INTERVAL", "4")
    assert Settings.load().checks["doc_check"].interval == 4


@pytest.mark.parametrize(
    ("key", "flags", "said"),
    [
        ("max_iterations", {}, "FILE:1"),
        ("max_iterations", {"profile": "production"}, "profile production, FILE:9"),
        ("max_iterations", {"max_iterations": 5}, "--max-iterations"),
        ("quality.coverage", {"profile": "production"}, "FILE:3"),
        ("quality.code", {}, "default"),
        ("quality.code", {"profile": "production"}, "profile production, FILE:11"),
        ("profile", {"profile": "night"}, "--profile"),
        ("checks.doc_check.interval", {}, "FILE:6"),
        ("mouse", {}, "default"),
    ],
)
def test_each_value_has_its_origin(
    config: Path, key: str, flags: dict[str, Any], said: str
) -> None:
    assert origin(config, key, {}, **flags) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xef\xbb\xbfmax_iterations = 4\r\n[quality]\r\n", None),
        (b"max_iterations = 4", None),
        (
            b"mouse = true\nmax_iterations = \xe9\n",
            ":2: is not UTF-8: save the file in that encoding",
        ),
        (b"max_iterations = 4\nmax_iterations = 5\n", ":2: this key is already set further up"),
        (b"a = " + b"[" * 2000, "nested too deeply"),
        (b"#" * (2 << 20), "larger than 1048576 bytes"),
    ],
    ids=["bom", "no newline", "latin 1", "twice", "nested", "large"],
)
def test_files_as_editors_leave_them(config: Path, data: bytes, said: str | None) -> None:
    config.write_bytes(data)

    if said is None:
        assert Settings.load().max_iterations == 4
        return
    with pytest.raises(UsageError) as raised:
        Settings.load()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
