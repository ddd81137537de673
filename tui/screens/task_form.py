"""The form of a task: about what, by whom, how urgent, how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Paste
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static, TextArea

from engine.enums import Priority
from engine.errors import EspdeckError, UsageError
from engine.text import clean

if TYPE_CHECKING:
    from engine import PipelineEntry, TaskRequest, Workflow
    from tui.app_base import AppBase

_YES_NO = {"yes": True, "y": True, "no": False, "n": False, "": False}


@dataclass(frozen=True, slots=True)
class Choices:
    """Names that can be typed into the form."""

    projects: dict[str, UUID]
    squads: tuple[str, ...]
    models: tuple[str, ...]
    project: str
    """The one that stands in the form at first."""


class CleanTextArea(TextArea):
    """A field of several lines; control characters of a pasted text are taken out."""

    def on_paste(self, event: Paste) -> None:
        """Clean it, but for tabs: they mean something in sources."""
        lines = event.text.splitlines()
        event.text = "\n".join("\t".join(map(clean, line.split("\t"))) for line in lines)


class TaskForm(ModalScreen[int | None]):
    """Asks for a task; gives its number. What is wrong is said in the last row."""

    AUTO_FOCUS = "#description"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True),
        Binding("ctrl+s", "start", "start", priority=True),
    ]

    def __init__(
        self, workflow: Workflow | None, entry: PipelineEntry | None, project_id: UUID | None
    ) -> None:
        """Make a form for a workflow or for a pipeline.

        Args:
            project_id: the project that stands in the form at first.
        """
        super().__init__()
        self._workflow = workflow
        self._entry = entry
        self._project_id = project_id
        self._choices = Choices({}, (), (), "")

    def compose(self) -> ComposeResult:
        """The form; it is filled when the engine has said what can be chosen."""
        with Vertical(classes="dialog dialog--form"):
            yield Static(Content(clean(self._title)), classes="dialog--title")
            with VerticalScroll(id="fields", can_focus=False):
                yield from self._area("what is wanted", "description")
                yield from self._area("text to work on", "text")
                yield from self._line("project", "project", "none")
                yield from self._line("commit", "commit", "tip of its branch")
                yield from self._line("paths", "paths", "chosen by the task; files, folders")
                yield from self._line("changes since", "diff", "a ref: what changed is shown")
                yield from self._line("context", "context", "what else is to be known")
                if self._workflow is not None:
                    yield from self._line("squad", "squad", "full-stack")
                yield from self._line("model", "model", "each role's own")
                priorities = ", ".join(Priority)
                yield from self._line("priority", "priority", f"its own; {priorities}")
                yield from self._line("quality gate", "gate", "no; yes measures and revises")
                yield from self._line("revisions", "attempts", "of the settings; a number")
            yield Static("", id="problem", classes="dialog--problem")
            keys = "ctrl+s start, or enter in a line   tab next   esc leave"
            yield Static(Content(keys), classes="dialog--keys")

    def on_mount(self) -> None:
        """Read what can be chosen, in a thread."""
        engine = cast("AppBase", self.app).engine
        assert engine is not None

        def read() -> None:
            projects = {each.name: each.id for each in engine.projects.list()}
            squads = tuple(each.id for each in engine.tasks.squads())
            ours = next((name for name, each in projects.items() if each == self._project_id), "")
            choices = Choices(projects, squads, engine.tasks.models(), ours)
            if self.is_attached:
                self.app.call_from_thread(self._offer, choices)

        self.run_worker(read, thread=True, exit_on_error=False)

    def on_input_submitted(self) -> None:
        """Start it."""
        self.action_start()

    def action_start(self) -> None:
        """Ask for the task, off the event loop."""
        engine = cast("AppBase", self.app).engine
        assert engine is not None
        try:
            request = self._request()
        except UsageError as error:
            self._show_problem(str(error))
            return

        def start() -> None:
            try:
                number = engine.tasks.start(request).number
            except EspdeckError as error:
                self.app.call_from_thread(self._show_problem, str(error))
            else:
                self.app.call_from_thread(self.dismiss, number)

        self.run_worker(start, thread=True, exclusive=True, exit_on_error=False)

    @property
    def _title(self) -> str:
        if self._workflow is not None:
            return self._workflow.title
        assert self._entry is not None and self._entry.pipeline is not None
        return self._entry.pipeline.name

    def _request(self) -> TaskRequest:
        """The task that the form asks for.

        Raises:
            UsageError: a field says what nobody understands.
        """
        from engine import TaskRequest

        project = self._typed("project")
        if project and project not in self._choices.projects:
            raise UsageError(f"no project {project}: {', '.join(self._choices.projects) or 'none'}")
        priority, attempts, gate = (self._typed(name) for name in ("priority", "attempts", "gate"))
        if priority and priority not in list(Priority):
            raise UsageError(f"priority {priority}: one of {', '.join(Priority)}")
        if attempts and not (attempts.isascii() and attempts.isdigit() and len(attempts) < 4):
            raise UsageError(f"revisions {attempts}: a number")
        if gate.lower() not in _YES_NO:
            raise UsageError(f"quality gate {gate}: yes or no")
        return TaskRequest(
            workflow=self._workflow.id if self._workflow is not None else "",
            pipeline=self._entry.pipeline if self._entry is not None else None,
            description=self.query_one("#description", CleanTextArea).text.strip(),
            context=self._typed("context"),
            text=self.query_one("#text", CleanTextArea).text,
            project_id=self._choices.projects[project] if project else None,
            commit=self._typed("commit") or None,
            paths=tuple(self._typed("paths").split()),
            diff=self._typed("diff"),
            squad=(self._typed("squad") if self._workflow is not None else "") or "full-stack",
            model=self._typed("model"),
            priority=Priority(priority) if priority else None,
            gate=_YES_NO[gate.lower()],
            max_iterations=int(attempts) if attempts else None,
        )

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _offer(self, choices: Choices) -> None:
        """Suggest what can be chosen."""
        self._choices = choices
        for name, found, empty in (
            ("project", (*choices.projects,), "none"),
            ("squad", choices.squads, "full-stack"),
            ("model", choices.models, "each role's own"),
            ("priority", tuple(Priority), "its own"),
        ):
            if name == "squad" and self._workflow is None:
                continue  # a pipeline names its roles itself
            field = self.query_one(f"#{name}", Input)
            field.suggester = SuggestFromList(found)
            others = ", ".join(each for each in found if each != empty)
            field.placeholder = clean(f"{empty}; {others}" if others else empty)
        if choices.project and not self._typed("project"):
            self.query_one("#project", Input).value = clean(choices.project)

    def _show_problem(self, message: str) -> None:
        self.query_one("#problem", Static).update(Content(clean(message)))

    def _line(self, label: str, name: str, empty: str) -> Sequence[Horizontal]:
        field = Input(placeholder=empty, id=name, compact=True)
        return [Horizontal(Static(label, classes="form--label"), field, classes="form--row")]

    def _area(self, label: str, name: str) -> Sequence[Horizontal]:
        field = CleanTextArea(id=name, compact=True, highlight_cursor_line=False)
        return [
            Horizontal(Static(label, classes="form--label"), field, classes="form--row form--area")
        ]
