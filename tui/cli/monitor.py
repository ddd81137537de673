"""``espdeck monitor``: a board's console on this terminal, its keyboard the board's.

It begins with the board, its speed, what runs on it and how to quit, as ``idf.py monitor`` does.
"""

from __future__ import annotations

import contextlib
import getpass
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine import (
    Boards,
    CancelToken,
    ConsoleInput,
    CrashedProgram,
    CrashWatcher,
    compile_pattern,
    send_file_with_notes,
)
from engine.errors import CancelledError, UsageError
from tui.cli.common import print_aside
from tui.cli.console_printer import ConsolePrinter
from tui.cli.monitor_end import MonitorEnd, Reason, forget_output
from tui.cli.terminal_input import MenuItem, TerminalInput
from tui.presentation.console_formatter import ConsoleView
from tui.presentation.line_class import NOTE_PREFIX

if TYPE_CHECKING:
    from tui.remote.lab import RemoteBoards

STDIN = 0

HOW_TO_QUIT = "Quit: Ctrl+] | Menu: Ctrl+T | Help: Ctrl+T followed by Ctrl+H"


def watch(
    boards: Boards | RemoteBoards,
    board: str,
    *,
    view: ConsoleView,
    program: Path | None,
    root: Path,
    baud: int,
    reset: bool,
    eol: str,
    send_file: Path | None,
    find: Callable[[str], CrashedProgram | None],
    called: str,
    runs: str,
    until: str,
    seconds: float | None,
    as_json: bool,
) -> int:
    """Watch a board until a person, a line or the time ends it.

    Args:
        board: its name.
        view: how it is shown.
        program: ELF of the program that runs, None when nobody knows.
        root: sources inside it are named relative to it.
        baud: speed in bits a second.
        reset: whether to reset it first.
        eol: what Enter sends, one of :data:`engine.console_input.EOLS`.
        send_file: sent as it is, first of all.
        find: gives the program of a build by the SHA-256 that a panic prints of it.
        called: what people call the board.
        runs: what runs on it, for people.
        until: RE2 pattern; a line in which it is found ends it. Empty for none.
        seconds: how long it lasts at the most, None for ever.
        as_json: print JSON, one line of the board an object.

    Returns:
        The exit code, see :meth:`tui.cli.monitor_end.MonitorEnd.code`.

    Raises:
        BoardError: the board cannot be had.
        SessionError: what it says cannot be kept.
        UsageError: ``until`` is no pattern.
    """
    cancel = CancelToken()
    end = MonitorEnd(
        cancel, until=compile_pattern("--until", until) if until else None, seconds=seconds
    )
    printer = ConsolePrinter(
        sys.stdout,
        view,
        program=program,
        root=root,
        as_json=as_json,
        on_line=end.look_at,
        on_no_reader=lambda: end.end(Reason.NO_READER),
    )
    console_input = ConsoleInput(printer.note)
    terminal = TerminalInput(
        console_input,
        cancel,
        eol=eol,
        menu=_menu(console_input, printer, cancel),
        on_note=printer.note,
    )
    crashes = CrashWatcher(
        program=program,
        root=root,
        on_finding=printer.found,
        on_note=printer.note,
        find=find,
    )
    if send_file is not None:
        _send(console_input, send_file, cancel, printer.note)

    def take_presence(is_there: bool) -> None:
        if is_there and not end.was_there:
            _begin(printer, board, called, baud, runs)
        end.tell_presence(is_there)

    output = sys.stdout.fileno()
    try:
        with end.watching(output), _signals(cancel), terminal.reading(STDIN):
            boards.watch(
                board,
                baud=baud,
                reset=reset,
                on_output=printer.feed,
                on_note=printer.note,
                cancel=cancel,
                holder=getpass.getuser(),
                console_input=console_input,
                crashes=crashes,
                on_presence=take_presence,
            )
    except CancelledError:
        pass
    finally:
        if end.reader_has_gone:
            forget_output(output)
        crashes.close()
        for note in filter(None, (str(crashes.counts), end.why(called))):
            printer.note(note)
        printer.close()
        if end.reader_has_gone:
            forget_output(output)  # it may have gone only now
    return end.code()


def _begin(printer: ConsolePrinter, board: str, called: str, baud: int, runs: str) -> None:
    """Say what is watched; beside the lines of the board where these go into a pipe."""
    which = called if called == board else f"{called} ({board})"
    speed = f", {baud} baud" if baud else ""
    say = printer.note if sys.stdout.isatty() else _say_aside
    say(f"espdeck monitor on {which}{speed}, {runs}")
    if sys.stdin.isatty():
        say(HOW_TO_QUIT)


def _say_aside(line: str) -> None:
    print_aside(NOTE_PREFIX + line)


def _menu(
    console_input: ConsoleInput, printer: ConsolePrinter, cancel: CancelToken
) -> dict[str, MenuItem]:
    """Letters as ``idf.py monitor`` has them, and the two lines by their own."""
    lines = {"dtr": False, "rts": False}

    def toggle(name: str) -> Callable[[], None]:
        def act() -> None:
            lines[name] = not lines[name]
            console_input.set_lines(**{name: lines[name]})
            printer.note(f"{name.upper()} {'asserted' if lines[name] else 'released'}")

        return act

    return {
        "r": MenuItem("reset", console_input.reset),
        "p": MenuItem("into the bootloader", console_input.boot),
        "d": MenuItem("DTR", toggle("dtr")),
        "s": MenuItem("RTS", toggle("rts")),
        "y": MenuItem("pause", printer.pause),
        "i": MenuItem("times", printer.toggle_timestamps),
        "x": MenuItem("quit", cancel.cancel),
    }


def _send(
    console_input: ConsoleInput, path: Path, cancel: CancelToken, on_note: Callable[[str], None]
) -> None:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")

    threading.Thread(
        target=send_file_with_notes,
        args=(console_input, path, cancel, on_note),
        name="send-file",
        daemon=True,
    ).start()


@contextlib.contextmanager
def _signals(cancel: CancelToken) -> Iterator[None]:
    """End in order, so that the terminal is put back."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(_number: int, _frame: object) -> None:
        # Not here: what was interrupted may hold a lock that cancelling takes.
        threading.Thread(target=cancel.cancel, daemon=True).start()

    before = [signal.signal(each, end) for each in kinds]
    try:
        yield
    finally:
        for each, handler in zip(kinds, before, strict=True):
            signal.signal(each, handler)
