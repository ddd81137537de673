"""Command lines of the manual, understood by the real parser without being run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from tests.tui.guide.pages import Block
from tui.cli.main import cli


@cache
def root() -> Any:
    """The command that all others are of."""
    command: Any = typer.main.get_command(cli)
    command.load()
    return command


def lines_of(block: Block) -> Iterator[str]:
    """The command lines of a block, without comments; of a console, without what is printed."""
    for line in block.text.splitlines():
        if block.language == "console":
            if line.startswith("$ "):
                yield line.removeprefix("$ ")
        elif line.strip() and not line.startswith("#"):
            yield line


def words_of(block: Block) -> Iterator[list[str]]:
    """Each call of espdeck in a block, as a shell would pass it: without pipes and redirections."""
    for line in lines_of(block):
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
        lexer.whitespace_split = True
        words = list[str]()
        for word in [*lexer, ";"]:
            if word and set(word) <= set("|<>&;"):
                if words[:1] == ["espdeck"]:
                    yield words[1:]
                words = []
            else:
                words.append(word)


def parse(words: list[str]) -> None:
    """Let the parser take a command line: an unknown command or option is an error."""
    command: Any = root()
    rest, context = [*words], None
    while True:
        try:
            context = command.make_context(command.name or "espdeck", rest, parent=context)
        except typer.Exit:  # it asks for help
            return
        names = [*context._protected_args, *context.args]
        if not names or not hasattr(command, "commands"):
            return
        command, rest = command.commands[names[0]], names[1:]


def named_options(text: str, *, everywhere: bool = False) -> set[str]:
    """The options of the command that a text such as ``espdeck show 12 --log`` names.

    Args:
        everywhere: of all commands below it as well.

    Raises:
        AssertionError: it names a command or an option that there is not.
    """
    command: Any = root()
    words = text.split()[1:]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, text
        command = command.commands[words.pop(0)]
    options = _options(command)
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0] in options, text
    return _below(command) if everywhere else options


def _options(command: Any) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


def _below(command: Any) -> set[str]:
    found = _options(command)
    for each in getattr(command, "commands", {}).values():
        found |= _below(each)
    return found
