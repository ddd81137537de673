"""``espdeck config`` and ``--profile``: what a person types, and what stands in the file then."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.errors import UsageError
from tests.tui.commands import Here
from tui.cli.main import cli


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ESPDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "espdeck" / "config.toml"


@pytest.fixture
def here(tmp_path: Path, config: Path) -> Here:
    return Here(tmp_path / "ws")


def test_a_file_is_made_looked_at_and_changed(here: Here, config: Path) -> None:
    assert here.says("config", "path").strip() == str(config)
    assert f"no {config}: defaults hold" in here.says("config", "check")
    assert str(config) in here.says("config", "init")
    assert "already exists" in here.refuses("config", "init")
    assert here.says("config", "get", "max_iterations") == "3\n"

    told = here.says("config", "set", "max_iterations", "5")

    assert told.startswith(f"max_iterations = 5  ({config}:")
    assert told.endswith("; a change counts at once)\n")
    assert here.says("config", "get", "max_iterations") == "5\n"
    assert here.says("config", "check") == f"{config}: no mistakes\n"
    assert "is unset in" in here.says("config", "set", "max_iterations", "--unset")
    assert here.says("config", "get", "max_iterations") == "3\n"
    assert "a change counts at the next start" in here.says("config", "set", "theme", "light")


def test_keys_in_quotes_and_tables(here: Here, config: Path) -> None:
    here.says("config", "set", 'board."/dev/ttyUSB0".reset_command', "usbreset,/dev/x")
    here.says("config", "set", "quality.coverage", "90")

    assert tomllib.loads(config.read_text())["board"] == {
        "/dev/ttyUSB0": {"reset_command": ["usbreset", "/dev/x"]}
    }
    assert "quality.coverage = 90\nquality.code = 85\n" in here.says("config", "get", "quality")
    assert here.says("config", "get", "theme") == "dark\n"


def test_what_wins_over_the_file_is_said(
    here: Here, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "2")

    assert "ESPDECK_MAX_ITERATIONS wins over the file" in here.says(
        "config", "set", "max_iterations", "5"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("max_iteration", "5"),
            "no setting is called max_iteration (did you mean max_iterations?)",
        ),
        (("max_iterations", "50"), "max_iterations must be a number from 0 to 10"),
        (("max_iterations", "many"), "max_iterations must be a whole number from 0 to 10"),
        (("max_iterations",), "give a value, or --unset"),
        (("max_iterations", "5", "--unset"), "give a value, or --unset"),
        (("/dev/x", "5"), "is not a key"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    here: Here, config: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in here.refuses("config", "set", *words)
    assert not config.exists()


def test_what_is_set_is_said_also_of_a_profile_and_of_a_check_that_has_no_such_setting(
    here: Here, config: Path
) -> None:
    said = here.says("config", "set", "profile.lab.max_iterations", "1")
    assert said == f"profile.lab.max_iterations is set in {config}\n"
    assert "note" not in here.says("config", "set", "checks.board_check.prove_power", "true")
    said = here.says("config", "set", "checks.remote_check.intervl", "3")
    assert "note: " in said
    assert "remote_check has no setting intervl (did you mean interval?)" in said


def test_get_of_what_is_no_setting(here: Here) -> None:
    assert "did you mean quality.coverage?" in here.refuses("config", "get", "quality.covrage")
    said = here.refuses("config", "get", "checks.doc_check.interval")
    assert said == "checks.doc_check.interval is not set"


def test_show_tells_where_each_value_comes_from(
    here: Here, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("max_iterations = 1\n[profile.night]\nmax_concurrent_builds = 4\n")
    monkeypatch.setenv("ESPDECK_QUALITY__COVERAGE", "70")
    monkeypatch.setenv("AUTOCODE_DOC_INDEX_ENABLED", "false")
    monkeypatch.setenv("OLLAMA_HOST", "http://gpu:1")
    monkeypatch.setenv("ESPDECK_BORADS", "x")

    told = here.says("--profile", "night", "config", "show")
    lines = here.says("--profile", "night", "config", "show", "--json")
    found = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
    rows = {row["key"]: row for row in found if "key" in row}

    assert "ESPDECK_BORADS is not a setting (did you mean ESPDECK_BOARDS?)" in told
    assert rows["max_iterations"] == {
        "key": "max_iterations",
        "value": 1,
        "origin": f"{config}:1",
        "source": "file",
        "line": 1,
        "effect": "at once",
    }
    assert rows["max_concurrent_builds"]["origin"] == f"profile night, {config}:3"
    assert rows["quality.coverage"]["origin"] == "ESPDECK_QUALITY__COVERAGE"
    assert rows["doc_index.enabled"]["origin"].endswith("an alias of the older daemon")
    assert rows["workspace"]["origin"] == "--workspace"
    assert rows["profile"]["origin"] == "--profile"
    assert rows["mouse"]["effect"] == "at the next start"
    assert {"variable": "OLLAMA_HOST", "value": "http://gpu:1",
            "meaning": "the Ollama server where llm.ollama is empty"} in found  # fmt: skip
    shown = next(line.split() for line in told.splitlines() if line.startswith("quality.coverage"))
    assert shown == ["quality.coverage", "70", "ESPDECK_QUALITY__COVERAGE", "at", "once"]


def test_check_names_every_mistake_of_any_file(
    here: Here, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.toml"
    other.write_text("max_iterations = 99\n[quality]\ncovrage = 3\n")
    told = here.says("config", "check", str(other), code=2).splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{other}:1", f"{other}:3"]
    assert "No such file" in here.refuses("config", "check", str(tmp_path / "none.toml"))

    config.parent.mkdir(parents=True)
    config.write_text('boards = ["nothing"]\nkeys.build = "q"\nkeys.nosuch = "x"\n')
    monkeypatch.setenv("ESPDECK_BORADS", "x")
    told = here.says("config", "check", code=2).splitlines()
    assert told[0] == "note: ESPDECK_BORADS is not a setting (did you mean ESPDECK_BOARDS?)"
    assert any("no action is called nosuch" in line for line in told)
    assert any("board 'nothing': give a port" in line for line in told)

    config.write_text("")
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "many")
    assert "ESPDECK_MAX_ITERATIONS: max_iterations must" in here.says("config", "check", code=2)


def test_a_profile_is_for_every_command_and_an_unknown_one_is_said(
    here: Here, config: Path, tmp_path: Path
) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("[profile.night]\nmax_iterations = 9\n")

    assert here.says("--profile", "night", "config", "get", "max_iterations") == "9\n"
    for words in (("config", "show"), ("models",), ("builds",)):
        done = CliRunner().invoke(cli, ["--profile", "nigth", *words])
        assert isinstance(done.exception, UsageError)
        assert str(done.exception) == (
            f"--profile: no profile is called nigth ({config} has night)"
        )
    here.says("config", "set", "profile.night.quality.coverage", "10")
    assert here.says("--profile", "night", "config", "get", "quality.coverage") == "10\n"


CHECK = """
class Licences:
    name = "licences"
    title = "Licences of components"
    interval = 60.0
    options = {"allowed": ["MIT"], "strict": True}

    def state(self, context):
        return ""

    def run(self, context):
        raise NotImplementedError
"""


@pytest.mark.slow
def test_settings_of_a_persons_own_check_are_held_to_what_it_declares(
    here: Here, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is asked in a process of its own, which takes its time."""
    (config.parent / "checks").mkdir(parents=True)
    (config.parent / "checks" / "licences.py").write_text(CHECK)
    here.says("config", "init")
    assert "#[checks.licences]\n" in config.read_text()
    assert '#allowed = ["MIT"]\n#strict = true\n' in config.read_text()

    assert "strict must be true or false" in here.refuses(
        "config", "set", "checks.licences.strict", "perhaps"
    )
    here.says("config", "set", "checks.licences.allowed", "MIT,0BSD")
    assert here.says("config", "get", "checks.licences.allowed") == '["MIT", "0BSD"]\n'
    config.write_text("[checks.licences]\nstrict = 3\n[checks.licenses]\nallow = []\n")
    told = here.says("config", "check", code=2).splitlines()
    assert told[0] == f"{config}:2: checks.licences.strict must be true or false"
    assert told[1] == f"note: {config}:3: no check is called licenses (did you mean licences?)"

    config.write_text("")
    monkeypatch.setenv("ESPDECK_CHECKS__LICENCES__STRICT", "3")
    assert "checks.licences.strict must be" in here.says("config", "check", code=2)
