"""``kill -9`` at random moments over everything that espdeck does, and what that leaves.

Real espdecks in processes of their own, on a workspace and a home of their own: builds, several at
once, tasks, the app in a terminal, the monitor, the demo on a new workspace. They are killed,
started again, killed again; then one more is started and everything must come to its right end.
What is counted is in :mod:`tests.bench.chaos.checks`; each count must be 0.

``python -m tests.bench chaos --seed S --only ROUND`` plays one round again.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.chaos import machine
from tests.bench.chaos.checks import Kind
from tests.bench.chaos.rounds import LIMIT, Outcome, Plan, draw, play
from tests.bench.chaos.scenarios import SCENARIOS, Scenario, seconds_of
from tests.bench.chaos.world import World
from tests.bench.table import show

KILLS = 500


def main() -> None:
    """Kill, count and print; exit code 1 when anything is not as it must be."""
    given = _arguments()
    machine.adopt_orphans()
    scenarios = [each for each in SCENARIOS.values() if given.scenario in (None, each.name)]
    bench = _Bench(Path(tempfile.mkdtemp(prefix="chaos-")), given.seed)
    print(f"seed {given.seed}, in {bench.folder}", flush=True)
    try:
        outcomes = bench.run(scenarios, given.kills, given.only, given.seconds)
    finally:
        bench.end()
    _print(scenarios, outcomes)
    if any(outcome.faults for outcome in outcomes):
        print(f"\nwhat they left is kept in {bench.folder}")
        sys.exit(1)
    shutil.rmtree(bench.folder)


class _Bench:
    """Worlds to play in: a new one after each round that left something wrong."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self._seed = seed
        self._worlds = 0
        self._world: World | None = None
        self._usual: dict[str, float] = {}

    def run(
        self, scenarios: Sequence[Scenario], kills: int, only: int | None, seconds: float
    ) -> list[Outcome]:
        """Play rounds until enough was killed, or time is up."""
        outcomes: list[Outcome] = []
        killed, number = 0, 0 if only is None else only
        began = time.monotonic()
        while killed < kills and time.monotonic() - began < seconds:
            plan = draw(self._seed, number, scenarios)
            outcome = self._play(plan)
            outcomes.append(outcome)
            killed += outcome.kills
            number += 1
            print(f"{killed:4d} killed, {outcome.seconds:5.1f} s: {plan}", flush=True)
            for fault in outcome.faults:
                print(f"     {fault}", flush=True)
            if outcome.faults:
                assert self._world is not None
                print(f"     see {self._world.folder}", flush=True)
                self._give_up_world()
            if only is not None:
                break
        return outcomes

    def end(self) -> None:
        """Kill what is left."""
        if self._world is not None:
            self._world.end()
        machine.bury(frozenset())

    def _play(self, plan: Plan) -> Outcome:
        world = self._world = self._world or self._new_world()
        scenario = plan.scenario
        if scenario.name not in self._usual:
            if scenario.fresh:
                world.new_workspace()
            self._usual[scenario.name] = seconds_of(scenario, world, 4 * LIMIT)
            print(f"{scenario.name}: {self._usual[scenario.name]:.1f} s undisturbed", flush=True)
        if scenario.fresh:
            world.new_workspace()
        machine.bury(world.known)
        outcome = play(plan, world, self._usual[scenario.name], adopted=True)
        if scenario.fresh and not outcome.faults:
            world.new_workspace()
            prepare(world)
        return outcome

    def _new_world(self) -> World:
        self._worlds += 1
        world = World(self.folder / str(self._worlds), self.folder / "cache")
        prepare(world)
        return world

    def _give_up_world(self) -> None:
        assert self._world is not None
        self._world.end()
        self._world = None


def prepare(world: World) -> None:
    """Make a workspace in which everything was built once."""
    first = world.espdeck("build", str(world.repository), "--json")
    if first.wait(4 * LIMIT) != 0:
        raise SystemExit(f"nothing can be built here: {first.said[-2000:]}")
    world.forget()


def _print(scenarios: Sequence[Scenario], outcomes: Sequence[Outcome]) -> None:
    rows: list[tuple[object, ...]] = []
    for names in (*([each.name] for each in scenarios), [each.name for each in scenarios]):
        of = [each for each in outcomes if each.plan.scenario.name in names]
        counts = collections.Counter(fault.kind for each in of for fault in each.faults)
        name = names[0] if len(names) == 1 and len(rows) < len(scenarios) else "all"
        rows.append(
            (
                name,
                len(of),
                sum(each.kills for each in of),
                *(counts[kind] for kind in Kind),
                f"{sum(each.seconds for each in of):.0f}",
            )
        )
    show("kill -9 at random moments", ("", "rounds", "killed", *Kind, "seconds"), rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="how many [%(default)s]")
    parser.add_argument("--seed", type=int, default=os.getpid(), help="of all that is random")
    parser.add_argument("--scenario", choices=SCENARIOS, help="only this one")
    parser.add_argument("--only", type=int, metavar="ROUND", help="play this round alone")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
