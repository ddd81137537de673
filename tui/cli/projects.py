"""``espdeck add``, ``sync``, ``edit``, ``remove``, ``apps`` and ``projects``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.enums import TARGETS, ProjectStatus
from engine.errors import EspdeckError, UsageError
from engine.text import count, listed, mask
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_error, print_line, split_names, table
from tui.cli.exit_codes import FAILED
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import of_this_machine, open_lab
from tui.presentation.labels import DIGITS, chips, followed

if TYPE_CHECKING:
    from engine import Engine, Project

cli = Commands()

AUTO = "auto"
"""Value of ``--target`` that has the sources say the chips."""

_Project = Annotated[str, typer.Argument(help="A project's name, Git URL or path.")]


@cli.command()
def add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Git URL or path, also of an app's folder.")],
    name: Annotated[str | None, typer.Option(help="[default: the repository's]")] = None,
    target: Annotated[
        str | None, typer.Option(help="Chip, or several: esp32,esp32c6. [default: the sources say]")
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Branch or tag to follow. [default: HEAD of the source]")
    ] = None,
    app: Annotated[
        str, typer.Option(help="Folder of the repository to build (see: espdeck apps).")
    ] = "",
    configuration: Annotated[
        str, typer.Option("--config", "--env", help="Configuration or environment to build.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add a project, and say what there is to build in it."""
    with open_engine(context) as engine:
        project = engine.project_editor.add(
            source,
            name=name,
            targets=split_names(target),
            branch=branch,
            app=app,
            configuration=configuration,
        )
        if as_json:
            print_json(project, source=mask(project.source))
        else:
            print_line(f"added {project.name}: {mask(project.source)}")
            _print_project(engine, project)


@cli.command()
def sync(
    context: typer.Context,
    projects: Annotated[
        list[str] | None, typer.Argument(help="Names, Git URLs or paths. [default: all]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring projects to where their sources are now. Exit code 1: one could not be."""
    with open_engine(context) as engine:
        found = (
            [engine.projects.find(each) for each in projects]
            if projects
            else engine.projects.list()
        )
        before = list({each.id: each for each in found}.values())
        if not before and not as_json:
            print_line("no projects yet: espdeck add URL")
        busy = set()
        for project in before:
            try:
                engine.projects.sync(project.id)
            except EspdeckError as error:
                busy.add(project.id)
                print_error(f"{project.name}: {error}")
        failed = bool(busy)
        for project in before:
            if project.id not in busy:
                now = engine.projects.wait(project.id)
                reached = now.synced_at != project.synced_at
                failed |= not reached
                if as_json:
                    print_json(now, source=mask(now.source), was=project.tip, reached=reached)
                else:
                    _print_synced(project, now)
    if failed:
        raise typer.Exit(FAILED)


@cli.command()
def edit(
    context: typer.Context,
    project: _Project,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Chip, or several: esp32,esp32c6; auto reads it from the sources."),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(help='Branch or tag to follow; "" follows HEAD of the source.'),
    ] = None,
    app: Annotated[
        str | None, typer.Option(help='Folder of the repository to build; "" is its root.')
    ] = None,
    configuration: Annotated[
        str | None,
        typer.Option("--config", "--env", help='Configuration to build; "" is the plain one.'),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Another Git URL or path, also of an app's folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a project: name, source, chips, branch, app or configuration. Its builds stay."""
    from engine import ProjectEdits, consequences

    targets = None if target is None else [] if target == AUTO else split_names(target)
    if target is not None and target != AUTO and not targets:
        raise UsageError("--target: name a chip, or auto to have the sources say it")
    edits = ProjectEdits(name, targets, branch, app, configuration, source)
    if edits == ProjectEdits():
        raise UsageError(
            "say what to change: --name, --source, --target, --branch, --app or --config"
        )
    with open_engine(context) as engine:
        found = engine.projects.find(project)
        means = consequences(found, edits)
        changed = engine.project_editor.edit(found, edits)
        if as_json:
            print_json(changed, source=mask(changed.source))
        else:
            print_line(f"changed {changed.name}: {mask(changed.source)}")
            for line in means:
                print_line(f"  {line}")
            _print_project(engine, changed)


@cli.command()
def remove(
    context: typer.Context,
    project: _Project,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Remove a project with its builds, logs and artifacts; its source is not touched."""
    with open_engine(context) as engine:
        found = engine.projects.find(project)
        if not yes and not sys.stdin.isatty():
            raise UsageError("nobody can be asked here: --yes removes without asking")
        builds = count(engine.projects.stats(found.id).total_builds, "build")
        what = f"Remove {found.name} ({mask(found.source)}) with {builds}, logs and artifacts?"
        if not yes and not _confirm(what):
            print_line("nothing was removed")
            raise typer.Exit(FAILED)
        engine.projects.remove(found.id)
        print_line(f"removed {found.name}")


@cli.command("projects")
def projects_command(
    context: typer.Context,
    disk: Annotated[
        bool, typer.Option("--disk", help="Say what they take of the disk instead: seconds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the projects."""
    with open_lab(context) as engine:
        if disk:
            _print_disk(of_this_machine(engine, "--disk"), as_json=as_json)
            return
        found = engine.projects.list()
        if as_json:
            for project in found:
                print_json(project, source=mask(project.source))
            return
        if not found:
            print_line("no projects yet: espdeck add URL, or `a` in the app")
            return
        table(
            ("NAME", "STATUS", "CHIPS", "FOLLOWS", "APP", "SOURCE"),
            [
                (
                    each.name,
                    each.status,
                    chips(each),
                    followed(each),
                    ", ".join(filter(None, (each.app, each.configuration))),
                    mask(each.source),
                )
                for each in found
            ],
        )
        for project in found:
            if project.status_detail:
                print_line(f"{project.name}: {project.status_detail}")


def _print_synced(before: Project, now: Project) -> None:
    """Print the result of a sync."""
    if now.synced_at == before.synced_at:
        print_error(f"{now.name}: {now.status_detail}")
        return
    was = f", was {before.tip[:DIGITS]}" if before.tip not in ("", now.tip) else ""
    print_line(f"{now.name}: {followed(now)}{was}")
    if now.status_detail:
        print_line(f"  {now.status_detail}")


def _print_project(engine: Engine, project: Project) -> None:
    """Print what a project follows, its chips, and what there is to build."""
    for line in _project_lines(engine, project):
        print_line(f"  {line}")


def _project_lines(engine: Engine, project: Project) -> list[str]:
    """What a project follows, its chips, and what there is to build: a line each."""
    from engine import NO_CHIP

    lines = [f"follows {followed(project)}"]
    if project.status_detail not in ("", NO_CHIP):
        lines.append(project.status_detail)
    if project.status is not ProjectStatus.ACTIVE:
        return lines
    found = engine.projects.survey(project.id)
    mine = found.app(project.app)
    kind = f" ({mine.toolchain})" if mine else ""
    lines.append(f"app {project.app or '.'}{kind}")
    if project.target:
        lines.append(f"chips {chips(project)}")
    elif mine is not None:
        lines.append(
            f"chip not known: espdeck edit {project.name} --target CHIP ({', '.join(TARGETS)})"
        )
    if project.configuration:
        lines.append(f"configuration {project.configuration}")
    elif mine and mine.configurations:
        names = listed([each.name for each in mine.configurations])
        lines.append(f"configurations {names}: --config, or --all builds all of them")
    others = len(found.apps) - bool(mine)
    if mine is None:
        lines.append(found.explain_absence(project.app))
        if found.apps:
            lines.append(f"espdeck edit {project.name} --app FOLDER makes it one of them")
    elif others:
        lines.append(f"{count(others, 'other app')}: espdeck apps {project.name}")
    return lines


def _print_disk(engine: Engine, *, as_json: bool) -> None:
    from tui.presentation.units import size

    found = engine.projects.usage()
    if as_json:
        for each in found:
            facts = asdict(each) | {"source": mask(each.source), "total": each.total}
            print_json(facts)
        return
    rows = [
        (
            mask(each.source),
            ", ".join(each.projects),
            *map(size, (each.clone, each.worktrees, each.builds, each.artifacts, each.total)),
        )
        for each in found
    ]
    total = size(sum(each.total for each in found))
    table(
        ("SOURCE", "PROJECTS", "CLONE", "WORKTREES", "BUILDS", "ARTIFACTS", "TOTAL"),
        [*rows, ("all", "", "", "", "", "", total)],
    )


def _confirm(question: str) -> bool:
    try:
        return bool(typer.confirm(question))
    except typer.Abort:
        print_line("")
        return False
