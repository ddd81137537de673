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
from tui.actions import Action
from tui.keymap import Where
from tui.presentation import manual
from tui.presentation.manual import Topic
from tui.screens.base import MainScreen
from tui.widgets.base import RowWidget
from tui.widgets.linked_text_view import Begin, LinkedTextView
from tui.widgets.row_list import Parts, RowList
from tui.widgets.text_view import TextView

TOPICS: Mapping[Where, str] = {
    Where.HOME: "projects",
    Where.BUILD: "builds",
    Where.SIZES: "builds#sizes",
    Where.COMPARE: "builds#two-builds-compared",
    Where.BOARDS: "boards",
    Where.MONITOR: "monitor",
    Where.WORKFLOWS: "workflows",
    Where.TASK: "workflows#tasks",
    Where.SETTINGS: "settings",
    Where.METRICS: "metrics",
    Where.NOTIFICATIONS: "notifications",
    Where.AUDIT: "api#audit-log",
    Where.CHECKS: "checks",
    Where.CHECK: "checks#the-screen",
}
"""The page about a screen, perhaps with the anchor of a heading."""

NARROW_CELLS = 76
"""Below this width the list and the page take turns."""

_WEB = ("https://", "http://")


class GuideScreen(MainScreen):
    """The list of pages beside a page; below :data:`NARROW_CELLS` one at a time."""

    WHERE: ClassVar[Where] = Where.GUIDE
    RESTS: ClassVar[bool] = True

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
        self._page = LinkedTextView()
        self._search = Input(placeholder="search in all pages", id="search")

    def compose_body(self) -> ComposeResult:
        """Pages, the page, search."""
        with Horizontal(id="lists"):
            yield self._list
            yield self._page
        yield self._search

    def on_mount(self) -> None:
        """Show the page that was asked for."""
        self._search.display = False
        self._list.fill(tuple(self._topics.values()))
        name, _, anchor = self._first.partition("#")
        self._show(name, Begin(anchor=anchor))
        self._focus(self._page)

    def on_resize(self, event: textual_events.Resize) -> None:
        """Show list and page side by side, or one at a time."""
        self.set_class(event.size.width < NARROW_CELLS, "-narrow")
        self._focus(self.scroll_target)

    def list_actions(self) -> Sequence[Action]:
        """Actions on the list of pages, on the page and on its links."""
        return [
            *super().list_actions(),
            self.action("open", self._open, self._no_link),
            self.action("next_link", lambda: self._go_to_link(1)),
            self.action("previous_link", lambda: self._go_to_link(-1)),
            self.action("search", self._open_search),
            self.action("next_match", lambda: self._go_to_match(1), self._no_search),
            self.action("previous_match", lambda: self._go_to_match(-1), self._no_search),
            self.action("left", lambda: self._focus(self._list)),
            self.action("right", lambda: self._focus(self._page)),
            self.action("copy", lambda: self.copy_text(self._topics[self._topic].text)),
            self.action("guide", self.app.pop_screen),
            self.action("back", self._go_back),
        ]

    def _no_link(self) -> str | None:
        if self.scroll_target is self._page and not self._page.link:
            return "no link chosen: tab goes to the next"
        return None

    def _no_search(self) -> str | None:
        return None if self._hits else "no search yet: press /"

    def handle_events(self, events: Sequence[Event]) -> None:
        """Ignore them: pages do not change."""

    def escape(self) -> None:
        """Close the search, else take its marks away, else close the guide."""
        if self._search.display:
            self._close_search()
        elif self._hits:
            self._hits.clear()
            self._page.mark("")
            self._list.refresh()
            self._bar.refresh()
        else:
            self.app.pop_screen()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show the page of the cursor."""
        topic = message.rows.item
        if topic is not None and topic.name != self._topic:
            self._show(topic.name, Begin())

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Go to the page on a double click."""
        self._focus(self._page)

    def on_text_view_chosen(self, _message: TextView.Chosen) -> None:
        """Go to the page on a click."""
        self._focus(self._page)

    def on_linked_text_view_followed(self, message: LinkedTextView.Followed) -> None:
        """Follow a link on a click."""
        self._follow(message.target)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search, from the page that is shown on."""
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
            self.show_error(f"no page has {text!r}")
            return
        self._focus(self._page)
        self._go_to_match(1)

    @property
    def scroll_target(self) -> RowWidget:
        """The list or the page, whichever has the focus."""
        return self._list if self._list.has_focus else self._page

    def _open(self) -> None:
        """Follow the link, or read the page."""
        if self.scroll_target is self._list:
            self._focus(self._page)
        else:
            self._follow(self._page.link)

    def _open_search(self) -> None:
        self._search.display = True
        self._search.value = ""
        self.set_focus(self._search)

    def _go_back(self) -> None:
        """Go back to the page whose link was followed, else leave the guide."""
        if self._came_from:
            name, row = self._came_from.pop()
            self._show(name, Begin(row))
            self._focus(self._page)
        else:
            self.app.pop_screen()

    def _follow(self, target: str) -> None:
        if target.startswith(_WEB):
            self.app.copy_to_clipboard(target)
            self.notify(f"copied: {target}", markup=False)
            return
        file, _, anchor = target.partition("#")
        name = file.removesuffix(".md") or self._topic
        if name not in self._topics:
            self.notify(
                f"{target} is a file of espdeck's sources, not a page of the manual", markup=False
            )
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
            self.show_error("this page has no links")
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
