"""Adding a project: source, chips, branch, app, configuration, name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from textual.containers import Horizontal

from engine.errors import EspdeckError
from tui.screens.project_form import ProjectForm


class AddProject(ProjectForm[UUID]):
    """Asks for a project; it is cloned when the form has gone."""

    VERB: ClassVar[str] = "add"

    @property
    def title_text(self) -> str:
        """The title of the form."""
        return "Add a project"

    def lines(self) -> Sequence[Horizontal]:
        """Its lines."""
        return [
            self.line("source", "source", "Git URL or path of a repository"),
            self.line("chips", "target", "read from the sources; or esp32,esp32c6"),
            self.line("branch", "branch", "where HEAD of the source is"),
            self.line("app", "app", "its root; or a folder"),
            self.line("configuration", "configuration", "the plain one; environment of PlatformIO"),
            self.line("name", "name", "the repository's"),
        ]

    def take(self) -> None:
        """Add it, off the event loop."""
        source, branch, app, configuration, name = map(
            self.typed, ("source", "branch", "app", "configuration", "name")
        )
        targets, engine = self.chips(), self.engine

        def add() -> None:
            try:
                engine.project_editor.check_new(source, name, branch, app, configuration)
                project = engine.projects.add(
                    source,
                    targets=targets,
                    branch=branch or None,
                    app=app,
                    configuration=configuration,
                    name=name or None,
                )
            except EspdeckError as error:
                self.app.call_from_thread(self.show_problem, str(error))
            else:
                self.app.call_from_thread(self.dismiss, project.id)

        self.run_worker(add, thread=True, exclusive=True, exit_on_error=False)
