"""``espdeck`` and its subcommands.

:mod:`tui.cli.exit_codes` has the exit codes.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import restrict_umask
from engine.errors import EspdeckError, Interrupted, UsageError
from tui import garbage_collection
from tui.cli import streams
from tui.cli.command_files import FirstCommand
from tui.cli.command_line import CONTEXT, Commands
from tui.cli.common import PROFILE, find_workspace, load_settings, print_error, print_line
from tui.cli.exit_codes import INTERRUPTED, OUTPUT_CLOSED, USAGE
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import Engine, Settings


cli = Commands(
    cls=FirstCommand,
    context_settings=CONTEXT,
    name="espdeck",
    help="The console of an ESP32 firmware lab. Without a command it opens the app.",
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; no traceback reaches a user."""
    restrict_umask()
    garbage_collection.modules_come()
    logging.getLogger().addHandler(logging.NullHandler())  # else warnings reach the terminal
    threading.excepthook = _log_uncaught
    # The end of an SSH session or of the service: builds are put back as at any other end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit_on_signal)
    streams.prepare()
    try:
        if odd := streams.find_odd_text(sys.argv[1:], os.environ):
            raise UsageError(odd)
        cli()
    except EspdeckError as error:
        print_error(str(error))
        sys.exit(USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (streams.OutputClosedError, BrokenPipeError):
        streams.discard_output()
        sys.exit(OUTPUT_CLOSED)
    except OSError as error:
        streams.discard_output()
        where = f"{error.filename}: " if error.filename is not None else "cannot write the output: "
        print_error(f"{where}{error.strerror}")
        sys.exit(USAGE)


@cli.callback()
def app(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder of the database, clones and artifacts.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Profile of the settings file: [profile.NAME] overrides the rest."),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            envvar="ESPDECK_REMOTE",
            help="A lab on another machine: its URL (token in ESPDECK_TOKEN), or NAME of "
            "[remotes.NAME].",
        ),
    ] = None,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Open the app on your workspace."""
    context.obj = workspace
    context.meta[PROFILE] = profile
    if show_version:
        from importlib.metadata import version

        print_line(f"espdeck {version('espdeck')}")
        raise typer.Exit
    if remote:
        from tui.cli.remote import choose_remote

        choose_remote(context, remote)
    if context.invoked_subcommand is None:
        _run_app(lambda: load_settings(context))


@cli.command()
def demo(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen: print the events line by line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try espdeck with sample projects and a virtual board: needs no hardware."""
    from platformdirs import user_data_path

    from engine import DEMO_BOARD, prepare_demo
    from tui.cli.follow import follow, printing
    from tui.cli.summary import print_build

    folder = context.obj or user_data_path("espdeck") / "demo"

    def load() -> Settings:
        return load_settings(context, workspace=folder, boards=(DEMO_BOARD,))

    if not headless and not as_json:

        def open_build(engine: Engine) -> int:
            return engine.builds.start(prepare_demo(engine).id).number

        _run_app(load, open_build)
        print_line("the demo and its builds are kept: espdeck demo opens them again")
        return
    with printing(load(), as_json=as_json) as (engine, printer):
        build = engine.builds.start(prepare_demo(engine).id)
        code = follow(engine.builds, build.number, printer)
        if not as_json:
            printer.close()
            print_build(engine, build.number)
            _print_next_steps(folder, build.number)
    raise typer.Exit(code)


def _print_next_steps(workspace: Path, build: int) -> None:
    """Say how to go on with the workspace of the demonstration."""
    espdeck = f"espdeck --workspace {shlex.quote(str(workspace))}"
    print_line("")
    print_line("go on with this workspace:")
    for words, meaning in (
        ("", "opens the app"),
        (f"show {build} --log build", "prints a log"),
        ("build crash", "builds a sample that panics"),
        ("projects", "lists the samples"),
    ):
        print_line(f"  {f'{espdeck} {words}'.rstrip()}  # {meaning}")


@cli.command()
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is installed, what is missing, and what to do."""
    from engine import SettingsFile, run_doctor

    try:
        checks = run_doctor(load_settings(context))
    except UsageError as error:
        defaults = SettingsFile(workspace=find_workspace(context))
        checks = run_doctor(defaults, wrong=str(error))
    for each in checks:
        if as_json:
            print_json(each)
            continue
        mark = "ok     " if each.ok else "MISSING" if each.needed else "absent "
        print_line(f"{mark} {each.name}: {each.detail}")
        if each.advice:
            print_line(f"        {each.advice}")
    if any(each.needed and not each.ok for each in checks):
        raise typer.Exit(USAGE)


def _run_app(
    load: Callable[[], Settings], open_build: Callable[[Engine], int] | None = None
) -> None:
    from tui.app import EspdeckApp

    in_browser = "TEXTUAL_DRIVER" in os.environ  # of the server that shows the app in one
    if not in_browser and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the app needs a terminal; without one: espdeck build, espdeck builds")
    if os.environ.get("TERM") == "dumb" and not in_browser:
        raise UsageError("TERM=dumb cannot show the app; without it: espdeck build, espdeck builds")
    settings = load()
    app = EspdeckApp(settings, load=load, open_build=open_build)
    garbage_collection.modules_are_there()
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.close_engine()
    if app.failure:
        raise UsageError(app.failure)
    if app.detached_from is not None:
        print_line(f"detached: the daemon (process {app.detached_from}) goes on; espdeck attaches")


def _exit_on_signal(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _log_uncaught(uncaught: threading.ExceptHookArgs) -> None:
    error = uncaught.exc_value
    if error is not None and not isinstance(error, Interrupted):  # that is how they end
        logging.getLogger("espdeck").error("a thread died", exc_info=error)


if __name__ == "__main__":
    main()
