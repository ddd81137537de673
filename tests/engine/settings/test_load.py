"""Settings: defaults < file < environment < flags; mistakes are one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import UsageError, WrongSettingsError
from engine.settings import Settings
from engine.settings.load import find_workspace


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.touch()
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


def test_defaults_need_no_file() -> None:
    settings = Settings.load()

    assert settings.max_concurrent_builds == 2
    assert settings.max_iterations == 3
    assert settings.boards == ()


def test_each_source_wins_over_the_one_before(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('max_iterations = 1\nflash_baud = 115200\nboards = ["/dev/ttyUSB0"]\n')
    monkeypatch.setenv("ESPDECK_FLASH_BAUD", "921600")
    monkeypatch.setenv("ESPDECK_COMPILE_TIMEOUT", "60")

    settings = Settings.load(compile_timeout=5.0, workspace=None)

    assert settings.max_iterations == 1
    assert settings.flash_baud == 921600
    assert settings.compile_timeout == 5.0
    assert settings.boards == ("/dev/ttyUSB0",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("max_concurrent_builds = 0", "max_concurrent_builds"),
        ("colour = 'red'", "colour"),
        ("boards = 3", "boards"),
        ("this is not toml", "config.toml"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(config: Path, text: str, named: str) -> None:
    config.write_text(text)

    with pytest.raises(UsageError) as raised:
        Settings.load()

    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_workspace_is_a_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert Settings.load(workspace=Path("here")).workspace == tmp_path / "here"
    assert Settings.load(workspace=Path("~/lab")).workspace == tmp_path / "home" / "lab"


def test_every_mistake_is_told_where_it_stands(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('workspacee = "x"\nboards = "oops"\n')
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "many")

    with pytest.raises(WrongSettingsError) as caught:
        Settings.load()

    message = "\n".join(caught.value.lines)
    assert "no setting is called workspacee (did you mean workspace?)" in message
    assert "boards must be a list" in message
    assert "ESPDECK_MAX_ITERATIONS: max_iterations must" in message


def test_a_settings_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_CONFIG", "/nowhere/espdeck.toml")

    with pytest.raises(UsageError, match=r"/nowhere/espdeck\.toml is not a file"):
        Settings.load()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[quality]\ncovrage = 3\n",
            "no setting is called quality.covrage (did you mean quality.coverage?)",
        ),
        ("[quality]\ncoverage = 300\n", "quality.coverage must "),
        ("[quality]\nexclude = ['a']\n", "no setting is called quality.exclude"),
        ("quality = 5\n", "quality must be a table"),
        ("[llm]\nopenia = 'x'\n", "no setting is called llm.openia (did you mean llm.openai?)"),
    ],
)
def test_a_wrong_setting_of_a_table_is_named_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("ESPDECK_CONFIG", str(file))

    with pytest.raises(UsageError) as raised:
        Settings.load()

    line = text.count("\n")
    assert str(raised.value).startswith(f"{file}:{line}: {said}")


def test_of_several_mistakes_the_first_of_the_file_is_said_and_how_many_more(config: Path) -> None:
    config.write_text("colour = 3\nmax_iterations = -1\nboards = 3\n")

    with pytest.raises(WrongSettingsError) as raised:
        Settings.load()

    assert str(raised.value) == (
        f"{config}:1: no setting is called colour (and 2 more: espdeck config check lists them)"
    )
    assert [line.split(":")[1] for line in raised.value.lines] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "text",
    ["colour = 3\nworkspace = '{place}'", "workspace = '{place}'\n[quality]\ncoverage = 'all'"],
)
def test_a_workspace_is_found_though_other_settings_make_no_sense(
    text: str, config: Path, tmp_path: Path
) -> None:
    config.write_text(text.format(place=tmp_path / "lab"))
    assert find_workspace() == tmp_path / "lab"


def test_a_workspace_that_is_named_elsewhere_needs_no_file(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("workspace = '/elsewhere\n[")
    assert find_workspace(workspace=tmp_path / "flag") == tmp_path / "flag"
    monkeypatch.setenv("ESPDECK_WORKSPACE", str(tmp_path / "variable"))
    assert find_workspace() == tmp_path / "variable"


@pytest.mark.parametrize(
    "text", ["workspace = '/elsewhere\n[", "'workspace'=3", " workspace = '/a'\nworkspace = '/b'"]
)
def test_a_workspace_that_cannot_be_told_is_not_guessed(text: str, config: Path) -> None:
    config.write_text(text)
    with pytest.raises(UsageError, match=re.escape(str(config))):
        find_workspace()


def test_a_file_that_is_no_toml_and_names_no_workspace_leaves_the_usual_one(config: Path) -> None:
    usual = find_workspace()
    config.write_text("#workspace = '/elsewhere'\ntheme = 'light\n")
    assert find_workspace() == usual


def test_a_schedule_that_makes_no_sense_is_a_mistake_of_the_file(config: Path) -> None:
    config.write_text('[projects.a.watch]\nschedule = "0 3 * * mon-frei"\n')
    with pytest.raises(UsageError, match=r":2: .*schedule: .* is not a schedule: minute, hour"):
        Settings.load()
