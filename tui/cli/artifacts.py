"""``espdeck artifacts``: files that builds kept, what changed in them, and the store of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import NotFoundError
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_error, print_line, run_number, table
from tui.cli.gc import print_swept
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import open_lab
from tui.cli.size import print_regions
from tui.presentation.labels import stage_label
from tui.presentation.units import change, size

if TYPE_CHECKING:
    from engine import Artifact, BuildComparison, Engine, StoreState

cli = Commands()
artifacts_cli = Commands(help="Files that builds kept, and the store that they are copied to.")
cli.add_typer(artifacts_cli, name="artifacts")


@artifacts_cli.command("list")
def list_command(
    context: typer.Context,
    build: Annotated[
        str | None, typer.Argument(help="Number of a build. [default: what each project has]")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List files of earlier attempts of the build as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the files that a build kept, and where they are; or what there is of each project."""
    with open_engine(context) as engine:
        if build is None:
            _print_state(engine.artifacts.state(), as_json=as_json)
        else:
            _print_files(engine, run_number(build), every=every, as_json=as_json)


@artifacts_cli.command("get")
def get_command(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of the build.")],
    path: Annotated[str, typer.Argument(help="The file, as `artifacts list` names it.")],
    target: Annotated[
        Path, typer.Argument(help="New file, or a folder. [default: this folder]")
    ] = Path(),
    attempt: Annotated[
        int | None,
        typer.Option(
            help="Attempt that kept it, as `artifacts list --all` says. [default: what counts]"
        ),
    ] = None,
) -> None:
    """Copy a file that a build kept; it is fetched from the store where it is not here."""
    number = run_number(build)
    with open_lab(context) as engine:
        engine.builds.get(number)
        artifact = engine.builds.artifact(number, path, attempt)
        if artifact is None:
            which, option = (
                (f" in attempt {attempt}", " --all") if attempt is not None else ("", "")
            )
            hint = f"espdeck artifacts list {number}{option}"
            raise NotFoundError(f"build {number} kept no {path}{which} ({hint})")
        print_line(f"saved as {engine.builds.save(artifact, target)}")


@artifacts_cli.command("compare")
def compare_command(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="Number of the earlier build.")],
    after: Annotated[str, typer.Argument(help="Number of the later build.")],
    as_json: AsJson = False,
) -> None:
    """Say what changed from one build to another: files, memories, and what takes them."""
    with open_engine(context) as engine:
        compared = engine.builds.compare(run_number(after), run_number(before))
        if as_json:
            print_json(_facts(compared))
        else:
            _print_comparison(compared)


@artifacts_cli.command("gc")
def gc_command(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let old builds and tasks go, and from the store what no build has any more.

    Files that the store has go from this machine where artifact_store.local_days says so, each
    after the store gave it back whole.
    """
    with open_engine(context) as engine:
        if dry_run:
            swept = engine.maintenance.preview_artifacts()
        else:
            swept = engine.maintenance.sweep_artifacts()
        print_swept(swept, dry_run=dry_run, as_json=as_json)


def _print_files(engine: Engine, number: int, *, every: bool, as_json: bool) -> None:
    engine.builds.get(number)
    kept = engine.builds.artifacts(number, superseded=every)
    rows = [(each, engine.artifacts.places(each)) for each in kept]
    if as_json:
        for artifact, places in rows:
            print_json(_file_facts(artifact) | {"places": places})
        return
    table(
        ("FILE", *(("OF",) if every else ()), "KIND", "SIZE", "SHA-256", "WHERE"),
        [
            (
                each.path,
                *((_of(each),) if every else ()),
                each.kind,
                size(each.size),
                each.sha256[:12],
                ", ".join(places) or "nowhere",
            )
            for each, places in rows
        ],
        empty=f"build {number} kept no files",
    )


def _of(artifact: Artifact) -> str:
    """Who kept a file, and whether it counts."""
    superseded = ", superseded" if artifact.superseded else ""
    return f"{stage_label(artifact.stage)} attempt {artifact.attempt}{superseded}"


def _print_state(state: StoreState, *, as_json: bool) -> None:
    if as_json:
        for each in state.projects:
            print_json(asdict(each))
        waiting = {"waiting": state.waiting, "waiting_bytes": state.waiting_bytes}
        print_json({"store": state.place} | waiting)
        return
    table(
        ("PROJECT", "RUNS", "FILES", "SIZE", "DISTINCT"),
        [
            (
                each.project or "(no project)",
                f"{each.runs}",
                f"{each.files}",
                size(each.size),
                size(each.distinct),
            )
            for each in state.projects
        ],
        empty="no build kept a file yet",
    )
    if state.place:
        waits = f"{count(state.waiting, 'file')} ({size(state.waiting_bytes)}) wait to be moved"
        print_line(f"store {state.place}: {waits if state.waiting else 'has all of it'}")


def _print_comparison(compared: BuildComparison) -> None:
    for line in compared.problems:
        print_error(line)
    later = f"#{compared.build.number}"
    rows = [
        (
            size(each.before) if each.before is not None else "-",
            size(each.after) if each.after is not None else "-",
            change(each.change) or ("same" if each.same else "differs"),
            each.path,
        )
        for each in compared.files
    ]
    table((f"#{compared.other.number}", later, "CHANGE", "FILE"), rows)
    if compared.regions:
        print_line("")
        print_regions(compared.regions, compared.other.number)
    if compared.components:
        print_line("")
        sizes = [
            (f"{row.size:>9,}", f"{change(row.change):>8}", row.name) for row in compared.components
        ]
        table((later, "CHANGE", "COMPONENT"), sizes)


def _facts(compared: BuildComparison) -> dict[str, object]:
    return {
        "before": compared.other.number,
        "after": compared.build.number,
        "files": [asdict(each) for each in compared.files],
        "regions": [asdict(each) | {"change": each.change} for each in compared.regions],
        "components": [asdict(each) | {"change": each.change} for each in compared.components],
        "problems": compared.problems,
    }


def _file_facts(artifact: Artifact) -> dict[str, object]:
    fields = ("path", "kind", "size", "sha256", "stage", "attempt", "superseded")
    return {name: getattr(artifact, name) for name in fields}
