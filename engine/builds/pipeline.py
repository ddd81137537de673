"""The firmware pipeline: six agents carry a commit to a flashed and judged firmware."""

from __future__ import annotations

from engine.enums import Phase, Role
from engine.runs.pipeline import Pipeline, Stage, When

FIRMWARE_PIPELINE = Pipeline(
    name="firmware",
    stages=(
        Stage("plan", Role.PROJECT_MANAGER, Phase.SETUP, "validate and plan", 5),
        Stage("build", Role.BUILDER, Phase.BUILD, "compile", 45, needs=("plan",)),
        Stage("test.board", Role.TESTER, Phase.TEST, "flash and listen", 30, needs=("build",)),
        Stage("test.simulator", Role.TESTER, Phase.TEST, "simulate", 10, needs=("build",)),
        Stage("diagnose", Role.DOCTOR, Phase.VALIDATION, "diagnose", 5, needs=("build",)),
        Stage("judge", Role.QA, Phase.VALIDATION, "judge", 3, needs=("build",)),
        Stage(
            "repair",
            Role.DEVELOPER,
            Phase.FEEDBACK,
            "repair",
            2,
            when=When.SOMETHING_FAILED,
            back_to="build",
        ),
    ),
)
