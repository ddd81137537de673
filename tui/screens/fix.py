"""What repairs of a build changed: to look at, to commit, to export, to put aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from engine.text import clean, count
from tui.screens.reader import Reading
from tui.state.run_state import RunView
from tui.widgets.text_view import Page

if TYPE_CHECKING:
    from engine.builds.fixes import Fix
    from tui.screens.base import MainScreen

_SEEN = 12.0
"""Seconds that it is shown where a commit is."""


class FixScreen(Reading):
    """The message and the diff, in colours, and the keys that decide on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('commit')", "commit", priority=True),
        Binding("e", "decide('export')", "export", priority=True),
        Binding("x", "decide('discard')", "discard", priority=True),
    ]

    def __init__(self, fix: Fix, decide: Callable[[str], None]) -> None:
        """Make a screen.

        Args:
            fix: what is shown.
            decide: called with the action that was chosen, when this screen is gone.
        """
        self._page = Page()
        keys = "   a commit   e export   x discard"
        super().__init__(_title(fix), f"{fix.message}\n{fix.diff}", self._page, keys)
        self._decide = decide

    def on_mount(self) -> None:
        """Lay it out."""
        self._page.show(self._text, "fix.patch")

    def action_decide(self, name: str) -> None:
        """Back to the build, and do it there."""
        self.dismiss()
        self.call_after_refresh(self._decide, name)


def why_not(name: str, fix: Fix | None, view: RunView) -> str | None:
    """Why an action does nothing with a fix now."""
    if fix is None:
        ended = view.status.is_final
        what = "has no fix: nothing was repaired" if ended else "has not ended"
        return f"build {view.number} {what}"
    if name in ("commit", "discard") and fix.state != "open":
        return f"the fix is {fix.state} already"
    return None


def fact(fix: Fix | None) -> str:
    """What the head of a build says of its fix."""
    if fix is None:
        return ""
    if fix.state != "open":
        return f"fix {fix.state}" + (f" on {fix.branch}" if fix.state == "committed" else "")
    return "fixed: d shows how" if fix.proved else "partly fixed: d shows how"


def commit(screen: MainScreen, number: int, then: Callable[[Fix], None]) -> None:
    """Commit a fix, and say how to get its branch."""

    def committed(fix: Fix) -> None:
        then(fix)
        text = f"committed on {fix.branch}; to get it: {fix.fetch}"
        screen.notify(clean(text), markup=False, timeout=_SEEN)

    screen.in_thread(lambda: screen.engine.fixes.commit(number), committed)


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
    """Put a fix aside, if a person means it."""
    from tui.screens.confirm import Confirm

    def answered(sure: bool | None) -> None:
        if sure:
            screen.in_thread(lambda: screen.engine.fixes.discard(number), then)

    consequence = "It is not offered again. Its patch stays among the artifacts."
    question = f"Discard the fix of build {number}?"
    screen.app.push_screen(Confirm(question, consequence, "discard"), answered)


def _title(fix: Fix) -> str:
    proved = "" if fix.proved else ", still failing"
    return f"FIX of build {fix.build}: {count(len(fix.files), 'file')}, {fix.state}{proved}"
