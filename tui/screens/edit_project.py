"""Changing a project: its chips, branch, app, configuration and name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.containers import Horizontal
from textual.widgets import Input

from engine import NO_CHIP, ProjectEdits
from engine.enums import TARGETS
from engine.errors import EspdeckError
from engine.text import clean, listed
from tui.screens.project_form import ProjectForm

if TYPE_CHECKING:
    from engine import App, Project

T = TypeVar("T")


class EditProject(ProjectForm["Project"]):
    """Shows a project as it is; gives it as it was changed."""

    AUTO_FOCUS = "#target"
    VERB: ClassVar[str] = "change"

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._apps: Sequence[App] = ()

    @property
    def title_text(self) -> str:
        """The title of the form."""
        return f"Change {self._project.name}"

    def lines(self) -> Sequence[Horizontal]:
        """Its lines."""
        project = self._project
        head = f"HEAD of the source{f' ({project.branch})' if project.branch else ''}"
        branch = project.branch if project.branch and project.branch_chosen else ""
        return [
            self.line("chips", "target", "read from the sources", ", ".join(project.targets)),
            self.line("branch", "branch", head, branch),
            self.line("app", "app", "its root", project.app),
            self.line("configuration", "configuration", "the plain one", project.configuration),
            self.line("name", "name", "", project.name),
        ]

    def on_mount(self) -> None:
        """Read what the sources offer, in a thread."""
        if not self._project.target:
            self.show_problem(f"{NO_CHIP}: name it")
        engine, project = self.engine, self._project

        def read() -> None:
            try:
                apps = engine.projects.survey(project.id).apps
            except EspdeckError:
                return  # it is not cloned: nothing can be suggested
            if self.is_attached:
                self.app.call_from_thread(self._offer, apps)

        self.run_worker(read, thread=True, exit_on_error=False)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Suggest the chips and configurations of another app."""
        if message.input.id == "app":
            self._offer_of(message.value.strip())

    def take(self) -> None:
        """Change it, off the event loop."""
        before, engine = self._project, self.engine
        edits = ProjectEdits(
            name=_changed(self.typed("name") or before.name, before.name),
            targets=_changed(self.chips(), before.targets),
            branch=_changed(
                self.typed("branch"), (before.branch or "") if before.branch_chosen else ""
            ),
            app=_changed(self.typed("app"), before.app),
            configuration=_changed(self.typed("configuration"), before.configuration),
        )
        if edits == ProjectEdits():
            self.dismiss(None)
            return
        self.show_problem("reading the source")

        def change() -> None:
            try:
                changed = engine.project_editor.edit(before, edits)
            except EspdeckError as error:
                self.app.call_from_thread(self.show_problem, str(error))
            else:
                self.app.call_from_thread(self.dismiss, changed)

        self.run_worker(change, thread=True, exclusive=True, exit_on_error=False)

    def _offer(self, apps: Sequence[App]) -> None:
        self._apps = apps
        if apps:
            self.suggest("app", [each.path for each in apps if each.path])
        self._offer_of(self.typed("app"))

    def _offer_of(self, folder: str) -> None:
        """Suggest what the sources of an app say."""
        app = next((each for each in self._apps if each.path == folder), None)
        told = [each for each in app.targets if each in TARGETS] if app else []
        names = [each.name for each in app.configurations] if app else []
        self.suggest("target", [*dict.fromkeys((*told, *TARGETS))])
        self.suggest("configuration", names)
        says = f": {', '.join(told)}" if told else " (they say none)" if app else ""
        empty = {
            "target": f"read from the sources{says}",
            "configuration": "; ".join(filter(None, ("the plain one", listed(names)))),
        }
        for name, text in empty.items():
            self.query_one(f"#{name}", Input).placeholder = clean(text)


def _changed(now: T, before: T) -> T | None:
    """A value that differs; None stays."""
    return now if now != before else None
