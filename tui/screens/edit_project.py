"""Changing a project: source, chips, branch, app, configuration and name; its builds stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from engine import NO_CHIP, ProjectEdits, consequences
from engine.enums import TARGETS, ProjectStatus
from engine.errors import EspdeckError
from engine.text import mask
from tui.screens.form import Form, names_in
from tui.widgets.fields import Field

if TYPE_CHECKING:
    from engine import App, Project

T = TypeVar("T")


class EditProject(Form["Project"]):
    """Shows a project as it is, and what each change comes to; gives it as it was changed."""

    AUTO_FOCUS = "#targets"
    VERB: ClassVar[str] = "change"

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._apps: Sequence[App] = ()
        is_dead = project.status is ProjectStatus.ERROR
        self._first = "source" if is_dead else "targets" if not project.target else ""

    @property
    def title_text(self) -> str:
        """The title of the form."""
        return f"Change {self._project.name}"

    def fields(self) -> Sequence[Field]:
        """Its fields."""
        project = self._project
        head = f"HEAD of the source{f' ({project.branch})' if project.branch else ''}"
        chips = ", ".join(project.targets)
        return [
            Field("source", mask(project.source), "source", "Git URL or path of a repository"),
            Field("chips", chips, "targets", "read from sources", TARGETS, many=True),
            Field("branch", _branch(project), "branch", head),
            Field("app", project.app, "app", "root of the repository"),
            Field("configuration", project.configuration, "configuration", "default"),
            Field("name", project.name, "name"),
        ]

    def on_mount(self) -> None:
        """Say what is wrong with it, and read what the sources offer, in a thread."""
        project, engine = self._project, self.engine
        if self._first:
            detail = project.status_detail if self._first == "source" else f"{NO_CHIP}: name it"
            self.show_problem(detail, self._first)

        def read() -> None:
            try:
                apps = engine.projects.survey(project.id).apps
            except EspdeckError:
                return  # it is not cloned: nothing can be suggested
            if self.is_attached:
                self.app.call_from_thread(self._offer, apps)

        self.run_worker(read, thread=True, exit_on_error=False)

    def changed(self) -> None:
        """Say what comes of it; offer the chips and configurations of another app."""
        self._offer_of(self.typed("app"))
        self.show_note("; ".join(consequences(self._project, self._edits())))

    def take(self) -> None:
        """Change it, off the event loop."""
        before, engine, edits = self._project, self.engine, self._edits()
        is_dead = before.status is ProjectStatus.ERROR
        if edits == ProjectEdits() and not is_dead:
            self.dismiss(None)
            return

        def taken(changed: Project) -> None:
            if changed.status is ProjectStatus.ERROR:
                self.show_problem(changed.status_detail, "source")
            else:
                self.dismiss(changed)

        self.work(
            "looking at the source",
            lambda cancel: engine.project_editor.edit(before, edits, cancel=cancel),
            taken,
        )

    def _edits(self) -> ProjectEdits:
        """What differs from the project."""
        before = self._project
        return ProjectEdits(
            name=_changed(self.typed("name") or before.name, before.name),
            targets=_changed(names_in(self.typed("targets")), before.targets),
            branch=_changed(self.typed("branch"), _branch(before)),
            app=_changed(self.typed("app"), before.app),
            configuration=_changed(self.typed("configuration"), before.configuration),
            source=_changed(self.typed("source") or mask(before.source), mask(before.source)),
        )

    def _offer(self, apps: Sequence[App]) -> None:
        self._apps = apps
        folders = [each.path for each in apps if each.path]
        self.rows["app"].offer(folders, "root of the repository")
        self._offer_of(self.typed("app"))

    def _offer_of(self, folder: str) -> None:
        """Offer what the sources of an app say."""
        app = next((each for each in self._apps if each.path == folder), None)
        told = [each for each in app.targets if each in TARGETS] if app else []
        says = f": {', '.join(told)}" if told else ""
        self.rows["targets"].offer([*dict.fromkeys((*told, *TARGETS))], f"read from sources{says}")
        names = [each.name for each in app.configurations] if app else []
        self.rows["configuration"].offer(names, "default")


def _branch(project: Project) -> str:
    """The branch that a person chose; empty where ``HEAD`` of the source is followed."""
    return project.branch if project.branch and project.branch_chosen else ""


def _changed(now: T, before: T) -> T | None:
    """A value that differs; None stays."""
    return now if now != before else None
