"""The ways from home to the other main screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.enums import ProjectStatus
from tui.actions import Action, Reason

if TYPE_CHECKING:
    from engine import ProjectOverview
    from tui.screens.base import MainScreen


class OtherScreens:
    """Actions that show another screen, which is imported then."""

    def __init__(
        self, screen: MainScreen, chosen: Callable[[], ProjectOverview | None], not_open: Reason
    ) -> None:
        """Know home.

        Args:
            chosen: gives the project under the cursor.
            not_open: why no screen can be shown yet.
        """
        self._screen = screen
        self._chosen = chosen
        self._not_open = not_open

    def list_actions(self) -> Sequence[Action]:
        """The actions."""
        action, opened = self._screen.action, self._not_open
        return [
            action("boards", self._show_boards, opened),
            action("workflows", self._show_workflows, opened),
            action("settings", self._show_settings, opened),
            action("notifications", self._show_notifications, opened),
            action("audit", self._show_audit, opened),
            action("checks", self._show_checks, opened),
        ]

    def _show_boards(self) -> None:
        """Show the boards."""
        from tui.screens.boards import BoardsScreen

        self._screen.app.push_screen(BoardsScreen())

    def _show_notifications(self) -> None:
        """Show what happened."""
        from tui.screens.notifications import NotificationsScreen

        self._screen.app.push_screen(NotificationsScreen())

    def _show_audit(self) -> None:
        """Show who did what through the HTTP API."""
        from tui.screens.audit import AuditScreen

        self._screen.app.push_screen(AuditScreen())

    def _show_workflows(self) -> None:
        """Have models do something, on the project where that makes sense."""
        from tui.screens.workflows import WorkflowsScreen

        each = self._chosen()
        is_active = each is not None and each.project.status == ProjectStatus.ACTIVE
        self._screen.app.push_screen(
            WorkflowsScreen(each.project.id if each and is_active else None)
        )

    def _show_settings(self) -> None:
        """Show the settings."""
        from tui.screens.settings import SettingsScreen

        self._screen.app.push_screen(SettingsScreen())

    def _show_checks(self) -> None:
        """Show the checks."""
        from tui.screens.checks import ChecksScreen

        self._screen.app.push_screen(ChecksScreen())
