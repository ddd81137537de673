"""Tables as text: for the command line, and for what is read on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.text import clean

if TYPE_CHECKING:
    from engine import Efuse, Partition

Row = tuple[str, ...]


def columns(head: Row, rows: Sequence[Row]) -> list[str]:
    """Columns as wide as they need to be; the last one is as long as it is."""
    cleaned = [tuple(clean(str(cell)) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in (head, *cleaned)) for column in range(len(head) - 1)]
    lines = []
    for row in (head, *cleaned):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join((*cells, row[-1])).rstrip())
    return lines


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


def efuse_rows(found: Sequence[Efuse]) -> tuple[Row, list[Row]]:
    """EFuses: head and rows."""
    rows: list[Row] = [(each.category, each.name, each.value, each.description) for each in found]
    return ("GROUP", "NAME", "VALUE", "MEANING"), rows
