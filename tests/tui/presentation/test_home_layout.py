"""Where the panels of home stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.presentation.home_layout import STRIPS, Panel, arrange


@pytest.mark.parametrize(
    ("width", "height", "seen"),
    [
        (80, 22, {Panel.PROJECTS, Panel.BUILDS}),
        (60, 13, {Panel.PROJECTS, Panel.BUILDS}),
        (28, 13, {Panel.PROJECTS}),
        (80, 8, {Panel.PROJECTS}),
        (120, 34, {Panel.PROJECTS, Panel.WORK, Panel.BOARDS, Panel.BUILDS}),
        (200, 58, set(Panel)),
    ],
)
def test_a_size_shows_what_there_is_room_for(width: int, height: int, seen: set[Panel]) -> None:
    assert set(arrange(width, height, Panel.PROJECTS, Panel.BUILDS, 3)) == seen


@given(
    st.integers(1, 300),
    st.integers(1, 120),
    st.sampled_from(Panel),
    st.sampled_from(STRIPS),
    st.integers(0, 50),
)
def test_panels_never_overlap_and_the_focused_one_is_seen(
    width: int, height: int, focused: Panel, strip: Panel, work: int
) -> None:
    boxes = arrange(width, height, focused, strip, work)
    assert focused in boxes
    cells: set[tuple[int, int]] = set()
    for box in boxes.values():
        assert box.width > 0 and box.height > 0
        assert box.x + box.width <= width and box.y + box.height <= height
        corners = {
            (x, y) for x in (box.x, box.x + box.width - 1) for y in range(box.y, box.y + box.height)
        }
        assert not corners & cells
        cells |= corners
