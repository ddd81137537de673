"""The panes that show what a model writes, while it writes and when it has ended."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tui.app_base import AppBase
from tui.presentation.strips import wrap
from tui.state.log_tail import LogTail
from tui.theme import DARK, Glyphs
from tui.widgets.stream_pane import StreamPane
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
    pane, tail = StreamPane(), LogTail()
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
    pane, tail = StreamPane(), LogTail()
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
    pane, tail = StreamPane(), LogTail()
    async with shown(pane, (30, 6)):
        tail.extend(0, [f"line {number}" for number in range(20)])
        pane.show(tail)
        pane.move(-3)
        before = rows(pane)
        tail.begin(20, "more of it")
        pane.sync()
        assert rows(pane) == before
        pane.to_line(4, mark="match 1/1")
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
