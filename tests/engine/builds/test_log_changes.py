"""Differences of two logs: bounded, without what differs each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.builds.log_changes import MAX_LINES, MAX_READ_LINES, log_change


def test_times_addresses_and_ports_are_no_difference() -> None:
    before = ["I (31) boot: up in 12 ms", "at 0x40001234", "on 127.0.0.1:4711", "[1/7] main.c"]
    after = ["I (99) boot: up in 8 ms", "at 0x4000beef", "on 127.0.0.1:4712", "[2/9] main.c"]
    assert log_change("build", "log", before, after) is None


def test_a_difference_has_a_line_around_it_and_says_what_is_left_out() -> None:
    same = [f"line {letter}" for letter in "abcdef"]
    change = log_change("build", "log", [*same, "old", "end"], [*same, "new", "end"])
    assert change is not None
    assert change.lines == ("@ 5 equal lines", " line f", "-old", "+new", " end")
    assert change.left_out == 0


def test_a_log_that_only_one_build_has_is_all_new() -> None:
    change = log_change("test.board", "serial", [], ["a", "b"])
    assert change is not None
    assert change.lines == ("+a", "+b")


def test_a_long_difference_is_cut_and_says_by_how_much() -> None:
    lines = [chr(0x4E00 + number) for number in range(MAX_LINES + 50)]
    change = log_change("build", "log", [], lines)
    assert change is not None
    assert (len(change.lines), change.left_out) == (MAX_LINES, 50)


@given(st.lists(st.text(max_size=5), max_size=30), st.lists(st.text(max_size=5), max_size=30))
def test_any_two_logs_can_be_compared(before: list[str], after: list[str]) -> None:
    change = log_change("build", "log", before, after)
    assert (change is None) or all(line[0] in "-+@ " for line in change.lines)


def test_build_folders_are_no_difference() -> None:
    line = "cc -c /tmp/{}/worktrees/ab12/{}/src/main.c took 31.5 kbit/s"
    assert log_change("build", "log", [line.format("a", 0)], [line.format("b", 11)]) is None


@pytest.mark.parametrize("part", ["1", "1.", "/a", "0x1"])
def test_noise_without_spaces_takes_no_quadratic_time(part: str) -> None:
    lines = [part * 250 for _ in range(MAX_READ_LINES)]  # some 30 s if each place begins anew
    change = log_change("build", "serial", [], lines)
    assert change is not None
    assert change.left_out == MAX_READ_LINES - MAX_LINES
