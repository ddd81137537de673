"""Checks and handlers of the manual, as a person adds them: files of the settings folder."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from engine import Engine, Settings, check_settings_file
from engine.checks.child import main as run_child
from engine.checks.lab_checks import LAB_CHECKS
from engine.checks.registry import find_checks
from engine.enums import CheckStatus
from engine.events import CheckCompleted, RunCompleted
from engine.handlers import main as run_handler
from tests.engine.git_repos import commit
from tests.tui.commands import Here
from tests.tui.guide.pages import ROOT, blocks

EXAMPLES = {
    block.mark: block.text for block in blocks("python", "toml") if block.page.stem == "checks"
}
FILES = {
    "components/led/led.c": "int led;\n",
    "components/net/LICENSE": "MIT\n",
    "components/net/net.c": "int net;\n",
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file, with the check of the manual beside it."""
    config = tmp_path / "config" / "config.toml"
    (config.parent / "checks").mkdir(parents=True)
    (config.parent / "checks" / "licences.py").write_text(EXAMPLES["check: licences.py"])
    config.write_text("")
    config.chmod(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    return config


@pytest.mark.slow
def test_the_check_of_the_manual_is_run_and_set_as_the_manual_says(
    tmp_path: Path, config: Path
) -> None:
    commit(tmp_path / "fw", FILES)
    workspace = tmp_path / "workspace"
    with Engine(Settings(workspace=workspace)) as engine:
        engine.projects.find_or_add(str(tmp_path / "fw"))
    here = Here(workspace)

    told = here.says("check", "licences", code=3).splitlines()
    assert told[0] == "warning fw: 1 of 2 components have no licence: components/led"
    assert told[1:] == ["  components:", "    components/led  has no licence"]

    config.write_text(EXAMPLES["settings of the check"])
    assert check_settings_file(config) == ()
    assert here.says("check", "licences", code=1).startswith("error fw: 1 of 2 components")
    config.write_text("[checks.licences.projects.fw]\nnames = ['led.c', 'LICENSE']\n")
    assert "success fw: 2 components have a licence" in here.says("check", "licences")

    history = here.says("checks", "history", "licences").splitlines()
    assert [line.split()[3].rstrip(":") for line in history] == ["success", "error", "warning"]
    shown = next(line for line in here.says("checks").splitlines() if " licences " in line)
    assert "2 components have a licence" in shown


def test_the_check_of_the_manual_says_what_it_is_from_a_package_too(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "my_package_of_the_manual"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "licences.py").write_text(EXAMPLES["check: licences.py"])
    monkeypatch.syspath_prepend(str(package.parent))
    answer = tmp_path / "answer"
    for place in (
        "my_package_of_the_manual.licences:Licences",
        str(config.parent / "checks" / "licences.py"),
    ):
        monkeypatch.setattr("sys.argv", ["child", place, str(answer)])
        run_child()
        said = json.loads(answer.read_text())
        assert (said["name"], said["interval"]) == ("licences", 60.0)
        assert said["options"] == {"names": ["LICENSE", "LICENSE.txt"], "strict": False}


def test_the_handler_of_the_manual_keeps_checks_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    place = tmp_path / "journal.py"
    place.write_text(EXAMPLES["handler: journal.py"])
    for status in CheckStatus:
        event = CheckCompleted(
            result_id=7,
            check="licences",
            project_id="",
            project="fw",
            status=status,
            message="one has none",
            duration=0.5,
        )
        (tmp_path / "event").write_text(event.json())
        run_handler([str(place), str(tmp_path / "event")])

    lines = [json.loads(line) for line in (tmp_path / "failed-checks.jsonl").open()]
    assert [(each["check"], each["project"], each["message"]) for each in lines] == [
        ("licences", "fw", "one has none")
    ]


def test_the_manual_names_the_fields_of_both_events() -> None:
    for kind in (CheckCompleted, RunCompleted):
        told = {word.strip("`, ") for word in row_of(f"| `{kind.kind}`")[2].split()}
        assert told == {each.name for each in fields(kind)} - {"run_id", "seq", "at"}


def test_the_manual_lists_every_check_with_its_minutes(tmp_path: Path) -> None:
    own = [each for each in find_checks(tmp_path) if each.is_own]
    known = {each.name: each.interval for each in own}
    known |= {each.name: each.interval for each in LAB_CHECKS}
    for name, interval in known.items():
        assert row_of(f"| [`{name}`](#")[2].strip() == f"{interval:g}"


def row_of(begin: str) -> list[str]:
    """Cells of the row of a table of the page that begins so."""
    lines = (ROOT / "tui" / "guide" / "checks.md").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith(begin)).split("|")
