"""``espdeck token``: who may use the HTTP API, and for what."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import Scope
from engine.text import clean
from tui.cli.command_line import Commands
from tui.cli.common import duration, open_engine, print_line, table
from tui.cli.json_output import AsJson, print_json
from tui.presentation.units import day_and_clock

if TYPE_CHECKING:
    from engine import Engine, TokenRow

cli = Commands()
_token = Commands(help="Tokens of the HTTP API: who may use it, and for what.")
cli.add_typer(_token, name="token")

_Name = Annotated[str, typer.Argument(help="What lists and the audit log call it.")]


@_token.command()
def create(
    context: typer.Context,
    name: _Name,
    scope: Annotated[
        Scope,
        typer.Option(
            help="What it allows, each with what is before it: look, build, use boards, change all."
        ),
    ],
    expires: Annotated[
        str | None, typer.Option(help="How long it lives: 12h, 30d; for ever if not said.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: it is kept nowhere."""
    lifetime = duration(expires) if expires is not None else None
    with open_engine(context) as engine:
        token, row = engine.access.create_token(name, scope, lifetime)
        _record(engine, "create", f"{row.name} ({row.scope})")
        if as_json:
            print_json({"token": token} | _facts(row))
            return
        # The token alone is on standard output, for pipes and $(...).
        print_line(token)
        end = day_and_clock(row.expires_at) if row.expires_at else "it is revoked"
        typer.echo(
            f"token {clean(row.name)!r} ({row.scope}), good until {end}; it is not shown again",
            err=True,
        )


@_token.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List tokens by name, and those that ended within the last 90 days; not what they are."""
    from tui.presentation.audit_rows import TOKEN_HEAD, token_row

    with open_engine(context) as engine:
        rows = engine.access.tokens()
        if as_json:
            for row in rows:
                print_json(_facts(row))
            return
        if not rows:
            typer.echo("no tokens: espdeck token create NAME --scope read", err=True)
            return
        now = datetime.now(UTC)
        table(TOKEN_HEAD, [token_row(row, now) for row in rows])


@_token.command()
def revoke(context: typer.Context, name: _Name) -> None:
    """Let a token be none from now on; browsers that logged in with it are logged out."""
    with open_engine(context) as engine:
        row = engine.access.revoke_token(name)
        _record(engine, "revoke", row.name)
        print_line(f"token {row.name!r} is revoked")


def _record(engine: Engine, verb: str, subject: str) -> None:
    from engine import AuditRow

    entry = AuditRow(actor=getpass.getuser(), action=f"espdeck token {verb}", subject=subject)
    engine.access.record(entry)


def _facts(row: TokenRow) -> dict[str, Any]:
    """What is told of a token; not its hash."""
    facts = row.model_dump(exclude={"id", "sha256"})
    return facts | {"status": row.status(datetime.now(UTC))}
