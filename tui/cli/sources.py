"""``espdeck apps`` and ``menuconfig``: apps of a project's repository, and their options."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, print_notes, table
from tui.cli.json_output import AsJson, print_json

if TYPE_CHECKING:
    from engine import AppConfiguration

cli = Commands()

_Project = Annotated[str, typer.Argument(help="A project's name, a Git URL or a path.")]


@cli.command()
def apps(
    context: typer.Context,
    project: _Project,
    as_json: AsJson = False,
) -> None:
    """List what a project's repository holds: apps, their chips and configurations."""
    with open_engine(context) as engine:
        located = engine.projects.commit(engine.projects.find_or_add(project).id, None)
        print_notes(located.notes)
        found = engine.projects.survey(located.project.id)
        if as_json:
            for app in found.apps:
                ways = [{"name": each.name, "targets": each.targets} for each in app.configurations]
                told = {"toolchain": app.toolchain, "targets": app.targets, "configurations": ways}
                print_json({"app": app.path, **told})
            for each in found.unsupported:
                told = {"file": each.file, "builds_with": each.builds_with}
                print_json({"foreign": each.name, **told})
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
        for each in found.unsupported:
            print_line(f"not built by espdeck: {each.name} ({each.file}): {each.builds_with}")


def _configuration(configuration: AppConfiguration) -> str:
    targets = ", ".join(configuration.targets)
    return f"{configuration.name} ({targets})" if targets else configuration.name


@cli.command()
def menuconfig(
    context: typer.Context,
    project: _Project,
    write: Annotated[
        bool, typer.Option("--write", help="Write it into the folder the project was added from.")
    ] = False,
) -> None:
    """Change the options of an ESP-IDF project in its menu, and show what changed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("menuconfig needs a terminal")
    with open_engine(context) as engine:
        located = engine.projects.commit(engine.projects.find_or_add(project).id, None)
        print_notes(located.notes)
        found = located.project
        print_line(f"configuring {found.name} for {found.target}")
        edited = engine.projects.menuconfig(found.id)
        if not edited.diff:
            print_line("nothing changed")
            return
        for line in edited.diff.splitlines():
            print_line(line)
        if write:
            print_line(f"written: {engine.projects.write(found.id, edited)}")
