"""The base of screens with many panes, of which one has the focus."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tui.actions import Action
from tui.presentation.pane_layout import Box, Layout, Panes, Wants, arrange
from tui.screens.base import MainScreen
from tui.widgets.base import RowWidget
from tui.widgets.pane_container import PaneContainer
from tui.widgets.row_list import Parts, RowList

_ASIDE_CELLS = 8
"""How far a key moves along long lines."""


class PanesScreen(MainScreen):
    """Panes that are arranged for the size of the screen and for what happens in them.

    A screen says with :meth:`_want` when that changes; neither lines of logs nor the focus do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *MainScreen.BINDINGS,
        *(
            Binding(str(number), f"pane({number})", f"pane {number}", show=False, priority=True)
            for number in range(1, 10)
        ),
        Binding("0", "pane(10)", "pane 10", show=False, priority=True),
    ]

    def __init__(self, panes: Panes, focused: str) -> None:
        """Make a screen.

        Args:
            panes: that are known already.
            focused: the name of the pane that has the focus at first.
        """
        super().__init__()
        self._panes = panes
        self._wants = Wants()
        self._focused = focused
        self._enlarged = False
        self._person_chose = False
        """Whether a person chose a pane: from then on no other is chosen for them."""

        self._pane_list: RowList[str] = RowList(
            draw=self._draw_pane_name, key=lambda name: name, id="panes"
        )
        self._pane_list.title = " panes"
        self._pane_list.can_focus = False
        self._room = PaneContainer(id="room")

    @abstractmethod
    def _pane(self, name: str) -> RowWidget:
        """The widget that shows a pane now."""

    @abstractmethod
    def _draw_pane_name(self, name: str, width: int) -> Parts:
        """The row of a pane in the list of panes."""

    @abstractmethod
    def _focus_changed(self) -> None:
        """Draw what depends on which pane has the focus."""

    def on_mount(self) -> None:
        """Arrange the panes."""
        self._pane_list.fill(self._panes.names)
        self._pane_list.select(self._focused)
        self._arrange()

    def on_resize(self, _event: events.Resize) -> None:
        """Arrange the panes for another size."""
        self.call_after_refresh(self._arrange)

    def list_actions(self) -> Sequence[Action]:
        """Actions that go from pane to pane and along long lines."""
        return [
            *super().list_actions(),
            self.action("next_pane", lambda: self._step_pane(1)),
            self.action("previous_pane", lambda: self._step_pane(-1)),
            self.action("enlarge", self._enlarge),
            self.action("left", lambda: self.scroll_target.scroll_aside(-_ASIDE_CELLS)),
            self.action("right", lambda: self.scroll_target.scroll_aside(_ASIDE_CELLS)),
        ]

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Choose a pane by a click on the list of panes."""
        if message.rows is self._pane_list and self._pane_list.item not in (None, self._focused):
            self._choose_pane(self._pane_list.item)

    def action_pane(self, number: int) -> None:
        """Textual's action of the number keys: go to a pane."""
        if number <= len(self._panes.names):
            self._choose_pane(self._panes.names[number - 1])

    @property
    def scroll_target(self) -> RowWidget:
        """The pane that has the focus."""
        return self._pane(self._focused)

    def _step_pane(self, by: int) -> None:
        names = self._panes.names
        self._choose_pane(names[(names.index(self._focused) + by) % len(names)])

    def _enlarge(self) -> None:
        """Give the pane all the room, or take it back; a pane that a person enlarged stays."""
        self._enlarged = not self._enlarged
        self._person_chose = True
        self._arrange()

    def _choose_pane(self, name: str) -> None:
        """Go to a pane that a person chose."""
        self._person_chose = True
        self._focus_pane(name)

    def _focus_pane(self, name: str) -> None:
        if name == self._focused:
            self.set_focus(self._pane(name))
            return
        self._focused = name
        self._arrange()
        self._focus_changed()

    def _want(self, wants: Wants) -> None:
        """Arrange the panes for what they want now, if that is not what they wanted."""
        if wants != self._wants:
            self._wants = wants
            self._arrange()

    def _arrange(self) -> None:
        if not self.is_mounted or not self._room.size:
            return
        width, height = self._room.size
        layout = arrange(
            width, height, self._focused, self._panes, self._wants, enlarged=self._enlarged
        )
        self._place(layout)
        if not isinstance(self.focused, Input):
            self.set_focus(self._pane(self._focused))
        self._pane_list.select(self._focused)

    def _place(self, layout: Layout) -> None:
        boxes: dict[Widget, Box] = {self._pane(name): box for name, box in layout.panes.items()}
        if layout.list is not None:
            boxes[self._pane_list] = layout.list
        self._room.place(boxes)
