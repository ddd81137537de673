"""A round: espdecks are started, killed at random moments, started again; then all is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.bench.chaos import machine
from tests.bench.chaos.checks import Ended, Fault, Kind, ended_stages, faults, told
from tests.bench.chaos.scenarios import Scenario, works_again
from tests.bench.chaos.world import DAEMON, Espdeck, World, sleep_until, watched_boards

LIMIT = 90.0
"""Seconds after the last restart in which everything must have ended: some 20 times what it takes
on a machine that does nothing else."""


class Who(StrEnum):
    """Who carries the runs, and so what dies when an asker is killed."""

    ASKER = "asker"
    """The one that asks, as on a machine where nobody else is."""

    ELSEWHERE = "elsewhere"
    """A daemon that has been there for a while."""

    STARTING = "starting"
    """A daemon that starts at the same moment, and that the asker may come before."""


class Victims(StrEnum):
    """Who is killed."""

    ASKERS = "askers"
    CARRIER = "carrier"
    ALL = "all"


class Since(StrEnum):
    """From when on moments count."""

    START = "the start"
    ROW = "a new run's row"
    """Most that can go wrong is where a run changes hands: a small part of the time."""

    STAGE = "the start of a stage"


@dataclass(frozen=True, slots=True)
class Burst:
    """One start and what is killed of it.

    Args:
        crowd: how many times the scenario is started at once.
        since: from when on moments count.
        moments: for each espdeck in turn, when it is killed, as a part of an undisturbed run; at
            most a tenth of it where something is waited for.
        victims: who is killed.
        seed: of what the scenario chooses.
    """

    crowd: int
    since: Since
    moments: tuple[float, ...]
    victims: Victims
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done in a round."""

    number: int
    scenario: Scenario
    who: Who
    bursts: tuple[Burst, ...]

    def __str__(self) -> str:
        parts = [
            f"{burst.victims} of {burst.crowd} at "
            + "/".join(f"{moment:.2f}" for moment in burst.moments[: burst.crowd])
            + f" since {burst.since}"
            for burst in self.bursts
        ]
        return f"round {self.number}, {self.scenario.name}, carried by {self.who}: " + ", ".join(
            parts
        )


@dataclass(slots=True)
class Outcome:
    """What became of a round."""

    plan: Plan
    kills: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def draw(seed: int, number: int, scenarios: Sequence[Scenario]) -> Plan:
    """The round with a number; the same for the same seed."""
    chance = random.Random(f"{seed}/{number}")
    (scenario,) = chance.choices(scenarios, [each.weight for each in scenarios])
    who = chance.choice((Who.ASKER, Who.ASKER, Who.ELSEWHERE, Who.STARTING))
    alone = scenario.stays or scenario.fresh
    bursts = []
    for _ in range(chance.choice((2, 3, 4))):
        crowd = 1 if alone else chance.choice((1, 2, 3))
        victims = Victims.ASKERS if who is Who.ASKER else chance.choice(tuple(Victims))
        since = chance.choice((Since.START, Since.START, Since.ROW, Since.STAGE))
        if scenario.name == "monitor":
            since = Since.START  # there may be no run
        most = 1.0 if since is Since.START else 0.1
        moments = tuple(most * chance.random() for _ in range(2 * crowd + 1))
        bursts.append(Burst(crowd, since, moments, victims, chance.getrandbits(32)))
    return Plan(number, scenario, who, tuple(bursts))


def play(plan: Plan, world: World, usual: float, *, adopted: bool) -> Outcome:
    """Play a round and count what is wrong afterwards; every espdeck of it has ended then.

    Args:
        usual: seconds that the scenario takes when nobody disturbs it.
        adopted: count adopted children as left behind.
    """
    outcome = Outcome(plan)
    began = time.monotonic()
    before = set(world.runs())
    ended: Ended = {}
    with watched_boards(world.folder) as twice:
        outcome.faults += _bursts(outcome, world, usual, ended)
        outcome.faults += _settle(world, plan.scenario.stays or plan.number % 4 == 0)
    outcome.faults += [Fault(Kind.DOUBLED, f"a board is written by {each}") for each in twice]
    outcome.faults += faults(world, before, ended, adopted=adopted)
    outcome.seconds = time.monotonic() - began
    return outcome


def _bursts(outcome: Outcome, world: World, usual: float, ended: Ended) -> Iterator[Fault]:
    plan = outcome.plan
    carrier: Espdeck | None = None
    for burst in plan.bursts:
        if plan.who is not Who.ASKER and (carrier is None or not carrier.is_alive):
            carrier = world.daemon()
            if plan.who is Who.ELSEWHERE and not world.is_carried(LIMIT):
                yield Fault(Kind.STUCK, f"not ready: {carrier.said[-500:]}")
        chance = random.Random(burst.seed)
        before = set(world.runs())
        askers = [each for _ in range(burst.crowd) for each in plan.scenario.start(world, chance)]
        _wait_for(burst.since, world, before, askers, 2 * usual)
        outcome.kills += _kill(_victims(plan, burst, askers, carrier), burst, usual)
        ended.update(ended_stages(world))


def _wait_for(
    since: Since, world: World, before: set[int], askers: Sequence[Espdeck], seconds: float
) -> None:
    """Wait for what moments count from; not for ever: a full queue starts no stage."""
    running = "SELECT DISTINCT run_id FROM stage WHERE status = 'running'"

    def begun() -> bool:
        if since is Since.START or not any(each.is_alive for each in askers):
            return True
        if since is Since.ROW:
            return bool(set(world.runs()) - before)
        return bool({row["run_id"] for row in world.ask("espdeck.db", running)} - before)

    machine.wait_for(begun, seconds, every=0.01)


def _victims(
    plan: Plan, burst: Burst, askers: Sequence[Espdeck], carrier: Espdeck | None
) -> Sequence[Espdeck]:
    if plan.scenario.stays or carrier is None:  # else it would stay for ever
        return askers if burst.victims is Victims.ASKERS or carrier is None else (*askers, carrier)
    return {
        Victims.ASKERS: tuple(askers),
        Victims.CARRIER: (carrier,),
        Victims.ALL: (*askers, carrier),
    }[burst.victims]


def _kill(victims: Sequence[Espdeck], burst: Burst, usual: float) -> int:
    now = time.monotonic()
    due = zip(burst.moments, victims, strict=False)
    killed = 0
    for moment, victim in sorted(due, key=lambda each: each[0]):
        sleep_until(now + moment * usual)
        killed += victim.kill()
    return killed


def _settle(world: World, needs_board: bool) -> Iterator[Fault]:
    """Have a daemon that carries on, wait until nothing is left to do, and end every one."""
    restarted = world.daemon()
    if not world.is_carried(LIMIT):
        yield Fault(Kind.STUCK, f"not ready after the restart: {restarted.said[-500:]}")
        return
    machine.wait_for(lambda: not world.unfinished(), LIMIT, every=0.1)
    for number in world.unfinished():
        run = world.runs()[number]
        yield Fault(Kind.STUCK, f"run {number} ({run['kind']}) is {run['status']} at the end")
    for each in world.processes:
        if each.is_alive and each.name not in (DAEMON, "app"):
            code = each.wait(LIMIT)
            if code is None:
                yield Fault(Kind.STUCK, f"{each.name} does not end: {each.said[-500:]}")
            elif code:
                yield Fault(Kind.LOST, f"{each.name} says {code}: {each.said[-500:]}")
    if needs_board and (seen := works_again(world, LIMIT)):
        yield Fault(Kind.HELD, seen)
    for each in list(world.processes):
        if each.is_alive and each.leave() is None:
            yield Fault(Kind.STUCK, f"{each.name} was told to end, and did not")
        yield from told(each.name, each.said)
    world.forget()
