"""Processes killed where it hurts most: the short form of ``python -m tests.bench chaos``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.bench.chaos import machine
from tests.bench.chaos.checks import Ended, Fault, ended_stages, faults
from tests.bench.chaos.world import PROJECT, Espdeck, World

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.slow]

WITHIN = 90.0
"""Seconds until what should come is missed: many times what it takes on a busy machine."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, Path(os.environ["XDG_CACHE_HOME"]))
    yield world
    world.end()


def wait_for(done: Callable[[], bool]) -> None:
    assert machine.wait_for(done, WITHIN, every=0.01)


def stage_begins(world: World, *keys: str) -> Callable[[], bool]:
    marks = ", ".join("?" * len(keys))
    query = f"SELECT 1 FROM stage WHERE key IN ({marks})"
    return lambda: bool(world.ask("espdeck.db", query, *keys))


def daemon(world: World) -> Espdeck:
    started = world.daemon()
    assert world.is_carried(WITHIN), started.said
    return started


def settled(world: World, ended: Ended) -> Sequence[Fault]:
    """Let one more espdeck do what is left, and count what is wrong then."""
    last = daemon(world)
    wait_for(lambda: not world.unfinished())
    for each in world.processes:
        assert each.killed or each.leave() is not None, each.said
    assert not last.is_alive
    world.forget()
    return list(faults(world, set(), ended, adopted=False))


def test_a_build_survives_its_asker_and_whoever_carries_it(world: World) -> None:
    ended: Ended = {}
    carrier = daemon(world)
    asker = world.espdeck("build", str(world.repository), "--board", "none", "--json")
    wait_for(lambda: bool(world.runs()))
    assert asker.kill()
    for stage in ("build", "test.simulator"):
        wait_for(stage_begins(world, stage))
        assert carrier.kill()
        ended.update(ended_stages(world))
        carrier = daemon(world)

    wrong = settled(world, ended)

    assert [run["status"] for run in world.runs().values()] == ["success"]
    assert wrong == []


def test_what_the_app_was_asked_for_survives_it(world: World) -> None:
    added = world.espdeck("add", str(world.repository))
    assert added.wait(WITHIN) == 0, added.said
    app = world.espdeck(terminal=True)
    assert app.sees(PROJECT, WITHIN)
    app.type(b"b")
    wait_for(lambda: bool(world.runs()))
    assert app.kill()

    wrong = settled(world, {})

    assert [run["status"] for run in world.runs().values()] == ["success"]
    assert wrong == []
