"""``espdeck task``: lists and shows tasks, which are workflows and pipelines that were run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import RunStatus
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, run_number, table
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


def print_task(engine: Engine, number: int) -> None:
    """Print how a task went: its request, its steps, what models took, what was made."""
    state, summary = engine.tasks.state(number), engine.tasks.summary(number)
    run = state.run
    seconds = f" in {run.duration:.1f} s" if run.duration is not None else ""
    about = f" on {state.project} at {run.commit_sha[:10]}" if state.project else ""
    print_line("")
    print_line(f"task #{number}, {state.title}{about}: {run.status}{seconds}")
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
    print_artifacts(engine.tasks, number)


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
