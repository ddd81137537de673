"""Where the panes of a build stand at a size: computed apart from any screen."""

from __future__ import annotations

from dataclasses import dataclass

AGENTS = ("PROJECT_MANAGER", "BUILDER", "TESTER", "DOCTOR", "QA", "DEVELOPER")
PANES = (*AGENTS, "serial", "findings", "artifacts")
"""Every pane, in the order of its number key."""

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
class Layout:
    """Where things stand.

    Args:
        list: the list of panes, None when all are to be seen.
        panes: the panes that are to be seen.
    """

    list: Box | None
    panes: dict[str, Box]


def arrange(width: int, height: int, focused: str, *, enlarged: bool) -> Layout:
    """Arrange the panes.

    Args:
        width, height: of the room for panes, in cells.
        focused: the pane that must be seen.
        enlarged: whether it gets all the room.
    """
    if enlarged or width < 40 or height < 6:
        return Layout(None, {focused: Box(0, 0, width, height)})
    if width >= 150 and height >= 36:
        return Layout(None, _wide(width, height))
    if width >= 110 and height >= 40:
        return Layout(None, _columns(width, height, PANES, 2))
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


def _wide(width: int, height: int) -> dict[str, Box]:
    """Agents in two columns, and beside them what came of their work."""
    right = max(48, width * 2 // 5)
    boxes = _columns(width - right - 1, height, AGENTS, 2)
    x = width - right
    serial, findings = height // 2, height // 4
    boxes["serial"] = Box(x, 0, right, serial)
    boxes["findings"] = Box(x, serial + 1, right, findings)
    rest = serial + findings + 2
    boxes["artifacts"] = Box(x, rest, right, height - rest)
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
