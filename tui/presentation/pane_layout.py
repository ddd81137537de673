"""Where the panes of a run stand at a size: computed apart from any screen.

What happens decides who gets room: a screen names the panes that are worth it, and the others keep
their title row or their row in the list. On a wide terminal all panes stand in two columns; on a
narrower one the list of panes stands beside those that are worth room, one below the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LIST_WIDTH = 26
_NARROW_LIST_WIDTH = 20
_WIDE_CELLS = 100
"""Width from which on the list of panes is as wide as it wants to be."""

_COLUMNS_CELLS = 150
"""Width from which on all panes stand in two columns."""

_STACK_ROWS = 18
"""Height from which on panes share the room beside the list: a terminal of 24 rows has that."""

_STACK_PANES = 3
"""How many do where there is little height: an agent and two consoles."""

_LEAST_ROWS = 6
"""Rows of a pane that shares the room, its title among them; less where it needs less."""

_COLUMN_ROWS = 8
"""The same of a pane that is open in a column."""

_TILE_WIDTH = 38
_TILE_HEIGHT = 5


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Panes:
    """The panes of a run, by their names.

    Args:
        agents: of those who do the work, in their order.
        others: consoles, and what comes of the work.
    """

    agents: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every pane, in the order of its number key."""
        return (*self.agents, *self.others)


@dataclass(frozen=True, slots=True)
class Wants:
    """What the panes of a run want of the room.

    Args:
        worth: panes that are worth room, the most important first.
        spare: panes that are opened besides where all stand in columns and there is room left.
        rows: the rows that a pane can fill, its title among them; any number where none is given.
    """

    worth: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    rows: Mapping[str, int] | None = None

    def least(self, name: str, rows: int) -> int:
        """The rows without which a pane is not opened: ``rows``, or all that it can fill."""
        return min(rows, self.most(name, rows))

    def most(self, name: str, rows: int) -> int:
        """The rows that a pane can fill, of so many."""
        return min(rows, max(2, (self.rows or {}).get(name, rows)))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand.

    Args:
        list: the list of panes, None when all are to be seen.
        panes: the panes that are to be seen; one of a single row shows its title.
    """

    list: Box | None
    panes: dict[str, Box]


def arrange(
    width: int, height: int, focused: str, panes: Panes, wants: Wants, *, enlarged: bool
) -> Layout:
    """Arrange the panes.

    Args:
        width, height: of the room for panes, in cells.
        focused: the pane that must be seen.
        panes: all that there are.
        wants: which of them are worth room.
        enlarged: whether the focused one gets all the room.
    """
    if enlarged or width < 40 or height < 6:
        return Layout(None, {focused: Box(0, 0, width, height)})
    columns = (panes.agents, panes.others)
    longest = max(len(names) for names in columns)
    if width >= _COLUMNS_CELLS and all(columns) and height >= longest - 1 + _COLUMN_ROWS:
        right = max(64, width * 2 // 5)
        left = width - right - 1
        first = Box(0, 0, left, height)
        second = Box(left + 1, 0, right, height)
        return Layout(
            None,
            _column(first, panes.agents, focused, wants)
            | _column(second, panes.others, focused, wants),
        )
    beside = _LIST_WIDTH if width >= _WIDE_CELLS else _NARROW_LIST_WIDTH
    rest = Box(beside + 1, 0, width - beside - 1, height)
    return Layout(Box(0, 0, beside, height), _stack(rest, panes.names, focused, wants))


def tiles(width: int, height: int, names: tuple[str, ...]) -> dict[str, Box]:
    """Places side by side for so many consoles; empty when they would be too small to read."""
    best, columns = 0, 0
    for count in range(1, len(names) + 1):
        rows = -(-len(names) // count)
        across, down = (width + 1) // count - 1, (height + 1) // rows - 1
        # A line of a log wants some 80 cells; more than that is better spent on more lines.
        worth = min(across, 80) * down
        if across >= _TILE_WIDTH and down >= _TILE_HEIGHT and worth > best:
            best, columns = worth, count
    return _columns(width, height, names, columns) if columns else {}


def _stack(room: Box, names: Sequence[str], focused: str, wants: Wants) -> dict[str, Box]:
    """The focused pane and what is worth room beside it, one below the other."""
    shown = [focused]
    if room.height >= _STACK_ROWS:
        most = max(_STACK_PANES, room.height // _COLUMN_ROWS)
        left = room.height - wants.least(focused, _LEAST_ROWS)
        for name in wants.worth:
            least = wants.least(name, _LEAST_ROWS)
            if len(shown) < most and name not in shown and name in names and least <= left:
                shown.append(name)
                left -= least
    shown.sort(key=names.index)
    return _below_each_other(room, _heights(room.height, shown, wants, _LEAST_ROWS))


def _column(room: Box, names: Sequence[str], focused: str, wants: Wants) -> dict[str, Box]:
    """All of some panes; those that are not worth room have their titles."""
    shown: list[str] = []
    left = room.height - len(names)
    for name in (focused, *wants.worth, *wants.spare):
        least = wants.least(name, _COLUMN_ROWS) - 1
        if name in names and name not in shown and least <= left:
            shown.append(name)
            left -= least
    shown = sorted(shown or names[:1], key=names.index)
    open_rows = _heights(room.height - len(names) + len(shown), shown, wants, _COLUMN_ROWS)
    return _below_each_other(room, {name: open_rows.get(name, 1) for name in names})


def _heights(height: int, names: Sequence[str], wants: Wants, least: int) -> dict[str, int]:
    """Share so many rows among panes: each has its least, the rest goes to those that can fill it.

    What nobody can fill is given to the last.
    """
    rows = {name: wants.least(name, least) for name in names}
    left = height - sum(rows.values())
    while left > 0:
        hungry = [name for name in names if rows[name] < wants.most(name, height)]
        if not hungry:
            rows[names[-1]] += left
            break
        part, more = divmod(left, len(hungry))
        for place, name in enumerate(hungry):
            given = min(part + (place < more), wants.most(name, height) - rows[name])
            rows[name] += given
            left -= given
    return rows


def _below_each_other(room: Box, heights: Mapping[str, int]) -> dict[str, Box]:
    boxes, y = {}, room.y
    for name, rows in heights.items():
        boxes[name] = Box(room.x, y, room.width, rows)
        y += rows
    return boxes


def _columns(width: int, height: int, names: tuple[str, ...], columns: int) -> dict[str, Box]:
    """Names in columns, row by row, with a cell of air between."""
    rows = -(-len(names) // columns)
    boxes = {}
    for index, name in enumerate(names):
        row, column = divmod(index, columns)
        left, right = column * (width + 1) // columns, (column + 1) * (width + 1) // columns - 1
        top, bottom = row * (height + 1) // rows, (row + 1) * (height + 1) // rows - 1
        if index == len(names) - 1:
            right = width
        boxes[name] = Box(left, top, right - left, bottom - top)
    return boxes
