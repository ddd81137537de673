"""Rows of cells out of untrusted text: one segment a row, as wide as it may be."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.text import clean


def fit(text: str, width: int, *, cut: str = "") -> str:
    """Text cut or filled to so many cells.

    Args:
        cut: a sign, one cell wide, that ends a text which is cut.
    """
    size = len(text) if text.isascii() else cell_len(text)
    if size > width > 1 and cut:
        return fit(text, width - 1) + cut
    if text.isascii():
        return text[:width].ljust(width)
    return set_cell_size(text, width)


def drop_cells(text: str, cells: int) -> str:
    """What is right of so many cells of clean text; a wide character that is halved is a blank."""
    if text.isascii():
        return text[cells:]
    start = _reach(text, 0, cells)
    left = cells - cell_len(text[:start])
    return f" {text[start + 1 :]}" if left and start < len(text) else text[start:]


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
    return Strip([Segment(fit(text, width, cut=cut), style)], width)


def pieces(parts: list[tuple[str, Style]], width: int, fill: Style, *, cut: str = "") -> Strip:
    """A row of several styles, each part cleaned; cut at ``width``.

    Args:
        cut: a sign, one cell wide, that ends a row which is cut.
    """
    cleaned = [(clean(text), style) for text, style in parts]
    is_cut = bool(cut) and cell_len("".join(text for text, _ in cleaned).rstrip()) > width > 1
    segments: list[Segment] = []
    left = width - 1 if is_cut else width
    last = fill
    for text, style in cleaned:
        size = cell_len(text)
        if size > left:
            text, size = set_cell_size(text, left), left
        if size:
            segments.append(Segment(text, style))
            left -= size
            last = style
    if is_cut:
        segments.append(Segment(cut, last))
    elif left > 0:
        segments.append(Segment(" " * left, fill))
    return Strip(segments, width)
