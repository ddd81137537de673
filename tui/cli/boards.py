"""``espdeck boards``, ``reserve``, ``release``, ``monitor`` and ``sessions``."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from engine.text import count
from tui.cli.command_line import Commands
from tui.cli.common import REMOTE, open_engine, print_line, run_number, table
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import of_this_machine, open_lab

if TYPE_CHECKING:
    from engine import BoardInfo, Engine

cli = Commands()


class Eol(StrEnum):
    """Ends of a line, as :data:`engine.console_input.EOLS` has them."""

    CR = "cr"
    LF = "lf"
    CRLF = "crlf"


@cli.command("boards")
def boards_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the boards of the settings, and USB ports that may have one."""
    from tui.presentation.board_holder import who_has
    from tui.presentation.units import ago

    with open_lab(context) as engine:
        boards = engine.boards.list_all()
        if as_json:
            for each in boards:
                print_json(each)
            return
        now = datetime.now(UTC)
        if not boards:
            print_line(
                "no boards: plug one in, name one in the settings (boards = [...]), "
                "or run  espdeck lab"
            )
            return
        table(
            ("BOARD", "STATE", "CHIP", "RUNS", "ANSWERED", "PORT", "WHO HAS IT"),
            [
                (
                    each.label or each.name,
                    each.state,
                    each.chip or "?",
                    each.runs or "not known",
                    ago(each.asked_at) if each.asked_at else "never",
                    _port(each),
                    who_has(each, now) or "-",
                )
                for each in boards
            ],
        )
        for each in boards:
            if each.out_of_pool:
                called = each.label or each.name
                print_line(f"{called} left the pool: {each.out_of_pool} (builds take it by name)")


@cli.command()
def reserve(
    context: typer.Context,
    board: Annotated[str, typer.Argument(help="A board as `espdeck boards` names it.")],
    note: Annotated[str, typer.Option(help="Why, for the others to read.")] = "",
    hours: Annotated[float, typer.Option(help="For how long.")] = 8.0,
) -> None:
    """Reserve a board for yourself: builds wait until it is given back."""
    from tui.presentation.units import moment

    with open_lab(context) as engine:
        user, now = getpass.getuser(), datetime.now(UTC)
        engine.boards.reserve(engine.boards.named(board), holder=user, note=note, hours=hours)
        until = moment(now + timedelta(hours=hours), now)
        print_line(f"{board} is reserved by {user} until {until}{f': {note}' if note else ''}")


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
    until: Annotated[
        str, typer.Option(metavar="REGEX", help="End when a line matches (RE2); exit code 0.")
    ] = "",
    seconds: Annotated[
        float | None,
        typer.Option(
            "--for",
            min=0.0,
            metavar="SECONDS",
            help="End after so long: exit code 0, or 1 when --until did not match.",
        ),
    ] = None,
    build: Annotated[
        str | None,
        typer.Option(help="Decode by this build's program; else by the last that was flashed."),
    ] = None,
    reset: Annotated[bool, typer.Option(help="Reset the board first.")] = True,
    timestamps: Annotated[
        bool, typer.Option(help="Show when the first byte of each line came.")
    ] = False,
    hex_: Annotated[bool, typer.Option("--hex", help="Show bytes instead of lines.")] = False,
    eol: Annotated[Eol, typer.Option(help="What Enter sends.")] = Eol.CR,
    send_file: Annotated[
        Path | None, typer.Option(help="Send this file as it is, first of all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a board's console, and type to it; all of it is kept as a session.

    Keys go to the board, lines of a pipe too. Ctrl-] or Ctrl-C quits, Ctrl-T H shows more keys.
    It ends when the pipe that it prints into is closed.

    Exit code: 0 when a line matched --until, or without --until; 1 when none matched; 2 when the
    board cannot be used; 4 when it vanished and did not come back, or was not to be had, within
    --for or 30 s; 130 when Ctrl-C came before a match; 141 when the pipe was closed.
    """
    from tui.cli.monitor import watch
    from tui.presentation.console_formatter import ConsoleView

    view = ConsoleView(print_filter, highlight, mute, timestamps=timestamps, hex=hex_)
    if REMOTE in context.meta and (baud is not None or build is not None):
        raise UsageError("--baud and --build: the lab machine knows both")
    with open_lab(context) as lab:
        board = lab.boards.named(board)
        watched = partial(
            watch,
            lab.boards,
            board,
            view=view,
            reset=reset,
            eol=eol.value,
            send_file=send_file,
            called=lab.boards.called(board),
            until=until,
            seconds=seconds,
            as_json=as_json,
        )
        if REMOTE in context.meta:
            code = watched(
                program=None, root=Path.cwd(), baud=0, find=lambda _sha256: None, runs="remote lab"
            )
            raise typer.Exit(code)
        engine = of_this_machine(lab, "decoding by a program")
        running = engine.programs.running_on(board)
        program = (
            engine.programs.of_build(run_number(build)) if build is not None else running.program
        )
        flashed = engine.boards.board_files(board).flashed
        by_flash = str(flashed) if flashed else "what it runs is not known"
        code = watched(
            program=program.elf if program else None,
            root=program.root if program else Path.cwd(),
            baud=baud or running.baud,
            find=engine.programs.with_hash,
            runs=f"decoded by build {program.build}" if build and program else by_flash,
        )
        raise typer.Exit(code)


@cli.command("sessions")
def sessions_command(
    context: typer.Context,
    board: Annotated[str | None, typer.Option(help="Only of this board.")] = None,
    search: Annotated[str | None, typer.Option(help="Print lines with this text instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most that are listed.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the sessions that the monitor and simulated runs kept, newest first; or search in them.

    Old ones go when a new one begins: see session_days and session_megabytes in the settings.
    """
    from tui.presentation.units import day_and_clock, size

    with open_engine(context) as engine:
        if search is not None:
            for session, line in engine.boards.search_sessions(search, board):
                found_in = {"board": session.board, "log": str(session.log), "line": line}
                if as_json:
                    print_json(found_in)
                else:
                    print_line(f"{session.board} {line}")
            return
        found = engine.boards.kept_sessions(board)
        if as_json:
            for each in found[:limit]:
                paths = {"raw": str(each.raw), "log": str(each.log)}
                print_json(each, **paths)
            return
        if not found:
            print_line("no sessions yet: espdeck monitor BOARD makes one")
            return
        table(
            ("BEGAN", "BOARD", "BYTES", "LOG"),
            [
                (
                    day_and_clock(each.began, seconds=True),
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


def _port(board: BoardInfo) -> str:
    """What is opened for a board, and its own name where people call it otherwise."""
    if not board.label or board.name == board.url:
        return board.url or "-"
    return f"{board.url or '-'} ({board.name})"


def _limits(engine: Engine) -> str:
    """What is kept, for people."""
    from tui.presentation.units import size

    keep = engine.boards.session_limits
    limits = [f"{keep.days:g} days"] * bool(keep.days) + [size(keep.size)] * bool(keep.size)
    return f" (kept: {', '.join(limits)})" if limits else ""
