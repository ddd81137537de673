"""``espdeck`` and its subcommands.

Exit code 0 is success, 1 a failed build, 2 a mistake of usage or environment, 130 Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import restrict_umask
from engine.errors import EspdeckError, Interrupted, UsageError
from tui import garbage_collection
from tui.cli import (
    artifacts,
    audit,
    boards,
    builds,
    checks,
    config,
    daemon,
    db,
    fix,
    flash,
    gate,
    gc,
    guide,
    models,
    notify,
    projects,
    serve,
    size,
    sources,
    stats,
    tasks,
    tokens,
    webhooks,
    workflows,
)
from tui.cli.common import PROFILE, find_workspace, load_settings, print_error, print_line
from tui.cli.follow import FAILED, INTERRUPTED, USAGE, follow, printing
from tui.cli.remote import choose_remote
from tui.cli.summary import print_build

if TYPE_CHECKING:
    from engine import Engine, Settings

cli = typer.Typer(
    name="espdeck",
    help="The console of an ESP32 firmware lab. Without a command it opens the app.",
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

cli.add_typer(builds.cli)
cli.add_typer(projects.cli)
cli.add_typer(sources.cli)
cli.add_typer(boards.cli)
cli.add_typer(fix.cli)
cli.add_typer(models.cli)
cli.add_typer(gate.cli)
cli.add_typer(checks.cli)
cli.add_typer(daemon.cli)
cli.add_typer(serve.cli)
cli.add_typer(guide.cli)
cli.add_typer(flash.cli)
cli.add_typer(size.cli)
cli.add_typer(stats.cli)
cli.add_typer(workflows.cli)
cli.add_typer(tasks.cli)
cli.add_typer(db.cli)
cli.add_typer(gc.cli)
cli.add_typer(artifacts.cli)
cli.add_typer(config.cli)
cli.add_typer(notify.cli)
cli.add_typer(tokens.cli)
cli.add_typer(audit.cli)
cli.add_typer(webhooks.cli)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def main() -> None:
    """Run the command line; no traceback reaches a user."""
    restrict_umask()
    garbage_collection.modules_come()
    logging.getLogger().addHandler(logging.NullHandler())  # else warnings reach the terminal
    threading.excepthook = _log_uncaught
    # The end of an SSH session or of the service: builds are put back as at any other end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit_on_signal)
    try:
        cli()
    except EspdeckError as error:
        print_error(str(error))
        sys.exit(USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # What reads us has gone; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


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
        print_line(f"espdeck {version('espdeck')}")
        raise typer.Exit
    if remote:
        choose_remote(context, remote)
    if context.invoked_subcommand is None:
        _run_app(lambda: load_settings(context))


@cli.command()
def demo(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen: print the events line by line.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Try espdeck with sample projects and a virtual board: needs no hardware."""
    from platformdirs import user_data_path

    from engine import DEMO_BOARD, prepare_demo

    folder = context.obj or user_data_path("espdeck") / "demo"

    def load() -> Settings:
        return load_settings(context, workspace=folder, boards=(DEMO_BOARD,))

    if not headless and not as_json:

        def open_build(engine: Engine) -> int:
            return engine.builds.start(prepare_demo(engine).id).number

        _run_app(load, open_build)
        return
    with printing(load(), as_json=as_json) as (engine, printer):
        build = engine.builds.start(prepare_demo(engine).id)
        code = follow(engine.builds, build.number, printer)
        if not as_json:
            printer.close()
            print_build(engine, build.number)
    raise typer.Exit(code)


@cli.command()
def doctor(context: typer.Context) -> None:
    """Say what is installed, what is missing, and what to do."""
    from engine import SettingsFile, run_doctor

    try:
        checks = run_doctor(load_settings(context))
    except UsageError as error:
        defaults = SettingsFile(workspace=find_workspace(context))
        checks = run_doctor(defaults, wrong=str(error))
    for each in checks:
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
