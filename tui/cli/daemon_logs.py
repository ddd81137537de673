"""``espdeck daemon logs``: what espdeck's processes wrote down of themselves."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from tui.cli.command_line import Commands
from tui.cli.common import find_workspace, print_line
from tui.cli.json_output import AsJson
from tui.presentation.units import day_and_clock

if TYPE_CHECKING:
    from engine import LogRecord

cli = Commands()

_LEVELS = ("debug", "info", "warning", "error", "critical")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"([0-9]{1,6})([smhdw])")


@cli.command()
def logs(
    context: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="The last so many.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Then each new one, until Ctrl-C.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(help="None that is older: 30m, 1h, 2d, or a time such as 2026-03-01T08:00."),
    ] = None,
    level: Annotated[str, typer.Option(help=f"None that is less: {', '.join(_LEVELS)}.")] = "debug",
    as_json: AsJson = False,
) -> None:
    """Print the log of the workspace: of the daemon, of apps and of commands. Times are UTC."""
    from engine import LOG_FILE, CancelToken, LogSelection, follow_logs, read_logs

    if level.lower() not in _LEVELS:
        raise UsageError(f"--level {level}: one of {', '.join(_LEVELS)}")
    path = find_workspace(context) / LOG_FILE
    selection = LogSelection(_time(since) if since else None, level)
    if follow:
        for record in follow_logs(path, lines, selection, cancel=CancelToken()):
            _print(record, as_json=as_json)
        return
    for record in read_logs(path, lines, selection):
        _print(record, as_json=as_json)


def _print(record: LogRecord, *, as_json: bool) -> None:
    if as_json:
        print_line(record.json())
        return
    extra = " ".join(f"{name}={value}" for name, value in record.extra.items())
    process = f"[{record.pid}]" if record.pid else ""
    print_line(
        f"{day_and_clock(record.time, seconds=True)} {record.level:7} {record.logger}{process}: "
        f"{record.message}{f' ({extra})' if extra else ''}"
    )
    for line in record.traceback.splitlines():
        print_line(f"    {line}")


def _time(text: str) -> datetime:
    """The time that an age or a time means, in UTC.

    Raises:
        UsageError: it is neither.
    """
    if found := _AGE.fullmatch(text):
        try:
            return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text}: an age, such as 30m, 1h or 2d, or a time, such as 2026-03-01T08:00"
        ) from None
