"""Notifications, deliveries and channels as rows and texts, for the screen and for tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.enums import DeliveryStatus, NotificationKind
from tui.presentation.units import ago, day_and_clock

if TYPE_CHECKING:
    from engine import ChannelInfo, DeliveryRow, MuteRow, NotificationRow
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_COLOURS = {
    NotificationKind.PROBLEM: "bad",
    NotificationKind.RECOVERY: "good",
    NotificationKind.FLAPPING: "busy",
    NotificationKind.STEADY: "note",
    NotificationKind.NOTICE: "busy",
}

_SIGNS = {
    NotificationKind.PROBLEM: "failed",
    NotificationKind.RECOVERY: "success",
    NotificationKind.FLAPPING: "running",
    NotificationKind.STEADY: "success",
    NotificationKind.NOTICE: "warning",
}
"""The state whose sign a kind of notification has."""

_KIND_CELLS = 70
"""Width from which a row says which kind it is, beside its sign."""

_WORDS = {
    DeliveryStatus.WAITING: "waits",
    DeliveryStatus.SENDING: "is being sent",
    DeliveryStatus.SENT: "sent",
    DeliveryStatus.UNKNOWN: "may have arrived, not sent again",
    DeliveryStatus.FAILED: "not sent",
    DeliveryStatus.SUPERSEDED: "not sent, something newer was",
}


def notification_head(width: int) -> Parts:
    """The heads of the columns of :func:`notification_parts`."""
    kind = f"{'kind':<9} " if width >= _KIND_CELLS else ""
    return [(f"   {'when':<11}{kind}about", "dim")]


def notification_parts(row: NotificationRow, glyphs: Glyphs, width: int) -> Parts:
    """A notification as a row of a list."""
    colour = _COLOURS[row.kind]
    return [
        (" " if row.read_at else "*", "note"),
        (f"{glyphs.state(_SIGNS[row.kind])} ", colour),
        (f"{ago(row.at):<11}", "dim"),
        *([(f"{row.kind:<9} ", colour)] if width >= _KIND_CELLS else []),
        (row.title, "dim" if row.read_at else ""),
    ]


def notification_text(row: NotificationRow, told: Sequence[DeliveryRow]) -> str:
    """All of a notification, and who was told; of what was cut how much, and the whole of it."""
    lines = [row.title, f"{row.kind}, {day_and_clock(row.at)}", "", *row.body.split("\n"), ""]
    lines += [f"{each.channel}: {delivery_text(each)}" for each in told]
    return "\n".join(lines if told else [*lines, "sent to nobody yet"])


def delivery_text(row: DeliveryRow) -> str:
    """How a delivery stands, in a line."""
    words = _WORDS[row.status]
    if row.status is DeliveryStatus.WAITING and row.attempts:
        words = f"waits until {day_and_clock(row.due_at)} after {row.attempts} failed tries"
    cut = f", {row.cut} characters cut" if row.cut else ""
    error = f": {row.error}" if row.error else ""
    return f"{words}{cut}{error}"


def last_delivery(row: DeliveryRow | None) -> str:
    """The last delivery of a channel, in a line."""
    if row is None:
        return "none yet"
    return f"{day_and_clock(row.ended_at or row.created_at)} {delivery_text(row)}"


def channel_state(channel: ChannelInfo) -> str:
    """What holds a channel back, in a few words."""
    now = datetime.now(UTC)
    words = []
    if channel.muted_until is not None and channel.muted_until > now:
        words.append(f"muted until {day_and_clock(channel.muted_until)}")
    if channel.quiet_until is not None:
        words.append(f"quiet until {day_and_clock(channel.quiet_until)}")
    if channel.held:
        words.append(f"holds back: {channel.held}")
    if channel.waiting:
        words.append(f"{channel.waiting} waiting")
    return ", ".join(words) or "open"


def mute_scope(row: MuteRow) -> str:
    """What a mute is about."""
    channel = f"channel {row.channel}" if row.channel else ""
    project = f"project {row.project}" if row.project else ""
    return " in ".join(filter(None, (project, channel))) or "everything"
