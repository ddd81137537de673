"""Where panes stand: always inside, never over each other, big enough, by what happens."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tui.presentation.pane_layout import Layout, Panes, Wants, arrange
from tui.screens.build import PANES

AGENTS = tuple(f"agent {number}" for number in range(16))
OTHERS = ("board", "simulator", "findings", "artifacts")


@st.composite
def rooms(draw: st.DrawFn) -> tuple[int, int, str, Panes, Wants]:
    panes = Panes(
        AGENTS[: draw(st.integers(0, len(AGENTS)))], OTHERS[: draw(st.integers(1, len(OTHERS)))]
    )
    worth = tuple(draw(st.permutations(panes.names)))[: draw(st.integers(0, len(panes.names)))]
    spare = tuple(draw(st.permutations(panes.names)))[: draw(st.integers(0, 3))]
    rows = draw(st.dictionaries(st.sampled_from(panes.names), st.integers(0, 3000)))
    focused = draw(st.sampled_from(panes.names))
    width, height = draw(st.integers(40, 250)), draw(st.integers(10, 80))
    return width, height, focused, panes, Wants(worth, spare, rows)


@given(rooms(), st.booleans())
def test_panes_are_inside_apart_and_the_focused_one_can_be_read(
    room: tuple[int, int, str, Panes, Wants], enlarged: bool
) -> None:
    width, height, focused, panes, wants = room
    layout = arrange(width, height, focused, panes, wants, enlarged=enlarged)

    boxes = [*layout.panes.values(), *([layout.list] if layout.list else [])]
    for box in boxes:
        assert 0 <= box.x < box.x + box.width <= width
        assert 0 <= box.y < box.y + box.height <= height
        assert box.width >= 19
    for one, other in itertools.combinations(boxes, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    for name, box in layout.panes.items():
        needs = (wants.rows or {}).get(name, height)
        if name == focused or layout.list is not None:
            assert box.height >= min(6, max(2, needs)), "it can be read"
        else:
            assert box.height == 1 or box.height >= min(6, max(2, needs)), "a title, or readable"
    assert focused in layout.panes
    assert layout.list is not None or enlarged or set(layout.panes) == set(panes.names)
    assert list(layout.panes) == [name for name in panes.names if name in layout.panes]


@given(rooms())
def test_all_the_room_is_used(room: tuple[int, int, str, Panes, Wants]) -> None:
    width, height, focused, panes, wants = room
    layout = arrange(width, height, focused, panes, wants, enlarged=False)

    for x in {box.x for box in layout.panes.values()}:
        assert sum(box.height for box in layout.panes.values() if box.x == x) == height


def opened(layout: Layout) -> dict[str, int]:
    """The panes that show more than their title, with their rows."""
    return {name: box.height for name, box in layout.panes.items() if box.height > 1}


def test_from_24_rows_on_the_agent_at_work_and_its_console_share_the_room() -> None:
    wants = Wants(("TESTER", "board"), (), {"findings": 1, "artifacts": 1})
    at_80x24 = arrange(80, 20, "board", PANES, wants, enlarged=False)
    assert at_80x24.list is not None
    assert opened(at_80x24) == {"TESTER": 10, "board": 10}
    assert opened(arrange(120, 32, "TESTER", PANES, wants, enlarged=False)) == {
        "TESTER": 16,
        "board": 16,
    }
    assert opened(arrange(60, 11, "board", PANES, wants, enlarged=False)) == {"board": 11}


def test_both_consoles_have_a_pane_when_both_run() -> None:
    wants = Wants(("TESTER", "board", "simulator"))
    layout = arrange(80, 20, "board", PANES, wants, enlarged=False)
    assert opened(layout) == {"TESTER": 7, "board": 7, "simulator": 6}


def test_idle_agents_shrink_to_their_titles_on_a_wide_terminal() -> None:
    wants = Wants(("BUILDER",), (), {"findings": 1, "artifacts": 1})
    layout = arrange(200, 56, "BUILDER", PANES, wants, enlarged=False)
    assert set(layout.panes) == set(PANES.names)
    assert opened(layout) == {"BUILDER": 51, "board": 53}


def test_a_pane_gets_no_more_than_it_can_fill() -> None:
    wants = Wants(("findings", "board"), (), {"findings": 3, "board": 100})
    layout = arrange(80, 20, "findings", PANES, wants, enlarged=False)
    assert opened(layout) == {"board": 17, "findings": 3}


def test_what_is_of_less_worth_is_open_only_in_columns() -> None:
    wants = Wants(("QA",), ("DOCTOR", "artifacts"), {"QA": 9, "DOCTOR": 4})
    assert opened(arrange(80, 20, "QA", PANES, wants, enlarged=False)) == {"QA": 20}
    layout = arrange(150, 36, "QA", PANES, wants, enlarged=False)
    assert opened(layout) == {"DOCTOR": 4, "QA": 28, "artifacts": 33}
