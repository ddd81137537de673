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


@given(
    st.lists(
        st.tuples(st.integers(0, 39), st.floats(-1e6, 1e6)),
        min_size=1,
        max_size=20,
        unique_by=lambda point: point[0],
    ),
    st.booleans(),
)
def test_points_apart_are_joined_by_a_line(points: list[tuple[int, float]], ascii: bool) -> None:
    points.sort()
    canvas = Canvas(40, 6, ascii=ascii)
    values = [value for _, value in points]
    canvas.trace(0, points, min(values), max(values))
    rows = ["".join(text for text, _series in row) for row in canvas.rows()]
    cells = [any(row[x] != " " for row in rows) for x in range(40)]
    first, last = (x // canvas.dots_across for x in (points[0][0], points[-1][0]))
    assert cells == [first <= x <= last for x in range(40)]
    for x, value in points:
        assert rows[canvas.row_of(value, min(values), max(values))][x // canvas.dots_across] != " "
