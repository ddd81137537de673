"""Which lab a command is about: that of this machine, or the one of ``--remote``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from engine.errors import UsageError
from engine.text import clean, listed, near
from tui.cli.common import REMOTE, load_local_settings, open_engine

if TYPE_CHECKING:
    from engine import Client, Engine
    from tui.cli.event_printer import Printer
    from tui.remote.lab import RemoteLab

REMOTE_COMMANDS = (
    *("projects", "build", "builds", "show", "cancel", "retry", "artifacts"),
    *("boards", "reserve", "release", "reset", "flash", "monitor", "checks", "check"),
)
"""Commands that can be about a lab on another machine."""

OWN_COMMANDS = ("guide", "config")
"""Commands that are about this machine in any case."""

TOKEN_VARIABLE = "ESPDECK_TOKEN"  # noqa: S105 (its name)


def choose_remote(context: typer.Context, remote: str) -> None:
    """Note that a command is about another machine.

    Raises:
        UsageError: there is no such command for a lab elsewhere.
    """
    context.meta[REMOTE] = remote
    command = context.invoked_subcommand
    if command is None:
        raise UsageError(
            "the app has no --remote: run espdeck on the lab machine over ssh, or espdeck web there"
        )
    if command not in (*REMOTE_COMMANDS, *OWN_COMMANDS):
        raise not_remote(f"espdeck {command}")


def not_remote(what: str) -> UsageError:
    """What says that something is for the lab machine itself."""
    return UsageError(
        f"{what} cannot be used with --remote: run it on the lab machine over ssh "
        f"(with --remote: {', '.join(REMOTE_COMMANDS)})"
    )


def of_this_machine(lab: Engine | RemoteLab, what: str) -> Engine:
    """The engine of this machine.

    Args:
        what: is to be done, for the message.

    Raises:
        UsageError: the lab is another machine's.
    """
    from tui.remote.lab import RemoteLab

    if isinstance(lab, RemoteLab):
        raise not_remote(what)
    return lab


@contextlib.contextmanager
def open_lab(context: typer.Context) -> Iterator[Engine | RemoteLab]:
    """Open the lab that a command is about, while the block runs; it executes no runs."""
    if REMOTE not in context.meta:
        with open_engine(context) as engine:
            yield engine
        return
    from tui.remote.lab import RemoteLab

    with remote_client(context) as client:
        yield RemoteLab(client)


@contextlib.contextmanager
def printing_lab(
    context: typer.Context, *, as_json: bool
) -> Iterator[tuple[Engine | RemoteLab, Printer]]:
    """The lab that a command is about, and what prints the events of its runs; as
    :func:`tui.cli.follow.printing`.
    """
    from tui.cli.event_printer import Printer
    from tui.cli.follow import printing

    if REMOTE not in context.meta:
        with printing(load_local_settings(context), as_json=as_json) as opened:
            yield opened
        return
    from tui.remote.lab import RemoteLab

    printer = Printer(sys.stdout, as_json=as_json)
    try:
        with remote_client(context) as client:
            yield RemoteLab(client, printer), printer
    finally:
        printer.close()


def remote_client(context: typer.Context) -> Client:
    """A client of the lab that ``--remote`` names: a URL, or a name of ``[remotes]``.

    Raises:
        UsageError: there is none of that name, or what is set of it makes no sense.
    """
    from engine import Client

    remote = context.meta[REMOTE]
    token = os.environ.get(TOKEN_VARIABLE, "")
    if "/" in remote or ":" in remote:
        return Client(remote, token=token)
    remotes = load_local_settings(context).remotes
    chosen = remotes.get(remote)
    if chosen is None or not chosen.url:
        known = f"there are {listed(list(remotes))}" if remotes else "there are none"
        raise UsageError(
            f"--remote {clean(remote)[:80]}: neither a URL nor a name of [remotes] in the settings "
            f"({known}{near(remote, remotes)})"
        )
    own = chosen.token.get_secret_value()
    return Client(chosen.url, token=own or token, verify=chosen.certificates or True)
