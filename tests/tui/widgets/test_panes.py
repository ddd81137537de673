"""The panes that show what a model writes, while it writes and when it has ended."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tui.app_base import AppBase
from tui.presentation.strips import wrap
from tui.state.log_tail import LogTail
from tui.theme import DARK, Glyphs
from tui.widgets.live_pane import LivePane
from tui.widgets.text_view import TextView

WORDS = "Der Puffer läuft über, weil 漢字 niemand ihn leert. "


class Bench(AppBase):
    """An app with nothing but one pane."""

    CSS = "LivePane, TextView { width: 100%; height: 100%; }"

    def __init__(self, pane: Widget) -> None:
        super().__init__()
        self.glyphs = Glyphs()
        self.register_theme(DARK)
        self.theme = DARK.name
        self._pane = pane

    def compose(self) -> ComposeResult:
        yield self._pane


@contextlib.asynccontextmanager
async def shown(pane: Widget, size: tuple[int, int]) -> AsyncIterator[Pilot[None]]:
    async with Bench(pane).run_test(size=size) as pilot:
        yield pilot


def rows(pane: Widget) -> list[str]:
    return [pane.render_line(y).text.rstrip() for y in range(1, pane.size.height)]


async def test_what_is_written_is_wrapped_and_followed() -> None:
    pane, tail = LivePane(wraps=True), LogTail()
    async with shown(pane, (20, 6)):
        pane.show(tail)
        tail.extend(0, ["# The cause"])
        tail.begin(1, "The queue is too small for")
        pane.sync()
        assert rows(pane) == [" # The cause", " The queue is too", " small for", "", ""]
        tail.begin(1, "The queue is too small for what the driver sends it at once, and")
        pane.sync()
        assert rows(pane)[-1] == " once, and"
        tail.extend(1, ["The queue is too small for what the driver sends it at once, and blocks."])
        pane.sync()
        assert rows(pane)[-1] == " once, and blocks."
        assert pane.following


async def test_every_row_is_seen_on_the_way_down_and_up() -> None:
    pane, tail = LivePane(wraps=True), LogTail()
    lines = [WORDS * (number % 7) for number in range(40)]
    expected = [row for line in lines for row in wrap(line, 29)]
    async with shown(pane, (30, 9)):
        tail.extend(0, lines)
        pane.show(tail)
        pane.to_first()
        height = len(rows(pane))
        seen = rows(pane)
        while not pane.following:
            pane.move(1)
            seen.append(rows(pane)[-1])
        assert [row.strip() for row in seen] == [row.strip() for row in expected]

        back = rows(pane)
        for _ in range(len(expected) - height):
            pane.move(-1)
            back.insert(0, rows(pane)[0])
        assert back == seen
        pane.move(5)
        pane.move_pages(1)
        assert rows(pane) == seen[5 + height - 1 :][:height]


async def test_who_scrolled_back_stays_while_more_is_written() -> None:
    pane, tail = LivePane(wraps=True), LogTail()
    async with shown(pane, (30, 6)):
        tail.extend(0, [f"line {number}" for number in range(20)])
        pane.show(tail)
        pane.move(-3)
        before = rows(pane)
        tail.begin(20, "more of it")
        pane.sync()
        assert rows(pane) == before
        pane.to_line(4, mark="match 1 of 1")
        assert " line 4" in rows(pane)
        pane.follow(False)
        pane.to_last()
        assert rows(pane)[-1] == " more of it"


async def test_a_text_is_laid_out_for_its_width_and_scrolled() -> None:
    view = TextView()
    async with shown(view, (30, 6)) as pilot:
        view.show("# Report\n\n" + "word " * 30, "report.md")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert rows(view)[0] == " Report"
        view.to_last()
        assert set(rows(view)) == {" word word word word word word"}
        view.show("int main(void) { return 0; } // nothing else", "main.c")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert rows(view)[0] == " int main(void) { return 0; }"
        view.scroll_aside(400)
        assert rows(view)[0].endswith("// nothing else")
        assert view.text.startswith("int main")


async def test_lines_are_wrapped_or_cut_as_a_person_wants() -> None:
    pane, tail = LivePane(), LogTail()
    async with shown(pane, (20, 6)):
        tail.extend(0, ["a\tb", "\x1b[31mred\x1b[0m\x07", WORDS, "end"])
        pane.show(tail)
        assert rows(pane) == [" a    b", " red", " Der Puffer läuft ü…", " end", ""]
        pane.scroll_aside(8)
        assert rows(pane)[2] == " er läuft über, wei…"
        pane.wrap_lines(True)
        assert rows(pane) == [
            " red",
            " Der Puffer läuft",
            " über, weil 漢字",
            " niemand ihn leert.",
            " end",
        ]
        pane.wrap_lines(False)
        assert rows(pane)[2] == " Der Puffer läuft ü…"
        assert pane.following


async def test_wide_characters_are_never_halved_by_a_scroll() -> None:
    pane, tail = LivePane(), LogTail()
    async with shown(pane, (12, 4)) as pilot:
        tail.extend(0, ["漢字" * 20])
        pane.show(tail)
        for cells in range(1, 30):
            pane.scroll_aside(1)
            strip = pane.render_line(1)
            assert strip.cell_length == cell_len(strip.text) == 12
            assert strip.text.startswith("  " if cells % 2 else " 漢" if cells % 4 == 0 else " 字")
        await pilot.pause()


@pytest.mark.parametrize("wraps", [False, True])
async def test_a_line_of_200_kb_is_drawn_and_walked(wraps: bool) -> None:
    pane, tail = LivePane(wraps=wraps), LogTail()
    line = "0123456789abcde " * 12_800
    async with shown(pane, (80, 24)):
        tail.extend(0, ["before", line, "after"])
        pane.show(tail)
        assert rows(pane)[-1 if wraps else 2] == " after"
        pane.to_first()
        assert rows(pane)[0] == " before"
        pane.move_pages(3)
        pane.move_pages(-3)
        assert rows(pane)[0] == " before"
        pane.scroll_aside(100_000)
        assert rows(pane)[1 if wraps else 2].strip() in (line[:79].strip(), line[:64].strip(), "")
