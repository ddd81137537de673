"""``espdeck build``, ``builds``, ``show``, ``cancel`` and ``retry``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.enums import RunStatus
from engine.errors import UsageError
from engine.text import near_or_all
from tui.cli.cancel import cancel_each
from tui.cli.command_line import Commands
from tui.cli.common import (
    check_dirty,
    print_error,
    print_line,
    print_notes,
    run_number,
    split_names,
    table,
)
from tui.cli.exit_codes import USAGE
from tui.cli.follow import follow, follow_each
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import of_this_machine, open_lab, printing_lab
from tui.cli.summary import print_build, print_builds
from tui.presentation.labels import commit_of, stage_key, stage_label, variant_of

if TYPE_CHECKING:
    from uuid import UUID

    from engine import Engine, Project, Variant
    from tui.remote.lab import RemoteLab

cli = Commands()


@cli.command("build")
def build_command(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="A project's name, a Git URL or a path.")],
    target: Annotated[
        str | None, typer.Option(help="Chip, or several: esp32,esp32c6. [default: the project's]")
    ] = None,
    configuration: Annotated[
        str | None,
        typer.Option(
            "--config",
            "--env",
            help="Configuration (NAME of an sdkconfig.ci.NAME), environment of PlatformIO or "
            "profile of a sketch; or several: a,b.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every variant: each chip with its configurations.")
    ] = False,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Build the folder as it is, with uncommitted changes.")
    ] = False,
    commit: Annotated[
        str | None, typer.Option(help="Commit, tag, branch, HEAD~2, … [default: what it follows]")
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Branch or tag to follow, for a project that is new.")
    ] = None,
    app_folder: Annotated[
        str, typer.Option("--app", help="Folder of the repository to build (see: espdeck apps).")
    ] = "",
    board: Annotated[
        str, typer.Option(help="auto, none, a serial port, a serial URL or virtual:CHIP.")
    ] = "auto",
    simulator: Annotated[
        str, typer.Option(help="auto, none or a simulator's name (espdeck doctor).")
    ] = "auto",
    changed: Annotated[
        bool, typer.Option("--changed", help="Only if what it is built from has changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build, flash, simulate and judge a project; follow it to its end.

    Several variants (chips, configurations) are a build each: they wait in the queue together and
    are followed one after the other.
    """
    from engine import check_targets

    check_dirty(dirty, {"--changed": changed, "--commit": commit is not None})
    chips, configurations = check_targets(split_names(target)), split_names(configuration)
    with printing_lab(context, as_json=as_json) as (engine, printer):
        found = engine.projects.find_or_add(project, targets=chips, app=app_folder, branch=branch)
        say = _discard if as_json else print_line
        variants = engine.builds.choose_variants(
            found,
            targets=chips,
            configurations=configurations,
            every=every,
            commit=commit,
            dirty=dirty,
        )
        if changed:
            here = of_this_machine(engine, "--changed")
            variants = tuple(_changed(here, found, variants, commit, say))
            if not variants:
                return
        started = engine.builds.start_each(
            found.id, variants, commit=commit, dirty=dirty, board=board, simulator=simulator
        )
        first = started.builds[0]
        if dirty and not first.dirty:
            say(f"nothing is uncommitted: this is {first.commit_sha[:10]}")
        for note in first.notes:
            say(f"{note['severity']}: {note['message']}")
        if len(started.builds) > 1:
            say(f"builds: {', '.join(f'#{b.number} {variant_of(b)}' for b in started.builds)}")
        numbers = [build.number for build in started.builds]
        code = follow_each(
            engine, numbers, printer, _discard if as_json else lambda n: print_build(engine, n)
        )
        if len(variants) > 1 and not as_json:
            print_builds([engine.builds.get(number) for number in numbers])
        for problem in started.problems:
            print_error(problem)
    raise typer.Exit(max(code, USAGE) if started.problems else code)


@cli.command("builds")
def builds_command(
    context: typer.Context,
    project: Annotated[
        str | None, typer.Option(help="Only builds of this project: its name, URL or path.")
    ] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only builds with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List builds, newest first."""
    with open_lab(context) as engine:
        wanted = engine.projects.find(project).id if project is not None else None
        found = engine.builds.list(project_id=wanted, status=status, limit=limit)
        names: dict[UUID | None, str] = {each.id: each.name for each in engine.projects.list()}
        if as_json:
            for build in found:
                print_json(build, project=names.get(build.project_id, ""))
            return
        table(
            ("BUILD", "PROJECT", "FOR", "STATUS", "VERDICT", "COMMIT", "TIME", "MESSAGE"),
            [
                (
                    f"#{each.id}",
                    names.get(each.project_id, ""),
                    variant_of(each),
                    each.status,
                    each.verdict,
                    commit_of(each, 10),
                    f"{each.duration:.1f} s" if each.duration is not None else "",
                    each.error or each.commit_message.split("\n")[0],
                )
                for each in found
            ],
            empty="no build matches"
            if project or status
            else "no builds yet: espdeck build PROJECT",
        )


@cli.command()
def show(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of the build.")],
    log: Annotated[
        str | None, typer.Option(help="Print the log of this stage instead (or of: all).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a build: stages, findings, artifacts; or the log of a stage."""
    number = run_number(build)
    with open_lab(context) as engine:
        engine.builds.get(number)
        if as_json:
            for event in of_this_machine(engine, "show --json").replay(number):
                print_line(event.json())
        elif log is not None:
            _show_log(engine, number, log)
        else:
            print_build(engine, number)


@cli.command()
def cancel(
    context: typer.Context,
    builds: Annotated[list[str], typer.Argument(help="Numbers of builds.")],
    as_json: AsJson = False,
) -> None:
    """Cancel builds that wait or run."""
    with open_lab(context) as engine:
        for build in cancel_each(engine.builds, builds):
            if as_json:
                print_json(build)
            else:
                print_line(f"build {build.number}: {build.status}")


@cli.command()
def retry(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of a build that has ended.")],
    stage: Annotated[
        str | None, typer.Option(help="Begin at this stage (see: espdeck show). [default: all]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a build again, of the same commit; follow it to its end."""
    number = run_number(build)
    with printing_lab(context, as_json=as_json) as (engine, printer):
        engine.builds.retry(number, stage_key(stage) if stage else None)
        code = follow(engine.builds, number, printer)
        if not as_json:
            printer.close()
            print_build(engine, number)
    raise typer.Exit(code)


def _changed(
    engine: Engine,
    project: Project,
    variants: Sequence[Variant],
    commit: str | None,
    say: Callable[[str], None],
) -> Sequence[Variant]:
    """Those of the variants whose sources changed since their last successful build."""
    located = engine.projects.commit(project.id, commit)
    found = []
    for variant in variants:
        last = engine.builds.unchanged_since(project.id, located.commit.sha, variant=variant)
        if last is None:
            found.append(variant)
            continue
        of = f" for {variant.label}" if len(variants) > 1 else ""
        say(f"{project.name}: nothing changed{of} since build {last.number}")
    if not found:
        print_notes(located.notes)
    return found


def _show_log(engine: Engine | RemoteLab, number: int, stage: str) -> None:
    keys = [
        key
        for key in engine.builds.logs(number)
        if stage in (key.stage, stage_label(key.stage), "all")
    ]
    if not keys:
        known = sorted({stage_label(key.stage) for key in engine.builds.logs(number)} | {"all"})
        raise UsageError(
            f"build {number} has no log of stage {stage[:80]!r}{near_or_all(stage, known)}"
        )
    for key in keys:
        print_line(f"== {stage_label(key.stage)}, attempt {key.attempt}, {key.stream}")
        for line in engine.builds.lines(key):
            print_line(line)


def _discard(_said: object) -> None:
    """Print nothing: the events in JSON have it."""
