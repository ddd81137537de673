"""``espdeck task``: lists and shows tasks, which are workflows and pipelines that were run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import RunStatus
from engine.errors import UsageError
from engine.text import count
from tui.cli import change_sets
from tui.cli.cancel import cancel_each
from tui.cli.command_line import Commands
from tui.cli.common import load_settings, open_engine, print_line, run_number, table
from tui.cli.follow import follow, printing
from tui.cli.json_output import AsJson, print_json
from tui.cli.summary import print_artifacts, print_findings, print_stages
from tui.presentation.units import tokens

if TYPE_CHECKING:
    from engine import Engine, TaskState

cli = Commands()
task_cli = Commands(help="Tasks: workflows and pipelines that were run.")
cli.add_typer(task_cli, name="task")

PLACEHOLDER_MARK = "PLACEHOLDER: no model was asked"
"""Line that marks a task whose answers are the placeholder's."""


@task_cli.command("list")
def list_tasks(
    context: typer.Context,
    status: Annotated[RunStatus | None, typer.Option(help="Only tasks with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first."""
    with open_engine(context) as engine:
        found = engine.tasks.list(status=[status] if status else (), limit=limit)
        if as_json:
            for each in found:
                print_json(_facts(each))
            return
        table(
            ("TASK", "WHAT", "PROJECT", "PRIORITY", "STATUS", "DONE", "TIME", "RESULT"),
            [
                (
                    f"#{each.run.number}",
                    each.title,
                    each.project,
                    each.priority,
                    each.run.status,
                    f"{each.progress:.0f} %",
                    f"{each.run.duration:.1f} s" if each.run.duration is not None else "",
                    each.run.error or each.result or each.step,
                )
                for each in found
            ],
            empty="no task matches" if status else "no tasks yet: espdeck workflow run",
        )


@task_cli.command("show")
def show_task(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Number of the task.")],
    as_json: AsJson = False,
) -> None:
    """Show a task: what was asked, its steps, what models took, what was made."""
    number = run_number(task)
    with open_engine(context) as engine:
        state = engine.tasks.state(number)
        if not as_json:
            print_task(engine, number)
            return
        summary = asdict(engine.tasks.summary(number))
        kept = list(engine.tasks.artifacts(number))
        folder = state.run.artifacts_path
        print_json(_facts(state), summary=summary, artifacts=kept, folder=folder)


@task_cli.command("diff")
def diff_task(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Number of the task.")],
    as_json: AsJson = False,
) -> None:
    """Show what a task changed of its project."""
    number = run_number(task)
    with open_engine(context) as engine:
        commands = f"espdeck task apply {number}, with --export FILE, or with --discard"
        change_sets.show(engine.task_changes, number, commands, as_json=as_json)


@task_cli.command("apply")
def apply_task(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Number of a task that has ended.")],
    export: Annotated[
        Path | None, typer.Option("--export", help="Write it into this file instead.")
    ] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Put it aside instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Commit what a task changed on the branch espdeck/task-TASK of the project's clone."""
    if export is not None and discard:
        raise UsageError("one of --export and --discard at a time")
    number = run_number(task)
    with open_engine(context) as engine:
        if export is not None:
            change_sets.export(engine.task_changes, number, export)
        elif discard:
            change_sets.discard(engine.task_changes, number, as_json=as_json)
        else:
            change_sets.commit(engine.task_changes, number, as_json=as_json)


@task_cli.command("cancel")
def cancel_tasks(
    context: typer.Context,
    tasks: Annotated[list[str], typer.Argument(help="Numbers of tasks.")],
    as_json: AsJson = False,
) -> None:
    """Cancel tasks that wait or run."""
    with open_engine(context) as engine:
        for run in cancel_each(engine.tasks, tasks):
            if as_json:
                print_json(_facts(engine.tasks.state(run.number)))
            else:
                print_line(f"task {run.number}: {run.status}")


@task_cli.command("retry")
def retry_task(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Number of a task that has ended.")],
    stage: Annotated[
        str | None, typer.Option(help="Begin at this step (see: espdeck task show). [default: all]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a task again, on the same commit; follow it to its end."""
    number = run_number(task)
    with printing(load_settings(context), as_json=as_json) as (engine, printer):
        engine.tasks.retry(number, engine.tasks.stage_named(number, stage) if stage else None)
        code = follow(engine.tasks, number, printer)
        if not as_json:
            printer.close()
            print_task(engine, number)
    raise typer.Exit(code)


def print_task(engine: Engine, number: int) -> None:
    """Print how a task went: its request, its steps, what models took, what was made."""
    state, summary = engine.tasks.state(number), engine.tasks.summary(number)
    run = state.run
    seconds = f" in {run.duration:.1f} s" if run.duration is not None else ""
    about = f" on {state.project} at {run.commit_sha[:10]}" if state.project else ""
    print_line("")
    verdict = f", {run.verdict}" if run.verdict else ""
    print_line(f"task #{number}, {state.title}{about}: {run.status}{verdict}{seconds}")
    if state.metrics.placeholder:
        print_line(f"  {PLACEHOLDER_MARK}")
    for line in filter(None, (run.error, state.result)):
        print_line(f"  {line}")
    if state.order.description:
        print_line(f"  asked: {' '.join(state.order.description.split())[:200]}")
    pipeline = state.order.pipeline
    if pipeline is not None and pipeline.metadata.deadline:
        print_line(f"  until: {pipeline.metadata.deadline}")
    steps = count(summary.total, "step")
    if run.asked_by:
        print_line(f"  asked for by {run.asked_by}")
    print_line(f"  {steps}: {summary.successful} successful, {summary.failed} failed")
    print_line(f"  {_usage(state)}")
    print_line("")
    print_stages(engine.tasks.stages(number))
    print_findings(engine.tasks, number)
    changes = engine.task_changes.of(number)
    if changes is not None:
        print_line("")
        what = f"changes {count(len(changes.files), 'file')} ({changes.state})"
        print_line(f"{what}: espdeck task diff {number} shows them")
        if changes.state == "open":
            print_line(f"espdeck task apply {number} commits them on {changes.branch}")
        elif changes.fetch:
            print_line(f"to get it: {changes.fetch}")
    print_artifacts(engine.tasks, number)
    if page := engine.tasks.page(number):
        print_line("")
        for line in page.rstrip("\n").split("\n"):
            print_line(line)


def _usage(state: TaskState) -> str:
    """What models were asked, in a line."""
    metrics = state.metrics
    if not metrics.models:
        return "no model answered"
    cost = f", cost {metrics.cost:g}" if metrics.cost is not None else ""
    return (
        f"{count(metrics.answers, 'answer')} of {', '.join(metrics.models)}: "
        f"{tokens(metrics.tokens_in, metrics.tokens_out)}, "
        f"{metrics.seconds:.1f} s{cost}"
    )


def _facts(state: TaskState) -> dict[str, Any]:
    """A task as JSON: what was asked, how it stands, what came of it."""
    run, order = state.run, state.order
    return {
        "task": run.number,
        "name": state.name,
        "title": state.title,
        "project": state.project,
        "commit": run.commit_sha,
        "description": order.description,
        "context": order.context,
        "squad": order.squad,
        "model": order.model,
        "gate": order.gate,
        "max_iterations": order.max_iterations,
        "paths": order.paths,
        "diff": order.diff,
        "priority": state.priority,
        "status": run.status,
        "verdict": run.verdict,
        "progress": state.progress,
        "step": state.step,
        "agents": state.agents,
        "metrics": asdict(state.metrics),
        "result": state.result,
        "error": run.error,
        "duration": run.duration,
        "asked_by": run.asked_by,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
    }
