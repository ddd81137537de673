"""How long a task is likely to take: as earlier ones did, else a rough number."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from engine.tasks.plan import Plan
from engine.text import count

EARLIER_TASKS = 20
"""Earlier tasks that are looked at, the newest."""

WAVE_SECONDS = 30.0
"""Taken for steps that run at once, where no earlier task says more: an answer of 1000 tokens of a
model that makes some 30 tokens a second."""


_ASKING = ("step ", "assembly")
"""How phases begin in which models are asked whatever comes of what was before."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a task may take once it runs; its time in the queue is not in it.

    Args:
        seconds: of all of it.
        source: where the number comes from, in a line.
    """

    seconds: float
    source: str


def estimate(plan: Plan, durations: Sequence[float]) -> Estimate:
    """Estimate a run of a plan.

    Args:
        durations: seconds that earlier runs of the same kind took.
    """
    if durations:
        tasks = count(len(durations), "earlier task")
        return Estimate(round(statistics.median(durations), 1), f"the median of {tasks}")
    waves = sum(phase.startswith(_ASKING) for phase in plan.pipeline.phases)
    return Estimate(
        waves * WAVE_SECONDS,
        f"a guess: {WAVE_SECONDS:g} s for each of {count(waves, 'round')} of questions",
    )
