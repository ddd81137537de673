"""A container that shows its children in boxes that are computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from textual.containers import Container
from textual.geometry import Offset
from textual.widget import Widget

from tui.presentation.pane_layout import Box


class PaneContainer(Container):
    """Panes of a screen; a child without a box is hidden."""

    def place(self, boxes: Mapping[Widget, Box]) -> None:
        """Show children in these boxes, and no other child."""
        for child in self.children:
            box = boxes.get(child)
            child.display = box is not None
            if box is not None:
                child.styles.offset = Offset(box.x, box.y)
                child.styles.width, child.styles.height = box.width, box.height
