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
from tui.keymap import Where
from tui.presentation.units import ago
from tui.screens.task import PLACEHOLDER, TaskScreen, describe_metrics
from tui.screens.two_lists import TwoLists
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine.tasks.pipeline_library import PipelineEntry
    from engine.tasks.service import Tasks, TaskState
    from engine.tasks.workflow import Workflow

PAGE = 200
"""Tasks that are loaded at once."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be asked for: a workflow, or a pipeline's file."""

    workflow: Workflow | None = None
    entry: PipelineEntry | None = None

    @property
    def key(self) -> str:
        """What tells it from others."""
        if self.workflow is not None:
            return self.workflow.id
        assert self.entry is not None
        return f"{self.entry.origin}:{self.entry.file}"

    @property
    def title(self) -> str:
        """What it is called."""
        if self.workflow is not None:
            return self.workflow.title
        assert self.entry is not None
        pipeline = self.entry.pipeline
        return pipeline.name if pipeline is not None else PurePath(self.entry.file).name

    @property
    def about(self) -> str:
        """What comes of it, or what is wrong with it, in a line."""
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


class WorkflowsScreen(TwoLists):
    """What can be asked for left, tasks right, details below."""

    WHERE: ClassVar[Where] = Where.WORKFLOWS

    def __init__(self, project_id: UUID | None) -> None:
        """Make a screen.

        Args:
            project_id: the project that one comes from: its pipelines are offered, and it stands
                in the form.
        """
        self._project_id = project_id
        self._offers: RowList[Offer] = RowList(
            draw=self._draw_offer, key=lambda offer: offer.key, empty=" loading", id="offers"
        )
        self._tasks: RowList[TaskState] = RowList(
            draw=self._draw_task,
            key=lambda task: task.run.number,
            empty=" no task yet",
            id="tasks",
        )
        self._offers.title, self._tasks.title = " what to ask for", " tasks"
        super().__init__(self._offers, self._tasks, "filter: name, project, status, text")
        self._doing: dict[int, str] = {}
        self._more = True
        self._stale = False
        self._begun: int | None = None

    @property
    def tasks(self) -> Tasks:
        """The tasks."""
        return self.engine.tasks

    def on_mount(self) -> None:
        """Show what can be asked for, and what was."""
        super().on_mount()

        def read() -> tuple[list[Offer], str]:
            problem = ""
            try:
                entries = self.tasks.pipelines(self._project_id)
            except EspdeckError as error:
                entries, problem = self.tasks.pipelines(), str(error)
            offers = [Offer(workflow=each) for each in self.tasks.workflows()]
            return [*offers, *(Offer(entry=each) for each in entries)], problem

        def show(found: tuple[list[Offer], str]) -> None:
            offers, problem = found
            self._offers.fill(offers, empty=" nothing")
            self._show_facts()
            if problem:
                self.complain(f"no pipelines of the project: {problem}")

        self.in_thread(read, show)
        self._load_right()

    def on_screen_resume(self) -> None:
        """Coming back: things may have changed."""
        self._stale = True

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        if name == "describe":
            return None if self._offers.item is not None else "nothing chosen"
        if name == "open" and not self._tasks.has_focus:
            offer = self._offers.item
            if offer is None:
                return "nothing chosen"
            return f"it makes no sense: {offer.problem}" if offer.problem else None
        task = self._tasks.item
        if name in ("open", "cancel", "retry") and task is None:
            return "no task yet: press enter on what you want"
        if name == "cancel" and task is not None and task.run.status.is_final:
            return f"task {task.run.number} has ended already"
        if name == "retry" and task is not None and not task.run.status.is_final:
            return f"task {task.run.number} has not ended"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Note what changed, and load it once."""
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
        """Other facts; near the last task: more of them."""
        if message.rows is self._tasks and self._tasks.at_end and self._more:
            self._load_right(more=True)
        self._show_facts()
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """A double click."""
        self.action_do("open")

    def on_descendant_focus(self) -> None:
        """The facts are of the list that has the focus."""
        self._show_facts()

    def leave(self) -> None:
        """Out of the filter, and all that it hides comes back; then home."""
        if self._filter.display:
            super().leave()
        else:
            self.do_back()

    def do_back(self) -> None:
        """Home."""
        self.deck.pop_screen()

    def do_open(self) -> None:
        """Ask for what is chosen; open a task."""
        from tui.screens.task_form import TaskForm

        if self._tasks.has_focus and self._tasks.item is not None:
            self.app.push_screen(TaskScreen(self._tasks.item.run.number))
            return
        offer = self._offers.item
        assert offer is not None

        def started(number: int | None) -> None:
            if number is not None:
                self._begun = number
                self.app.push_screen(TaskScreen(number))

        self.app.push_screen(TaskForm(offer.workflow, offer.entry, self._project_id), started)

    def do_describe(self) -> None:
        """Who does what in it."""
        from tui.screens.reader import Preview

        offer = self._offers.item
        assert offer is not None

        def show(text: str) -> None:
            self.app.push_screen(Preview(offer.title, text, "about.md"))

        self.in_thread(lambda: _describe(offer, self.tasks), show)

    def do_cancel(self) -> None:
        """Cancel the task."""
        task = self._tasks.item
        assert task is not None
        self.in_thread(lambda: self.tasks.cancel(task.run.number))

    def do_retry(self) -> None:
        """Run the task again, and show it."""
        task = self._tasks.item
        assert task is not None
        number = task.run.number

        def show(_task: object) -> None:
            self.app.push_screen(TaskScreen(number))

        self.in_thread(lambda: self.tasks.retry(number), show)

    def _load_right(self, *, more: bool = False) -> None:
        text = self._filter.value.strip()
        before = self._tasks.items[-1].run.number if more and self._tasks.items else None
        limit = PAGE if more else max(PAGE, len(self._tasks.items))

        def show(tasks: Sequence[TaskState]) -> None:
            if self._filter.value.strip() != text:
                return
            self._more = len(tasks) >= PAGE
            items = [*self._tasks.items, *tasks] if more else list(tasks)
            self._tasks.title = f" tasks {len(items)}{'+' if self._more else ''}"
            self._tasks.fill(items, empty=f" no task has {text!r}" if text else " no task yet")
            if self._begun is not None and any(each.run.number == self._begun for each in items):
                self._tasks.select(self._begun)
                self._begun = None
            self._show_facts()
            self._bar.refresh()

        self.in_thread(lambda: self.tasks.list(text=text, limit=limit, before=before), show)

    def _show_facts(self) -> None:
        if self._tasks.has_focus and self._tasks.item is not None:
            self._facts.show(_facts_of_task(self._tasks.item))
        elif self._offers.item is not None:
            self._facts.show(_facts_of_offer(self._offers.item))

    def _draw_offer(self, offer: Offer, _width: int) -> Parts:
        if offer.problem:
            return [(f" {self.deck.glyphs.state('error')} ", "bad"), (offer.title, "dim")]
        mark = f" {self.deck.glyphs.arrow} " if offer.entry is not None else "   "
        return [(mark, "note"), (offer.title, "")]

    def _draw_task(self, task: TaskState, width: int) -> Parts:
        build = task.run
        status = RunStatus(build.status)
        parts = self._run_parts(build.number, status, build.duration, width)
        if width >= 60:
            parts.append((f" {ago(build.created_at):<9}", "dim"))
        if task.metrics.placeholder:
            parts.append((" placeholder", "busy"))
        parts += [(f" {task.title} ", ""), (f" {task.project}", "note")]
        doing = self._doing.get(build.number, task.step) if not status.is_final else ""
        parts.append((f"  {build.error or task.result or doing}", "dim"))
        return parts


def _facts_of_offer(offer: Offer) -> list[tuple[str, str]]:
    where = f"{offer.entry.origin}: {offer.entry.file}" if offer.entry is not None else "shipped"
    return [
        ("about", offer.about),
        ("steps", ", ".join(offer.steps) or "–"),
        ("from", where),
    ]


def _facts_of_task(task: TaskState) -> list[tuple[str, str]]:
    asked = " ".join(task.order.description.split())
    warning = f"{PLACEHOLDER}  " if task.metrics.placeholder else ""
    took = f", {task.run.duration:.1f} s" if task.run.duration is not None else ""
    return [
        ("asked", asked or "–"),
        ("squad", f"{task.order.squad}, priority {task.priority}"),
        ("models", f"{warning}{describe_metrics(task.metrics) or '–'}"),
        ("status", f"{task.run.status}{took}{': ' + task.step if task.step else ''}"),
        ("result", task.run.error or task.result or "–"),
    ]


def _describe(offer: Offer, tasks: Tasks) -> str:
    """All that is known of it, as Markdown; in a thread."""
    lines = [offer.about, ""]
    if offer.workflow is not None:
        for number, step in enumerate(offer.workflow.steps, 1):
            who = ", or ".join(tasks.title(role) for role in step.roles)
            after = f" (after {', '.join(step.needs)})" if step.needs else ""
            lines += [f"## {number}. {step.name}", "", f"*{who}*{after}", "", step.prompt, ""]
    elif offer.entry is not None and offer.entry.pipeline is not None:
        for number, each in enumerate(offer.entry.pipeline.steps, 1):
            who = " ".join(part for part in (each.role, each.model_type) if part)
            after = f" (after {', '.join(each.needs)})" if each.needs else ""
            lines += [f"## {number}. {each.step_name}", "", f"*{who}*{after}", "", each.prompt, ""]
    return "\n".join(lines)
