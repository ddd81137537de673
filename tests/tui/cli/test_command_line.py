"""Help as people read it, and what is wrong with a command line in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.errors import UsageError
from tests.tui.commands import Here
from tui.cli.command_files import FILES
from tui.cli.command_line import summary
from tui.cli.main import cli
from tui.cli.sections import SECTIONS


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path / "ws")


def commands(command: Any, path: str = "espdeck") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, f"{path} {name}")


ROOT: Any = typer.main.get_command(cli)
ROOT.load()
ALL = dict(commands(ROOT))


def help_of(path: str, columns: int = 80) -> str:
    above = ROOT.make_context("espdeck", ["-"], terminal_width=columns, resilient_parsing=True)
    command = ALL[path]
    with command.make_context(
        path.removeprefix("espdeck "), ["-"], parent=above, resilient_parsing=True
    ) as context:
        text = command.get_help(context)
    assert isinstance(text, str)
    return text


def test_each_file_is_known_to_have_the_commands_that_it_has() -> None:
    in_main = {"demo", "doctor"}
    listed = [name for names in FILES.values() for name in names.split()]

    assert sorted([*listed, *in_main]) == sorted(ROOT.commands)
    for file, names in FILES.items():
        command: Any = typer.main.get_command(cli)
        command.load(file)
        assert {*command.commands} - in_main == {*names.split()}


def test_every_command_stands_below_one_heading() -> None:
    listed = [name for names in SECTIONS.values() for name in names]

    assert sorted(listed) == sorted(ROOT.commands)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_has_every_summary_whole_and_fits_the_terminal(columns: int) -> None:
    said = help_of("espdeck", columns)

    assert max(map(len, said.splitlines())) <= columns
    words = " ".join(said.split())
    for name, command in ROOT.commands.items():
        assert f" {name} {' '.join(summary(command).split())}" in words


def test_help_names_no_type_of_python() -> None:
    for path in ALL:
        said = help_of(path)
        odd = re.findall(r"<\w+>|list\[|x[<>]=|: None", said)
        assert not odd, path
        assert "-h, --help" in said


def test_help_says_what_a_value_is_and_what_it_is_without_the_option() -> None:
    said = " ".join(help_of("espdeck builds", 200).split())

    assert "--status pending|running|success|failed|cancelled" in said
    assert "--limit LIMIT The most that are listed. [from 1 on; default: 50]" in said
    assert "Usage: espdeck cancel [OPTIONS] BUILD..." in help_of("espdeck cancel")
    assert "--reset / --no-reset" in help_of("espdeck monitor", 200)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bulid x", "no command bulid (did you mean build?) (see: espdeck -h)"),
        ("checks histroy", "no command histroy (did you mean history?) (see: espdeck checks -h)"),
        ("frobnicate", "no command frobnicate (see: espdeck -h)"),
        ("builds --limt 3", "no option --limt (did you mean --limit?) (see: espdeck builds -h)"),
        ("builds --limit x", "--limit must be a whole number from 1 on, not 'x'"),
        ("builds --limit 0", "--limit must be a number from 1 on, not '0'"),
        ("builds --status good", "--status must be pending, running, success, failed or cancelled"),
        ("builds --limit", "option '--limit' requires an argument (see: espdeck builds -h)"),
        ("build", "PROJECT is missing (see: espdeck build -h)"),
        ("cancel", "BUILD is missing (see: espdeck cancel -h)"),
        ("build a b c", "too many arguments: b c (see: espdeck build -h)"),
        ("db", "a command is missing (see: espdeck db -h)"),
    ],
)
def test_a_mistake_is_one_line_with_what_is_allowed(here: Here, words: str, said: str) -> None:
    assert said in here.refuses(*words.split())


def test_a_mistake_that_would_steer_the_terminal_does_not(here: Here) -> None:
    for words in (("\x1b[31m\n",), ("builds", "--\x1b]0;x\x07"), ("builds", "--limit", "\x1b[2J")):
        line = here.refuses(*words)
        assert line.isprintable()


def test_a_long_mistake_is_cut(here: Here) -> None:
    with pytest.raises(UsageError) as raised:
        cli(["x" * 5000])
    assert len(str(raised.value)) < 300
