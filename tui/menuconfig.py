"""The menu of options of an ESP-IDF project: the app steps aside while a person uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import CancelToken
from engine.errors import CancelledError
from tui.terminal import lend

if TYPE_CHECKING:
    from engine import ConfigurationEdit, Project
    from tui.screens.base import MainScreen


class Menuconfig:
    """Opens the menu for a screen, one at a time.

    The project is configured in a thread first, and the app goes on meanwhile; the terminal is lent
    to the menu alone.
    """

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._lacks: dict[tuple[UUID, str], str] = {}
        """Why commits of projects have no menu, as far as somebody asked."""

        self._cancel: CancelToken | None = None

    def disabled_reason(self, project: Project) -> str | None:
        """Why a project has no menu, where that is known; else None."""
        return self._lacks.get((project.id, project.tip))

    def open(self, project: Project) -> None:
        """Open the menu of a project, then show what changed; give up what is being configured."""
        if self._cancel is not None:
            self._cancel.cancel()
            return
        cancel = self._cancel = CancelToken()
        screen = self._screen

        def work() -> ConfigurationEdit | str:
            try:
                projects = screen.engine.projects
                if lack := projects.check_menuconfig(project.id):
                    self._lacks[project.id, project.tip] = lack
                    return lack
                self._say(f"configuring {project.name} for {project.target}: M gives up")
                return projects.menuconfig(
                    project.id,
                    cancel=cancel,
                    in_terminal=lambda run: screen.app.call_from_thread(
                        lend, screen.app, run, what="menuconfig"
                    ),
                )
            except CancelledError:
                return f"{project.name}: not configured"
            finally:
                self._cancel = None

        screen.in_thread(work, lambda found: self._show(project, found))

    def _say(self, line: str) -> None:
        self._screen.app.call_from_thread(self._screen.notify, line, markup=False)

    def _show(self, project: Project, found: ConfigurationEdit | str) -> None:
        from tui.screens.reader import FilePreview

        screen = self._screen
        if isinstance(found, str):
            screen.notify(found, severity="warning", markup=False)
        elif found.diff:
            title = f"{project.name}: changed, not written (y copies)"
            screen.app.push_screen(FilePreview(title, found.diff, "menuconfig.diff"))
        else:
            screen.notify("nothing changed", markup=False)
