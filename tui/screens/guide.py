"""The manual: its pages, and one of them to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events as textual_events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from engine.events import Event
from tui.keymap import Where
from tui.presentation import manual
from tui.presentation.manual import Topic
from tui.screens.base import MainScreen
from tui.widgets.base import RowWidget
from tui.widgets.key_bar import KeyBar
from tui.widgets.linked_text_view import Begin, LinkedPage
from tui.widgets.row_list import Parts, RowList
from tui.widgets.text_view import Page

TOPICS: Mapping[Where, str] = {
    Where.HOME: "projects",
    Where.BUILD: "builds",
    Where.SIZES: "builds#sizes",
    Where.BOARDS: "boards",
    Where.MONITOR: "monitor",
    Where.WORKFLOWS: "workflows",
    Where.TASK: "workflows#tasks",
}
"""The page about a screen, perhaps with the anchor of a heading."""

NARROW_CELLS = 76
"""Below this width the list and the page take turns."""

_WEB = ("https://", "http://")


class GuideScreen(MainScreen):
    """The list of pages beside a page; below :data:`NARROW_CELLS` one at a time."""

    WHERE: ClassVar[Where] = Where.GUIDE

    def __init__(self, place: str) -> None:
        """Make the screen.

        Args:
            place: name of the page that is shown first, perhaps with ``#`` and an anchor.
        """
        super().__init__()
        self._topics = manual.topics()
        self._first = place
        self._topic = ""
        self._came_from: list[tuple[str, int]] = []
        self._hits: Counter[str] = Counter()
        self._list: RowList[Topic] = RowList(
            draw=self._draw_topic, key=lambda topic: topic.name, id="topics"
        )
        self._list.title = " GUIDE"
        self._page = LinkedPage()
        self._search = Input(placeholder="search in all pages", id="search")

    def compose(self) -> ComposeResult:
        """Pages, the page, search, keys."""
        with Horizontal(id="lists"):
            yield self._list
            yield self._page
        yield self._search
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Show the page that was asked for."""
        self._search.display = False
        self._list.fill(tuple(self._topics.values()))
        name, _, anchor = self._first.partition("#")
        self._show(name, Begin(anchor=anchor))
        self._focus(self._page)

    def on_resize(self, event: textual_events.Resize) -> None:
        """Both beside each other, or one at a time."""
        self.set_class(event.size.width < NARROW_CELLS, "-narrow")
        self._focus(self.moved)

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        if name == "open" and self.moved is self._page and not self._page.link:
            return "no link chosen: tab goes to the next"
        if name in ("next_match", "previous_match") and not self._hits:
            return "no search yet: press /"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Pages do not change."""

    def leave(self) -> None:
        """Out of the search, out of the guide."""
        if self._search.display:
            self._close_search()
        else:
            self.app.pop_screen()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """The cursor is on another page: show it."""
        topic = message.rows.item
        if topic is not None and topic.name != self._topic:
            self._show(topic.name, Begin())

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """A double click on a page."""
        self._focus(self._page)

    def on_page_chosen(self, _message: Page.Chosen) -> None:
        """A click on the page."""
        self._focus(self._page)

    def on_linked_page_followed(self, message: LinkedPage.Followed) -> None:
        """A click on a link."""
        self._follow(message.target)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search, from where one is."""
        text = message.value.strip()
        self.app.clear_notifications()  # what was said of the search before
        self._close_search()
        if not text:
            return
        found = manual.search(text, self._topics.values())
        self._hits = Counter(each.topic for each in found)
        self._page.mark(text)
        self._list.refresh()
        self._bar.refresh()
        if not found:
            self.complain(f"no page has {text!r}")
            return
        self._focus(self._page)
        self.do_next_match()

    @property
    def moved(self) -> RowWidget:
        """The list or the page."""
        return self._list if self._list.has_focus else self._page

    def do_open(self) -> None:
        """Follow the link, or read the page."""
        if self.moved is self._list:
            self._focus(self._page)
        else:
            self._follow(self._page.link)

    def do_next_link(self) -> None:
        """The next link."""
        self._go_to_link(1)

    def do_previous_link(self) -> None:
        """The link before."""
        self._go_to_link(-1)

    def do_search(self) -> None:
        """Type what to search."""
        self._search.display = True
        self._search.value = ""
        self.set_focus(self._search)

    def do_next_match(self) -> None:
        """The next match, on this page or on one after it."""
        self._go_to_match(1)

    def do_previous_match(self) -> None:
        """The match before, on this page or on one before it."""
        self._go_to_match(-1)

    def do_left(self) -> None:
        """The list."""
        self._focus(self._list)

    def do_right(self) -> None:
        """The page."""
        self._focus(self._page)

    def do_copy(self) -> None:
        """Copy the page as Markdown."""
        self.app.copy_to_clipboard(self._topics[self._topic].text)
        self.notify("copied", markup=False, timeout=2)

    def do_guide(self) -> None:
        """The key that opened the guide closes it."""
        self.app.pop_screen()

    def do_back(self) -> None:
        """The page whose link was followed, else out of the guide."""
        if self._came_from:
            name, row = self._came_from.pop()
            self._show(name, Begin(row))
            self._focus(self._page)
        else:
            self.app.pop_screen()

    def _follow(self, target: str) -> None:
        if target.startswith(_WEB):
            self.app.copy_to_clipboard(target)
            self.notify(f"copied: {target}", markup=False, timeout=5)
            return
        file, _, anchor = target.partition("#")
        name = file.removesuffix(".md") or self._topic
        if name not in self._topics:
            self.notify(f"a file beside espdeck's sources: {target}", markup=False, timeout=5)
            return
        self._came_from.append((self._topic, self._page.top))
        self._show(name, Begin(anchor=anchor))
        self._focus(self._page)

    def _show(self, name: str, begin: Begin) -> None:
        topic = self._topics[name]
        self._topic = name
        self._page.title = f" {topic.title}"
        self._page.open(topic.text, f"{name}.md", begin)
        self._list.select(name)
        self._bar.refresh()

    def _go_to_link(self, step: int) -> None:
        self._focus(self._page)
        if not self._page.next_link(step):
            self.complain("this page has no links")
        self._bar.refresh()

    def _go_to_match(self, step: int) -> None:
        if self._page.next_match(step):
            return
        names = list(self._topics)
        here = names.index(self._topic)
        others = [*names[here + 1 :], *names[: here + 1]]
        if step < 0:
            others = [*reversed(names[:here]), *reversed(names[here:])]
        found = next(name for name in others if self._hits[name])
        self._show(found, Begin(match=step))

    def _close_search(self) -> None:
        self._search.display = False
        self._focus(self._page)

    def _focus(self, wanted: RowWidget) -> None:
        """Go to the list or the page, and show it where there is room for one only."""
        is_narrow = self.has_class("-narrow")
        wanted.display = True
        self.set_focus(wanted)
        for each in (self._list, self._page):
            each.display = each is wanted or not is_narrow

    def _draw_topic(self, topic: Topic, width: int) -> Parts:
        hits = str(self._hits[topic.name] or "")
        return [(f" {topic.name:<{max(0, width - 7)}}", ""), (f"{hits:>4} ", "note")]
