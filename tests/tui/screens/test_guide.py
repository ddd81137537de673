"""A person reads the manual in the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.guide.small_manual import PROJECTS, small_manual
from tests.tui.workspaces import Story, running
from tui.presentation import manual
from tui.screens.guide import GuideScreen
from tui.screens.home import HomeScreen

pytestmark = [pytest.mark.xdist_group("guide-screen"), pytest.mark.slow]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = small_manual()
    monkeypatch.setattr(manual, "topics", lambda: pages)


async def open_guide(story: Story) -> None:
    await story.press("H")
    await story.until(lambda: isinstance(story.screen, GuideScreen))


def seen_first(story: Story) -> str:
    """The row below the title of the page, where the list stands beside it."""
    return story.text().splitlines()[1][22:].strip()


async def test_each_screen_opens_the_page_about_it(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await open_guide(story)
        await story.sees("GUIDE", "How to add, follow")
        await story.press("H")
        assert isinstance(story.screen, HomeScreen)
        await story.press("B")
        await story.sees("boards 0")
        await open_guide(story)
        await story.sees("How to name, share")
        await story.press("escape", "q", "w")
        await open_guide(story)
        await story.sees("Tasks for models")
        await story.press("q", "q")
        assert isinstance(story.screen, HomeScreen)


@pytest.mark.usefixtures("small")
async def test_the_help_leads_to_the_guide(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await story.press("question_mark")
        await story.sees("H guide")
        await story.press("H")
        await story.sees("GUIDE", "How to add repositories.")
        await story.press("question_mark")
        await story.sees("Search in all pages")
        await story.press("H")  # it closes what it opens
        await story.until(lambda: isinstance(story.screen, HomeScreen))


@pytest.mark.usefixtures("small")
async def test_a_key_that_a_person_chose_opens_it_from_the_help_too(tmp_path: Path) -> None:
    async with running(tmp_path, keys={"guide": "ctrl+g"}) as story:
        await story.press("question_mark")
        await story.sees("ctrl+g guide")
        await story.press("ctrl+g")
        await story.sees("GUIDE", "How to add repositories.")


@pytest.mark.usefixtures("small")
async def test_links_are_followed_by_keys_and_back_is_where_one_was(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await open_guide(story)
        await story.sees("How to add repositories.")
        await story.press("tab", "enter")
        await story.sees("How to name boards.")
        await story.press("tab", "enter")
        await story.sees("Locks are an agreement.")
        await story.press("backspace")
        await story.sees("How to name boards.")

        await story.press("G")
        await story.sees("Flash is erased by sectors.")
        row = seen_first(story)
        await story.press("tab", "enter", "g")
        await story.sees("How to name boards.")
        await story.press("q")
        await story.sees("Flash is erased by sectors.")
        assert seen_first(story) == row

        await story.press("q")
        await story.sees("How to add repositories.")
        await story.press("q")
        assert isinstance(story.screen, HomeScreen)


@pytest.mark.usefixtures("small")
async def test_a_link_that_leads_out_of_the_manual_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await story.press("B")
        await open_guide(story)
        await story.sees("How to name boards.")
        await story.press("G", "shift+tab", "tab", "enter")  # past the last to the first
        await story.sees("Locks are an agreement.")
        await story.press("q")
        await story.sees("How to name boards.")
        await story.press("tab", "tab", "enter")
        await story.sees("copied: https://example.org/esp")
        assert story.app.clipboard == "https://example.org/esp"
        await story.press("G", "shift+tab", "enter")
        await story.sees("../../tests/README.md is a file of espdeck's sources")


@pytest.mark.usefixtures("small")
async def test_links_and_pages_are_chosen_by_the_mouse(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await story.press("B")
        await open_guide(story)
        await story.sees("How to name boards.")
        rows = story.text().splitlines()
        row = next(at for at, text in enumerate(rows) if "A lock keeps" in text)
        await story.pilot.click(offset=(rows[row].index("lock"), row))
        await story.sees("Locks are an agreement.")
        await story.pilot.click("#topics", offset=(3, 4))
        await story.sees("Tasks for models.")
        await story.press("q")
        await story.sees("How to name boards.")


@pytest.mark.usefixtures("small")
async def test_a_text_is_found_in_all_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await open_guide(story)
        await story.press("n")
        await story.sees("no search yet: press /")
        await story.press("slash")
        await story.type("no such words")
        await story.press("enter")
        await story.sees("no page has 'no such words'")
        await story.press("slash", "escape")

        await story.press("slash")
        await story.type("LOCK")
        await story.press("enter")
        await story.sees("boards            1", "projects          1", "security          2")
        await story.sees("and no locks")
        await story.press("n")
        await story.sees("Locks are an agreement.")
        await story.press("n", "n")
        await story.sees("How to name boards.")
        await story.press("N")
        await story.sees("Locks are an agreement.")
        await story.press("N", "N")
        await story.sees("How to add repositories.")
        await story.press("escape")
        assert isinstance(story.screen, GuideScreen)
        await story.press("escape")
        assert isinstance(story.screen, HomeScreen)


@pytest.mark.usefixtures("small")
async def test_it_can_be_read_on_a_small_terminal(tmp_path: Path) -> None:
    async with running(tmp_path, size=(60, 15)) as story:
        await open_guide(story)
        await story.sees(" Projects", "How to add repositories.")
        assert "GUIDE" not in story.text()
        await story.press("h")
        await story.sees("GUIDE", "security")
        assert "How to add repositories." not in story.text()
        await story.press("j", "enter")
        await story.sees(" Security", "What is trusted.")
        await story.press("tab")
        await story.sees("this page has no links")
        await story.pilot.resize_terminal(100, 15)
        await story.sees("GUIDE", "What is trusted.")


@pytest.mark.usefixtures("small")
async def test_a_page_is_copied(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await open_guide(story)
        await story.press("enter")
        await story.sees("no link chosen: tab goes to the next")
        await story.press("y")
        await story.sees("copied")
        assert story.app.clipboard == PROJECTS


@pytest.mark.usefixtures("small")
async def test_another_width_shows_the_same_part_of_the_page(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await story.press("B")
        await open_guide(story)
        await story.press("G")
        await story.sees("Commands take the name")
        await story.pilot.resize_terminal(40, 24)
        await story.sees("Commands take the name")
        await story.pilot.resize_terminal(200, 24)
        await story.sees("GUIDE", "Commands take the name")
