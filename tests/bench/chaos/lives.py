"""A round in which only the daemon dies, again and again, under load; then all is counted.

It is killed while it starts, works, stops, and while it takes over from an app that hands over or
whose terminal is gone. Builds, tasks and checks that run by the clock are in flight.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine import Engine, Settings, TaskRequest
from engine.errors import EspdeckError
from engine.runs.queue import CHECK_WORKFLOW
from tests.bench.chaos import machine
from tests.bench.chaos.checks import Ended, Fault, Kind, ended_stages, faults, told
from tests.bench.chaos.rounds import LIMIT
from tests.bench.chaos.scenarios import works_again
from tests.bench.chaos.world import DAEMON, PROJECT, Espdeck, World, sleep_until, watched_boards

LIVES = 12
"""Times that the daemon is killed in a round."""

INTERVAL_MINUTES = 0.2
"""Between two runs of each check of :data:`CHECKS`: the least that the clock allows is 7 s."""

_EARLY_SECONDS = 5.5  # engine.checks.schedule.EARLY_SECONDS, and what writing a row takes
_IN_FLIGHT = 4
_START_SECONDS, _WORK_SECONDS, _STOP_SECONDS = 2.0, 4.0, 1.0
"""In which moments are drawn: some more than an undisturbed daemon takes."""

_OWN_CHECKS = (
    "board_check",
    "dependency_check",
    "doc_check",
    "git_check",
    "remote_check",
    "schedule_check",
    "test_check",
)

_HEAD = """\
import subprocess, sys
from engine.checks.base import CheckResult
from engine.enums import CheckStatus

class Look:
    title, interval, options = "looks", 5.0, {}
"""

CHECKS = {
    "quick": "return CheckResult(CheckStatus.SUCCESS, 'well')",
    "works": "for _ in range(3):\n"
    "            subprocess.run(['sh', '-c', 'sleep 0.3 & wait'], check=True)\n"
    "        return CheckResult(CheckStatus.WARNING, 'worked')",
    "hangs": "subprocess.run(['sleep', '600'])",
}
"""Checks that run processes, and one that does not end; their :meth:`run`."""


class Moment(StrEnum):
    """When the daemon is killed."""

    START = "starting"
    WORK = "working"
    STOP = "stopping"
    TAKE_OVER = "taking over"
    """From an app that a person quits, which hands over."""

    HANG_UP = "after a hang-up"
    """From an app whose terminal is gone: it starts the daemon itself."""


@dataclass(slots=True)
class Tally:
    """What became of a round."""

    number: int
    kills: dict[Moment, int] = field(default_factory=dict)
    runs: int = 0
    results: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def add_checks(world: World, sink: str) -> None:
    """Give a world's home the checks, and settings that run them often.

    Args:
        sink: the URL of the channel of notifications.
    """
    folder = world.folder / "home" / ".config" / "espdeck"
    (folder / "checks").mkdir(parents=True, exist_ok=True)
    for name, body in CHECKS.items():
        text = (
            f"{_HEAD}    name = {name!r}\n    def state(self, context): return ''\n"
            f"    def run(self, context):\n        {body}\n"
        )
        (folder / "checks" / f"{name}.py").write_text(text)
    set_checks(world, sink, enabled=True)


def set_checks(world: World, sink: str, *, enabled: bool) -> None:
    """Write the settings file, whole: an editor renames it into its place."""
    path = world.folder / "home" / ".config" / "espdeck" / "config.toml"
    lines = [
        "check_timeout_seconds = 4",
        "max_concurrent_checks = 3",
        "[notifications.channels.sink]",
        f'url = "{sink}"',
        "rate_limit = 0",
    ]
    for name in (*CHECKS, *_OWN_CHECKS):
        lines += [f"[checks.{name}]", f"enabled = {str(enabled).lower()}"]
        if name in CHECKS:
            lines.append(f"interval = {INTERVAL_MINUTES}")
    new = path.with_name("new")
    new.write_text("\n".join(lines) + "\n")
    new.chmod(0o600)
    new.replace(path)


def play(seed: int, number: int, world: World, sink: str, received: Sequence[object]) -> Tally:
    """Play a round; no espdeck is left then.

    Args:
        sink: where notifications go.
        received: grows with what arrives there.
    """
    chance = random.Random(f"{seed}/{number}")
    tally = Tally(number)
    began = time.monotonic()
    before, results = set(world.runs()), len(_results(world))
    ended: Ended = {}
    with watched_boards(world.folder) as twice:
        for _ in range(LIVES):
            tally.faults += _live(tally, world, chance)
            ended.update(ended_stages(world))
        tally.faults += _settle(world, sink, needs_board=number % 4 == 0)
    tally.faults += [Fault(Kind.DOUBLED, f"a board is written by {each}") for each in twice]
    tally.faults += faults(world, before, ended, adopted=True)
    tally.faults += [*_results_twice(world), *_notifications(world, len(received))]
    tally.runs = len(set(world.runs()) - before)
    tally.results = len(_results(world)) - results
    tally.seconds = time.monotonic() - began
    return tally


def _live(tally: Tally, world: World, chance: random.Random) -> Iterator[Fault]:
    """Start a daemon, give it work, kill it."""
    moment = chance.choice((*Moment, Moment.WORK))
    machine.bury(world.known)
    daemon: Espdeck | None = None
    if moment in (Moment.TAKE_OVER, Moment.HANG_UP):
        app = world.espdeck(terminal=True)
        if not app.sees(PROJECT, LIMIT):
            yield Fault(Kind.STUCK, f"the app shows nothing: {app.said[-500:]}")
        if moment is Moment.TAKE_OVER:
            daemon = world.daemon_at_the_clock()
            world.is_carried(LIMIT)
        _ask(world, chance)
        sleep_until(time.monotonic() + chance.random() * _WORK_SECONDS)
        app.process.send_signal(
            signal.SIGTERM if moment is Moment.TAKE_OVER else signal.SIGHUP,
        )
        sleep_until(time.monotonic() + chance.random() * (_START_SECONDS + 1.0))
    else:
        daemon = world.daemon_at_the_clock()
        if moment is not Moment.START and not world.is_carried(LIMIT):
            yield Fault(Kind.STUCK, f"the daemon is not ready: {daemon.said[-500:]}")
        if moment is not Moment.START:
            _ask(world, chance)
            sleep_until(time.monotonic() + chance.random() * _WORK_SECONDS)
        if moment is Moment.STOP:
            daemon.process.send_signal(signal.SIGTERM)
        most = _STOP_SECONDS if moment is Moment.STOP else _START_SECONDS
        if moment is not Moment.WORK:
            sleep_until(time.monotonic() + chance.random() * most)
    was_killed = daemon.kill() if daemon is not None else world.kill_daemon()
    tally.kills[moment] = tally.kills.get(moment, 0) + was_killed
    for each in world.processes:
        if each.name == "app" and each.wait(LIMIT) is None:
            yield Fault(Kind.STUCK, f"the app does not end: {each.said[-500:]}")
    if daemon is None and world.kill_daemon():  # it came after the first look
        tally.kills[moment] += not was_killed
    for each in world.processes:
        if not each.is_alive:
            yield from told(each.name, each.said)
    world.forget()


def _ask(world: World, chance: random.Random) -> None:
    """Have some more builds and tasks in flight, asked for by this process, which has no part."""
    engine = Engine(Settings(workspace=world.workspace))
    engine.open(execute=False)
    try:
        project = engine.projects.get(PROJECT)
        for _ in range(max(0, _IN_FLIGHT - len(engine.unfinished_runs()))):
            with contextlib.suppress(EspdeckError):  # whoever would carry it has just gone
                if chance.random() < 0.3:
                    request = TaskRequest(
                        workflow=chance.choice(("bug_fix", "free_task")),
                        description="the LED blinks twice",
                        model="placeholder",
                    )
                    engine.tasks.start(request)
                else:
                    engine.builds.start(
                        project.id,
                        commit=chance.choice(world.commits),
                        simulator=chance.choice(("auto", "none")),
                        board=chance.choice(("auto", "none")),
                    )
    finally:
        engine.close()


def _settle(world: World, sink: str, *, needs_board: bool) -> Iterator[Fault]:
    """Have a daemon that lives finish all, see that each check runs, and end it."""
    daemon = world.daemon_at_the_clock()
    if not world.is_carried(LIMIT):
        yield Fault(Kind.STUCK, f"not ready after the restart: {daemon.said[-500:]}")
        return
    since = time.time()
    machine.wait_for(lambda: not world.unfinished(), 2 * LIMIT, every=0.1)
    for number in world.unfinished():
        run = world.runs()[number]
        yield Fault(Kind.STUCK, f"run {number} ({run['kind']}) is {run['status']} at the end")
    machine.wait_for(lambda: not _silent(world, since), LIMIT, every=0.2)
    for name in _silent(world, since):
        yield Fault(Kind.STUCK, f"check {name} has not run since the restart")
    set_checks(world, sink, enabled=False)
    machine.wait_for(lambda: not _waiting_checks(world), LIMIT, every=0.2)
    for id in _waiting_checks(world):
        yield Fault(Kind.STUCK, f"durable check {id} does not end")
    set_checks(world, sink, enabled=True)
    machine.wait_for(lambda: not _undelivered(world), LIMIT, every=0.2)
    for delivery in _undelivered(world):
        said = f"a notification is {delivery['status']}: {delivery['title']}"
        yield Fault(Kind.STUCK, said)
    if needs_board and (seen := works_again(world, LIMIT)):
        yield Fault(Kind.HELD, seen)
    code = daemon.leave()
    if code != 0:
        yield Fault(Kind.STUCK, f"the {DAEMON} was told to end: {code}, {daemon.said[-500:]}")
    yield from told(DAEMON, daemon.said)
    for each in list(world.processes):
        each.kill()
    world.forget()
    if (world.workspace / "daemon.sock").exists():
        yield Fault(Kind.DAMAGED, "daemon.sock was left")


def _results(world: World) -> list[dict[str, object]]:
    return world.ask(
        "espdeck.db",
        "SELECT check_name, project_id, timestamp, confirmed_at, status, message, triggered_by"
        " FROM check_result ORDER BY check_name, project_id, id",
    )


def _silent(world: World, since: float) -> list[str]:
    """Checks that have no result since a time."""
    seen = {row["check_name"] for row in _results(world) if _seconds(row["timestamp"]) > since}
    return sorted(set(CHECKS) - seen)


def _waiting_checks(world: World) -> list[str]:
    query = "SELECT workflow_uuid FROM workflow_status WHERE name = ? AND status IN (?, ?)"
    rows = world.ask("runs.db", query, CHECK_WORKFLOW, "ENQUEUED", "PENDING")
    return [row["workflow_uuid"] for row in rows]


def _results_twice(world: World) -> Iterator[Fault]:
    least = INTERVAL_MINUTES * 60.0 - _EARLY_SECONDS
    last: dict[tuple[object, object], float] = {}
    for row in _results(world):
        key, at = (row["check_name"], row["project_id"]), _seconds(row["timestamp"])
        if at - last.get(key, 0.0) < least:
            gap = f"{at - last[key]:.1f} s after the last"
            yield Fault(Kind.DOUBLED, f"{row['check_name']} has a result {gap}: {row['timestamp']}")
        if row["check_name"] == "hangs" and "no end after" not in str(row["message"]):
            yield Fault(Kind.DAMAGED, f"check hangs says {row['message']}")
        last[key] = at


def _undelivered(world: World) -> list[dict[str, object]]:
    query = "SELECT status, title FROM delivery WHERE status IN ('waiting', 'sending')"
    return world.ask("espdeck.db", query)


def _notifications(world: World, received: int) -> Iterator[Fault]:
    """Problems told twice, and messages that were sent more often than they were written down."""
    open_: dict[object, object] = {}
    rows = world.ask("espdeck.db", "SELECT subject, kind, title FROM notification ORDER BY id")
    for row in rows:
        if row["kind"] in ("problem", "recovery"):
            if open_.get(row["subject"]) == row["kind"]:
                yield Fault(Kind.DOUBLED, f"{row['kind']} told again: {row['title']}")
            open_[row["subject"]] = row["kind"]
    (sent,) = world.ask("espdeck.db", "SELECT count(*) AS messages FROM delivery")
    if received > int(sent["messages"]):
        yield Fault(Kind.DOUBLED, f"{received} messages arrived of {sent['messages']}")


def _seconds(text: object) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()
