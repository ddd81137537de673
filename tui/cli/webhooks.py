"""``espdeck webhooks``: what forges told, and what came of it. And ``espdeck approve``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.enums import Forge, HookStatus
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_line, run_number, table
from tui.cli.json_output import AsJson, print_json
from tui.presentation.units import day_and_clock

cli = Commands()
_webhooks = Commands(help="Webhooks: what forges told, and what came of it.")
cli.add_typer(_webhooks, name="webhooks")

_DELIVERY_CHARACTERS = 36  # of a UUID

_Number = Annotated[int, typer.Argument(min=1, max=10**18 - 1, help="Number of the webhook.")]


@_webhooks.command("list")
def list_webhooks(
    context: typer.Context,
    status: Annotated[HookStatus | None, typer.Option(help="Only those with this status.")] = None,
    forge: Annotated[Forge | None, typer.Option(help="Only those of this forge.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first, with what came of them."""
    with open_engine(context) as engine:
        found = engine.webhooks.list(status=status, forge=forge, limit=limit)
        if as_json:
            for row in found:
                print_json(row)
            return
        table(
            ("NO", "TIME", "FORGE", "EVENT", "STATUS", "WHAT CAME OF IT"),
            [
                (
                    str(row.id),
                    day_and_clock(row.received_at),
                    row.forge,
                    row.event,
                    row.status,
                    row.message,
                )
                for row in found
            ],
            empty="no delivery matches" if status or forge else "no deliveries yet",
        )


@_webhooks.command()
def show(context: typer.Context, number: _Number, as_json: AsJson = False) -> None:
    """Show a delivery whole."""
    with open_engine(context) as engine:
        row = engine.webhooks.get(number)
        if as_json:
            print_json(row)
            return
        print_line(f"webhook {row.id} of {row.forge}: {row.event}")
        print_line(f"delivery  {row.delivery_id[:_DELIVERY_CHARACTERS]}")
        print_line(f"came      {day_and_clock(row.received_at)}")
        if row.projects:
            print_line(f"signed    with the secret of {', '.join(row.projects)}")
        print_line(f"told      {row.body}")
        print_line(f"status    {row.status}, tried {row.attempts}x")
        if row.message:
            print_line(f"came of   {row.message}")


@_webhooks.command()
def redeliver(context: typer.Context, number: _Number) -> None:
    """Work a delivery off again, as if it had come now."""
    with open_engine(context) as engine:
        engine.webhooks.redeliver(number)
        has_executor = engine.executor_pid is not None
    later = "" if has_executor else ", as soon as a daemon or the app runs"
    print_line(f"webhook {number} is worked off again{later}")


@cli.command()
def approve(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of a build of a pull request.")],
) -> None:
    """Let the commit of a pull request reach boards, and build it again with one."""
    number = run_number(build)
    with open_engine(context) as engine:
        again = engine.builds.approve(number)
    print_line(
        f"approved: commit {again.commit_sha[:10]} of {again.proposed_by}; build {again.number} "
        "uses a board"
    )
