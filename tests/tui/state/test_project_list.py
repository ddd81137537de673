"""The projects of home: in order, in groups, filtered, marked."""

from __future__ import annotations

import pytest

from tests.tui.lab import busy, many, project
from tui.state.home_state import HomeState
from tui.state.project_list import Grouping, Order, ProjectGroup, ProjectLister

PROJECTS = busy().projects


def names(**wanted: object) -> list[str]:
    lister = ProjectLister()
    rows = lister.rows(PROJECTS, **{"order": Order.ATTENTION, **wanted})  # type: ignore[arg-type]
    return [f"[{row.name}]" if isinstance(row, ProjectGroup) else row.project.name for row in rows]


def test_what_needs_a_person_comes_first_or_all_go_by_name() -> None:
    assert names()[:2] == ["node5", "gone"]
    assert names()[-1] == "pump"
    assert names(order=Order.NAME) == sorted(each.project.name for each in PROJECTS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ahead", ["sensor"]),
        ("PROHIBITED radio", ["node5"]),
        ("esp32c3 dirty", ["thermo"]),
        ("#131", ["gateway"]),
        ("error", ["gone"]),
        ("never built", ["gone", "fresh", "new"]),
        ("nothing has this", []),
    ],
)
def test_a_filter_finds_projects_by_what_their_rows_say(text: str, found: list[str]) -> None:
    assert sorted(names(text=text)) == sorted(found)


def test_groups_have_heads_and_those_that_are_folded_hide_their_projects() -> None:
    grouped = names(grouping=Grouping.CHIP, folded={"esp32"}, order=Order.NAME)
    assert grouped == [
        "[esp32]", "[esp32c3]", "sensor", "thermo", "[esp32c6]", "gateway", "[esp32s3]", "node5",
        "[no chip]", "fresh", "new",
    ]  # fmt: skip


def test_names_with_a_slash_are_grouped_by_what_is_before_it() -> None:
    state = HomeState(projects=[project("air/pump", "esp32"), project("lone", "esp32")])
    state.next_grouping()  # by chip
    state.next_grouping()
    assert [row.name for row in state.project_rows() if isinstance(row, ProjectGroup)] == [
        "air", "others",
    ]  # fmt: skip
    state.next_grouping()
    assert state.grouping == Grouping.NONE


def test_marks_are_of_projects_of_groups_and_of_what_is_outdated() -> None:
    state = HomeState(projects=PROJECTS)
    state.grouping = Grouping.CHIP
    head = next(row for row in state.project_rows() if isinstance(row, ProjectGroup))
    state.mark(head)
    assert {each.project.name for each in state.marked()} == {"pump", "old", "gone"}
    state.mark(head)
    assert not state.marked()
    assert state.mark_outdated() == 3
    assert {each.project.name for each in state.marked()} == {"sensor", "thermo", "new"}
    state.show_projects(PROJECTS[:1])
    assert not state.marked_projects


def test_only_the_outdated_of_what_is_shown_are_marked() -> None:
    state = HomeState(projects=many(50).projects)
    assert state.mark_outdated() == 10
    state.texts["projects"] = "team-0"  # type: ignore[index]
    assert state.mark_outdated() == 2
