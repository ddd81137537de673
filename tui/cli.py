"""``espdeck`` and its subcommands.

Exit code 0 is success, 1 a failed build, 2 a mistake of usage or environment, 130 Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from engine.errors import EspdeckError, UsageError
from engine.projects.variants import Variant
from engine.words import BuildStatus
from tui import (
    cli_bench,
    cli_boards,
    cli_fix,
    cli_gate,
    cli_models,
    cli_size,
    cli_tasks,
    collecting,
)
from tui.following import FAILED, INTERRUPTED, USAGE, follow, printing
from tui.shell import complain, looking, number_of, print_json, print_line, settings_of, table
from tui.summary import print_artifacts, print_findings, print_stages

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.settings import Settings
    from engine.toolchains.base import Configuration

MESSAGE = 100
"""Characters of a commit's first line in the summary."""

cli = typer.Typer(
    name="espdeck",
    help="The console of an ESP32 firmware lab. Without a command it opens the app.",
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

cli.add_typer(cli_boards.cli)
cli.add_typer(cli_fix.cli)
cli.add_typer(cli_models.cli)
cli.add_typer(cli_gate.cli)
cli.add_typer(cli_bench.cli)
cli.add_typer(cli_size.cli)
cli.add_typer(cli_tasks.cli)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def main() -> None:
    """Run the command line; no traceback reaches a user."""
    collecting.modules_come()
    logging.getLogger().addHandler(logging.NullHandler())  # else warnings reach the terminal
    threading.excepthook = _log_uncaught
    # The end of an SSH session or of the service: builds are put back as at any other end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        cli()
    except EspdeckError as error:
        complain(str(error))
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
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Open the app on your workspace."""
    context.obj = workspace
    if show_version:
        print_line(f"espdeck {version('espdeck')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        _run_app(settings_of(context))


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

    from engine import demo as samples

    folder = context.obj or user_data_path("espdeck") / "demo"
    settings = settings_of(context, workspace=folder, boards=(samples.BOARD,))
    if not headless and not as_json:

        def open_build(engine: Engine) -> int:
            return engine.builds.start(samples.prepare(engine).id).number

        _run_app(settings, open_build)
        return
    with printing(settings, as_json=as_json) as (engine, printer):
        build = engine.builds.start(samples.prepare(engine).id)
        code = follow(engine.builds, build.number, printer)
        if not as_json:
            printer.close()
            _summarise(engine, build.number)
    raise typer.Exit(code)


@cli.command("build")
def build_command(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="A project's name, a Git URL or a path.")],
    target: Annotated[
        str | None, typer.Option(help="Chip, for a project that is new. [default: esp32c3]")
    ] = None,
    board: Annotated[
        str, typer.Option(help="auto, none, a serial port, a serial URL or virtual:CHIP.")
    ] = "auto",
    simulator: Annotated[
        str, typer.Option(help="auto, none or a simulator's name (espdeck doctor).")
    ] = "auto",
    commit: Annotated[str | None, typer.Option(help="Commit, tag or branch.")] = None,
    app_folder: Annotated[
        str, typer.Option("--app", help="Folder of the repository to build (see: espdeck apps).")
    ] = "",
    configuration: Annotated[
        str, typer.Option("--config", help="NAME of the app's sdkconfig.ci.NAME.")
    ] = "",
    changed: Annotated[
        bool, typer.Option("--changed", help="Only if what it is built from has changed.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Build, flash, simulate and judge a project; follow it to its end."""
    with printing(settings_of(context), as_json=as_json) as (engine, printer):
        found = engine.projects.find_or_add(
            project,
            targets=[target] if target else [],
            app=app_folder,
            configuration=configuration,
        )
        way = Variant(target or found.target, configuration or found.configuration)
        last = engine.builds.unchanged_since(found.id, commit, variant=way) if changed else None
        if last is not None:
            if not as_json:
                print_line(f"{found.name}: nothing changed since build {last.number}")
            return
        build = engine.builds.start(
            found.id, commit=commit, variant=way, board=board, simulator=simulator
        )
        code = follow(engine.builds, build.number, printer)
        if not as_json:
            printer.close()
            _summarise(engine, build.number)
    raise typer.Exit(code)


@cli.command()
def apps(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="A project's name.")],
    as_json: _Json = False,
) -> None:
    """List what a project's repository holds: apps, their chips and configurations."""
    with looking(context) as engine:
        found = engine.projects.survey(engine.projects.get(project).id)
        if as_json:
            for app in found.apps:
                ways = [{"name": each.name, "targets": each.targets} for each in app.configurations]
                told = {"toolchain": app.toolchain, "targets": app.targets, "configurations": ways}
                print_line(json.dumps({"app": app.path, **told}))
            for each in found.foreign:
                told = {"file": each.file, "builds_with": each.builds_with}
                print_line(json.dumps({"foreign": each.name, **told}))
            return
        if not found.apps:
            print_line(found.explain_absence(""))
            return
        table(
            ("APP", "TOOLCHAIN", "CHIPS", "CONFIGURATIONS"),
            [
                (
                    app.label,
                    app.toolchain,
                    ", ".join(app.targets) or "not said",
                    ", ".join(_configuration(each) for each in app.configurations),
                )
                for app in found.apps
            ],
        )
        for each in found.foreign:
            print_line(f"not built by espdeck: {each.name} ({each.file}): {each.builds_with}")


def _configuration(configuration: Configuration) -> str:
    targets = ", ".join(configuration.targets)
    return f"{configuration.name} ({targets})" if targets else configuration.name


@cli.command()
def menuconfig(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="A project's name.")],
    write: Annotated[
        bool, typer.Option("--write", help="Write it into the folder the project was added from.")
    ] = False,
) -> None:
    """Change the options of an ESP-IDF project in its menu, and show what changed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("menuconfig needs a terminal")
    with looking(context) as engine:
        found = engine.projects.get(project)
        print_line(f"configuring {found.name} for {found.target}")
        edited = engine.projects.menuconfig(found.id)
        if not edited.diff:
            print_line("nothing changed")
            return
        for line in edited.diff.splitlines():
            print_line(line)
        if write:
            print_line(f"written: {engine.projects.write(found.id, edited)}")


@cli.command("projects")
def projects_command(context: typer.Context, as_json: _Json = False) -> None:
    """List the projects."""
    from engine.text import mask

    with looking(context) as engine:
        found = engine.projects.list()
        if as_json:
            for project in found:
                print_json(project, source=mask(project.source))
            return
        if not found:
            print_line("no projects yet: espdeck build URL, or `a` in the app")
            return
        table(
            ("NAME", "STATUS", "TARGET", "BRANCH", "APP", "SOURCE"),
            [
                (
                    each.name,
                    each.status,
                    each.target,
                    each.branch or "",
                    ", ".join(filter(None, (each.app, each.configuration))),
                    mask(each.source),
                )
                for each in found
            ],
        )
        for project in found:
            if project.status_detail:
                print_line(f"{project.name}: {project.status_detail}")


@cli.command("builds")
def builds_command(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Only builds of this project.")] = None,
    status: Annotated[BuildStatus | None, typer.Option(help="Only builds that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List builds, newest first."""
    with looking(context) as engine:
        wanted = engine.projects.get(project).id if project else None
        found = engine.builds.list(project_id=wanted, status=status, limit=limit)
        if as_json:
            for build in found:
                print_json(build)
            return
        names: dict[UUID | None, str] = {each.id: each.name for each in engine.projects.list()}
        table(
            ("BUILD", "PROJECT", "STATUS", "VERDICT", "COMMIT", "TIME", "MESSAGE"),
            [
                (
                    f"#{each.id}",
                    names.get(each.project_id, ""),
                    each.status,
                    each.verdict,
                    each.commit_sha[:10],
                    f"{each.duration:.1f} s" if each.duration is not None else "",
                    each.error or each.commit_message.split("\n")[0],
                )
                for each in found
            ],
        )


@cli.command()
def show(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of the build.")],
    log: Annotated[
        str | None, typer.Option(help="Print the log of this stage instead (or of: all).")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show a build: stages, findings, artifacts; or the log of a stage."""
    number = number_of(build)
    with looking(context) as engine:
        engine.builds.get(number)
        if as_json:
            for event in engine.replay(number):
                print_line(event.json())
        elif log is not None:
            _show_log(engine, number, log)
        else:
            _summarise(engine, number)


@cli.command()
def doctor(context: typer.Context) -> None:
    """Say what is installed, what is missing, and what to do."""
    from engine.checkup import checkup

    checks = checkup(settings_of(context))
    for each in checks:
        mark = "ok     " if each.ok else "MISSING" if each.needed else "absent "
        print_line(f"{mark} {each.name}: {each.detail}")
        if each.advice:
            print_line(f"        {each.advice}")
    if any(each.needed and not each.ok for each in checks):
        raise typer.Exit(USAGE)


def _run_app(settings: Settings, open_build: Any = None) -> None:
    from tui.app import EspdeckApp

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the app needs a terminal; without one: espdeck build, espdeck builds")
    app = EspdeckApp(settings, open_build=open_build)
    collecting.modules_are_there()
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.close_engine()
    if app.failure:
        raise UsageError(app.failure)


def _summarise(engine: Engine, number: int) -> None:
    build = engine.builds.get(number)
    project = engine.projects.get(str(build.project_id))
    took = f" in {build.duration:.1f} s" if build.duration is not None else ""
    print_line("")
    verdict = f", {build.verdict}" if build.verdict else ""
    print_line(f"build #{number} of {project.name}: {build.status}{verdict}{took}")
    if build.error:
        print_line(f"  {build.error}")
    message = build.commit_message.split("\n")[0][:MESSAGE]
    print_line(f"  commit {build.commit_sha[:10]} {message} ({build.commit_author})")
    print_line("")
    print_stages(engine.builds.stages(number))
    print_findings(engine.builds, number)
    fix = engine.fixes.of(number) if build.status.is_final else None
    if fix is not None:
        print_line("")
        how = "repaired" if fix.proved else "repaired in part"
        print_line(f"{how} ({fix.state}): espdeck fix {number} shows the diff")
    print_artifacts(engine.builds, number)


def _show_log(engine: Engine, number: int, stage: str) -> None:
    keys = [key for key in engine.builds.logs(number) if stage in (key.stage, "all")]
    if not keys:
        known = sorted({key.stage for key in engine.builds.logs(number)})
        raise UsageError(f"build {number} has no log of {stage!r} (there are: {', '.join(known)})")
    for key in keys:
        print_line(f"== {key.stage}, round {key.attempt}, {key.stream}")
        for line in engine.builds.lines(key):
            print_line(line)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _log_uncaught(uncaught: threading.ExceptHookArgs) -> None:
    error = uncaught.exc_value
    if error is not None:
        logging.getLogger("espdeck").error("a thread died", exc_info=error)


if __name__ == "__main__":
    main()
