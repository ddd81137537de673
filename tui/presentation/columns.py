"""Tables on the screen: columns that line up at any width, and give way where it is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from engine.text import clean

if TYPE_CHECKING:
    from tui.widgets.row_list import Parts

Cell = Sequence[tuple[str, str]]
"""What stands in a column: texts (untrusted ones too), each with the name of its colour."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        head: its title.
        most: cells that it takes where there is room.
        least: cells below which it is left out; 0 for all of ``most``.
        rank: which columns are left out first: those of the highest rank; those of rank 0 never.
        right: whether its cells end at the same place, as numbers do.
        grows: whether it takes the room that is left.
    """

    head: str
    most: int
    least: int = 0
    rank: int = 0
    right: bool = False
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns for a width, as :func:`fit_columns` gives them.

    Args:
        columns: every column.
        widths: cells of each, 0 for one that is left out.
        gap: cells between two.
        cut: the sign at the end of what is cut.
    """

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    gap: int
    cut: str

    def head(self) -> Parts:
        """The heads of the columns."""
        return self.row([[(column.head, "dim")] for column in self.columns])

    def row(self, cells: Sequence[Cell]) -> Parts:
        """A row: a cell for each column, also for those that are left out."""
        parts: Parts = []
        for column, width, cell in zip(self.columns, self.widths, cells, strict=True):
            if not width:
                continue
            if parts:
                parts.append((" " * self.gap, ""))
            parts += fit_cell(cell, width, right=column.right, cut=self.cut)
        return parts


def fit_columns(
    columns: Sequence[Column], width: int, cut: str, wanted: Mapping[str, int] | None = None
) -> Table:
    """Give each column its width.

    Args:
        width: of the row, in cells.
        cut: the sign at the end of what is cut.
        wanted: cells of the widest cell of columns, by their heads; a column takes no more, and
            is left out where that is none.
    """
    most = [min(each.most, (wanted or {}).get(each.head, each.most)) for each in columns]
    least = [min(each.least or each.most, top) for each, top in zip(columns, most, strict=True)]
    shown = [index for index, top in enumerate(most) if top]
    full = sum(least[index] if columns[index].grows else most[index] for index in shown)
    gap = 2 if full + 2 * (len(shown) - 1) <= width else 1

    def needs() -> int:
        return sum(least[index] for index in shown) + gap * (len(shown) - 1)

    while needs() > width and any(columns[index].rank for index in shown):
        shown.remove(max(shown, key=lambda index: (columns[index].rank, index)))
    left = width - needs()
    widths = [least[index] if index in shown else 0 for index in range(len(columns))]
    for index in sorted(shown, key=lambda at: (columns[at].grows, columns[at].rank, at)):
        more = max(0, min(left, most[index] - widths[index]))
        widths[index] += more
        left -= more
    growing = next((index for index in shown if columns[index].grows), None)
    if growing is not None:
        widths[growing] = max(1, widths[growing] + left)
    return Table(tuple(columns), tuple(widths), gap, cut)


def fit_cell(cell: Cell, width: int, *, right: bool = False, cut: str = "") -> Parts:
    """Texts in so many cells: filled with blanks, or cut with a sign at the end."""
    parts = [(clean(text), colour) for text, colour in cell if text]
    total = sum(cell_len(text) for text, _ in parts)
    if total <= width:
        blanks = (" " * (width - total), "")
        return [blanks, *parts] if right else [*parts, blanks]
    kept: Parts = []
    left = width - cell_len(cut)
    for text, colour in parts:
        size = cell_len(text)
        if size > left:
            kept.append((set_cell_size(text, max(0, left)) + cut, colour))
            return kept
        kept.append((text, colour))
        left -= size
    return kept


def longest(texts: Iterable[str]) -> int:
    """Cells of the longest of some texts, as they are shown."""
    return max((cell_len(clean(text)) for text in texts), default=0)
