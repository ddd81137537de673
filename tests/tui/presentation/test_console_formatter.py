"""One formatter of a console: the app and the command line show the same lines."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import clean
from tui.cli.console_printer import LineWriter
from tui.presentation.console_formatter import (
    ConsoleFormatter,
    ConsoleView,
    LineKind,
    with_skipped,
)
from tui.state.board_console import BoardConsole
from tui.state.byte_queue import Piece

NOW = datetime(2026, 7, 1, 12, 30, 5, 250_000, UTC)

VIEWS = (
    ConsoleView(),
    ConsoleView(print_filter="wifi:W main:*"),
    ConsoleView(mute="noise|rst"),
    ConsoleView(hex=True),
)
PIECES = (
    b"I (1) main: hello\r\n",
    b"W (2) wifi: slow\n",
    b"D (3) wifi: noise\n",
    b"\x1b[0;31mE (4) main: \xe2\x82\xac\x1b[0m\n",
    b"rst:0x1 (POWERON)\r",
    b"\rota  10 %",
    b"esp> ",
    b"\xff\x00\n",
)
consoles = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@st.composite
def chunks(draw: st.DrawFn) -> list[bytes]:
    """What a console says, cut anywhere; an empty chunk is a moment in which nothing comes."""
    data = draw(consoles)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.fixture(autouse=True, scope="module")
def wide_terminal() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "1000")
        yield


class Terminal(io.StringIO):
    """A terminal that is wide enough for every line."""

    def isatty(self) -> bool:
        return True

    @property
    def rows(self) -> list[str]:
        """What a person sees on it, without colours."""
        *rows, last = self.getvalue().split("\n")
        rows += [last] if last else []
        return [clean(row.rpartition("\r\x1b[K")[2]) for row in rows]


def on_screen(parts: Sequence[bytes], view: ConsoleView) -> list[str]:
    """What the app shows."""
    console = BoardConsole("board")
    console.change(view)
    for part in [*parts, b""]:
        if part:
            console.feed(part)
        console.take()
    tail = console.tail
    return [clean(tail.get(number) or "") for number in range(tail.first, tail.end)]


def on_terminal(parts: Sequence[bytes], view: ConsoleView) -> list[str]:
    """What the command line shows."""
    terminal, formatter = Terminal(), ConsoleFormatter(view)
    writer = LineWriter(terminal, formatter)
    for part in [*parts, b""]:
        writer.write(formatter.format([Piece(NOW, part)] if part else []))
        writer.write(formatter.rest(NOW, is_quiet=not part))
    return terminal.rows


@given(chunks(), st.sampled_from(VIEWS))
def test_the_app_and_the_command_line_show_the_same_lines(
    parts: list[bytes], view: ConsoleView
) -> None:
    assert on_terminal(parts, view) == on_screen(parts, view)


@given(chunks())
def test_the_same_lines_are_shown_however_they_are_cut(parts: list[bytes]) -> None:
    cut = [part.replace(b"\r", b"") for part in parts]
    assert on_screen(cut, ConsoleView()) == on_screen([b"".join(cut)], ConsoleView())


def test_a_line_keeps_the_time_at_which_it_was_first_shown() -> None:
    formatter = ConsoleFormatter(ConsoleView(timestamps=True))
    formatter.format([Piece(NOW, b"esp> ")])
    (prompt,) = formatter.rest(NOW, is_quiet=True).shown
    later = Piece(NOW + timedelta(seconds=9), b"help\nok\n")
    answered, ok = formatter.format([later]).shown
    assert str(prompt) == "12:30:05.250 esp> "
    assert str(answered) == "12:30:05.250 esp> help"
    assert answered.amends
    assert str(ok) == "12:30:14.250 ok"


def test_a_note_stands_between_what_the_board_says() -> None:
    formatter = ConsoleFormatter(ConsoleView(mute="hidden"))
    formatter.format([Piece(NOW, b"esp> ")])
    formatter.rest(NOW, is_quiet=True)
    pieces = [Piece(NOW, b"", "paused"), Piece(NOW, b"help\nhidden\nE (1) a: bad\n")]
    formatted = formatter.format(with_skipped(pieces, 2))
    assert [(line.kind, str(line)) for line in formatted.shown] == [
        (LineKind.NOTE, "--- 2 lines not shown; the session has them"),
        (LineKind.NOTE, "--- paused"),
        (LineKind.OUTPUT, "esp> help"),
        (LineKind.OUTPUT, "E (1) a: bad"),
    ]
    assert formatted.whole == ["esp> help", "hidden", "E (1) a: bad"]
