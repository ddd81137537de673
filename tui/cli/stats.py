"""``espdeck stats``: how builds and checks go, for people, programs, tables and Prometheus."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import EspdeckError, UsageError
from engine.text import clean
from tui.cli import common
from tui.cli.command_line import Commands
from tui.cli.json_output import AsJson, print_json
from tui.presentation.metric_tables import check_rows, daemon_line, overview, project_lines

if TYPE_CHECKING:
    import uuid

    from engine import DaemonState, Engine, ProjectMetrics

cli = Commands()


@cli.command("stats")
def stats_command(
    context: typer.Context,
    project: Annotated[
        str | None, typer.Option(help="Only this project, with all that is known of it.")
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one row a build.")] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print metrics in Prometheus' text format.")
    ] = False,
) -> None:
    """Say how builds and checks go: success, durations, failures, flaky tests, sizes, trends."""
    if as_json + as_csv + prometheus > 1:
        raise UsageError("one form at a time: --json, --csv or --prometheus")
    if prometheus and project is not None:
        raise UsageError("--prometheus is of all projects: leave --project out")
    with common.open_engine(context) as engine:
        project_id = engine.projects.find(project).id if project is not None else None
        engine.metrics.catch_up()
        if as_csv:
            _print_csv(engine, project_id)
        elif prometheus:
            typer.echo(engine.metrics.prometheus(_daemon_state(engine)), nl=False)
        elif as_json:
            _print_json(engine, project_id)
        else:
            _print_text(engine, project_id)


def _daemon_state(engine: Engine) -> DaemonState | None:
    """What the daemon of the workspace says of itself, None where none answers."""
    from engine import ask_daemon, daemon_state, running_daemon

    workspace = engine.settings.workspace
    if running_daemon(workspace) is None:
        return None
    try:
        return daemon_state(ask_daemon(workspace, "status"))
    except EspdeckError as error:
        common.print_error(str(error))
        return None


def _print_text(engine: Engine, project_id: uuid.UUID | None) -> None:
    found = engine.metrics.projects(project_id)
    if project_id is not None:
        for line in project_lines(found[0]):
            common.print_line(line)
    elif found:
        common.table(*overview(found))
    else:
        common.print_line("no projects yet: espdeck add URL, or `a` in the app")
    checks = engine.metrics.checks(project_id)
    if checks:
        common.print_line("")
        common.table(*check_rows(checks))
    if project_id is None:
        common.print_line("")
        common.print_line(daemon_line(_daemon_state(engine)))


def _print_json(engine: Engine, project_id: uuid.UUID | None) -> None:
    from engine import check_fields

    for found in engine.metrics.projects(project_id):
        print_json(_project_fields(found))
    for check in engine.metrics.checks(project_id):
        print_json({"check": check.name} | check_fields(check))
    if project_id is None:
        health = engine.metrics.health(_daemon_state(engine))
        print_json({each: health[each] for each in ("daemon", "scheduler")})


def _project_fields(found: ProjectMetrics) -> dict[str, Any]:
    fields = asdict(found)
    for name in ("project_id", "name", "stats", "last"):
        del fields[name]
    fields["last_build"] = found.last.number if found.last else None
    for trend, row in zip(fields["trends"], found.trends, strict=True):
        trend["change"] = row.change
    return {"project": found.name} | found.stats.wire() | fields


def _print_csv(engine: Engine, project_id: uuid.UUID | None) -> None:
    writer = None
    for row in engine.metrics.rows(project_id):
        if writer is None:
            head = [csv_cell(column) for column in row]
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(head)
        writer.writerow(
            csv_cell(value) if isinstance(value, str) else value for value in row.values()
        )


def csv_cell(text: str) -> str:
    """A text that a spreadsheet takes for no formula: OWASP's way against CSV injection."""
    text = clean(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and text != "-" else text
