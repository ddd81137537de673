"""What is killed: each starts one or several espdecks, and knows when they have done their work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.samples import demo
from tests.bench.chaos import machine
from tests.bench.chaos.world import PROJECT, Espdeck, World

ALIVE = "0 Failures"
"""What the firmware on a board says when it has started."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way in which espdeck is used.

    Args:
        name: of it.
        start: starts its espdecks.
        weight: how often it comes among all.
        fresh: each round has a workspace of its own.
        stays: its espdecks do not end by themselves.
    """

    name: str
    start: Callable[[World, random.Random], Sequence[Espdeck]]
    weight: int
    fresh: bool = False
    stays: bool = False


def _build(world: World, chance: random.Random) -> Sequence[Espdeck]:
    return [world.espdeck("build", PROJECT, "--json", *_less(chance))]


def _two(world: World, chance: random.Random) -> Sequence[Espdeck]:
    commits = list(world.commits)
    chance.shuffle(commits)
    return [
        world.espdeck("build", PROJECT, "--commit", sha, "--json", *_less(chance))
        for sha in commits
    ]


def _task(world: World, chance: random.Random) -> Sequence[Espdeck]:
    about = ("--project", PROJECT) if chance.random() < 0.5 else ()
    name = chance.choice(("bug_fix", "testing", "free_task"))
    words = ("workflow", "run", name, "-d", "the LED blinks twice", "--model", "placeholder")
    return [world.espdeck(*words, "--json", *about)]


def _app(world: World, _chance: random.Random) -> Sequence[Espdeck]:
    app = world.espdeck(terminal=True)
    app.when_it_says(PROJECT, b"b")
    return [app]


def _monitor(world: World, chance: random.Random) -> Sequence[Espdeck]:
    monitor = world.espdeck("monitor", demo.DEMO_BOARD, terminal=True)
    if chance.random() < 0.5:
        return [monitor]
    return [monitor, world.espdeck("build", PROJECT, "--json")]  # it waits for the board


def _demo(world: World, _chance: random.Random) -> Sequence[Espdeck]:
    return [world.espdeck("demo", "--json")]


def _less(chance: random.Random) -> tuple[str, ...]:
    """Some builds do without a board or a simulator: other stages are killed more often then."""
    no_board, no_simulator = ("--board", "none"), ("--simulator", "none")
    return chance.choice(((), (), no_board, no_simulator, (*no_board, *no_simulator)))


SCENARIOS = {
    each.name: each
    for each in (
        Scenario("build", _build, 6),
        Scenario("two at once", _two, 4),
        Scenario("task", _task, 4),
        Scenario("app", _app, 2, stays=True),
        Scenario("monitor", _monitor, 2, stays=True),
        Scenario("demo", _demo, 2, fresh=True),
    )
}


def works_again(world: World, seconds: float) -> str:
    """Whether a board's console can be read, as it could before; else what was seen."""
    monitor = world.espdeck("monitor", demo.DEMO_BOARD, terminal=True)
    heard = monitor.sees(ALIVE, seconds)
    monitor.type(b"\x1d")  # Ctrl-]
    left = monitor.wait(seconds) is not None
    if not left:
        monitor.kill()
    return "" if heard and left else f"the monitor (left: {left}): {monitor.said[-400:]!r}"


def seconds_of(scenario: Scenario, world: World, limit: float) -> float:
    """How long a scenario takes that nobody disturbs.

    Raises:
        RuntimeError: it does not work at all.
    """
    runs = set(world.runs())
    began = time.monotonic()
    started = scenario.start(world, random.Random(1))
    if scenario.stays:
        done = machine.wait_for(lambda: _has_worked(world, started[0], runs), limit)
    else:
        done = all(each.wait(limit) == 0 for each in started)
    seconds = time.monotonic() - began
    if not done:
        raise RuntimeError(f"{scenario.name} does not work: {started[0].said[-2000:]}")
    for each in started:
        if each.is_alive:
            each.leave()
    world.forget()
    return seconds


def _has_worked(world: World, app: Espdeck, before: set[int]) -> bool:
    if app.name.startswith("monitor"):
        return ALIVE in app.said
    return bool(set(world.runs()) - before) and not world.unfinished()
