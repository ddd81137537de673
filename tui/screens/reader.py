"""Screens for reading a text: a finding with its evidence, a patch, a file, a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.text import clean
from tui.presentation.line_class import log_class
from tui.presentation.strips import wrap
from tui.state.log_tail import LogTail
from tui.widgets.base import RowWidget
from tui.widgets.live_pane import LivePane
from tui.widgets.text_view import TextView


class ReaderScreen(ModalScreen[None]):
    """A pane of untrusted text above everything else, scrolled with the keys of a log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", priority=True),
        Binding("q,enter", "dismiss", "back", priority=True),
        Binding("j,down", "scroll(1)", "down", priority=True),
        Binding("k,up", "scroll(-1)", "up", priority=True),
        Binding("pagedown,ctrl+d,space", "pages(1)", "page down", priority=True),
        Binding("pageup,ctrl+u", "pages(-1)", "page up", priority=True),
        Binding("g,home", "start", "first", priority=True),
        Binding("G,end", "end", "last", priority=True),
        Binding("h,left", "aside(-8)", "left", priority=True),
        Binding("l,right", "aside(8)", "right", priority=True),
        Binding("y", "copy", "copy", priority=True),
        Binding("slash", "search", "search", priority=True),
        Binding("n", "match(1)", "next match", priority=True),
        Binding("N", "match(-1)", "match before", priority=True),
        Binding("ctrl+c", "app.help_quit", "quit", priority=True),
    ]

    def __init__(self, title: str, text: str, pane: RowWidget, keys: Sequence[str] = ()) -> None:
        """Make a screen.

        Args:
            title: what it is.
            text: what is copied.
            pane: shows it.
            keys: what else can be done: a key and a word or two each, as ``w save as``.
        """
        super().__init__()
        self._text = text
        self._pane = pane
        self._pane.title = f" {title}"
        self._keys = keys
        self._needle = ""
        self._field = Input(placeholder="search", id="search")

    def compose(self) -> ComposeResult:
        """The text, the search and the keys."""
        with Vertical(classes="dialog dialog--wide"):
            yield self._pane
            self._field.display = False
            yield self._field
            yield Static("", classes="dialog--keys")

    def on_mount(self) -> None:
        """Give the text the focus."""
        self._pane.focus()
        self._show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to the search while something is typed in it."""
        return not self._field.has_focus or action in ("leave", "app.help_quit", "help_quit")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search, from what is shown on."""
        self._close_search()
        self._needle = message.value.strip()
        found = self.mark(self._needle)
        self._show_keys()
        if not found and self._needle:
            self._needle = ""
            self.notify(f"nothing has {message.value.strip()!r}", severity="warning", markup=False)
        elif self._needle:
            self.step(1)

    @property
    def searches(self) -> bool:
        """Whether its text can be searched."""
        return isinstance(self._pane, TextView)

    def mark(self, needle: str) -> bool:
        """Mark a text wherever it stands, whatever its case; an empty one marks nothing.

        Returns:
            Whether it stands anywhere.
        """
        assert isinstance(self._pane, TextView)
        self._pane.mark(needle)
        return self._pane.matches > 0

    def step(self, by: int) -> None:
        """Go to the next match, or with -1 to the one before; after the last comes the first."""
        assert isinstance(self._pane, TextView)
        if self._pane.next_match(by):
            return
        self._pane.mark(self._needle)
        if by > 0:
            self._pane.to_first()
        else:
            self._pane.to_last()
        self._pane.next_match(by)

    def action_leave(self) -> None:
        """Close the search, else take its marks away, else leave."""
        if self._field.display:
            self._close_search()
        elif self._needle:
            self._needle = ""
            self.mark("")
            self._show_keys()
        else:
            self.dismiss()

    def action_search(self) -> None:
        """Open the search."""
        if self.searches:
            self._field.display = True
            self._field.value = ""
            self.set_focus(self._field)

    def action_match(self, by: int) -> None:
        """Go to another match."""
        if self._needle:
            self.step(by)

    def action_scroll(self, lines: int) -> None:
        """Move so many lines."""
        self._pane.move(lines)

    def action_aside(self, cells: int) -> None:
        """Move along long lines."""
        self._pane.scroll_aside(cells)

    def action_pages(self, pages: int) -> None:
        """Move so many pages."""
        self._pane.move_pages(pages)

    def action_start(self) -> None:
        """Go to the beginning."""
        self._pane.to_first()

    def action_end(self) -> None:
        """Go to the end."""
        self._pane.to_last()

    def action_copy(self) -> None:
        """Copy all of it."""
        self.app.copy_to_clipboard(self._text)
        self.notify("copied", markup=False)

    def _close_search(self) -> None:
        self._field.display = False
        self._pane.focus()

    def _show_keys(self) -> None:
        search = ["n N next match"] if self._needle else ["/ search"] if self.searches else []
        leave = "esc end search" if self._needle else "esc back"
        keys = ["j k scroll", *search, "y copy", *self._keys, leave]
        self.query_one(".dialog--keys", Static).update(Content("   ".join(keys)))


class LineReader(ReaderScreen):
    """A text of lines: of a log, or around a line of source."""

    def __init__(
        self,
        title: str,
        text: str,
        *,
        classify: Callable[[str], str] = log_class,
        mark: int | None = None,
        keys: Sequence[str] = (),
    ) -> None:
        """Make a reader.

        Args:
            title: what it is.
            text: all of it; at most what a log keeps in memory is shown.
            classify: the colour of a line.
            mark: a line, from 0, that is marked and shown; else the beginning is.
            keys: what else can be done: a key and a word or two each.
        """
        self._lines = LivePane(classify=classify)
        super().__init__(title, text, self._lines, keys)
        self._mark = mark
        self._wraps = classify is log_class  # source is read as it is
        self._shown: list[str] = []
        self._matches: list[int] = []
        self._match = -1
        self.is_loading = True
        """Whether its text is not laid out yet; keys wait meanwhile, see :mod:`tui.type_ahead`."""

    def on_resize(self) -> None:
        """Wrap for this width, and show it from the beginning."""
        self.call_after_refresh(self._fill)

    @property
    def searches(self) -> bool:
        """Its lines can be."""
        return True

    def lines(self, width: int) -> list[str]:
        """The text as it is shown.

        Args:
            width: cells of a line.
        """
        lines = self._text.split("\n")
        if self._wraps and width > 0:
            return [part for line in lines for part in wrap(clean(line), width)]
        return lines

    def mark(self, needle: str) -> bool:
        """Find the lines that have it."""
        wanted = needle.casefold()
        self._matches = [
            at for at, line in enumerate(self._shown) if needle and wanted in line.casefold()
        ]
        self._match = -1
        if not needle:
            self._fill()
        return bool(self._matches)

    def step(self, by: int) -> None:
        """Show the next line that has it; after the last comes the first."""
        if not self._matches:
            return
        self._match = (self._match + by) % len(self._matches) if self._match >= 0 else 0
        place = f"match {self._match + 1} of {len(self._matches)}"
        self._lines.to_line(self._matches[self._match], mark=place)

    def _fill(self) -> None:
        self._shown = self.lines(self._lines.size.width - 2)
        tail = LogTail()
        tail.extend(0, self._shown)
        self._lines.show(tail)
        if self._mark is None:
            self._lines.to_first()
        else:
            self._lines.to_line(self._mark, mark="marked")
        if self._needle:
            self.mark(self._needle)
        self.is_loading = False


class FilePreview(ReaderScreen):
    """A file: source and patches in colour, Markdown laid out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "save", "save as", priority=True),
    ]

    def __init__(
        self, title: str, text: str, name: str, *, save: Callable[[], None] | None = None
    ) -> None:
        """Make a preview.

        Args:
            title: what it is.
            text: all that is shown of it.
            name: the file's name, which tells what it is.
            save: asks where to save it; None where there is no file to save.
        """
        self._view = TextView()
        super().__init__(title, text, self._view, ["w save as"] if save is not None else [])
        self._name_of_file = name
        self._save = save

    def on_mount(self) -> None:
        """Lay it out."""
        self._view.show(self._text, self._name_of_file)

    def action_save(self) -> None:
        """Ask where to."""
        if self._save is not None:
            self._save()
