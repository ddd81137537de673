"""``espdeck boards``, ``reserve``, ``release``, ``monitor`` and ``sessions``."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from engine.text import count
from tui.cli.common import REMOTE, open_engine, print_line, run_number, table
from tui.cli.remote import of_this_machine, open_lab

if TYPE_CHECKING:
    from engine import Engine

cli = typer.Typer()


class Eol(StrEnum):
    """Ends of a line, as :data:`engine.console_input.EOLS` has them."""

    CR = "cr"
    LF = "lf"
    CRLF = "crlf"


_Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@cli.command("boards")
def boards_command(context: typer.Context, as_json: _Json = False) -> None:
    """List the boards of the settings, and USB ports that may have one."""
    from tui.presentation.units import ago

    with open_lab(context) as engine:
        boards = engine.boards.list_all()
        if as_json:
            for each in boards:
                print_line(json.dumps(asdict(each), default=datetime.isoformat))
            return
        if not boards:
            print_line(
                "no boards: plug one in, name one in the settings (boards = [...]), "
                "or run espdeck lab"
            )
            return
        table(
            ("BOARD", "NAME", "CHIP", "RUNS", "PORT", "STATE", "ANSWERED", "WHO HAS IT"),
            [
                (
                    each.name,
                    each.label or "-",
                    each.chip or "?",
                    each.runs or "not known",
                    each.url or "-",
                    each.state,
                    ago(each.asked_at) if each.asked_at else "never",
                    each.holder or (f"reserved by {each.reserved}" if each.reserved else "-"),
                )
                for each in boards
            ],
        )
        for each in boards:
            if each.out_of_pool:
                print_line(
                    f"{each.name} left the pool: {each.out_of_pool} (builds take it by name only)"
                )


@cli.command()
def reserve(
    context: typer.Context,
    board: Annotated[str, typer.Argument(help="A board as `espdeck boards` names it.")],
    note: Annotated[str, typer.Option(help="Why, for the others to read.")] = "",
    hours: Annotated[float, typer.Option(help="For how long.")] = 8.0,
) -> None:
    """Reserve a board for yourself: builds wait until it is given back."""
    with open_lab(context) as engine:
        row = engine.boards.reserve(
            engine.boards.named(board), holder=getpass.getuser(), note=note, hours=hours
        )
        print_line(f"{board} is reserved by {row.reserved}")


@cli.command()
def release(
    context: typer.Context,
    board: Annotated[str, typer.Argument(help="A board as `espdeck boards` names it.")],
    force: Annotated[bool, typer.Option("--force", help="Also another person's.")] = False,
) -> None:
    """Give a board back that was reserved."""
    with open_lab(context) as engine:
        engine.boards.release(engine.boards.named(board), holder=getpass.getuser(), force=force)
        print_line(f"{board} is given back")


@cli.command()
def monitor(
    context: typer.Context,
    board: Annotated[str, typer.Argument(help="A board as `espdeck boards` names it.")],
    baud: Annotated[
        int | None, typer.Option(min=300, help="Bits a second; else as the last build there had.")
    ] = None,
    print_filter: Annotated[
        str, typer.Option(help="Which lines: 'wifi:W *:I', as idf.py monitor takes it.")
    ] = "",
    highlight: Annotated[str, typer.Option(help="Mark what matches (RE2).")] = "",
    mute: Annotated[str, typer.Option(help="Hide lines in which this is found (RE2).")] = "",
    build: Annotated[
        str | None,
        typer.Option(help="Decode by this build's program; else by the last that was flashed."),
    ] = None,
    reset: Annotated[bool, typer.Option(help="Reset the board first.")] = True,
    timestamps: Annotated[bool, typer.Option(help="Show when each line came (UTC).")] = False,
    hex_: Annotated[bool, typer.Option("--hex", help="Show bytes instead of lines.")] = False,
    eol: Annotated[Eol, typer.Option(help="What Enter sends.")] = Eol.CR,
    send_file: Annotated[
        Path | None, typer.Option(help="Send this file as it is, first of all.")
    ] = None,
) -> None:
    """Show a board's console, and type to it; all of it is kept as a session.

    Keys go to the board, lines of a pipe too. Ctrl-] or Ctrl-C quits, Ctrl-T H shows more keys.
    """
    from tui.cli.monitor import watch
    from tui.presentation.console_formatter import ConsoleView

    view = ConsoleView(print_filter, highlight, mute, timestamps=timestamps, hex=hex_)
    if REMOTE in context.meta and (baud is not None or build is not None):
        raise UsageError("--baud and --build: the lab machine knows both")
    with open_lab(context) as lab:
        board = lab.boards.named(board)
        watched = partial(
            watch, lab.boards, board, view=view, reset=reset, eol=eol.value, send_file=send_file
        )
        if REMOTE in context.meta:
            watched(program=None, root=Path.cwd(), baud=0, find=lambda _sha256: None)
            return
        engine = of_this_machine(lab, "decoding by a program")
        running = engine.programs.running_on(board)
        program = (
            engine.programs.of_build(run_number(build)) if build is not None else running.program
        )
        watched(
            program=program.elf if program else None,
            root=program.root if program else Path.cwd(),
            baud=baud or running.baud,
            find=engine.programs.with_hash,
        )


@cli.command("sessions")
def sessions_command(
    context: typer.Context,
    board: Annotated[str | None, typer.Option(help="Only of this board.")] = None,
    search: Annotated[str | None, typer.Option(help="Print lines with this text instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list at the most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List the sessions that the monitor and simulated runs kept, newest first; or search in them.

    Old ones go when a new one begins: see session_days and session_megabytes in the settings.
    """
    from tui.presentation.units import size

    with open_engine(context) as engine:
        if search is not None:
            for session, line in engine.boards.search_sessions(search, board):
                found_in = {"board": session.board, "log": str(session.log), "line": line}
                print_line(json.dumps(found_in) if as_json else f"{session.board} {line}")
            return
        found = engine.boards.kept_sessions(board)
        if as_json:
            for each in found[:limit]:
                paths = {"raw": str(each.raw), "log": str(each.log)}
                print_line(json.dumps(asdict(each) | paths | {"began": each.began.isoformat()}))
            return
        if not found:
            print_line("no sessions yet: espdeck monitor BOARD makes one")
            return
        table(
            ("BEGAN (UTC)", "BOARD", "BYTES", "LOG"),
            [
                (
                    each.began.strftime("%Y-%m-%d %H:%M:%S"),
                    each.board,
                    str(each.size),
                    str(each.log),
                )
                for each in found[:limit]
            ],
        )
        of_all = "" if board is None else f" of {board}"
        used = size(engine.boards.sessions_size())
        print_line(f"{count(len(found), 'session')}{of_all}; all take {used}{_limits(engine)}")


def _limits(engine: Engine) -> str:
    """What is kept, for people."""
    from tui.presentation.units import size

    keep = engine.boards.session_limits
    limits = [f"{keep.days:g} days"] * bool(keep.days) + [size(keep.size)] * bool(keep.size)
    return f" (kept: {', '.join(limits)})" if limits else ""
