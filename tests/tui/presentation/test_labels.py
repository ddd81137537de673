"""What projects, builds and stages are called."""

from __future__ import annotations

from engine import Pipeline
from engine.runs.pipeline import Stage
from tui.presentation.labels import indented_parts


def test_stages_that_try_a_change_stand_below_their_step() -> None:
    stages = (
        Stage("fix", "engineer", "fix", "Fix", 1.0),
        Stage("fix.build", "BUILDER", "fix.build", "Fix: compile", 1.0, needs=("fix",)),
        Stage("gate", "QA", "gate", "measure", 1.0, needs=("fix.build",)),
        Stage("revise.build", "BUILDER", "revise.build", "revise: compile", 1.0, needs=("gate",)),
        Stage("revise", "engineer", "revise", "revise", 1.0, needs=("gate",)),
    )

    assert indented_parts(Pipeline("Bug fix", stages)) == {"fix.build": " compile"}
