"""Texts are scrolled and searched; escape ends one thing at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.workspaces import Story, fill, running
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.reader import FilePreview, LineReader, ReaderScreen

TEXT = "\n".join(f"line {number}" for number in range(100))


def is_in_front(story: Story, kind: type) -> bool:
    return isinstance(story.app.screen, kind)


@pytest.mark.parametrize("kind", ["lines", "file"])
async def test_a_text_is_searched_and_escape_ends_the_search_first(
    tmp_path: Path, kind: str
) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        reader = LineReader("log", TEXT) if kind == "lines" else FilePreview("f", TEXT, "f.txt")
        story.app.push_screen(reader)
        await story.sees("line 0", "/ search")
        await story.press("slash", *"line 7", "enter")
        await story.sees("n N next match")
        await story.press("n", "n")
        await story.sees("line 71")
        await story.press("N", "slash", *"none", "escape")
        assert is_in_front(story, ReaderScreen)
        await story.press("escape")
        await story.sees("/ search", "esc back")
        await story.press("slash", *"nothing such", "enter")
        await story.sees("nothing has 'nothing such'")
        await story.press("escape")
        await story.until(lambda: is_in_front(story, HomeScreen))


async def test_help_is_scrolled_and_searched(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        await story.press("question_mark")
        await story.sees("on this screen", "Add a project")
        await story.press("j", "j", "j", "j")
        assert "on this screen" not in story.text()
        await story.press("slash", *"page down", "enter")
        await story.sees("pgdn")
        await story.press("q")
        await story.until(lambda: not is_in_front(story, HelpScreen))


async def test_messages_are_listed_newest_first_and_cover_no_dialog(tmp_path: Path) -> None:
    fill(tmp_path)
    async with running(tmp_path) as story:
        await story.sees("sensor-hub")
        story.app.notify("the first", markup=False)
        story.app.notify("the last", severity="error", markup=False)
        await story.press("at")
        await story.sees("messages", "error        the last", "information  the first")
        await story.press("y")
        await story.sees("copied")
        rows = story.text().splitlines()
        assert "copied" in rows[-1]
        dialog = [row for row in rows if row.strip().startswith(("╭", "│", "╰"))]
        assert not any("▌" in row.rpartition("│")[0] for row in dialog)
