"""Adding a project: source, chip, branch, name."""

from __future__ import annotations

from typing import ClassVar, cast
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from engine.errors import EspdeckError
from engine.text import clean
from engine.words import TARGETS
from tui.deck import Deck


class AddProject(ModalScreen[UUID | None]):
    """A form; enter adds, escape leaves. What is wrong is said in its last row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True)
    ]

    def compose(self) -> ComposeResult:
        """The form."""
        with Vertical(classes="dialog"):
            yield Static(Content("Add a project"), classes="dialog--title")
            yield Input(placeholder="Git URL or path of a repository", id="source", compact=True)
            yield Input(
                placeholder=f"chip (esp32c3): {', '.join(TARGETS)}",
                suggester=SuggestFromList(TARGETS),
                id="target",
                compact=True,
            )
            yield Input(placeholder="branch (the repository's own)", id="branch", compact=True)
            yield Input(placeholder="app: a folder of it (its root)", id="app", compact=True)
            yield Input(placeholder="name (the repository's)", id="name", compact=True)
            yield Static("", id="problem", classes="dialog--problem")
            yield Static(Content("enter add   tab next   esc leave"), classes="dialog--keys")

    def on_input_submitted(self) -> None:
        """Add it, off the event loop."""
        source, target, branch, folder, name = (
            self.query_one(f"#{field}", Input).value.strip()
            for field in ("source", "target", "branch", "app", "name")
        )
        engine = cast("Deck", self.app).engine
        assert engine is not None

        def add() -> None:
            try:
                project = engine.projects.add(
                    source,
                    targets=[target] if target else [],
                    branch=branch or None,
                    app=folder,
                    name=name or None,
                )
            except EspdeckError as error:
                self.app.call_from_thread(self._complain, str(error))
            else:
                self.app.call_from_thread(self.dismiss, project.id)

        self.run_worker(add, thread=True, exclusive=True, exit_on_error=False)

    def _complain(self, message: str) -> None:
        self.query_one("#problem", Static).update(Content(clean(message)))
