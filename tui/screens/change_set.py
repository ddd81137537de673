"""What a run changes, a build by its repairs or a task: shown, committed, exported, discarded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from engine.text import clean, count
from tui.actions import Action
from tui.keymap import Where, bindings_of
from tui.screens.reader import ReaderScreen
from tui.widgets.text_view import TextView

if TYPE_CHECKING:
    from engine import ChangeSet, ChangeSets
    from tui.screens.run import RunScreen

_DECISIONS = ("commit", "export", "discard")
"""The actions that decide on it; the screens of builds and of tasks have the same keys for them."""


class ChangeSetActions:
    """The actions on what a run changes, for the screen of the run.

    Attributes:
        found: what it changes; None while that is not known, and where there is nothing.
    """

    def __init__(
        self,
        screen: RunScreen,
        name: str,
        sets: Callable[[], ChangeSets],
        nothing: str,
        on_change: Callable[[], None],
    ) -> None:
        """Make the actions of a screen.

        Args:
            name: how the changes are called: ``fix``.
            sets: gives the engine's service; called in a thread.
            nothing: why a run has none.
            on_change: called when they are another, or stand otherwise.
        """
        self._screen = screen
        self._name = name
        self._sets = sets
        self._nothing = nothing
        self._on_change = on_change
        self.found: ChangeSet | None = None

    def list_actions(self) -> Sequence[Action]:
        """The actions."""
        action, none, decided = self._screen.action, self._is_none, self._is_decided
        return [
            action("fix", self._show, none),
            action("commit", self._commit, none, decided),
            action("export", self._export, none),
            action("discard", self._discard, none, decided),
        ]

    def load(self, *, opens: bool) -> None:
        """Read what the run changes, if it has ended.

        Args:
            opens: whether the screen opens: keys wait for it.
        """
        if not self._screen.rests:
            self._set(None)
            return
        self._screen.in_thread(lambda: self._sets().of(self._screen.number), self._set, opens=opens)

    def summary(self, open_one: Callable[[ChangeSet], str]) -> str:
        """How it stands, in a few words; empty where there is nothing.

        Args:
            open_one: says it where nobody decided.
        """
        found = self.found
        if found is None:
            return ""
        if found.state == "committed":
            return f"{self._name} committed on {found.branch}: d shows how to get it"
        return open_one(found) if found.state == "open" else f"{self._name} {found.state}"

    @property
    def _run(self) -> str:
        return f"{self._screen.KIND} {self._screen.number}"

    def _is_none(self) -> str | None:
        if self.found is not None:
            return None
        if self._screen.rests:
            return f"{self._run} has no {self._name}: {self._nothing}"
        return f"{self._run} has not ended"

    def _is_decided(self) -> str | None:
        found = self.found
        is_decided = found is not None and found.state != "open"
        return f"the {self._name} is {found.state} already" if found and is_decided else None

    def _set(self, found: ChangeSet | None) -> None:
        self.found = found
        self._on_change()

    def _show(self) -> None:
        if self.found is not None:
            shown = [self._screen.actions[id] for id in _DECISIONS]
            title = f"{self._name.upper()} of {self._run}"
            screen = ChangeSetScreen(title, self.found, shown, self._screen.action_do)
            self._screen.app.push_screen(screen)

    def _commit(self) -> None:
        def committed(found: ChangeSet) -> None:
            self._set(found)
            self._show()  # it says how to get the branch

        self._screen.in_thread(lambda: self._sets().commit(self._screen.number), committed)

    def _export(self) -> None:
        """Ask where to write it, and write it."""
        from tui.screens.ask import Ask, Field

        def answered(typed: tuple[str, ...] | None) -> None:
            if typed is not None:
                path = Path(typed[0])
                self._screen.in_thread(
                    lambda: self._sets().export(self._screen.number, path), written
                )

        def written(path: Path) -> None:
            self._screen.notify(clean(f"written: {path}"), markup=False)

        found = self.found
        assert found is not None
        suggested = str(Path.cwd() / f"{found.branch.rpartition('/')[2]}.patch")
        title, what = f"Export the {self._name} of {self._run}", "git apply takes it."
        fields = [Field("path of a new file", suggested)]
        self._screen.app.push_screen(Ask(title, what, fields, "write"), answered)

    def _discard(self) -> None:
        """Discard it, after asking."""
        from tui.screens.confirm import Confirm

        def answered(sure: bool | None) -> None:
            if sure:
                self._screen.in_thread(lambda: self._sets().discard(self._screen.number), self._set)

        consequence = "It is not offered again. Its patch stays among the artifacts."
        question = f"Discard the {self._name} of {self._run}?"
        self._screen.app.push_screen(Confirm(question, consequence, "discard"), answered)


class ChangeSetScreen(ReaderScreen):
    """The message and the diff, in colours, and the keys that decide on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "copy_command", "copy command", priority=True),
        *bindings_of(Where.BUILD, _DECISIONS),
    ]

    def __init__(
        self,
        title: str,
        found: ChangeSet,
        actions: Sequence[Action],
        do: Callable[[str], None],
    ) -> None:
        """Make a screen.

        Args:
            title: whose changes they are.
            found: what is shown.
            actions: of the run's screen; what cannot be done any more is not offered.
            do: called with the id of the chosen action when this screen is gone.
        """
        self._view = TextView()
        # The title says already what is committed.
        keys = [
            f"{each.key.shown} {each.key.title.split()[0]}"
            for each in actions
            if each.disabled_reason() is None
        ]
        if found.fetch:
            keys.insert(0, "Y copy git command")
        text = f"{_how_to_get(found)}{found.message}\n{found.diff}"
        proved = "" if found.proved else ", still failing"
        title = f"{title}: {count(len(found.files), 'file')}, {found.state}{proved}"
        super().__init__(title, text, self._view, keys)
        self._found = found
        self._do = do

    def on_mount(self) -> None:
        """Show it."""
        self._view.show(self._text, "changes.patch")

    def action_copy_command(self) -> None:
        """Copy the command that fetches the branch."""
        if self._found.fetch:
            self.app.copy_to_clipboard(self._found.fetch)
            self.notify("copied: git fetch", markup=False)

    def action_do(self, id: str) -> None:
        """Textual's action of those keys: go back to the run, and do the action there."""
        self.dismiss()
        self.app.call_later(self._do, id)  # this screen may not live to a refresh


def _how_to_get(found: ChangeSet) -> str:
    """How the branch of a committed one is fetched; empty for another."""
    if not found.fetch:
        return ""
    return f"committed on {found.branch}. To get it, in your repository:\n\n{found.fetch}\n\n"
