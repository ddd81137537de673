"""Where the panels of home stand at a size: computed apart from any screen."""

from __future__ import annotations

from enum import StrEnum

from tui.presentation.pane_layout import Box

_WIDE_CELLS, _WIDE_ROWS = 100, 24
"""From here on work and boards stand beside the projects, and builds below."""

_LARGE_CELLS, _LARGE_ROWS = 160, 45
"""From here on details of the chosen project stand beside its builds."""

_SMALL_CELLS, _SMALL_ROWS = 30, 9
"""Below this only one panel is seen."""

_MIN_STRIP_ROWS = 4
_MIN_BOARD_ROWS = 4


class Panel(StrEnum):
    """A panel of home; the order is that of the number keys."""

    PROJECTS = "projects"
    WORK = "at work"
    BOARDS = "boards"
    BUILDS = "builds"
    DETAILS = "details"


STRIPS = tuple(panel for panel in Panel if panel is not Panel.PROJECTS)
"""The panels that share one place where there is little room."""


def is_wide(width: int, height: int) -> bool:
    """Whether projects, work, boards and builds are all seen."""
    return width >= _WIDE_CELLS and height >= _WIDE_ROWS


def arrange(width: int, height: int, focused: Panel, strip: Panel, work: int) -> dict[Panel, Box]:
    """Arrange the panels that are seen.

    Args:
        width, height: of the room for panels, in cells.
        focused: the panel that has the focus: it is always seen.
        strip: the panel that is seen below the projects where there is room for one; not the
            projects.
        work: rows that the panel of what is at work has to show.
    """
    if width < _SMALL_CELLS or height < _SMALL_ROWS:
        return {focused: Box(0, 0, width, height)}
    if is_wide(width, height):
        return _wide(width, height, focused, work)
    below = focused if focused is not Panel.PROJECTS else strip
    rows = max(_MIN_STRIP_ROWS, height * 2 // 5)
    return {
        Panel.PROJECTS: Box(0, 0, width, height - rows),
        below: Box(0, height - rows, width, rows),
    }


def _wide(width: int, height: int, focused: Panel, work: int) -> dict[Panel, Box]:
    left = width // 2
    right, beside = width - left - 1, left + 1
    below = height * 3 // 8
    top = height - below
    work_rows = min(1 + max(1, work), top // 2, top - _MIN_BOARD_ROWS)
    boxes = {
        Panel.PROJECTS: Box(0, 0, left, top),
        Panel.WORK: Box(beside, 0, right, work_rows),
        Panel.BOARDS: Box(beside, work_rows, right, top - work_rows),
    }
    if width >= _LARGE_CELLS and height >= _LARGE_ROWS:
        details = width * 3 // 8
        boxes[Panel.BUILDS] = Box(0, top, width - details - 1, below)
        boxes[Panel.DETAILS] = Box(width - details, top, details, below)
    else:
        shown = Panel.DETAILS if focused is Panel.DETAILS else Panel.BUILDS
        boxes[shown] = Box(0, top, width, below)
    return boxes
