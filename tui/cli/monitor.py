"""``espdeck monitor``: a board's console on this terminal, its keyboard the board's."""

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
    send_file_with_notes,
)
from engine.errors import CancelledError, UsageError
from tui.cli.console_printer import ConsolePrinter
from tui.cli.terminal_input import MenuItem, TerminalInput
from tui.presentation.console_formatter import ConsoleView

if TYPE_CHECKING:
    from tui.remote.lab import RemoteBoards

STDIN = 0


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
) -> None:
    """Watch a board until a person has seen enough.

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

    Raises:
        BoardError: the board cannot be had.
        SessionError: what it says cannot be kept.
    """
    cancel = CancelToken()
    printer = ConsolePrinter(sys.stdout, view, program=program, root=root)
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
    try:
        with _signals(cancel), terminal.reading(STDIN):
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
            )
    except CancelledError:
        pass
    finally:
        crashes.close()
        if counts := str(crashes.counts):
            printer.note(counts)
        printer.close()


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
