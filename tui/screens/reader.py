"""Screens for reading a text: a finding with its evidence, a patch, a file, a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.text import clean
from tui.presentation.strips import wrap
from tui.state.log_tail import LogTail
from tui.widgets.base import RowWidget
from tui.widgets.live_pane import LivePane, log_class
from tui.widgets.text_view import TextView


class ReaderScreen(ModalScreen[None]):
    """A pane of untrusted text above everything else, scrolled with the keys of a log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "back", priority=True),
        Binding("j,down", "scroll(1)", "down", priority=True),
        Binding("k,up", "scroll(-1)", "up", priority=True),
        Binding("pagedown,ctrl+d,space", "pages(1)", "page down", priority=True),
        Binding("pageup,ctrl+u", "pages(-1)", "page up", priority=True),
        Binding("g,home", "start", "first", priority=True),
        Binding("G,end", "end", "last", priority=True),
        Binding("h,left", "aside(-8)", "left", priority=True),
        Binding("l,right", "aside(8)", "right", priority=True),
        Binding("y", "copy", "copy", priority=True),
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

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        with Vertical(classes="dialog dialog--wide"):
            yield self._pane
            keys = ("j k scroll", "y copy", *self._keys, "esc back")
            yield Static(Content("   ".join(keys)), classes="dialog--keys")

    def on_mount(self) -> None:
        """Give the text the focus."""
        self._pane.focus()

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


class LineReader(ReaderScreen):
    """A text of lines: of a log, or around a line of source."""

    def __init__(
        self,
        title: str,
        text: str,
        *,
        classify: Callable[[str], str] = log_class,
        mark: int | None = None,
    ) -> None:
        """Make a reader.

        Args:
            title: what it is.
            text: all of it; at most what a log keeps in memory is shown.
            classify: the colour of a line.
            mark: a line, from 0, that is marked and shown; else the beginning is.
        """
        self._lines = LivePane(classify=classify)
        super().__init__(title, text, self._lines)
        self._mark = mark
        self._wraps = classify is log_class  # source is read as it is

    def on_resize(self) -> None:
        """Wrap for this width, and show it from the beginning."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        lines = self._text.split("\n")
        width = self._lines.size.width - 2
        if self._wraps and width > 0:
            lines = [part for line in lines for part in wrap(clean(line), width)]
        tail = LogTail()
        tail.extend(0, lines)
        self._lines.show(tail)
        if self._mark is None:
            self._lines.to_first()
        else:
            self._lines.to_line(self._mark, mark="marked")


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
