"""The daemon alone is killed (``kill -9``) 200 times at random moments under load.

What that leaves is counted as in ``tests.bench chaos``, and what it leaves of checks: each count
must be 0. ``python -m tests.bench daemon_kill --seed S --only ROUND`` plays one round again.
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

from tests.bench.bench_chaos import prepare
from tests.bench.chaos import machine
from tests.bench.chaos.checks import Kind
from tests.bench.chaos.lives import Moment, Tally, add_checks, play
from tests.bench.chaos.world import World
from tests.bench.table import show
from tests.engine.notify.receivers import http_sink

KILLS = 200


def main() -> None:
    """Kill, count and print; exit code 1 when anything is not as it must be."""
    parser = argparse.ArgumentParser("python -m tests.bench daemon_kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="how many [%(default)s]")
    parser.add_argument("--seed", type=int, default=os.getpid(), help="of all that is random")
    parser.add_argument("--only", type=int, metavar="ROUND", help="play this round alone")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after them")
    given = parser.parse_args()
    machine.adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="daemon-kill-"))
    print(f"seed {given.seed}, in {folder}", flush=True)
    tallies: list[Tally] = []
    world, worlds, number = None, 0, given.only or 0
    began = time.monotonic()
    try:
        with http_sink() as sink:
            url = f"json://127.0.0.1:{sink.port}/"
            while _killed(tallies) < given.kills and time.monotonic() - began < given.seconds:
                if world is None:
                    worlds += 1
                    world = World(folder / str(worlds), folder / "cache")
                    sink.requests.clear()
                    prepare(world)
                    add_checks(world, url)
                tally = play(given.seed, number, world, url, sink.requests)
                tallies.append(tally)
                print(
                    f"{_killed(tallies):4d} killed, {tally.seconds:5.1f} s, {tally.runs} runs, "
                    f"{tally.results} results of checks, {len(sink.requests)} messages so far: "
                    f"round {number}",
                    flush=True,
                )
                for fault in tally.faults:
                    print(f"     {fault}", flush=True)
                if tally.faults:
                    world.end()
                    world = None  # the next round has a new one, this one is to be looked at
                number += 1
                if given.only is not None:
                    break
    finally:
        if world is not None:
            world.end()
        machine.bury(frozenset())
    _print(tallies)
    if any(tally.faults for tally in tallies):
        print(f"\nwhat they left is kept in {folder}")
        sys.exit(1)
    shutil.rmtree(folder)


def _killed(tallies: Sequence[Tally]) -> int:
    return sum(sum(tally.kills.values()) for tally in tallies)


def _print(tallies: Sequence[Tally]) -> None:
    rows = [
        (f"killed {moment}", sum(tally.kills.get(moment, 0) for tally in tallies))
        for moment in Moment
    ]
    rows.append(("killed in all", _killed(tallies)))
    rows.append(("runs", sum(tally.runs for tally in tallies)))
    rows.append(("results of checks", sum(tally.results for tally in tallies)))
    counts = collections.Counter(fault.kind for tally in tallies for fault in tally.faults)
    rows += [(kind.value, counts[kind]) for kind in Kind]
    rows.append(("seconds", round(sum(tally.seconds for tally in tallies))))
    show("kill -9 of the daemon at random moments under load", ("", "count"), rows)


if __name__ == "__main__":
    main()
