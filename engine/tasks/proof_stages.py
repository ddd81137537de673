"""Stages that prove what a step of a task changed: it is built and tried as a build does it.

They have the keys of a build's stages behind that of the step: ``fix.plan``, ``fix.build``,
``fix.test.simulator``, ``fix.diagnose``. What fails goes back to whoever made the change
(``fix.mend``), and is built anew then. A step that writes a regression test has its test tried
without the rest of the run's changes, too (``regression_test.without_fix``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import Role
from engine.runs.pipeline import Stage, When

PLAN, BUILD, DIAGNOSE, MEND, WITHOUT_FIX = "plan", "build", "diagnose", "mend", "without_fix"
"""What stages of a proof are called behind the key of their step."""

BOARD, SIMULATOR = "test.board", "test.simulator"
TESTS = (BOARD, SIMULATOR)

NO_BOARD = "none"

_WEIGHTS = {PLAN: 0.5, BUILD: 2.0, BOARD: 2.0, SIMULATOR: 2.0, DIAGNOSE: 0.5}


def proof_key(owner: str, part: str) -> str:
    """The key of a stage that proves what a step changed."""
    return f"{owner}.{part}"


def owner_of(key: str) -> tuple[str, str]:
    """The key of the step that a stage belongs to, and what the stage does for it, if it is not it.

    Keys of steps have no full stop.
    """
    owner, _, part = key.partition(".")
    return owner, part


def proof(
    owner: str,
    name: str,
    *,
    needs: tuple[str, ...] = (),
    unless_failed: tuple[str, ...] = (),
    board: str = NO_BOARD,
) -> Iterator[Stage]:
    """Stages that build and try what a step changed.

    Args:
        owner: key of the step.
        name: as people call the step.
        needs, unless_failed: stages without which there is nothing to be built.
        board: where it is flashed, ``none`` for nowhere.
    """
    parts = (PLAN, BUILD, *(() if board == NO_BOARD else (BOARD,)), SIMULATOR, DIAGNOSE)
    tests = tuple(proof_key(owner, part) for part in parts if part in TESTS)
    for part in parts:
        stage = FIRMWARE_PIPELINE.stage(part)
        own = replace(
            stage,
            key=proof_key(owner, part),
            phase=proof_key(owner, stage.phase),
            title=f"{name}: {stage.title}",
            weight=_WEIGHTS[part],
            needs=tuple(proof_key(owner, need) for need in stage.needs),
        )
        if part == PLAN:
            own = replace(own, needs=needs, unless_failed=unless_failed)
        if part == DIAGNOSE:
            own = replace(own, needs=tests, when=When.SOMETHING_FAILED)
        yield own


def without_fix(owner: str, name: str, proved: tuple[str, ...]) -> Stage:
    """The stage that tries a step's tests without what the run changed before.

    Args:
        proved: keys of the stages that tried them with it.
    """
    return Stage(
        key=proof_key(owner, WITHOUT_FIX),
        role=Role.TESTER,
        phase=proof_key(owner, WITHOUT_FIX),
        title=f"{name}: try it without the fix",
        weight=2.0,
        needs=(owner,),
        unless_failed=proved,
    )


def mend(owner: str, name: str, role: str, proved: tuple[str, ...]) -> Stage:
    """The stage in which whoever made a change mends what failed of it.

    Args:
        role: who made it.
        proved: keys of the stages that prove the change.
    """
    return Stage(
        key=proof_key(owner, MEND),
        role=role,
        phase=proof_key(owner, MEND),
        title=f"{name}: mend",
        weight=0.5,
        needs=proved,
        when=When.SOMETHING_FAILED,
        back_to=proof_key(owner, PLAN),
    )
