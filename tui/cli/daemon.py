"""``espdeck daemon``: an engine that stays when nobody is logged in."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import EspdeckError
from tui.cli import daemon_install, daemon_logs
from tui.cli.command_line import Commands
from tui.cli.common import chosen_profile, find_workspace, load_settings, print_line
from tui.cli.exit_codes import USAGE
from tui.cli.json_output import AsJson, print_json
from tui.presentation.units import size, span

cli = Commands()
daemon = Commands(
    help="An engine that stays: builds, checks and schedules go on when nobody is logged in.",
    no_args_is_help=True,
)
cli.add_typer(daemon, name="daemon")
daemon.add_typer(daemon_logs.cli)
daemon.add_typer(daemon_install.cli)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@daemon.command()
def start(context: typer.Context) -> None:
    """Start it in the background; it outlives this session."""
    _start(find_workspace(context), chosen_profile(context))


@daemon.command()
def stop(context: typer.Context) -> None:
    """Stop it; what is carried out goes on at the next start."""
    from engine import stop_daemon

    print_line(f"daemon stopped (process {stop_daemon(find_workspace(context))})")


@daemon.command()
def restart(context: typer.Context) -> None:
    """Stop it where it runs, and start it, as after an update of espdeck."""
    from engine import ask_daemon, running_daemon, stop_daemon

    workspace, profile = find_workspace(context), chosen_profile(context)
    if running_daemon(workspace) is not None:
        with contextlib.suppress(EspdeckError):  # one that does not answer has none to keep
            profile = profile or str(ask_daemon(workspace, "status").get("profile", ""))
        print_line(f"daemon stopped (process {stop_daemon(workspace)})")
    _start(workspace, profile)


@daemon.command()
def reload(context: typer.Context) -> None:
    """Have it read the settings again; it does so by itself when their file changes."""
    from engine import ask_daemon

    ask_daemon(find_workspace(context), "reload")
    print_line("settings read")


@daemon.command()
def run(context: typer.Context) -> None:
    """Be the daemon, in the foreground: for systemd, containers and a look at it."""
    from engine import run_daemon

    run_daemon(lambda: load_settings(context))


@daemon.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say whether it runs, since when, what it does and what it will do next."""
    from engine import ask_daemon, running_daemon

    workspace = find_workspace(context)
    if as_json and running_daemon(workspace) is None:
        print_json({"is_running": False})
        raise typer.Exit(USAGE)
    answer = ask_daemon(workspace, "status")
    if as_json:
        print_json(answer)
        return
    for line in _lines(answer):
        print_line(line)


def _start(workspace: Path, profile: str) -> None:
    from engine import start_daemon

    if sys.stderr.isatty():
        typer.echo("starting the daemon ...", err=True)  # it loads for some seconds
    print_line(f"daemon of {workspace} started (process {start_daemon(workspace, profile)})")


def _lines(answer: dict[str, Any]) -> list[str]:
    from engine import describe_process, older_version

    now = datetime.now(UTC)
    lines = [
        f"daemon: process {answer['pid']}, espdeck {answer['version']}, "
        f"up {span(answer['uptime_seconds'])}, {size(answer['memory_bytes'])} of memory"
    ]
    if older := older_version(answer["version"]):
        lines.append(older)
    if not answer["executes"]:
        executor = answer["executor"]
        who = describe_process(executor) if executor else "nobody yet"
        lines.append(f"waits: builds are run by {who}; it goes on when that ends")
    for run in answer["runs"]:
        since = span((now - datetime.fromisoformat(run["since"])).total_seconds())
        of = f" of {run['project']}" if run["project"] else ""
        by = f", asked by {run['asked_by']}" if run["asked_by"] else ""
        lines.append(f"{run['kind']} {run['number']}{of}: {run['status']} for {since}{by}")
    if not answer["runs"]:
        lines.append("no build or task waits or runs")
    for board in answer["boards"]:
        lines.append(f"board {board['name']}: {board['state']}")
    for each in answer["next_checks"]:
        left = (datetime.fromisoformat(each["at"]) - now).total_seconds()
        when = f"in {span(left)}" if left > 0 else "now"
        lines.append(f"next: {each['check']} of {each['project'] or 'the lab'} {when}")
    served = answer.get("server", {})  # none of a daemon of an older version
    if served.get("url"):
        lines.append(
            f"serves the HTTP API at {served['url']}, connections: {served['connections']}"
        )
    elif served.get("problem"):
        lines.append(f"does not serve the HTTP API: {served['problem']}; it tries again")
    others = [pid for pid in answer["clients"] if pid != os.getpid()]
    lines += [f"attached: {describe_process(pid)}" for pid in others]
    return lines
