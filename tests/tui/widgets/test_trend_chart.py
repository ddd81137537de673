"""Trend charts: any number of builds in any room, and a cursor that stays with its build."""

from __future__ import annotations

import uuid

import pytest
from textual.app import ComposeResult

from engine import Point
from engine.enums import RunStatus
from engine.store.measures import BuildFacts
from tui.app_base import AppBase
from tui.theme import Glyphs
from tui.widgets.trend_chart import TrendChart


class OneChart(AppBase):
    """An app that is a chart."""

    def __init__(self, *, ascii: bool) -> None:
        super().__init__()
        self.glyphs = Glyphs(ascii)
        self.chart = TrendChart("{:g}".format)

    def compose(self) -> ComposeResult:
        yield self.chart


def point(number: int, value: float, target: str = "esp32c3") -> Point:
    status = RunStatus.FAILED if number % 5 == 0 else RunStatus.SUCCESS
    build = BuildFacts(
        number, uuid.UUID(int=1), "a" * 40, "message", False, target, "", "manual", status,
        None, None, value,
    )  # fmt: skip
    return Point(build, value)


def points(count: int) -> list[Point]:
    chips = ("esp32c3", "esp32c6", "esp32s3")
    return [point(n, (n * 7919) % 101, chips[n % 3]) for n in range(1, count + 1)]


def rows(chart: TrendChart) -> list[str]:
    return [chart.render_line(y).text for y in range(chart.size.height)]


@pytest.mark.parametrize("size", [(80, 20), (24, 6), (11, 3), (3, 2)])
@pytest.mark.parametrize("ascii", [False, True])
async def test_any_number_of_builds_fits_into_any_room(size: tuple[int, int], ascii: bool) -> None:
    app = OneChart(ascii=ascii)
    async with app.run_test(size=size):
        for count in (0, 1, 2, 7, 500):
            app.chart.show(points(count), empty="nothing")
            for move in (app.chart.to_first, lambda: app.chart.move(3), app.chart.to_last):
                move()
                shown = rows(app.chart)
                assert [len(row) for row in shown] == [size[0]] * size[1]
                assert all(map(str.isascii, shown)) or not ascii


async def test_the_cursor_is_seen_and_stays_with_its_build() -> None:
    app = OneChart(ascii=True)
    async with app.run_test(size=(40, 10)):
        chart = app.chart
        chart.show(points(200))
        assert chart.point == points(200)[-1]
        assert rows(chart)[-1].rstrip().endswith("#200")
        chart.to_first()
        assert "#1 " in rows(chart)[-1]
        chart.move_pages(4)
        assert chart.point is not None
        assert chart.point.build.number == 41
        assert "#41" in rows(chart)[-1]
        chart.show(points(300))
        assert chart.point.build.number == 41
        chart.show(points(10))
        assert chart.point.build.number == 10


async def test_the_build_before_is_of_the_same_chip() -> None:
    app = OneChart(ascii=True)
    async with app.run_test(size=(40, 10)):
        app.chart.show(points(9))
        assert app.chart.before == points(9)[5]
        app.chart.to_first()
        assert app.chart.before is None


async def test_a_number_that_does_not_change_and_huge_ones_are_drawn() -> None:
    app = OneChart(ascii=True)
    async with app.run_test(size=(40, 8)):
        app.chart.show([point(n, 5.0) for n in range(1, 4)])
        assert "5" in rows(app.chart)[1]
        app.chart.show([point(1, -1e300), point(2, 1e300), point(3, 0.0)])
        assert all(len(row) == 40 for row in rows(app.chart))


async def test_a_click_goes_to_the_nearest_build() -> None:
    app = OneChart(ascii=True)
    async with app.run_test(size=(60, 10)) as pilot:
        app.chart.show(points(11))  # one for each fifth of the fifty cells
        await pilot.click(TrendChart, offset=(21, 4))
        assert app.chart.point is not None
        assert app.chart.point.build.number == 3
