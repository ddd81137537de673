"""The fix of a build, what its repairs changed: shown, committed, exported, discarded."""

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
    from engine import Fix
    from tui.screens.base import MainScreen

ACTIONS = ("commit", "export", "discard")
"""The actions of the build's screen that decide on its fix."""


class FixScreen(ReaderScreen):
    """The message and the diff of a fix, in colours, and the keys that decide on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "copy_command", "copy command", priority=True),
        *bindings_of(Where.BUILD, ACTIONS),
    ]

    def __init__(self, fix: Fix, actions: Sequence[Action], do: Callable[[str], None]) -> None:
        """Make a screen.

        Args:
            fix: what is shown.
            actions: of the build's screen, those of :data:`ACTIONS`; what cannot be done any more
                is not offered.
            do: called with the id of the chosen action when this screen is gone.
        """
        self._view = TextView()
        # The title says already that it is a fix.
        keys = [
            f"{each.key.shown} {each.key.title.removesuffix(' fix')}"
            for each in actions
            if each.disabled_reason() is None
        ]
        if fix.fetch:
            keys.insert(0, "Y copy git command")
        text = f"{_how_to_get(fix)}{fix.message}\n{fix.diff}"
        super().__init__(_title(fix), text, self._view, keys)
        self._fix = fix
        self._do = do

    def on_mount(self) -> None:
        """Show the fix."""
        self._view.show(self._text, "fix.patch")

    def action_copy_command(self) -> None:
        """Copy the command that fetches the branch."""
        if self._fix.fetch:
            self.app.copy_to_clipboard(self._fix.fetch)
            self.notify("copied: git fetch", markup=False)

    def action_do(self, id: str) -> None:
        """Textual's action of those keys: go back to the build, and run the action there."""
        self.dismiss()
        self.app.call_later(self._do, id)  # this screen may not live to a refresh


def summary(fix: Fix | None) -> str:
    """The fix of a build in its head, in a few words; empty when there is none."""
    if fix is None:
        return ""
    if fix.state == "committed":
        return f"fix committed on {fix.branch}: d shows how to get it"
    if fix.state != "open":
        return f"fix {fix.state}"
    return "fixed: d shows how" if fix.proved else "partly fixed: d shows how"


def commit(screen: MainScreen, number: int, then: Callable[[Fix], None]) -> None:
    """Commit a fix."""
    screen.in_thread(lambda: screen.engine.fixes.commit(number), then)


def export(screen: MainScreen, number: int) -> None:
    """Ask where to write a fix, and write it."""
    from tui.screens.ask import Ask, Field

    def answered(typed: tuple[str, ...] | None) -> None:
        if typed is not None:
            path = Path(typed[0])
            screen.in_thread(lambda: screen.engine.fixes.export(number, path), written)

    def written(path: Path) -> None:
        screen.notify(clean(f"written: {path}"), markup=False)

    suggested = str(Path.cwd() / f"fix-{number}.patch")
    title, what = f"Export the fix of build {number}", "git apply takes it."
    fields = [Field("path of a new file", suggested)]
    screen.app.push_screen(Ask(title, what, fields, "write"), answered)


def discard(screen: MainScreen, number: int, then: Callable[[Fix], None]) -> None:
    """Discard a fix, after asking."""
    from tui.screens.confirm import Confirm

    def answered(sure: bool | None) -> None:
        if sure:
            screen.in_thread(lambda: screen.engine.fixes.discard(number), then)

    consequence = "It is not offered again. Its patch stays among the artifacts."
    question = f"Discard the fix of build {number}?"
    screen.app.push_screen(Confirm(question, consequence, "discard"), answered)


def _how_to_get(fix: Fix) -> str:
    """How the branch of a committed fix is fetched; empty for another."""
    if not fix.fetch:
        return ""
    return f"committed on {fix.branch}. To get it, in your repository:\n\n{fix.fetch}\n\n"


def _title(fix: Fix) -> str:
    proved = "" if fix.proved else ", still failing"
    return f"FIX of build {fix.build}: {count(len(fix.files), 'file')}, {fix.state}{proved}"
