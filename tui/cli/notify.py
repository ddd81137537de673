"""``espdeck notify``: what happened, where it is sent, what is muted."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from engine.enums import DeliveryStatus
from engine.errors import UsageError
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import duration, open_engine, print_line, table
from tui.cli.json_output import AsJson, print_json
from tui.presentation.notification_rows import (
    channel_state,
    delivery_text,
    last_delivery,
    mute_scope,
    notification_text,
)
from tui.presentation.units import day_and_clock

cli = Commands()
_notify = Commands(help="Notifications: what happened, where it is sent, what is muted.")
cli.add_typer(_notify, name="notify")

_FAILED = 1

_Channel = Annotated[str, typer.Argument(help="Name of the channel; all if none is named.")]
_Project = Annotated[str, typer.Option(help="Only what is about this project.")]


@_notify.command("list")
def list_notifications(
    context: typer.Context,
    unread: Annotated[bool, typer.Option("--unread", help="Only those not read.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what happened, newest first, whoever was told."""
    with open_engine(context) as engine:
        found = engine.notifications.list(unread=unread, limit=limit)
        if as_json:
            for row in found:
                print_json(row)
            return
        table(
            ("NO", "TIME", "", "WHAT"),
            [
                (
                    str(row.number),
                    day_and_clock(row.at),
                    "" if row.read_at else "new",
                    row.title,
                )
                for row in found
            ],
            empty="no unread notifications" if unread else "no notifications yet",
        )


@_notify.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Number of the notification.")],
    as_json: AsJson = False,
) -> None:
    """Show a notification whole, and who was told; it counts as read."""
    with open_engine(context) as engine:
        row, told = engine.notifications.get(number), engine.notifications.deliveries(number)
        if as_json:
            print_json(row, deliveries=told)
        else:
            for line in notification_text(row, told).split("\n"):
                print_line(line)
        engine.notifications.mark_read([number])


@_notify.command()
def read(
    context: typer.Context,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of notifications; all if none is named.")
    ] = None,
) -> None:
    """Say that notifications were read."""
    with open_engine(context) as engine:
        changed = engine.notifications.mark_read(numbers or None)
        print_line(f"read: {count(changed, 'notification')}")


@_notify.command()
def channels(context: typer.Context, as_json: AsJson = False) -> None:
    """List channels: where they go, what holds them back, their last delivery."""
    with open_engine(context) as engine:
        found = engine.notifications.channels()
        if as_json:
            for each in found:
                last = each.last
                facts = {
                    "channel": each.name,
                    "where": each.where,
                    "waiting": each.waiting,
                    "muted_until": each.muted_until,
                    "held": each.held,
                    "last_status": last.status if last else None,
                    "last_at": last.created_at if last else None,
                    "last_error": last.error if last else "",
                }
                print_json(facts)
            return
        if not found:
            print_line("no channels: espdeck guide notifications says how to set some up")
            return
        table(
            ("CHANNEL", "WHERE", "STATE", "LAST DELIVERY"),
            [
                (each.name, each.where, channel_state(each), last_delivery(each.last))
                for each in found
            ],
        )


@_notify.command()
def test(context: typer.Context, channel: _Channel = "") -> None:
    """Send a test message, whatever is muted, and say how it went."""
    with open_engine(context) as engine:
        names = [channel] if channel else [each.name for each in engine.notifications.channels()]
        if not names:
            raise UsageError("no channels: espdeck guide notifications says how to set some up")
        good = True
        for name in names:
            row = engine.notifications.test(name)
            good = good and row.status is DeliveryStatus.SENT
            print_line(f"{name}: {delivery_text(row)}")
    if not good:
        raise typer.Exit(_FAILED)


@_notify.command()
def mute(
    context: typer.Context,
    hold: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")],
    channel: _Channel = "",
    project: _Project = "",
    reason: Annotated[str, typer.Option(help="Why, for others.")] = "",
) -> None:
    """Send nothing for a while; all is recorded, and what still holds is told afterwards."""
    with open_engine(context) as engine:
        row = engine.notifications.mute(
            channel=channel,
            project=project,
            hold=duration(hold),
            reason=reason,
            by=getpass.getuser(),
        )
        print_line(f"{mute_scope(row)}: muted until {day_and_clock(row.until)}")


@_notify.command()
def unmute(context: typer.Context, channel: _Channel = "", project: _Project = "") -> None:
    """Lift a mute; what still holds is told."""
    with open_engine(context) as engine:
        if not engine.notifications.unmute(channel=channel, project=project):
            raise UsageError("there is no such mute: espdeck notify mutes lists them")
        print_line("not muted any more")


@_notify.command()
def mutes(context: typer.Context, as_json: AsJson = False) -> None:
    """List what is muted now."""
    with open_engine(context) as engine:
        found = engine.notifications.mutes()
    if as_json:
        for row in found:
            print_json(row)
    elif not found:
        print_line("nothing is muted")
    else:
        table(
            ("MUTED", "UNTIL", "BY", "WHY"),
            [(mute_scope(row), day_and_clock(row.until), row.by, row.reason) for row in found],
        )
