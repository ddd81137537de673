"""A board as a row of a list, and as details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.presentation.board_holder import who_has
from tui.presentation.strips import fit
from tui.presentation.units import ago, size

if TYPE_CHECKING:
    from engine import BoardInfo, BoardOverview
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_WIDE_CELLS = 140
"""Width from which a row has a column for what runs on the board, and one for its port."""

_FULL_NAME_CELLS = 110
"""Width from which a row has a board's own name beside the name that people gave it."""

_MIN_NAME_CELLS, _MAX_NAME_CELLS = 12, 44
_STATE_CELLS = 9
_CHIP_CELLS = 8
_RUNS_CELLS = 34
_PORT_CELLS = 28

_SIGNS = {
    "free": ("idle", "good"),
    "busy": ("running", "busy"),
    "reserved": ("reserved", "note"),
    "unwell": ("error", "bad"),
    "off": ("skipped", "dim"),
}
"""The sign of a state, and its colour."""


def name_cells(boards: Sequence[BoardOverview], width: int) -> int:
    """Cells that names get in rows of a width: those of the longest, within limits."""
    longest = max((cell_len(_name_of(board.info, width)) for board in boards), default=0)
    return min(max(longest, _MIN_NAME_CELLS), _MAX_NAME_CELLS, max(_MIN_NAME_CELLS, width // 3))


def board_head(width: int, *, name_width: int) -> Parts:
    """The heads of the columns of :func:`board_parts`."""
    wide = f" {'runs':<{_RUNS_CELLS}} {'port':<{_PORT_CELLS}}" if width >= _WIDE_CELLS else ""
    board = f"{'state':<{_STATE_CELLS}}{'board':<{name_width}} {'chip':<{_CHIP_CELLS}}"
    return [(f"   {board}{wide}  what is known", "dim")]


def board_parts(
    board: BoardOverview,
    glyphs: Glyphs,
    width: int,
    *,
    name_width: int,
    is_marked: bool,
    now: datetime,
) -> Parts:
    """A board as a row: how it is and who has it come first, they are never cut.

    Args:
        width: of the row, in cells.
        name_width: cells for its name, as :func:`name_cells` gave them.
        is_marked: whether the row is marked.
        now: the time, with its zone.
    """
    info = board.info
    sign, colour = _SIGNS.get(board.state, ("unknown", "dim"))
    is_wide = width >= _WIDE_CELLS
    wide = [
        (
            f" {fit(info.runs or 'not known', _RUNS_CELLS, cut=glyphs.cut)}",
            "" if info.runs else "dim",
        ),
        (f" {fit(info.url or '-', _PORT_CELLS, cut=glyphs.cut)}", "dim"),
    ]
    answered = f"answered {ago(info.asked_at)}" if info.asked_at else ""
    told = [
        (info.doing, "busy"),
        (who_has(info, now), "busy" if info.holder else "note"),
        (board.problem, "bad" if board.state == "unwell" or info.out_of_pool else "busy"),
        ("" if is_wide else info.runs, ""),
        (answered, "dim"),
        (info.last_line or info.remark, "dim"),
    ]
    rest = [(f"  {text}", each) for text, each in told if text]
    return [
        ("*" if is_marked else " ", "note"),
        (f"{glyphs.state(sign)} ", colour),
        (f"{board.state:<{_STATE_CELLS}}", colour),
        (f"{fit(_name_of(info, width), name_width, cut=glyphs.cut)} ", ""),
        (fit(info.chip or "?", _CHIP_CELLS, cut=glyphs.cut), "dim"),
        *(wide if is_wide else []),
        *rest,
    ]


def board_details(board: BoardOverview, now: datetime) -> list[tuple[str, str]]:
    """What is known of a board: names and values."""
    info = board.info
    chip = f"{info.chip} {info.revision}".strip()
    flash = f"flash {size(info.flash_size)}" if info.flash_size else "flash not known"
    found = ", ".join(filter(None, (chip, info.package, flash, info.mac or "no address known")))
    well = "" if board.state == "unwell" else "no problem seen"
    health = [board.problem or well, f"answered {ago(info.asked_at)}" if info.asked_at else ""]
    crystal = f", crystal {info.crystal} MHz" if info.crystal else ""
    protected = f"protected for good: {info.protection}; " if info.protection else ""
    port = info.url or "not there"
    return [
        ("who", who_has(info, now) or f"nobody: it is {board.state}"),
        ("runs", info.runs or "not known"),
        ("health", ", ".join(filter(None, health))),
        ("port", port if info.name == info.url else f"{port} ({info.name})"),
        ("chip", found if chip else "not asked yet: press i"),
        ("has", f"{protected}{info.features or 'not known'}{crystal}"),
        ("note", info.remark or "-"),
    ]


def _name_of(board: BoardInfo, width: int) -> str:
    if board.label and width >= _FULL_NAME_CELLS:
        return f"{board.label} ({board.name})"
    return board.label or board.name
