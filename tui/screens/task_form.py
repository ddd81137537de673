"""The form of a task: about what, by whom, how urgent, how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.worker import Worker

from engine.enums import Priority
from engine.errors import EspdeckError, UsageError, about_field
from engine.text import listed
from tui.screens.form import Form
from tui.widgets.fields import Field

if TYPE_CHECKING:
    from engine import PipelineEntry, TaskRequest, Workflow

_YES_NO = {"yes": True, "y": True, "no": False, "n": False, "": False}
_DEFAULT_SQUAD = "full-stack"


@dataclass(frozen=True, slots=True)
class Choices:
    """Names that can be picked in the form."""

    projects: dict[str, UUID]
    squads: tuple[str, ...]
    models: tuple[str, ...]
    project: str
    """The one that stands in the form at first."""


class TaskForm(Form[int]):
    """Asks for a task; gives its number."""

    VERB: ClassVar[str] = "start"

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
        self._reading: Worker[None] | None = None
        self._choices = Choices({}, (), (), "")

    @property
    def title_text(self) -> str:
        """Title of the workflow or name of the pipeline."""
        if self._workflow is not None:
            return self._workflow.title
        assert self._entry is not None and self._entry.pipeline is not None
        return self._entry.pipeline.name

    def fields(self) -> Sequence[Field]:
        """Its fields; what can be picked is offered when the engine has said it."""
        squad = [Field("squad", name="squad", hint=_DEFAULT_SQUAD)]
        return [
            Field("description", name="description", is_area=True),
            Field("input text", name="text", is_area=True),
            Field("project", name="project", hint="none"),
            Field("commit", name="commit", hint="tip of its branch"),
            Field("files", name="paths", hint="chosen by the task; paths, with blanks between"),
            Field("changes since", name="diff", hint="none; a commit, branch or tag"),
            Field("context", name="context", hint="anything else that the models should know"),
            *(squad if self._workflow is not None else ()),
            Field("model", name="model", hint="default of each role"),
            Field("priority", name="priority", hint="default", choices=tuple(Priority)),
            Field("quality gate", name="gate", hint="no", choices=("no", "yes")),
            Field("revisions", name="attempts", hint="as in the settings; a number"),
        ]

    def on_mount(self) -> None:
        """Read what can be picked, in a thread."""
        engine = self.engine

        def read() -> None:
            try:
                projects = {each.name: each.id for each in engine.projects.list()}
                squads = tuple(each.id for each in engine.tasks.squads())
                models = engine.tasks.models()
            except EspdeckError:
                return  # names can be typed all the same
            ours = next((name for name, each in projects.items() if each == self._project_id), "")
            if self.is_attached:
                choices = Choices(projects, squads, models, ours)
                self.app.call_from_thread(self._offer, choices)

        self._reading = self.run_worker(read, thread=True, exit_on_error=False)

    @property
    def is_loading(self) -> bool:
        """Whether the project that stands in it at first is still read; keys wait meanwhile."""
        return self._reading is not None and not self._reading.is_finished

    def take(self) -> None:
        """Start it, in a thread."""
        try:
            request = self._request()
        except UsageError as error:
            self.show_problem(str(error), error.field)
            return
        engine = self.engine
        self.work("starting", lambda _cancel: engine.tasks.start(request).number)

    def _request(self) -> TaskRequest:
        """The task that the form asks for.

        Raises:
            UsageError: the text of a field is not valid; it says which field.
        """
        from engine import TaskRequest

        project = self.typed("project")
        with about_field("project"):
            if project and project not in self._choices.projects:
                there = listed([*self._choices.projects]) or "none"
                raise UsageError(f"no project {project} (there are: {there})")
        priority, attempts, gate = (self.typed(name) for name in ("priority", "attempts", "gate"))
        with about_field("priority"):
            if priority and priority not in list(Priority):
                raise UsageError(f"priority {priority} is not one of {', '.join(Priority)}")
        with about_field("attempts"):
            if attempts and not (attempts.isascii() and attempts.isdigit() and len(attempts) < 4):
                raise UsageError(f"{attempts} is not a number of revisions from 0 to 999")
        with about_field("gate"):
            if gate.lower() not in _YES_NO:
                raise UsageError(f"{gate} is neither yes nor no")
        squad = self.typed("squad") if self._workflow is not None else ""
        return TaskRequest(
            workflow=self._workflow.id if self._workflow is not None else "",
            pipeline=self._entry.pipeline if self._entry is not None else None,
            description=self.typed("description").strip(),
            context=self.typed("context"),
            text=self.typed("text"),
            project_id=self._choices.projects[project] if project else None,
            commit=self.typed("commit") or None,
            paths=tuple(self.typed("paths").split()),
            diff=self.typed("diff"),
            squad=squad or _DEFAULT_SQUAD,
            model=self.typed("model"),
            priority=Priority(priority) if priority else None,
            gate=_YES_NO[gate.lower()],
            max_iterations=int(attempts) if attempts else None,
        )

    def _offer(self, choices: Choices) -> None:
        """Offer what can be picked."""
        self._choices = choices
        self.rows["project"].offer([*choices.projects], "none")
        self.rows["model"].offer(choices.models, "default of each role")
        if self._workflow is not None:
            self.rows["squad"].offer(choices.squads, _DEFAULT_SQUAD)
        if choices.project and not self.typed("project"):
            self.rows["project"].set_text(choices.project)
