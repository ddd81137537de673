"""Notifications: what happened, whoever was told; channels and mutes."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from engine.events import Event, NotificationsChanged
from engine.text import count
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.notification_rows import (
    channel_state,
    delivery_text,
    last_delivery,
    mute_scope,
    notification_head,
    notification_parts,
    notification_text,
)
from tui.screens.paged_list import PagedListScreen
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import DeliveryRow, NotificationRow

_DETAIL_ROWS = 4

_HOLDS = (("1", "1 hour"), ("2", "2 hours"), ("8", "8 hours"), ("24", "1 day"), ("168", "1 week"))
"""Hours that something can be muted for."""


class NotificationsScreen(PagedListScreen["NotificationRow"]):
    """The list, newest first, above details of the chosen one."""

    WHERE: ClassVar[Where] = Where.NOTIFICATIONS

    def __init__(self) -> None:
        rows: RowList[NotificationRow] = RowList(
            draw=self._draw,
            key=lambda row: row.number,
            empty=" loading",
            head=notification_head,
            id="notifications",
        )
        rows.title = " notifications"
        super().__init__(rows)
        self._unread_only = False
        self._unread = 0

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen notification, on all, and on channels."""
        return [
            *super().list_actions(),
            self.action("open", self._open, self._nothing),
            self.action("to_build", self._open_build, self._nothing, self._no_build),
            self.action("mark_read", self._mark_read, self._nothing),
            self.action("all_read", self._mark_all_read, self._nothing),
            self.action("only_unread", self._switch_unread),
            self.action("channels", self._show_channels),
            self.action("test_channel", self._choose_channel),
            self.action("mute_project", self._mute, self._nothing),
            self.action("mute_all", lambda: self._ask_hold("")),
            self.action("unmute", self._unmute),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load anew when something came or was read."""
        if any(isinstance(event, NotificationsChanged) for event in events):
            self._load()

    @property
    def _nothing_there(self) -> str:
        if self._unread_only:
            return " nothing unread: press U to show all"
        return " no notifications yet: press H to read what is told, and how to send it elsewhere"

    def _read(self, limit: int, before: NotificationRow | None) -> Sequence[NotificationRow]:
        notifications, number = self.engine.notifications, before.number if before else None
        found = notifications.list(limit=limit, before=number, unread=self._unread_only)
        self._unread = notifications.unread()
        return found

    def _show(self, rows: Sequence[NotificationRow]) -> None:
        only = ", only these" if self._unread_only else ""
        self._rows.title = f" notifications, {self._unread} unread{only}"
        super()._show(rows)

    def _show_details(self) -> None:
        row = self._rows.item
        if row is None:
            self._details.show([])
            return
        number = row.number

        def show(told: Sequence[DeliveryRow]) -> None:
            now = self._rows.item
            if now is None or now.number != number:
                return
            lines = [("", line) for line in now.body.split("\n")[:_DETAIL_ROWS]]
            sent = "; ".join(f"{each.channel} {delivery_text(each)}" for each in told)
            self._details.show([*lines, ("told", sent or "nobody yet")])

        self.in_thread(lambda: self.engine.notifications.deliveries(number), show)

    def _open(self) -> None:
        """Show the whole of it; it counts as read."""
        from tui.screens.reader import LineReader

        row = self._chosen

        def show(told: Sequence[DeliveryRow]) -> None:
            title = f"notification {row.number}"
            self.app.push_screen(LineReader(title, notification_text(row, told)))

        def read() -> Sequence[DeliveryRow]:
            self.engine.notifications.mark_read([row.number])
            return self.engine.notifications.deliveries(row.number)

        self.in_thread(read, show, opens=True)

    def _open_build(self) -> None:
        """Show the build that it is about."""
        number = self._chosen.run_id
        assert number is not None
        self.in_thread(
            lambda: self.engine.builds.get(number),
            lambda _build: self.app.show_build(number),
            opens=True,
        )

    def _mark_read(self) -> None:
        number = self._chosen.number
        self.in_thread(lambda: self.engine.notifications.mark_read([number]))

    def _mark_all_read(self) -> None:
        self.in_thread(
            self.engine.notifications.mark_read,
            lambda changed: self.notify(
                f"{count(changed, 'notification')} marked as read", markup=False
            ),
        )

    def _switch_unread(self) -> None:
        self._unread_only = not self._unread_only
        self._load()

    def _show_channels(self) -> None:
        """Show where channels go and their last delivery."""
        from tui.screens.reader import LineReader

        def read() -> str:
            lines = []
            for each in self.engine.notifications.channels():
                lines += [
                    f"{each.name}: {each.where}",
                    f"  {channel_state(each)}",
                    f"  last delivery: {last_delivery(each.last)}",
                    "",
                ]
            lines += [f"muted: {mute_scope(row)}" for row in self.engine.notifications.mutes()]
            return "\n".join(lines) or "no channels: press H to read how to set some up"

        def show(text: str) -> None:
            self.app.push_screen(LineReader("channels", text))

        self.in_thread(read, show, opens=True)

    def _choose_channel(self) -> None:
        """Ask for the channel that gets a test message."""
        from tui.screens.confirm import Choose

        def ask(names: Sequence[str]) -> None:
            if not names:
                self.show_error("no channels: press H to read how to set some up")
                return
            choices = [(name, name) for name in names]
            self.app.push_screen(Choose("Send a test message to", choices), chosen)

        def chosen(name: str | None) -> None:
            if name is not None:
                self.notify(f"sending to {name}", markup=False)
                self.in_thread(lambda: self.engine.notifications.test(name), tested)

        def tested(row: DeliveryRow) -> None:
            text = f"{row.channel}: {delivery_text(row)}"
            if row.error:
                self.show_error(text)
            else:
                self.notify(text, markup=False)

        channels = self.engine.notifications.channels
        self.in_thread(lambda: [each.name for each in channels()], ask, opens=True)

    def _mute(self) -> None:
        self._ask_hold(self._chosen.project)

    def _ask_hold(self, project: str) -> None:
        """Ask for how long nothing is sent about a project; about all if it is empty."""
        from tui.screens.confirm import Choose

        def chosen(hours: str | None) -> None:
            if hours is None:
                return
            hold = timedelta(hours=int(hours))
            self.in_thread(
                lambda: self.engine.notifications.mute(
                    project=project, hold=hold, by=getpass.getuser()
                ),
                lambda row: self.notify(f"muted: {mute_scope(row)}", markup=False),
            )

        what = f"about {project}" if project else "about anything"
        self.app.push_screen(Choose(f"Send nothing {what} for", list(_HOLDS)), chosen)

    def _unmute(self) -> None:
        """Ask which mute is lifted."""
        from tui.screens.confirm import Choose

        def ask(mutes: Sequence[tuple[str, str, str]]) -> None:
            if not mutes:
                self.notify("nothing is muted", markup=False)
                return
            choices = [(str(place), text) for place, (_, _, text) in enumerate(mutes)]

            def chosen(place: str | None) -> None:
                if place is not None:
                    channel, project, _text = mutes[int(place)]
                    self.in_thread(
                        lambda: self.engine.notifications.unmute(channel=channel, project=project),
                        lambda _lifted: self.notify("no longer muted", markup=False),
                    )

            self.app.push_screen(Choose("Send again", choices), chosen)

        self.in_thread(
            lambda: [
                (row.channel, row.project, mute_scope(row))
                for row in self.engine.notifications.mutes()
            ],
            ask,
            opens=True,
        )

    def _nothing(self) -> str | None:
        return None if self._rows.item is not None else "there are no notifications"

    def _no_build(self) -> str | None:
        return None if self._chosen.run_id is not None else "this notification is not about a build"

    def _draw(self, row: NotificationRow, width: int) -> Parts:
        return notification_parts(row, self.app.glyphs, width)
