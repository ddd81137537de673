"""Which build goes onto which board, when several projects are flashed."""

from __future__ import annotations

from engine.enums import RunStatus
from tests.tui.lab import board, build, project
from tui.state.flash_plan import plan_flashing

LAMP = project("lamp", "esp32c3")
NODE = project("node", "esp32c3", board="rack-1")
PUMP = project("pump", "esp32")
BUILDS = {
    each.project.id: build(number, RunStatus.SUCCESS, 5, target=each.project.target)
    for number, each in enumerate((LAMP, NODE), 1)
}


def test_each_gets_the_board_that_it_was_on_else_a_free_one_of_its_chip() -> None:
    boards = [board("rack-1", "esp32c3"), board("desk", "esp32c3"), board("far", "esp32s3")]
    plan = plan_flashing([LAMP, NODE, PUMP], BUILDS, boards)
    assert {(step.project, step.build, step.label) for step in plan.steps} == {
        ("node", 2, "rack-1"),
        ("lamp", 1, "desk"),
    }
    assert plan.problems == ("pump: no successful build kept its image",)


def test_boards_of_others_are_left_alone_and_none_is_taken_twice() -> None:
    boards = [board("rack-1", "esp32c3", "reserved"), board("desk", "esp32c3"),
              board("busy", "esp32c3", "busy", holder="build 7")]  # fmt: skip
    plan = plan_flashing([LAMP, NODE], BUILDS, boards)
    assert [(step.project, step.label) for step in plan.steps] == [("node", "desk")]
    assert plan.problems == ("lamp: no esp32c3 board is free",)
