"""``espdeck config``: look at the settings, check them, change them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError, WrongSettingsError
from tui.cli.command_line import Commands
from tui.cli.common import flags_of, load_settings, print_error, print_line, table
from tui.cli.exit_codes import USAGE
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import Mistake, SettingRow, Settings

cli = Commands()
config = Commands(no_args_is_help=True)
cli.add_typer(config, name="config", help="Look at the settings, check them, change them.")

_Key = Annotated[
    str, typer.Argument(metavar="KEY", help='Dotted, such as quality.coverage or board."NAME".x.')
]


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A line of ``config check``; file and line where they are known."""

    message: str
    is_error: bool
    file: str = ""
    line: int | None = None


@config.command()
def init() -> None:
    """Write a settings file in which every key stands with its explanation, commented out."""
    from engine import check_options, config_file, create_settings_file

    create_settings_file(config_file(), check_options())
    print_line(f"wrote {config_file()}: it has every key, commented out")


@config.command()
def path() -> None:
    """Print where the settings file is, or would be."""
    from engine import config_file

    print_line(str(config_file()))


@config.command()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """List every setting with its value, where that comes from, and when a change takes effect."""
    from engine import list_settings, list_variables, strange_variables

    rows, variables = list_settings(**flags_of(context)), list_variables()
    if as_json:
        for row in rows:
            print_json(_facts(row))
        for each in variables:
            facts = {"variable": each.name, "value": each.value, "meaning": each.meaning}
            print_json(facts)
    else:
        table(
            ("KEY", "VALUE", "FROM", "A CHANGE COUNTS"),
            [(row.key, row.shown, str(row.origin), _effect(at_start=row.at_start)) for row in rows],
        )
        if variables:
            print_line("")
            table(
                ("VARIABLE", "VALUE", "MEANS"),
                [(each.name, each.value, each.meaning) for each in variables],
            )
    for line in strange_variables(os.environ):
        print_error(line)


@config.command()
def check(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Another file than your own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find every mistake of the settings file, and of the environment."""
    from engine import check_options, check_settings_file, config_file, strange_variables

    place = file or config_file()
    mistakes: list[Mistake] = []
    if file is not None or place.is_file():
        mistakes += check_settings_file(place, check_options() or None)
    found = [_Mistake(str(each), each.is_error, each.file, each.line) for each in mistakes]
    if file is None:
        found += [_Mistake(line, is_error=False) for line in strange_variables(os.environ)]
        if not any(each.is_error for each in found):
            found += [_Mistake(line, is_error=True) for line in _wrong_when_loaded(context)]
    for each in found:
        if as_json:
            print_json(each)
        else:
            print_line(f"{'' if each.is_error else 'note: '}{each.message}")
    if any(each.is_error for each in found):
        raise typer.Exit(USAGE)
    if not as_json:
        has_file = place.is_file()
        print_line(f"{place}: no mistakes" if has_file else f"no {place}: defaults hold")


@config.command("get")
def get_command(context: typer.Context, key: _Key, as_json: AsJson = False) -> None:
    """Print the value of a setting; of a table, a line for each setting in it."""
    from engine import join_key, list_settings, split_key, unknown_key

    wanted = split_key(key)
    rows = {split_key(row.key): row for row in list_settings(**flags_of(context))}
    if wanted in rows and as_json:
        print_json(_facts(rows[wanted]))
        return
    if wanted in rows:
        value = rows[wanted].value
        print_line(value if isinstance(value, str) else rows[wanted].shown)
        return
    below = [path for path in rows if path[: len(wanted)] == wanted]
    if not below:
        raise UsageError(unknown_key(wanted))
    for path in below:
        if as_json:
            print_json(_facts(rows[path]))
        else:
            print_line(f"{join_key(path)} = {rows[path].shown}")


@config.command("set")
def set_command(
    context: typer.Context,
    key: _Key,
    value: Annotated[
        str | None, typer.Argument(help='A list is ["a", "b"], or a,b.', show_default=False)
    ] = None,
    unset: Annotated[
        bool, typer.Option("--unset", help="Take the setting out: its default holds again.")
    ] = False,
) -> None:
    """Change a setting in the file; its comments and its order stay."""
    from engine import (
        check_options,
        check_settings_file,
        config_file,
        join_key,
        read_setting,
        set_setting,
        split_key,
        unset_setting,
    )

    path = split_key(key)
    if unset == (value is not None):
        raise UsageError("give a value, or --unset")
    if value is None:
        unset_setting(config_file(), path)
        print_line(f"{join_key(path)} is unset in {config_file()}")
    else:
        options = check_options() if "checks" in path else {}  # others' cost a process each
        set_setting(config_file(), path, read_setting(path, value, options))
        if path[0] == "profile":
            print_line(f"{join_key(path)} is set in {config_file()}")
        for each in check_settings_file(config_file(), options) if options else ():
            print_error(f"note: {each}")
    _print_effect(context, key)


def _print_effect(context: typer.Context, key: str) -> None:
    """Say what holds now, and when it counts."""
    from engine import list_settings, split_key

    try:
        rows = {split_key(row.key): row for row in list_settings(**flags_of(context))}
    except UsageError as error:
        print_error(str(error))
        return
    row = rows.get(split_key(key))
    if row is not None:
        when = f"a change counts {_effect(at_start=row.at_start)}"
        print_line(f"{row.key} = {row.shown}  ({row.origin}; {when})")
        if row.origin.is_over_file:
            print_error(f"{row.origin} wins over the file")


def _facts(row: SettingRow) -> dict[str, Any]:
    """A setting as programs know it; a secret is masked."""
    return {
        "key": row.key,
        "value": row.value,
        "origin": str(row.origin),
        "source": row.origin.source,
        "line": row.origin.line,
        "effect": _effect(at_start=row.at_start),
    }


def _effect(*, at_start: bool) -> str:
    return "at the next start" if at_start else "at once"


def _wrong_when_loaded(context: typer.Context) -> list[str]:
    """What is wrong with settings that make sense each by itself, and with the environment."""
    try:
        settings = load_settings(context)
    except WrongSettingsError as error:
        return list(error.lines)
    except UsageError as error:
        return [str(error)]
    wrong = []
    if settings.keys:
        from tui import keymap  # it loads the toolkit of the screens

        wrong += [f"keys: {each}" for each in keymap.check(settings.keys)[1]]
    wrong += _wrong_options(settings)
    return wrong + _wrong_boards((*settings.boards, *settings.board))


def _wrong_options(settings: Settings) -> list[str]:
    """Own settings of checks, which variables can say as well."""
    from engine import check_options, join_key, wrong_option

    options = check_options() if settings.checks else {}
    return [
        wrong
        for name, check in settings.checks.items()
        for key, value in (check.model_extra or {}).items()
        if (
            wrong := wrong_option(
                join_key(("checks", name, key)), (options.get(name) or {}).get(key), value
            )
        )
    ]


def _wrong_boards(names: Any) -> list[str]:
    from engine import check_names

    wrong = []
    for name in names:
        try:
            check_names([name])
        except UsageError as error:
            wrong.append(str(error))
    return wrong
