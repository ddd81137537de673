"""``espdeck checks``: how projects are; ``espdeck check``: look now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import CheckStatus
from engine.errors import UsageError
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, table
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import open_lab
from tui.presentation.check_details import detail_lines
from tui.presentation.units import day_and_clock, period, span

if TYPE_CHECKING:
    from engine import CheckCell, CheckResultRow, Engine, Project
    from tui.remote.lab import RemoteLab

cli = Commands()
checks = Commands(help="How projects are: results of checks, and when checks run.")
cli.add_typer(checks, name="checks", invoke_without_command=True)

EXIT_CODES = {CheckStatus.SUCCESS: 0, CheckStatus.ERROR: 1, CheckStatus.WARNING: 3}
"""Exit codes of ``espdeck check``; 2 is a mistake of usage, as everywhere."""

_Project = Annotated[str | None, typer.Option("--project", help="Only this project.")]


@cli.command()
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which check, such as doc_check.")],
    project: _Project = None,
    as_json: AsJson = False,
) -> None:
    """Run a check now. Exit code 0 is success, 1 error, 3 warning: the worst of all projects."""
    with open_lab(context) as engine:
        engine.checks.get(name)
        worst = 0
        for each in _projects(engine, project):
            result = engine.checks.run(name, each.id)
            worst = max(worst, EXIT_CODES[result.status], key=_rank)
            if as_json:
                print_json(as_dict(result, each))
            else:
                print_line(f"{result.status} {each.name}: {result.message}")
                for line in detail_lines(result.details):
                    print_line(f"  {line}")
    raise typer.Exit(worst)


@checks.callback()
def list_checks(context: typer.Context, project: _Project = None, as_json: AsJson = False) -> None:
    """List every check of every project: how it is, since when, and when it runs next."""
    if context.invoked_subcommand is not None:
        return
    with open_lab(context) as engine:
        wanted = engine.projects.get(project).id if project else None
        cells = [
            cell
            for cell in engine.checks.matrix()
            if wanted is None or (cell.project is not None and cell.project.id == wanted)
        ]
        if as_json:
            for cell in cells:
                print_json(_cell_dict(cell))
            return
        now = datetime.now(UTC)
        head = ("PROJECT", "CHECK", "STATUS", "AGE", "NEXT", "MESSAGE")
        table(head, [_row(cell, now) for cell in cells])
        for found in engine.checks.list():
            if found.problem:
                print_line(f"{found.name}: {found.problem}")


@checks.command()
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which check, such as doc_check.")],
    project: _Project = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many results.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List earlier results of a check, the newest first."""
    with open_engine(context) as engine:
        engine.checks.get(name)
        for each in _projects(engine, project):
            for result in engine.checks.history(name, each.id, limit=limit):
                if as_json:
                    print_json(as_dict(result, each))
                else:
                    when = day_and_clock(result.timestamp)
                    print_line(f"{when} {each.name} {result.status}: {result.message}")


@checks.command("set")
def set_check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which check, such as doc_check.")],
    project: Annotated[
        str | None, typer.Option("--project", help="For this project alone.")
    ] = None,
    interval: Annotated[
        float | None, typer.Option("--interval", help="Minutes between two runs.")
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether it runs by itself.")
    ] = None,
) -> None:
    """Say when a check runs; it is written into the settings file, and in force at once."""
    if interval is None and enabled is None:
        raise UsageError("nothing to set: --interval MINUTES, --on or --off")
    with open_engine(context) as engine:
        of = engine.projects.get(project).name if project else ""
        engine.checks.configure(name, of, enabled=enabled, interval=interval)
        plans = {cell.plan for cell in engine.checks.matrix() if _is_of(cell, name, of)}
    for plan in plans:
        state = f"every {period(plan.interval)}" if plan.enabled else "off"
        print_line(f"{name}{f' of {of}' if of else ''}: {state}")


def _is_of(cell: CheckCell, name: str, project: str) -> bool:
    of = cell.project.name if cell.project is not None else ""
    return cell.check.name == name and project in ("", of)


def as_dict(result: CheckResultRow, project: Project | None) -> dict[str, Any]:
    """A result as programs know it."""
    return {
        "check_name": result.check_name,
        "project": project.name if project else "",
        "status": result.status,
        "message": result.message,
        "details": result.details,
        "timestamp": result.timestamp,
        "duration_seconds": result.duration_seconds,
        "confirmed_at": result.confirmed_at,
        "triggered_by": result.triggered_by,
    }


def _projects(engine: Engine | RemoteLab, name: str | None) -> list[Project]:
    projects = [engine.projects.get(name)] if name else list(engine.projects.list())
    if not projects:
        raise UsageError("there is no project: espdeck add REPOSITORY")
    return projects


def _rank(code: int) -> int:
    return list(EXIT_CODES.values()).index(code) if code in (0, 3) else len(EXIT_CODES)


def _cell_dict(cell: CheckCell) -> dict[str, Any]:
    said: dict[str, Any] = {
        "check_name": cell.check.name,
        "project": cell.project.name if cell.project else "",
        "enabled": cell.plan.enabled,
        "interval_minutes": cell.plan.interval,
        "next_at": cell.next_at,
        "problem": cell.check.problem,
    }
    return said | (as_dict(cell.result, cell.project) if cell.result else {"status": None})


def _row(cell: CheckCell, now: datetime) -> tuple[str, ...]:
    result = cell.result
    age = span((now - result.confirmed_at).total_seconds()) if result else "-"
    next_at = "off"
    if cell.next_at is not None:
        left = (cell.next_at - now).total_seconds()
        next_at = f"in {span(left)}" if left > 0 else "now"
    status = result.status if result else "-"
    project = cell.project.name if cell.project else "(lab)"
    return (project, cell.check.name, status, age, next_at, result.message if result else "")
