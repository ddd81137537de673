"""What a build is told of the boards that it could have had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine import samples
from engine.builds.agents import project_manager
from engine.builds.outputs import Planned
from engine.enums import ProjectStatus
from engine.monitor.retention import SessionLimits
from engine.samples import demo
from tests.engine.builds.agents.contexts import build_context

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_build_without_a_board_says_why_those_of_its_chip_left_the_pool(tmp_path: Path) -> None:
    samples.write("hello", tmp_path / "src")
    context = build_context(tmp_path, "plan", {}, board="auto")
    context.project.status = ProjectStatus.ACTIVE
    context.project.clone_path = str(demo.make_repository("hello", tmp_path / "clone"))
    context.boards.change(["virtual:esp32c3"], {}, SessionLimits())
    context.boards.take_from_pool("virtual:esp32c3", "blink #12 printed nothing", NOW)

    planned = project_manager.run(context).output

    assert isinstance(planned, Planned)
    assert planned.boards == ()
    assert (
        "no esp32c3 board: virtual:esp32c3 left the pool: blink #12 printed nothing"
        in planned.untested
    )
