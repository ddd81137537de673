"""How commands look to whoever calls them: their help, and the line that says what is wrong.

Typer shows the type of an option as Python writes it, cuts what it says of a command, and wants
two lines more for a mistake. Here values have the names of what they are, every summary is whole,
and a mistake is one line with the name that may have been meant.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from typer import Abort, Typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from engine.errors import UsageError
from engine.text import clean, near
from tui.cli.exit_codes import INTERRUPTED
from tui.cli.streams import OutputClosedError

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter, Parameter

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of the first command, which those below it take over; the width is in columns."""

_MISTAKE_CHARACTERS = 200
_TOO_MANY = re.compile(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", re.DOTALL)
_END_OF_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z])")


class OneCommand(TyperCommand):
    """A command whose help names values by what they are."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Understand the arguments; a mistake says of which command it is."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = ctx  # type: ignore[attr-defined] # of those that are shown with usage
            raise

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What stands behind the command's name in the first line of its help."""
        return _usage(self, ctx)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and options."""
        _write_parameters(self, ctx, formatter)


class CommandGroup(TyperGroup):
    """A command with commands below it."""

    command_class = OneCommand

    sections: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Names of commands by the heading that they stand below; nothing for one heading."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What stands behind the command's name in the first line of its help."""
        return [*_usage(self, ctx), "COMMAND ..."]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands first: most who ask look for one of them."""
        self.format_commands(ctx, formatter)
        _write_parameters(self, ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write each command with all of its summary, below its heading."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for heading, members in (self.sections or {"Commands": names}).items():
            rows = []
            for name in members:
                command = self.get_command(ctx, name)
                if command is not None and not command.hidden:
                    rows.append((name.ljust(width), summary(command)))
            with formatter.section(heading):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the command that is named.

        Raises:
            UsageError: there is none of that name; says which may be meant.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            meant = near(name, self.list_commands(ctx))
            raise UsageError(f"no command {_short(name)}{meant} (see: {ctx.command_path} -h)")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Context:
        """Understand arguments; help is printed meanwhile.

        Raises:
            OutputClosedError: nobody reads it.
        """
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError as error:  # which the parser would take for a failed command
            raise OutputClosedError from error

    def invoke(self, ctx: Context) -> Any:
        """Run the command.

        Raises:
            OutputClosedError: nobody reads what it prints.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run what the arguments say.

        Raises:
            SystemExit: always, with the exit code.
            UsageError: the arguments are not understood.
        """
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except TyperException as error:
            raise UsageError(explain(error)) from error
        except Abort:
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)


class Commands(Typer):
    """Commands of one file, made with the classes above."""

    def __init__(self, **settings: Any) -> None:
        """Take what :class:`typer.Typer` does."""
        super().__init__(**({"cls": CommandGroup} | settings))

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        """Register a function as a command, as :meth:`typer.Typer.command`."""
        return super().command(name, **({"cls": OneCommand} | settings))


def summary(command: Command) -> str:
    """The first sentence of a command's help, without its full stop."""
    first = " ".join((command.help or "").partition("\n\n")[0].split())
    return _END_OF_SENTENCE.split(first)[0].removesuffix(".")


def explain(error: TyperException) -> str:
    """A mistake of the command line in one line: what is wrong, what is allowed, where to look."""
    context: Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "espdeck"
    parameter: Parameter | None = getattr(error, "param", None)
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError" or error.message == "Missing command.":
        text = "a command is missing"
    elif kind == "NoSuchOption" and context is not None:
        name = str(getattr(error, "option_name", ""))
        known = [each for option in context.command.params for each in option.opts]
        text = f"no option {_short(name)}{near(name, known)}"
    elif kind == "MissingParameter" and parameter is not None:
        text = f"{_called(parameter)} is missing"
    elif parameter is not None:
        text = _wrong_value(error, parameter)
    elif found := _TOO_MANY.search(error.message):
        text = f"too many arguments: {_short(found[1])}"
    else:
        text = _plain(error.format_message())
    return f"{text} (see: {path} -h)"


def _wrong_value(error: TyperException, parameter: Parameter) -> str:
    """What a value should have been."""
    from pydantic import ValidationError

    from engine import explain_error

    cause = error.__cause__
    choices = _choices(parameter)
    if isinstance(cause, ValidationError):
        found = cause.errors()[0]
        value = _short(str(found.get("input", "")))
        if choices:
            return f"{_called(parameter)} must be {_one_of(choices)}, not {value!r}"
        return f"{explain_error(_called(parameter), found, _reach(parameter))}, not {value!r}"
    return f"{_called(parameter)}: {_plain(error.message)}"


def _reach(parameter: Parameter) -> str:
    """Which numbers a parameter takes, in words; empty where it takes none, or all."""
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if least is not None and most is not None:
        return f"from {least} to {most}"
    return f"from {least} on" if least is not None else f"up to {most}" if most is not None else ""


def _one_of(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}" if len(choices) > 1 else choices[0]


def _usage(command: Command, context: Context) -> list[str]:
    pieces = ["[OPTIONS]"]
    for each in command.get_params(context):
        if isinstance(each, TyperArgument) and not each.hidden:
            name = _value_name(each) + ("..." if each.nargs != 1 else "")
            pieces.append(name if each.required else f"[{name}]")
    return pieces


def _write_parameters(command: Command, context: Context, formatter: HelpFormatter) -> None:
    """Write a line for each argument and option."""
    arguments, options = [], []
    for each in command.get_params(context):
        if getattr(each, "hidden", False):
            continue
        if isinstance(each, TyperArgument):
            arguments.append((_value_name(each), _about(each, context)))
        elif isinstance(each, TyperOption):
            names = ", ".join(sorted(each.opts, key=lambda name: name.startswith("--")))
            if each.secondary_opts:
                names = f"{names} / {', '.join(each.secondary_opts)}"
            if not each.is_flag and not each.count:
                names = f"{names} {_value_name(each)}"
            options.append((names, _about(each, context)))
    for heading, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _value_name(parameter: TyperArgument | TyperOption) -> str:
    """What the value of a parameter is called in help: its choices, or a word in capitals."""
    if parameter.metavar is not None:
        return parameter.metavar.strip("[]")
    choices = _choices(parameter)
    if choices:
        return "|".join(choices)
    name = parameter.name if isinstance(parameter, TyperArgument) else parameter.opts[0].lstrip("-")
    many = isinstance(parameter, TyperArgument) and parameter.nargs != 1
    return (name.removesuffix("s") if many else name).replace("_", "-").upper()


def _choices(parameter: Any) -> tuple[str, ...]:
    """The values that a parameter takes, where they are few."""
    found = parameter.type_descriptor.choices or ()
    return tuple(str(each.value if isinstance(each, Enum) else each) for each in found)


def _called(parameter: Parameter) -> str:
    """How a message names a parameter."""
    if isinstance(parameter, TyperArgument):
        return _value_name(parameter)
    return max(parameter.opts, key=len)


def _about(parameter: TyperArgument | TyperOption, context: Context) -> str:
    """What help says of a parameter: what it is, its range, its default, its variable."""
    notes = []
    if reach := _reach(parameter):
        notes.append(reach)
    default = parameter.get_default(context, call=False)
    if isinstance(default, Enum):
        default = default.value
    if isinstance(parameter, TyperOption) and parameter.is_flag:
        if parameter.secondary_opts and isinstance(default, bool):
            notes.append(f"default: {(parameter.opts if default else parameter.secondary_opts)[0]}")
    elif parameter.show_default and default not in (None, "", (), []):
        notes.append(
            f"default: {default:g}" if isinstance(default, float) else f"default: {default}"
        )
    if parameter.show_envvar and parameter.envvar:
        notes.append(f"variable: {parameter.envvar}")
    text = parameter.help or ""
    return f"{text} [{'; '.join(notes)}]".strip() if notes else text


def _plain(message: str) -> str:
    """A message of the parser as ours begin and end."""
    text = " ".join(clean(message).split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _short(text: str) -> str:
    """What was typed, as it is repeated: all of it would bury what is wrong with it."""
    shown = clean(text)
    over = len(shown) > _MISTAKE_CHARACTERS
    return f"{shown[: _MISTAKE_CHARACTERS - 1]}…" if over else shown
