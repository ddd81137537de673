"""Two builds compared: commits between, findings, tests, sizes, times, files, logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine.events import Event
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.compare_rows import (
    CompareRow,
    compare_parts,
    compare_rows,
    compare_title,
)
from tui.screens import open_result
from tui.screens.base import MainScreen
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import BuildComparison, LogChange


class CompareScreen(MainScreen):
    """What differs from the earlier build to the later one, section after section."""

    WHERE: ClassVar[Where] = Where.COMPARE
    RESTS: ClassVar[bool] = True

    def __init__(self, first: int, second: int) -> None:
        """Make a screen.

        Args:
            first, second: numbers of two builds of a project; the earlier one is the one before.
        """
        super().__init__()
        self._before, self._after = sorted((first, second))
        self._rows: RowList[tuple[int, CompareRow]] = RowList(
            draw=lambda item, _width: compare_parts(item[1]),
            key=lambda item: item[0],
            empty=" comparing",
            id="comparison",
        )

    def compose_body(self) -> ComposeResult:
        """The rows."""
        yield self._rows

    def on_mount(self) -> None:
        """Compare, which takes a moment; the logs come after the rest."""
        self._rows.title = f" COMPARE #{self._before} to #{self._after}"
        self.set_focus(self._rows)
        builds, before, after = self.engine.builds, self._before, self._after

        def read() -> tuple[BuildComparison, Sequence[LogChange]]:
            return builds.compare(after, before), builds.compare_logs(after, before)

        self.in_thread(read, self._show)

    def list_actions(self) -> Sequence[Action]:
        """Actions on the rows."""
        return [
            *super().list_actions(),
            self.action("open", self._open, self._nothing_to_open),
            self.action("next_section", lambda: self._go_to_section(1), self._nothing),
            self.action("previous_section", lambda: self._go_to_section(-1), self._nothing),
            self.action("sizes", self._show_sizes, self._nothing),
            self.action("copy", self._copy, self._nothing),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Ignore them: builds that have ended do not change."""

    def escape(self) -> None:
        """Go back."""
        self.app.pop_screen()

    @property
    def scroll_target(self) -> RowList[tuple[int, CompareRow]]:
        """The rows."""
        return self._rows

    def _show(self, read: tuple[BuildComparison, Sequence[LogChange]]) -> None:
        found, logs = read
        self._rows.title = f" COMPARE {compare_title(found)}"
        self._rows.fill(list(enumerate(compare_rows(found, logs))))
        self._bar.refresh()

    def _nothing(self) -> str | None:
        return None if self._rows.items else "the builds are not compared yet"

    def _nothing_to_open(self) -> str | None:
        is_build = self._chosen is not None and self._chosen.section == "BUILDS"
        has_more = self._chosen is not None and (self._chosen.finding is not None or is_build)
        return None if has_more else "nothing to open: choose a build or a finding"

    @property
    def _chosen(self) -> CompareRow | None:
        return self._rows.item[1] if self._rows.item is not None else None

    def _open(self) -> None:
        """Open the finding in its source, or the build."""
        from tui.screens.build import BuildScreen

        row = self._chosen
        if row is not None and row.finding is not None:
            open_result.open_finding(self, self.engine.builds, row.finding)
        elif row is not None:
            is_after = row.text.startswith(f"#{self._after} ")
            number = self._after if is_after else self._before
            self.app.push_screen(BuildScreen(number))

    def _go_to_section(self, by: int) -> None:
        heads = [place for place, row in self._rows.items if row.is_head]
        here = self._rows.item[0] if self._rows.item is not None else 0
        if by > 0:
            target = next((place for place in heads if place > here), heads[0])
        else:
            target = next((place for place in reversed(heads) if place < here), heads[-1])
        self._rows.move_to(target)

    def _show_sizes(self) -> None:
        from tui.screens.sizes import SizesScreen

        self.app.push_screen(SizesScreen(self._after))

    def _copy(self) -> None:
        rows = (row for _, row in self._rows.items)
        self.copy_text("\n".join(row.text if row.is_head else f"  {row.text}" for row in rows))
