"""``espdeck workflow`` and ``pipeline``: lists them, and runs them as tasks for models."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import Priority, TaskVerdict
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import load_settings, open_engine, print_line, table
from tui.cli.exit_codes import SUCCESS, WARNING
from tui.cli.follow import follow, printing
from tui.cli.json_output import AsJson, print_json
from tui.cli.tasks import print_task

if TYPE_CHECKING:
    from engine import TaskRequest

cli = Commands()
workflow_cli = Commands(help="Workflows: roles that models play, on a project or a text.")
pipeline_cli = Commands(help="Step pipelines: files of questions to models.")
cli.add_typer(workflow_cli, name="workflow")
cli.add_typer(pipeline_cli, name="pipeline")

_Project = Annotated[str | None, typer.Option(help="A project's name, a Git URL or a path.")]


@dataclass(frozen=True, slots=True)
class _TaskOptions:
    """What `workflow run` and `pipeline run` take alike: a request, and the project it names."""

    request: TaskRequest
    project: str | None


def _task_options(
    description: Annotated[str, typer.Option("--description", "-d", help="What is wanted.")] = "",
    project: _Project = None,
    commit: Annotated[
        str | None, typer.Option(help="Commit, tag or branch of the project.")
    ] = None,
    text: Annotated[
        str,
        typer.Option(help="Text that it is about, instead of a project or beside it; - reads it."),
    ] = "",
    more: Annotated[str, typer.Option("--more", help="What else is to be known.")] = "",
    path: Annotated[
        list[str] | None,
        typer.Option(help="File or folder of the repository that models see; may be given again."),
    ] = None,
    diff: Annotated[
        str, typer.Option(help="Show models what changed since this commit or branch.")
    ] = "",
    model: Annotated[
        str,
        typer.Option(help="Model for every step: NAME of [llm.models.NAME], or placeholder."),
    ] = "",
    priority: Annotated[Priority | None, typer.Option(help="How urgent it is.")] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Measure the result; what is blocked is revised.")
    ] = False,
    max_iterations: Annotated[
        int | None,
        typer.Option(min=0, max=10, help="Revisions of each step whose change fails."),
    ] = None,
) -> _TaskOptions:
    """Make a request of the options that `workflow run` and `pipeline run` take alike."""
    from engine import TaskRequest

    request = TaskRequest(
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
    return _TaskOptions(request, project)


def _with_task_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :func:`_task_options`, which come to it as ``options``."""
    shared = inspect.signature(_task_options, eval_str=True).parameters
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    own = [each for each in parameters if each.name != "options"]
    arguments = [each for each in own if each.default is each.empty]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = _task_options(**{name: given.pop(name) for name in shared})
        command(options=options, **given)

    # Typer reads these, not what was wrapped.
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined] # any function has one
        [*arguments, *shared.values(), *own[len(arguments) :]]
    )
    run.__annotations__ = {}
    return run


@workflow_cli.command("list")
def list_workflows(context: typer.Context, as_json: AsJson = False) -> None:
    """List the workflows, and who takes part."""
    with open_engine(context) as engine:
        found, title = engine.tasks.workflows(), engine.tasks.title
        if as_json:
            for each in found:
                print_json(each.model_dump(mode="json", exclude={"steps"}))
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
@_with_task_options
def run_workflow(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which (see: espdeck workflow list).")],
    options: _TaskOptions,
    squad: Annotated[str, typer.Option(help="business, engineering, qa or full-stack.")] = "",
    board: Annotated[
        str, typer.Option(help="Board to try changes on: auto, a name or port, or none.")
    ] = "none",
    as_json: AsJson = False,
) -> None:
    """Run a workflow and follow it to its end."""
    request = replace(options.request, workflow=name, board=board)
    if squad:
        request = replace(request, squad=squad)
    raise typer.Exit(_run(context, request, options.project, as_json=as_json))


@pipeline_cli.command("list")
def list_pipelines(
    context: typer.Context, project: _Project = None, as_json: AsJson = False
) -> None:
    """List the step pipelines: shipped ones, your own, and a project's."""
    with open_engine(context) as engine:
        wanted = engine.projects.find_or_add(project).id if project else None
        found = engine.tasks.pipelines(wanted)
        if as_json:
            for each in found:
                kept = each.pipeline.model_dump(mode="json") if each.pipeline else None
                facts = {"file": each.file, "origin": each.origin, "problem": each.problem}
                print_json(facts | {"pipeline": kept})
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
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A pipeline's file.")],
    as_json: AsJson = False,
) -> None:
    """Check a pipeline's file, and show what its steps wait for."""
    from engine import read_pipeline_file

    pipeline = read_pipeline_file(file, load_settings(context).llm.models)
    if as_json:
        print_json(pipeline)
        return
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
@_with_task_options
def run_pipeline(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A pipeline's file, or the name of a listed one.")],
    options: _TaskOptions,
    as_json: AsJson = False,
) -> None:
    """Run a step pipeline and follow it to its end."""
    raise typer.Exit(_run(context, options.request, options.project, file, as_json=as_json))


def _run(
    context: typer.Context,
    request: TaskRequest,
    project: str | None,
    pipeline: str = "",
    *,
    as_json: bool,
) -> int:
    """Run a task and print what happens.

    Args:
        project: the name, URL or path of the project that it is about.
        pipeline: a step pipeline's file, or the name of a listed one; empty for a workflow.
        as_json: JSON, one event a line, instead of lines for people.

    Returns:
        The exit code.
    """
    with printing(load_settings(context), as_json=as_json) as (engine, printer):
        if project is not None:
            request = replace(request, project_id=engine.projects.find_or_add(project).id)
        if pipeline:
            found = engine.tasks.pipeline(pipeline, request.project_id, request.commit)
            request = replace(request, pipeline=found)
        run = engine.tasks.start(request)
        code = follow(engine.tasks, run.number, printer)
        verdict = engine.tasks.get(run.number).verdict
        if code == SUCCESS and verdict not in ("", TaskVerdict.PROVED):
            code = WARNING
        if not as_json:
            printer.close()
            print_task(engine, run.number)
    return code


def _read(text: str) -> str:
    """A text, or what standard input has where it is ``-``.

    Raises:
        UsageError: it is too long.
    """
    from engine import MAX_MATERIAL_CHARACTERS
    from engine.errors import UsageError

    if text != "-":
        return text
    most = 4 * MAX_MATERIAL_CHARACTERS  # bytes of that many characters
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise UsageError(
            f"standard input: more than {MAX_MATERIAL_CHARACTERS} characters are not accepted"
        )
    return data.decode("utf-8", "replace")
