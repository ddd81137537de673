"""Adding a project: source, chips, branch, app, configuration, name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from engine.enums import TARGETS
from tui.screens.form import Form, names_in
from tui.widgets.fields import Field


class AddProject(Form[UUID]):
    """Asks for a project; its source is asked before it is added, and cloned afterwards."""

    VERB: ClassVar[str] = "add"

    @property
    def title_text(self) -> str:
        """The title of the form."""
        return "Add a project"

    def fields(self) -> Sequence[Field]:
        """Its fields."""
        return [
            Field("source", name="source", hint="Git URL or path of a repository"),
            Field("chips", name="targets", hint="read from sources", choices=TARGETS, many=True),
            Field("branch", name="branch", hint="HEAD of the source"),
            Field("app", name="app", hint="root of the repository"),
            Field("configuration", name="configuration", hint="default"),
            Field("name", name="name", hint="name of the repository"),
        ]

    def take(self) -> None:
        """Add it, off the event loop."""
        source, branch, app, configuration, name = map(
            self.typed, ("source", "branch", "app", "configuration", "name")
        )
        if not source:
            self.show_problem("type a Git URL or a path", "source")
            return
        targets, engine = names_in(self.typed("targets")), self.engine
        self.work(
            "looking at the source",
            lambda cancel: (
                engine.project_editor.start_adding(
                    source,
                    name=name or None,
                    targets=targets,
                    branch=branch or None,
                    app=app,
                    configuration=configuration,
                    cancel=cancel,
                ).id
            ),
        )
