"""Workflows: what models can be asked for, the tasks that there were, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from engine.enums import RunKind, RunStatus
from engine.errors import EspdeckError
from engine.events import Event, RunChanged, RunProgress
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.columns import Cell, Column, Table, fit_columns, longest
from tui.presentation.labels import ended_reason, not_ended_reason
from tui.presentation.units import ago
from tui.screens.task import PLACEHOLDER, TaskScreen, describe_metrics
from tui.screens.two_lists import TwoListScreen
from tui.theme import RUN_COLOURS
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import PipelineEntry, Tasks, TaskState, Workflow

_TASK = (
    Column("state", 11),
    Column("task", 7, 4),
    Column("took", 8, 6, rank=2, right=True),
    Column("asked", 10, rank=4),
    Column("workflow", 36, 12),
    Column("project", 16, 10, rank=1),
    Column("result", 200, 16, rank=3, grows=True),
)
"""What a task's row says."""

_NO_TASKS = " no tasks yet: press h, choose, and press enter"

_PAGE_TASKS = 200
"""Tasks that are loaded at once."""


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """What a task can be made of: a workflow, or a pipeline from a file."""

    workflow: Workflow | None = None
    entry: PipelineEntry | None = None

    @property
    def key(self) -> str:
        """An id that no other has."""
        if self.workflow is not None:
            return self.workflow.id
        assert self.entry is not None
        return f"{self.entry.origin}:{self.entry.file}"

    @property
    def title(self) -> str:
        """Its name for people."""
        if self.workflow is not None:
            return self.workflow.title
        assert self.entry is not None
        pipeline = self.entry.pipeline
        return pipeline.name if pipeline is not None else PurePath(self.entry.file).name

    @property
    def about(self) -> str:
        """Its result in a line; of a file that cannot be read, what is wrong."""
        if self.workflow is not None:
            return self.workflow.about
        assert self.entry is not None
        if self.entry.pipeline is None:
            return self.entry.problem
        return self.entry.pipeline.description.strip().partition("\n")[0]

    @property
    def problem(self) -> str:
        """Why it cannot be asked for."""
        return self.entry.problem if self.entry is not None else ""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of its steps."""
        if self.workflow is not None:
            return tuple(step.name for step in self.workflow.steps)
        if self.entry is not None and self.entry.pipeline is not None:
            return tuple(step.step_name for step in self.entry.pipeline.steps)
        return ()


class WorkflowsScreen(TwoListScreen):
    """Workflows and pipelines left, tasks right, details below."""

    WHERE: ClassVar[Where] = Where.WORKFLOWS
    RESTS: ClassVar[bool] = True

    def __init__(self, project_id: UUID | None) -> None:
        """Make a screen.

        Args:
            project_id: the project that is chosen at home: its pipelines are listed, and it stands
                in the form.
        """
        self._project_id = project_id
        self._templates: RowList[TaskTemplate] = RowList(
            draw=self._draw_template,
            key=lambda template: template.key,
            empty=" loading",
            id="templates",
        )
        self._tasks: RowList[TaskState] = RowList(
            draw=self._draw_task,
            key=lambda task: task.run.number,
            empty=_NO_TASKS,
            head=lambda width: [(" ", ""), *self._task_table(width).head()],
            id="tasks",
        )
        self._templates.title, self._tasks.title = " workflows", " tasks"
        super().__init__(self._templates, self._tasks, "filter: name, project, status, text")
        self._doing: dict[int, str] = {}
        self._progress: dict[int, float] = {}
        self._wanted: dict[str, int] = {}
        self._more = True
        self._loads = 0
        self._is_loading_more = False
        self._stale = False
        self._started: int | None = None

    @property
    def tasks(self) -> Tasks:
        """The tasks."""
        return self.engine.tasks

    def on_mount(self) -> None:
        """Show what can be asked for, and what was."""

        def read() -> tuple[list[TaskTemplate], str]:
            problem = ""
            try:
                entries = self.tasks.pipelines(self._project_id)
            except EspdeckError as error:
                entries, problem = self.tasks.pipelines(), str(error)
            templates = [TaskTemplate(workflow=each) for each in self.tasks.workflows()]
            return [*templates, *(TaskTemplate(entry=each) for each in entries)], problem

        def show(found: tuple[list[TaskTemplate], str]) -> None:
            templates, problem = found
            self._templates.fill(templates, empty=" nothing")
            self._show_details()
            if problem:
                self.show_error(f"no pipelines of the project: {problem}")

        self.in_thread(read, show)
        self._load_right()

    def on_screen_resume(self) -> None:
        """Load all anew: things may have changed meanwhile."""
        self._stale = True

    def list_actions(self) -> Sequence[Action]:
        """Actions on what can be asked for and on the chosen task."""
        return [
            *super().list_actions(),
            self.action("open", self._open_chosen, self._cannot_open),
            self.action("describe", self._describe, self._no_template),
            self.action("cancel", self._cancel_task, self._no_task, self._has_ended),
            self.action("retry", self._retry_task, self._no_task, self._has_not_ended),
            self.action("filter", self.open_filter),
            self.action("back", self.app.pop_screen),
        ]

    def _no_template(self) -> str | None:
        return "no workflow is chosen" if self._templates.item is None else None

    def _no_task(self) -> str | None:
        return "no tasks yet: press enter on a workflow" if self._tasks.item is None else None

    def _cannot_open(self) -> str | None:
        if self._tasks.has_focus:
            return self._no_task()
        template = self._templates.item
        if template is not None and template.problem:
            return f"it cannot be read: {template.problem}"
        return self._no_template()

    def _has_ended(self) -> str | None:
        run = self._chosen_task.run
        return ended_reason("task", run.number, run.status)

    def _has_not_ended(self) -> str | None:
        run = self._chosen_task.run
        return not_ended_reason("task", run.number, run.status)

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load what changed, once."""
        for event in events:
            match event:
                case RunProgress():
                    self._progress[event.run_id] = event.percent
                    self._doing[event.run_id] = event.message
                    self._tasks.refresh()
                case RunChanged() if event.run is RunKind.TASK:
                    self._stale = True
                case _:
                    pass
        if self._stale:
            self._stale = False
            self._load_right()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show other details; load more tasks near the last one."""
        if (
            message.rows is self._tasks
            and self._tasks.at_end
            and self._more
            and not self._is_loading_more
        ):
            self._load_right(more=True)
        self._show_details()
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Open it on a double click."""
        self.action_do("open")

    def on_descendant_focus(self) -> None:
        """Show details of the list that has the focus."""
        self._show_details()

    def escape(self) -> None:
        """Close the filter, and all that it hides comes back; else the screen."""
        if self._filter.display:
            super().escape()
        else:
            self.app.pop_screen()

    @property
    def _chosen_task(self) -> TaskState:
        """The chosen task: actions that need one are disabled without."""
        task = self._tasks.item
        assert task is not None
        return task

    def _open_chosen(self) -> None:
        """Ask for what is chosen; open a task."""
        from tui.screens.task_form import TaskForm

        if self._tasks.has_focus and self._tasks.item is not None:
            self.app.push_screen(TaskScreen(self._tasks.item.run.number))
            return
        template = self._templates.item
        assert template is not None

        def started(number: int | None) -> None:
            if number is not None:
                self._started = number
                self.app.push_screen(TaskScreen(number))

        self.app.push_screen(TaskForm(template.workflow, template.entry, self._project_id), started)

    def _describe(self) -> None:
        """Show who does what in it."""
        from tui.screens.reader import FilePreview

        template = self._templates.item
        assert template is not None

        def show(text: str) -> None:
            self.app.push_screen(FilePreview(template.title, text, "about.md"))

        self.in_thread(lambda: _description_of(template, self.tasks), show, opens=True)

    def _cancel_task(self) -> None:
        """Cancel the task."""
        number = self._chosen_task.run.number
        self.in_thread(lambda: self.tasks.cancel(number))

    def _retry_task(self) -> None:
        """Run the task again, and show it."""
        number = self._chosen_task.run.number

        def show(_task: object) -> None:
            self.app.push_screen(TaskScreen(number))

        self.in_thread(lambda: self.tasks.retry(number), show, opens=True)

    def _load_right(self, *, more: bool = False) -> None:
        text = self._filter.value.strip()
        before = self._tasks.items[-1].run.number if more and self._tasks.items else None
        limit = _PAGE_TASKS if more else max(_PAGE_TASKS, len(self._tasks.items))
        self._is_loading_more = more
        self._loads += not more
        number = self._loads

        def show(tasks: Sequence[TaskState]) -> None:
            if self._filter.value.strip() != text or number != self._loads:
                return  # it is filtered, or loaded anew
            self._is_loading_more = False
            self._more = len(tasks) >= limit
            items = [*self._tasks.items, *tasks] if more else list(tasks)
            self._tasks.title = f" tasks {len(items)}{'+' if self._more else ''}"
            self._wanted = {
                "task": max(len("task"), longest(f"#{each.run.number}" for each in items)),
                "workflow": longest(
                    f"{'placeholder ' if each.metrics.placeholder else ''}{each.title}"
                    for each in items
                ),
                "project": longest(each.project for each in items),
            }
            self._tasks.fill(items, empty=f" no task has {text!r}" if text else _NO_TASKS)
            if any(each.run.number == self._started for each in items):
                self._tasks.select(self._started)
                self._started = None
            self._show_details()
            self._bar.refresh()

        self.in_thread(lambda: self.tasks.list(text=text, limit=limit, before=before), show)

    def _show_details(self) -> None:
        if self._tasks.has_focus and self._tasks.item is not None:
            self._details.show(_details_of_task(self._tasks.item))
        elif self._templates.item is not None:
            self._details.show(_details_of_template(self._templates.item))

    def _draw_template(self, template: TaskTemplate, _width: int) -> Parts:
        if template.problem:
            return [(f" {self.app.glyphs.state('error')} ", "bad"), (template.title, "dim")]
        mark = f" {self.app.glyphs.arrow} " if template.entry is not None else "   "
        return [(mark, "note"), (template.title, "")]

    def _draw_task(self, task: TaskState, width: int) -> Parts:
        run = task.run
        status = RunStatus(run.status)
        time = f"{run.duration:.1f} s" if run.duration is not None else ""
        if status is RunStatus.RUNNING and run.number in self._progress:
            time = f"{self._progress[run.number]:.0f} %"
        doing = self._doing.get(run.number, task.step) if not status.is_final else ""
        said = run.error or task.result or doing
        warning = [("placeholder ", "busy")] if task.metrics.placeholder else []
        cells: list[Cell] = [
            [(f"{self.app.glyphs.state(status)} {status}", RUN_COLOURS.get(status, "dim"))],
            [(f"#{run.number}", "")],
            [(time, "dim")],
            [(ago(run.created_at), "dim")],
            [*warning, (task.title, "")],
            [(task.project, "note")],
            [(said, "dim")],
        ]
        return [(" ", ""), *self._task_table(width).row(cells)]

    def _task_table(self, width: int) -> Table:
        return fit_columns(_TASK, width - 1, self.app.glyphs.cut, self._wanted)


def _details_of_template(template: TaskTemplate) -> list[tuple[str, str]]:
    entry = template.entry
    where = f"{entry.origin}: {entry.file}" if entry is not None else "shipped"
    return [
        ("about", template.about),
        ("steps", ", ".join(template.steps) or "none"),
        ("from", where),
    ]


def _details_of_task(task: TaskState) -> list[tuple[str, str]]:
    asked = " ".join(task.order.description.split())
    warning = f"{PLACEHOLDER}  " if task.metrics.placeholder else ""
    took = f", {task.run.duration:.1f} s" if task.run.duration is not None else ""
    return [
        ("asked", asked or "no description"),
        ("squad", f"{task.order.squad}, priority {task.priority}"),
        ("models", f"{warning}{describe_metrics(task.metrics) or 'none yet'}"),
        ("status", f"{task.run.status}{took}{': ' + task.step if task.step else ''}"),
        ("result", task.run.error or task.result or "none yet"),
    ]


def _description_of(template: TaskTemplate, tasks: Tasks) -> str:
    """A template with the prompts of its steps, as Markdown; in a thread."""
    lines = [template.about, ""]
    if template.workflow is not None:
        for number, step in enumerate(template.workflow.steps, 1):
            who = ", or ".join(tasks.title(role) for role in step.roles)
            after = f" (after {', '.join(step.needs)})" if step.needs else ""
            lines += [f"## {number}. {step.name}", "", f"*{who}*{after}", "", step.prompt, ""]
    elif template.entry is not None and template.entry.pipeline is not None:
        for number, each in enumerate(template.entry.pipeline.steps, 1):
            who = " ".join(part for part in (each.role, each.model_type) if part)
            after = f" (after {', '.join(each.needs)})" if each.needs else ""
            lines += [f"## {number}. {each.step_name}", "", f"*{who}*{after}", "", each.prompt, ""]
    return "\n".join(lines)
