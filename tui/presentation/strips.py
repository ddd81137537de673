"""Rows of cells out of untrusted text: one segment a row, as wide as it may be."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.text import clean


def fit(text: str, width: int) -> str:
    """Text cut or filled to so many cells."""
    if text.isascii():
        return text[:width].ljust(width)
    return set_cell_size(text, width)


def wrap(text: str, width: int) -> list[str]:
    """A line of clean text in rows of so many cells, broken at blanks where there are any."""
    rows, start, simple = [], 0, text.isascii()
    while True:
        end = start + width if simple else _reach(text, start, width)
        if end >= len(text):
            rows.append(text[start:])
            return rows
        blank = text.rfind(" ", start, end + 1)
        if blank > start and not text[start:blank].isspace():
            rows.append(text[start:blank])
            start = blank + 1
        else:
            end = max(end, start + 1)  # a wide character in a single cell
            rows.append(text[start:end])
            start = end


def _reach(text: str, start: int, width: int) -> int:
    """Which character is the first that does not fit into so many cells."""
    for index in range(start, len(text)):
        width -= get_character_cell_size(text[index])
        if width < 0:
            return index
    return len(text)


def row(text: str, style: Style, width: int, *, cut: str = "") -> Strip:
    """A row of untrusted text in one style.

    Args:
        cut: a sign, one cell wide, that ends a row which is cut.
    """
    # No row is wider than some hundred cells: what is beyond is cut before it costs anything.
    text = clean(text[: width * 8 + 256])
    long = len(text) > width if text.isascii() else cell_len(text) > width
    shown = fit(text, width - 1) + cut if long and cut and width > 1 else fit(text, width)
    return Strip([Segment(shown, style)], width)


def pieces(parts: list[tuple[str, Style]], width: int, fill: Style) -> Strip:
    """A row of several styles, each part cleaned; cut at ``width``."""
    segments: list[Segment] = []
    left = width
    for text, style in parts:
        text = clean(text)
        size = cell_len(text)
        if size > left:
            text, size = set_cell_size(text, left), left
        if size:
            segments.append(Segment(text, style))
            left -= size
    if left > 0:
        segments.append(Segment(" " * left, fill))
    return Strip(segments, width)
