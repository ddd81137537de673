"""Numbers picked out of lines."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.monitor.plot import MAX_POINTS, Plot, read_number


def test_each_group_is_a_series() -> None:
    plot = Plot(r"temp=(?P<temp>[-0-9.]+)(?: heap=(\S+))?")
    for line in ("I (1) x: temp=21.5 heap=0x10", "temp=-3", "nothing", "temp=. heap=seven"):
        plot.feed(line)
    assert [(each.name, list(each.points)) for each in plot.series] == [
        ("temp", [21.5, -3.0]),
        ("2", [16.0]),
    ]


@pytest.mark.parametrize("pattern", ["", "no group", "(" * 2, "(a)" * 7, "(" + "x" * 500 + ")"])
def test_a_pattern_that_gives_no_series_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="plot"):
        Plot(pattern)


def test_only_the_newest_numbers_are_kept() -> None:
    plot = Plot("([0-9]+)")
    for number in range(MAX_POINTS + 10):
        plot.feed(str(number))
    assert list(plot.series[0].points)[:1] == [10.0]
    assert len(plot.series[0].points) == MAX_POINTS


@given(st.text(max_size=60))
def test_a_number_is_finite_or_none(text: str) -> None:
    number = read_number(text)
    assert number is None or math.isfinite(number)


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1_000", "1e999", "0x", "9" * 41, "x"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None
