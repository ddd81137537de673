"""A board as a row of a list, and as details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.presentation.strips import fit
from tui.presentation.units import ago, size

if TYPE_CHECKING:
    from engine import BoardInfo
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_WIDE_CELLS = 140
"""Width from which a row has room for what runs on the board, and for the port."""

_FULL_NAME_CELLS = 110
"""Width from which a row has a board's own name beside the name that people gave it."""

_MIN_NAME_CELLS, _MAX_NAME_CELLS = 16, 44

_COLOURS = {"free": "good", "busy": "busy", "off": "dim"}


def name_cells(boards: Sequence[BoardInfo], width: int) -> int:
    """Cells that names get in rows of a width: those of the longest, within limits."""
    longest = max((len(_name_of(board, width)) for board in boards), default=0)
    return min(max(longest, _MIN_NAME_CELLS), _MAX_NAME_CELLS, max(_MIN_NAME_CELLS, width // 3))


def board_parts(
    board: BoardInfo, glyphs: Glyphs, width: int, *, name_width: int, is_marked: bool
) -> Parts:
    """A board as a row.

    Args:
        width: of the row, in cells.
        name_width: cells for its name, as :func:`name_cells` gave them.
        is_marked: whether the row is marked.
    """
    state = {"free": "idle", "busy": "running"}.get(board.state, "skipped")
    name = _name_of(board, width)
    if len(name) > name_width:
        name = name[: name_width - 1] + glyphs.cut
    who = board.holder or (f"reserved by {board.reserved}" if board.reserved else "")
    wide = [
        (f" {(board.runs or 'not known')[:34]:<34}", "" if board.runs else "dim"),
        (f" {board.url or '-':<28}", "dim"),
    ]
    return [
        ("*" if is_marked else " ", "note"),
        (f"{glyphs.state(state)} ", _COLOURS[board.state]),
        (f"{board.doing or board.state:<11} ", _COLOURS[board.state]),
        (f"{fit(name, name_width)} ", ""),
        (f"{board.chip or '?':<8}", "dim"),
        *(wide if width >= _WIDE_CELLS else []),
        (f" {who}" if who else "", "busy"),
        (f" left the pool: {board.out_of_pool}" if board.out_of_pool else "", "bad"),
        (f" answered {ago(board.asked_at)}" if board.asked_at else "", "dim"),
        (f" {board.last_line or board.remark}", "dim"),
    ]


def board_details(board: BoardInfo) -> list[tuple[str, str]]:
    """What is known of a board: names and values."""
    chip = f"{board.chip} {board.revision}".strip() or "not asked yet (i asks)"
    package = f"{board.package}, " if board.package else ""
    flash = size(board.flash_size) if board.flash_size else "?"
    resets = f"{board.brownouts} brownouts, {board.watchdog_resets} watchdog resets seen"
    health = f"left the pool: {board.out_of_pool}; {resets}" if board.out_of_pool else resets
    health += f", answered {ago(board.asked_at)}" if board.asked_at else ""
    crystal = f", crystal {board.crystal} MHz" if board.crystal else ""
    protected = f"protected for good: {board.protection}; " if board.protection else ""
    port = board.url or "not there"
    return [
        ("chip", f"{chip}, {package}flash {flash}, {board.mac or 'no address known'}"),
        ("runs", board.runs or "not known"),
        ("has", f"{protected}{board.features or '?'}{crystal}"),
        ("port", port if board.name == board.url else f"{port} ({board.name})"),
        ("health", health),
        ("note", board.remark or "-"),
    ]


def _name_of(board: BoardInfo, width: int) -> str:
    if board.label and width >= _FULL_NAME_CELLS:
        return f"{board.label} ({board.name})"
    return board.label or board.name
