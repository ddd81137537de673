"""Lines that are put into the end of a console later."""

from __future__ import annotations

from tui.state.console_tail import ConsoleTail
from tui.state.log_tail import MAX_LINES


def lines(tail: ConsoleTail) -> list[str | None]:
    return [tail.get(number) for number in range(tail.first, tail.end)]


def test_places_stand_below_their_lines_in_whatever_order_they_come() -> None:
    tail = ConsoleTail()
    tail.extend(0, ["a", "b", "c"])
    first, last = tail.anchor(0), tail.anchor(2)
    assert tail.insert_after(first, ["a1", "a2"]) == 1
    tail.extend(tail.end, ["d"])
    assert tail.insert_after(last, ["c1"]) == 5
    assert lines(tail) == ["a", "a1", "a2", "b", "c", "c1", "d"]


def test_a_line_that_is_not_in_memory_any_more_gets_nothing() -> None:
    tail = ConsoleTail()
    tail.extend(0, ["a"])
    gone = tail.anchor(0)
    tail.extend(1, ["x"] * MAX_LINES)
    assert tail.insert_after(gone, ["a1"]) is None
    assert len(lines(tail)) == MAX_LINES


def test_memory_stays_bounded() -> None:
    tail = ConsoleTail()
    tail.extend(0, ["x"] * MAX_LINES)
    assert tail.insert_after(tail.anchor(tail.end - 1), ["y", "z"]) == MAX_LINES
    assert (tail.first, tail.get(tail.end - 1)) == (2, "z")
