"""Tables as text: for the command line, and for what is read on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.text import clean

if TYPE_CHECKING:
    from engine import Efuse, Partition

Row = tuple[str, ...]


_GAP = 2
_LEAST_CELLS = 6  # of a column that is cut
_LEAST_LAST_CELLS = 16  # of the last one, which mostly says the most


def columns(head: Row, rows: Sequence[Row], width: int | None = None, cut: str = "…") -> list[str]:
    """Rows below their head, each column as wide as its widest cell.

    Args:
        width: cells of a line. Where the table is wider, its widest columns are cut until it fits;
            the last one has what is left. None: all of it stands there.
        cut: the sign that ends a text that is cut, one cell wide.
    """
    cleaned = [head, *(tuple(clean(str(cell)) for cell in row) for row in rows)]
    widths = [max(_cells(row[column]) for row in cleaned) for column in range(len(head))]
    if width is not None:
        widths = _fitted(widths, [_cells(name) for name in head], width)
    lines = []
    for row in cleaned:
        cells = [_padded(cell, wide, cut) for cell, wide in zip(row, widths, strict=True)]
        lines.append((" " * _GAP).join(cells).rstrip())
    return lines


def _fitted(widths: Sequence[int], heads: Sequence[int], width: int) -> list[int]:
    """Widths that fit a line; each column keeps its head and the room for some signs."""
    fitted = list(widths)
    least = [min(each, max(head, _LEAST_CELLS)) for each, head in zip(widths, heads, strict=True)]
    least[-1] = min(widths[-1], _LEAST_LAST_CELLS)
    over = sum(fitted) + _GAP * (len(fitted) - 1) - width
    if over > 0:
        taken = min(over, fitted[-1] - least[-1])
        fitted[-1] -= taken
        over -= taken
    while over > 0:
        widest = max(range(len(fitted)), key=lambda each: fitted[each] - least[each])
        if fitted[widest] <= least[widest]:
            break  # a terminal too narrow for its heads: lines wrap
        fitted[widest] -= 1
        over -= 1
    return fitted


def _padded(text: str, width: int, cut: str) -> str:
    """A text that takes so many cells: cut, or with spaces behind it."""
    over = _cells(text) - width
    if over <= 0:
        return text + " " * -over
    if text.isascii():
        return text[: width - 1] + cut
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + cut


def _cells(text: str) -> int:
    """Cells that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def partition_rows(found: Sequence[Partition]) -> tuple[Row, list[Row]]:
    """A partition table: its head and its rows."""
    rows: list[Row] = [
        (
            each.label,
            each.type_name,
            each.subtype_name,
            f"{each.offset:#x}",
            f"{each.size:#x}",
            f"{each.size / 1024:g}",
            ":".join(each.flag_names),
        )
        for each in found
    ]
    return ("LABEL", "TYPE", "SUBTYPE", "OFFSET", "SIZE", "KIB", "FLAGS"), rows


def partition_fields(each: Partition) -> dict[str, Any]:
    """A partition as programs know it; offset and size are in bytes."""
    return {
        "label": each.label,
        "type": each.type_name,
        "subtype": each.subtype_name,
        "offset": each.offset,
        "size": each.size,
        "flags": list(each.flag_names),
    }


def efuse_rows(found: Sequence[Efuse]) -> tuple[Row, list[Row]]:
    """EFuses: head and rows."""
    rows: list[Row] = [(each.category, each.name, each.value, each.description) for each in found]
    return ("GROUP", "NAME", "VALUE", "MEANING"), rows
