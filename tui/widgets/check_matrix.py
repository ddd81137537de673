"""A matrix of projects and checks with a cursor on one cell; a list of cells where it is narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from engine.text import clean
from tui.presentation.check_rows import message_of, project_of, short_name
from tui.presentation.strips import fit, pieces, row
from tui.widgets.base import RowWidget
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import CheckCell

_MIN_NAME_CELLS, _MAX_NAME_CELLS = 10, 32
_LIST_NAME_CELLS = 18
_STATE_CELLS = 12
"""Cells of what a cell says: a sign, an age, and whether it is off."""

_GAP_CELLS = 2


class CheckMatrix(RowWidget):
    """A row a project and a column a check; below the width for that, a row a cell."""

    PREFIX = "row-list"
    COMPONENT_CLASSES: ClassVar[set[str]] = RowList.COMPONENT_CLASSES

    class Moved(Message):
        """The cursor is on another cell, or its cell changed."""

    class Opened(Message):
        """A cell was double-clicked."""

    def __init__(
        self, *, draw: Callable[[CheckCell], tuple[str, str]], id: str | None = None
    ) -> None:
        """Make an empty matrix.

        Args:
            draw: how a cell is, in :data:`_STATE_CELLS`, and the name of its colour.
        """
        super().__init__(id=id)
        self._draw = draw
        self._empty = " loading"
        self._names: list[str] = []
        self._checks: list[str] = []
        self._cells: dict[tuple[int, int], CheckCell] = {}
        self._places: list[tuple[int, int]] = []
        self._at = (0, 0)
        self._top = 0

    @property
    def cell(self) -> CheckCell | None:
        """The cell under the cursor; None for a check that is not of that row."""
        return self._cells.get(self._at)

    @property
    def cells(self) -> Sequence[CheckCell]:
        """All cells, by rows."""
        return [self._cells[place] for place in self._places]

    def fill(self, cells: Sequence[CheckCell], *, empty: str) -> None:
        """Show other cells; the cursor stays with its project and check if they are there."""
        names = {cell.project.id if cell.project else None: project_of(cell) for cell in cells}
        ids = sorted(names, key=lambda id: (id is not None, names[id]))
        checks = sorted({cell.check.name for cell in cells})
        before, at = self.cell, self._at
        rows = {id: index for index, id in enumerate(ids)}
        columns = {name: index for index, name in enumerate(checks)}
        self._names = [clean(names[id]) for id in ids]
        self._checks, self._empty = checks, empty
        self._cells = {
            (rows[cell.project.id if cell.project else None], columns[cell.check.name]): cell
            for cell in cells
        }
        self._places = sorted(self._cells)
        if before is not None:
            wanted = rows.get(before.project.id if before.project else None, at[0])
            at = (wanted, columns.get(before.check.name, at[1]))
        self._at = (min(at[0], max(0, len(ids) - 1)), min(at[1], max(0, len(checks) - 1)))
        if before is None or not self.is_grid:
            self._to_a_cell()
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved())

    @property
    def is_grid(self) -> bool:
        """Whether every check has a column: there is room for all."""
        needed = _MIN_NAME_CELLS + sum(map(self._column_cells, self._checks))
        return self.size.width >= needed

    def move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._move_to(self._row + rows)

    def move_aside(self, step: int) -> None:
        """Go to the next check, or the one before; in a list to another project."""
        if self.is_grid:
            column = max(0, min(self._at[1] + step, len(self._checks) - 1))
            self._go((self._at[0], column))
            return
        name = max(0, min(self._at[0] + step, len(self._names) - 1))
        column = self._at[1]
        of_row = [place for place in self._places if place[0] == name]
        if of_row:
            self._go(min(of_row, key=lambda place: abs(place[1] - column)))

    def to_first(self) -> None:
        """Go to the first row."""
        self._move_to(0)

    def to_last(self) -> None:
        """Go to the last row."""
        self._move_to(self._count - 1)

    def move_pages(self, pages: int) -> None:
        """Move by pages, of which one row stays."""
        self.move(pages * max(1, self._seen - 1))

    def render_line(self, y: int) -> Strip:
        """One row: the title, the heads of the columns, or cells."""
        width = self.size.width
        if y == 0:
            return row(self.title, self.title_style, width, cut=self.cut)
        if not self._cells:
            return row(self._empty if y == 1 else "", self.style_of("note"), width)
        if self.is_grid:
            return self._head(width) if y == 1 else self._grid_row(self._top + y - 2, width)
        return self._list_row(self._top + y - 1, width)

    @property
    def _count(self) -> int:
        return len(self._names) if self.is_grid else len(self._places)

    @property
    def _row(self) -> int:
        """The row of the cursor."""
        if self.is_grid:
            return self._at[0]
        return self._places.index(self._at) if self._at in self._cells else 0

    @property
    def _seen(self) -> int:
        """How many rows of cells are seen."""
        return max(1, self.rows - self.is_grid)

    def _move_to(self, index: int) -> None:
        if not self._cells:
            return
        index = max(0, min(index, self._count - 1))
        self._go((index, self._at[1]) if self.is_grid else self._places[index])

    def _go(self, place: tuple[int, int]) -> None:
        if place != self._at:
            self._at = place
            self._show_cursor()
            self.refresh()
            self.post_message(self.Moved())

    def _to_a_cell(self) -> None:
        """Put the cursor where there is a cell: the next one from where it is."""
        if self._places and self._at not in self._cells:
            later = (place for place in self._places if place >= self._at)
            self._at = next(later, self._places[-1])

    def _column_cells(self, check: str) -> int:
        return max(_STATE_CELLS, len(short_name(check))) + _GAP_CELLS

    def _name_cells(self, width: int) -> int:
        room = width - sum(map(self._column_cells, self._checks))
        longest = max(map(len, self._names), default=0) + _GAP_CELLS
        return max(_MIN_NAME_CELLS, min(room, longest, _MAX_NAME_CELLS))

    def _head(self, width: int) -> Strip:
        base, strong = self.style_of("dim"), self.style_of("note")
        parts = [(" " * self._name_cells(width), base)]
        for column, check in enumerate(self._checks):
            style = strong if column == self._at[1] else base
            parts.append((fit(short_name(check), self._column_cells(check)), style))
        return pieces(parts, width, base, cut=self.cut)

    def _grid_row(self, index: int, width: int) -> Strip:
        base = self.style_of("row")
        if index >= len(self._names):
            return row("", base, width)
        here = index == self._at[0]
        name = self._cut(f" {self._names[index]}", self._name_cells(width) - 1)
        parts = [(f"{name} ", self.style_of("cursor-blur") if here else base)]
        for column, check in enumerate(self._checks):
            cell = self._cells.get((index, column))
            text, colour = self._draw(cell) if cell is not None else ("", "")
            style = self.style_of(colour) if colour else base
            size = self._column_cells(check)
            if here and column == self._at[1]:
                style = self._cursor_style
            parts += [(fit(text, size - _GAP_CELLS), style), (" " * _GAP_CELLS, base)]
        return pieces(parts, width, base, cut=self.cut)

    def _list_row(self, index: int, width: int) -> Strip:
        base = self.style_of("row")
        if index >= len(self._places):
            return row("", base, width)
        place = self._places[index]
        cell = self._cells[place]
        text, colour = self._draw(cell)
        longest = max(map(len, self._names)) + 1
        check = max(len(short_name(each)) for each in self._checks)
        parts = [
            (f" {fit(text, _STATE_CELLS)} ", colour),
            (f"{fit(short_name(cell.check.name), check)}  ", ""),
            (f"{self._cut(self._names[place[0]], min(longest, _LIST_NAME_CELLS))} ", "note"),
            (message_of(cell), "dim"),
        ]
        if place == self._at:
            style = self._cursor_style
            return pieces([(text, style) for text, _ in parts], width, style, cut=self.cut)
        styled = [(text, self.style_of(name) if name else base) for text, name in parts]
        return pieces(styled, width, base, cut=self.cut)

    def _cut(self, text: str, size: int) -> str:
        return fit(text, size, cut=self.cut)

    @property
    def _cursor_style(self) -> Style:
        return self.style_of("cursor" if self.has_focus else "cursor-blur")

    def _show_cursor(self) -> None:
        at, seen = self._row, self._seen
        self._top = min(self._top, at)
        self._top = max(self._top, at - seen + 1, 0)
        self._top = min(self._top, max(0, self._count - seen))

    def _on_resize(self, _event: events.Resize) -> None:
        if not self.is_grid:
            self._to_a_cell()
        self._show_cursor()
        self.refresh()

    async def _on_click(self, event: events.Click) -> None:
        place = self._place_at(event.x, event.y)
        if place is None:
            return
        self._go(place)
        if event.chain == 2:
            self.post_message(self.Opened())

    def _place_at(self, x: int, y: int) -> tuple[int, int] | None:
        """The cell at a point of the widget."""
        index = self._top + y - 1 - self.is_grid
        if y < 1 + self.is_grid or index >= self._count:
            return None
        if not self.is_grid:
            return self._places[index]
        x -= self._name_cells(self.size.width)
        column = self._at[1] if x < 0 else len(self._checks) - 1
        for number, check in enumerate(self._checks):
            if 0 <= x < self._column_cells(check):
                column = number
            x -= self._column_cells(check)
        return index, column
