"""Charts: what is drawn stays inside, whatever the numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.chart import Canvas

NUMBERS = st.lists(st.floats(-1e300, 1e300, allow_nan=False), min_size=1, max_size=80)


@given(NUMBERS, st.integers(1, 30), st.integers(1, 10), st.booleans())
def test_any_numbers_fit_into_any_room(
    points: list[float], width: int, height: int, ascii: bool
) -> None:
    canvas = Canvas(width, height, ascii=ascii)
    canvas.draw(0, points, min(points), max(points))
    rows = ["".join(text for text, _series in row) for row in canvas.rows()]
    assert [len(row) for row in rows] == [width] * height
    assert any(row.strip() for row in rows)
    assert all(row.isascii() for row in rows) or not ascii


def test_a_line_rises_from_left_to_right() -> None:
    canvas = Canvas(4, 4, ascii=True)
    canvas.draw(1, [0, 1, 2, 3], 0, 3)
    assert ["".join(text for text, _ in row) for row in canvas.rows()] == [
        "   +",
        "  + ",
        " +  ",
        "+   ",
    ]


def test_a_jump_is_a_line() -> None:
    canvas = Canvas(2, 3, ascii=True)
    canvas.draw(0, [0, 2], 0, 2)
    assert ["".join(text for text, _ in row) for row in canvas.rows()] == [" *", " *", "* "]
