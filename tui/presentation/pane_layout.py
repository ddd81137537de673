"""Where the panes of a run stand at a size: computed apart from any screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_LIST_WIDTH = 24
_NARROW_LIST_WIDTH = 18
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
        results: of what comes of it, each with its part of the height where all are seen.
    """

    agents: tuple[str, ...] = ()
    results: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every pane, in the order of its number key."""
        return (*self.agents, *self.results)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand.

    Args:
        list: the list of panes, None when all are to be seen.
        panes: the panes that are to be seen.
    """

    list: Box | None
    panes: dict[str, Box]


def arrange(width: int, height: int, focused: str, panes: Panes, *, enlarged: bool) -> Layout:
    """Arrange the panes.

    Args:
        width, height: of the room for panes, in cells.
        focused: the pane that must be seen.
        panes: all that there are.
        enlarged: whether the focused one gets all the room.
    """
    if enlarged or width < 40 or height < 6:
        return Layout(None, {focused: Box(0, 0, width, height)})
    if width >= 150 and height >= 36 and _is_readable(height, len(panes.agents)):
        return Layout(None, _wide(width, height, panes))
    if width >= 110 and height >= 40 and _is_readable(height, len(panes.names)):
        return Layout(None, _columns(width, height, panes.names, 2))
    beside = _LIST_WIDTH if width >= 72 else _NARROW_LIST_WIDTH
    return Layout(
        Box(0, 0, beside, height), {focused: Box(beside + 1, 0, width - beside - 1, height)}
    )


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


def _is_readable(height: int, count: int) -> bool:
    """Whether so many panes in two columns are high enough to read."""
    return count > 0 and (height + 1) // -(-count // 2) - 1 >= _TILE_HEIGHT


def _wide(width: int, height: int, panes: Panes) -> dict[str, Box]:
    """Agents in two columns, and beside them what came of their work."""
    right = max(48, width * 2 // 5)
    columns = 2 if len(panes.agents) > 2 else 1
    boxes = _columns(width - right - 1, height, panes.agents, columns)
    whole, y = sum(panes.results.values()), 0
    for index, (name, part) in enumerate(panes.results.items(), 1):
        rows = height - y if index == len(panes.results) else height * part // whole
        boxes[name] = Box(width - right, y, right, rows)
        y += rows + 1
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
