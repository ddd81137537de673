"""``espdeck workflow``, ``pipeline`` and ``task``: work for models, on the command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import Priority, RunStatus
from engine.text import count
from tui.cli.common import looking, number_of, print_line, settings_of, table
from tui.cli.follow import follow, printing
from tui.cli.summary import print_artifacts, print_findings, print_stages
from tui.presentation.units import tokens

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.tasks.request import TaskRequest
    from engine.tasks.state import TaskState

cli = typer.Typer()
workflow_cli = typer.Typer(help="Workflows: roles that models play, on a project or a text.")
pipeline_cli = typer.Typer(help="Step pipelines: files of questions to models.")
task_cli = typer.Typer(help="Tasks: workflows and pipelines that were run.")
cli.add_typer(workflow_cli, name="workflow")
cli.add_typer(pipeline_cli, name="pipeline")
cli.add_typer(task_cli, name="task")

MARK = "PLACEHOLDER: no model was asked"
"""What is said of a task that asked nobody."""

_Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
_Description = Annotated[str, typer.Option("--description", "-d", help="What is wanted.")]
_Context = Annotated[str, typer.Option(help="What else is to be known.")]
_Project = Annotated[str | None, typer.Option(help="A project's name, a Git URL or a path.")]
_Commit = Annotated[str | None, typer.Option(help="Commit, tag or branch of the project.")]
_Text = Annotated[
    str, typer.Option(help="Text that it is about, instead of a project or beside it; - reads it.")
]
_Path = Annotated[
    list[str] | None,
    typer.Option(help="File or folder of the repository that models see; may be given again."),
]
_Diff = Annotated[str, typer.Option(help="Show models what changed since this commit or branch.")]
_Model = Annotated[
    str, typer.Option(help="Model for every step: NAME of [llm.models.NAME], or placeholder.")
]
_Prio = Annotated[Priority | None, typer.Option(help="How urgent it is.")]
_Gate = Annotated[
    bool, typer.Option("--gate", help="Measure the result; what is blocked is revised.")
]
_Iterations = Annotated[
    int | None, typer.Option(min=0, max=10, help="Revisions when the gate does not pass.")
]


@workflow_cli.command("list")
def list_workflows(context: typer.Context, as_json: _Json = False) -> None:
    """List the workflows, and who takes part."""
    with looking(context) as engine:
        found, title = engine.tasks.workflows(), engine.tasks.title
        if as_json:
            for each in found:
                print_line(json.dumps(each.model_dump(mode="json", exclude={"steps"})))
            return
        table(
            ("WORKFLOW", "FOR", "STEPS"),
            [
                (each.id, each.about, ", ".join(title(step.roles[0]) for step in each.steps))
                for each in found
            ],
        )
        print_line("")
        table(
            ("SQUAD", "FOR", "ROLES"),
            [
                (each.id, each.about, ", ".join(map(title, each.roles)))
                for each in engine.tasks.squads()
            ],
        )


@workflow_cli.command("run")
def run_workflow(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which (see: espdeck workflow list).")],
    description: _Description = "",
    project: _Project = None,
    commit: _Commit = None,
    text: _Text = "",
    more: _Context = "",
    path: _Path = None,
    diff: _Diff = "",
    squad: Annotated[str, typer.Option(help="business, engineering, qa or full-stack.")] = "",
    model: _Model = "",
    priority: _Prio = None,
    gate: _Gate = False,
    max_iterations: _Iterations = None,
    as_json: _Json = False,
) -> None:
    """Run a workflow and follow it to its end."""
    from engine.tasks.request import TaskRequest
    from engine.tasks.roles import FULL

    order = TaskRequest(
        workflow=name,
        description=description,
        context=more,
        text=_read(text),
        commit=commit,
        paths=tuple(path or ()),
        diff=diff,
        squad=squad or FULL,
        model=model,
        priority=priority,
        gate=gate,
        max_iterations=max_iterations,
    )
    raise typer.Exit(_run(context, order, project, as_json=as_json))


@pipeline_cli.command("list")
def list_pipelines(
    context: typer.Context, project: _Project = None, as_json: _Json = False
) -> None:
    """List the step pipelines: shipped ones, your own, and a project's."""
    with looking(context) as engine:
        wanted = engine.projects.find_or_add(project).id if project else None
        found = engine.tasks.pipelines(wanted)
        if as_json:
            for each in found:
                kept = each.pipeline.model_dump(mode="json") if each.pipeline else None
                facts = {"file": each.file, "origin": each.origin, "problem": each.problem}
                print_line(json.dumps(facts | {"pipeline": kept}))
            return
        table(
            ("PIPELINE", "FROM", "STEPS", "FOR"),
            [
                (each.file, each.origin, str(len(each.pipeline.steps)), each.pipeline.description)
                if each.pipeline
                else (each.file, each.origin, "-", each.problem)
                for each in found
            ],
        )


@pipeline_cli.command("check")
def check_pipeline(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="A pipeline's file.")]
) -> None:
    """Say whether a pipeline's file makes sense, and what its steps wait for."""
    from engine.tasks.pipeline_library import from_file

    pipeline = from_file(file, settings_of(context).llm.models)
    steps = count(len(pipeline.steps), "step")
    metadata = pipeline.metadata
    until = f", until {metadata.deadline}" if metadata.deadline else ""
    print_line(f"{pipeline.name}: {steps}, {metadata.priority} priority{until}")
    print_line("")
    table(
        ("STEP", "ASKED", "WAITS FOR"),
        [
            (
                step.step_name,
                " as ".join(filter(None, (step.model_type, step.role))),
                ", ".join(step.needs or ()),
            )
            for step in pipeline.steps
        ],
    )


@pipeline_cli.command("run")
def run_pipeline(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A pipeline's file, or the name of a listed one.")],
    description: _Description = "",
    project: _Project = None,
    commit: _Commit = None,
    text: _Text = "",
    more: _Context = "",
    path: _Path = None,
    diff: _Diff = "",
    model: _Model = "",
    priority: _Prio = None,
    gate: _Gate = False,
    max_iterations: _Iterations = None,
    as_json: _Json = False,
) -> None:
    """Run a step pipeline and follow it to its end."""
    from engine.tasks.request import TaskRequest

    order = TaskRequest(
        description=description,
        context=more,
        text=_read(text),
        commit=commit,
        paths=tuple(path or ()),
        diff=diff,
        model=model,
        priority=priority,
        gate=gate,
        max_iterations=max_iterations,
    )
    raise typer.Exit(_run(context, order, project, file, as_json=as_json))


@task_cli.command("list")
def list_tasks(
    context: typer.Context,
    status: Annotated[RunStatus | None, typer.Option(help="Only tasks that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List tasks, newest first."""
    with looking(context) as engine:
        found = engine.tasks.list(status=status, limit=limit)
        if as_json:
            for each in found:
                print_line(json.dumps(_facts(each)))
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
        )


@task_cli.command("show")
def show_task(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Number of the task.")],
    as_json: _Json = False,
) -> None:
    """Show a task: what was asked, its steps, what models took, what was made."""
    number = number_of(task)
    with looking(context) as engine:
        state = engine.tasks.state(number)
        if not as_json:
            _summarise(engine, number)
            return
        summary = asdict(engine.tasks.summary(number))
        kept = [each.model_dump(mode="json") for each in engine.tasks.artifacts(number)]
        folder = state.run.artifacts_path
        print_line(
            json.dumps(_facts(state) | {"summary": summary, "artifacts": kept, "folder": folder})
        )


def _run(
    context: typer.Context,
    order: TaskRequest,
    project: str | None,
    pipeline: str = "",
    *,
    as_json: bool,
) -> int:
    """Run an order and print what happens; ``pipeline`` is a file, or the name of one."""
    with printing(settings_of(context), as_json=as_json) as (engine, printer):
        if project is not None:
            order = replace(order, project_id=engine.projects.find_or_add(project).id)
        if pipeline:
            found = engine.tasks.pipeline(pipeline, order.project_id, order.commit)
            order = replace(order, pipeline=found)
        build = engine.tasks.start(order)
        code = follow(engine.tasks, build.number, printer)
        if not as_json:
            printer.close()
            _summarise(engine, build.number)
    return code


def _summarise(engine: Engine, number: int) -> None:
    state, summary = engine.tasks.state(number), engine.tasks.summary(number)
    build = state.run
    took = f" in {build.duration:.1f} s" if build.duration is not None else ""
    about = f" on {state.project} at {build.commit_sha[:10]}" if state.project else ""
    print_line("")
    print_line(f"task #{number}, {state.title}{about}: {build.status}{took}")
    if state.metrics.placeholder:
        print_line(f"  {MARK}")
    for line in filter(None, (build.error, state.result)):
        print_line(f"  {line}")
    if state.order.description:
        print_line(f"  asked: {' '.join(state.order.description.split())[:200]}")
    pipeline = state.order.pipeline
    if pipeline is not None and pipeline.metadata.deadline:
        print_line(f"  until: {pipeline.metadata.deadline}")
    steps = count(summary.total, "step")
    print_line(f"  {steps}: {summary.successful} successful, {summary.failed} failed")
    print_line(f"  {_took(state)}")
    print_line("")
    print_stages(engine.tasks.stages(number))
    print_findings(engine.tasks, number)
    print_artifacts(engine.tasks, number)


def _took(state: TaskState) -> str:
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
    build, order = state.run, state.order
    times = {
        name: at.isoformat() if at else None
        for name, at in (
            ("created_at", build.created_at),
            ("started_at", build.started_at),
            ("completed_at", build.completed_at),
        )
    }
    return {
        "task": build.number,
        "name": state.name,
        "title": state.title,
        "project": state.project,
        "commit": build.commit_sha,
        "description": order.description,
        "context": order.context,
        "squad": order.squad,
        "model": order.model,
        "gate": order.gate,
        "max_iterations": order.max_iterations,
        "paths": order.paths,
        "diff": order.diff,
        "priority": state.priority,
        "status": build.status,
        "progress": state.progress,
        "step": state.step,
        "agents": state.agents,
        "metrics": asdict(state.metrics),
        "result": state.result,
        "error": build.error,
        "duration": build.duration,
        **times,
    }


def _read(text: str) -> str:
    """A text, or that of standard input; one that is too long is not read to its end.

    Raises:
        UsageError: it is too long.
    """
    from engine.errors import UsageError
    from engine.tasks.request import MAX_MATERIAL_CHARACTERS

    if text != "-":
        return text
    most = 4 * MAX_MATERIAL_CHARACTERS  # bytes of that many characters
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise UsageError(
            f"standard input: more than {MAX_MATERIAL_CHARACTERS} characters are not accepted"
        )
    return data.decode("utf-8", "replace")
