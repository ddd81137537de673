"""What a daemon costs: at its start, at rest, over a simulated week of checks, to a command.

``python -m tests.bench daemon --part rest`` measures one part alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from engine import Engine, Settings, samples
from engine.cancel import CancelToken
from engine.daemon_start import start_daemon, stop_daemon
from engine.logs.event_log import LogEvents
from engine.runs import executor
from tests.bench.chaos.machine import wait_for
from tests.bench.table import median, show
from tests.engine.git_repos import commit
from tests.tui.test_hostile import Terminal

PROJECTS = 20
"""Of the daemon at rest."""

WEEK_PROJECTS = 2
TICK = timedelta(minutes=5)
"""Of the simulated clock; the shortest interval that checks have by themselves."""

RUNS = 5
_LIMIT_SECONDS = 600.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench daemon", description=__doc__)
    parts: dict[str, Callable[[Path, argparse.Namespace], None]] = {
        "start": _start,
        "rest": _rest,
        "week": _week,
    }
    parser.add_argument("--part", choices=parts)
    parser.add_argument("--days", type=int, default=7, help="simulated [%(default)s]")
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="at rest: all checks once [%(default)s]"
    )
    given = parser.parse_args()
    for name, measure in parts.items():
        if given.part in (None, name):
            with tempfile.TemporaryDirectory(prefix="daemon-") as folder:
                settings = Path(folder) / "config.toml"
                settings.write_text("boards = []\n")
                settings.chmod(0o600)
                os.environ["ESPDECK_CONFIG"] = str(settings)
                measure(Path(folder), given)


def _start(folder: Path, _given: argparse.Namespace) -> None:
    workspace = _workspace(folder, 1)
    build = ("build", "p0", "--board", "none", "--simulator", "none")
    _espdeck(workspace, *build)

    def timed(*words: str) -> float:
        return median([_espdeck(workspace, *words) for _ in range(RUNS)])

    baseline = timed("builds")
    alone, unchanged = timed(*build), timed("build", "p0", "--changed")
    starts = []
    for _ in range(RUNS):
        began = time.perf_counter()
        pid = start_daemon(workspace)
        starts.append(time.perf_counter() - began)
        memory = psutil.Process(pid).memory_info().rss
        stop_daemon(workspace)
    pid = start_daemon(workspace)
    try:
        with_daemon, unchanged_there = timed(*build), timed("build", "p0", "--changed")
    finally:
        stop_daemon(workspace)
    rows = [
        ("espdeck builds (baseline)", baseline),
        ("a daemon answers", median(starts)),
        ("build of what was built, no daemon", alone),
        ("build of what was built, daemon", with_daemon),
        ("build --changed, nothing to do, no daemon", unchanged),
        ("build --changed, nothing to do, daemon", unchanged_there),
    ]
    show(
        f"start of a daemon ({memory >> 20} MB) and of commands, median of {RUNS}",
        ("", "seconds", "ratio"),
        [(name, f"{seconds:.2f}", f"{seconds / baseline:.2f}") for name, seconds in rows],
    )


def _rest(folder: Path, given: argparse.Namespace) -> None:
    workspace = _workspace(folder, PROJECTS)
    pid = start_daemon(workspace)
    terminal: Terminal | None = None
    rows = []
    try:
        rows.append(("the first minutes", *_cost([pid], lambda: _until_checked(workspace))))
        rows.append(("at rest", *_cost([pid], lambda: time.sleep(given.seconds))))
        terminal = Terminal(workspace, 40, 120)
        terminal.sees("p0", timeout=60)
        _drain(terminal, 10.0)
        app = terminal.process.pid
        rows.append(("with an idle app", *_cost([pid], lambda: _drain(terminal, 60.0))))
        rows.append(("the app itself", *_cost([app], lambda: _drain(terminal, 60.0))))
    finally:
        if terminal is not None:
            terminal.close()
        stop_daemon(workspace)
    head = ("", "seconds", "CPU seconds", "% of a core", "MB")
    show(f"a daemon with {PROJECTS} projects and every check, nothing changes", head, rows)


def _cost(pids: list[int], during: Callable[[], None]) -> tuple[str, str, str, str]:
    processes = [psutil.Process(pid) for pid in pids]
    before, began = sum(map(_cpu, processes)), time.perf_counter()
    during()
    seconds = time.perf_counter() - began
    used = sum(map(_cpu, processes)) - before
    memory = sum(each.memory_info().rss for each in processes)
    share = f"{100 * used / seconds:.2f}"
    return f"{seconds:.0f}", f"{used:.2f}", share, f"{memory >> 20}"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _drain(terminal: Terminal, seconds: float) -> None:
    """Take what the app writes for a while."""
    with contextlib.suppress(AssertionError):
        terminal.sees("what is never shown", timeout=seconds)


def _until_checked(workspace: Path) -> None:
    """Wait until each project was checked and nothing waits."""
    checked = "SELECT count(DISTINCT project_id) FROM check_result WHERE check_name = ?"

    def is_done() -> bool:
        names = ("git_check", "doc_check", "test_check", "dependency_check")
        counts = [_ask(workspace, "espdeck.db", checked, name) for name in names]
        return min(counts) == PROJECTS and not _unfinished(workspace)

    assert wait_for(is_done, _LIMIT_SECONDS, every=1.0)


def _week(folder: Path, given: argparse.Namespace) -> None:
    """The engine of a daemon, whose clock is here, with real checks of projects that change."""
    executor.TICK_CRON = "0 0 29 2 *"  # what is due is asked for here
    workspace = _workspace(folder, WEEK_PROJECTS)
    clock = datetime.now(UTC)
    engine = Engine(Settings.load(workspace=workspace), now=lambda: clock)
    engine.events.subscribe(LogEvents(lambda _run: ""))
    engine.open(scheduled=True)
    rows = []
    try:
        engine.wait_ready()
        for day in range(given.days):
            began, before = datetime.now(UTC), _used()
            for tick in range(int(timedelta(days=1) / TICK)):
                if tick % 12 == 0:
                    name = f"p{(day + tick // 12) % WEEK_PROJECTS}"
                    commit(folder / name, {"NOTES.md": f"# Notes\n\n{clock}\n"})
                for check, project in list(engine.checks.due()):
                    if not engine.checks.settle(check, project):
                        engine._runs.enqueue_check(check, project)
                assert wait_for(lambda: not _unfinished(workspace), _LIMIT_SECONDS, every=0.005)
                clock += TICK
            engine._runs.forget_clock(began)  # a day ago, by the clock
            engine.maintenance.once(CancelToken())
            rows.append((f"day {day + 1}", *_sizes(workspace), f"{_used() - before:.1f}"))
            print(rows[-1], flush=True)
    finally:
        engine.close()
    head = ("", "MB of memory", "results", "events", "notifications", "durable rows")
    more = ("espdeck.db MB", "runs.db MB", "log KB", "CPU s a day")
    show(f"{given.days} simulated days, {WEEK_PROJECTS} projects", (*head, *more), rows)


def _sizes(workspace: Path) -> Iterator[str]:
    yield str(psutil.Process().memory_info().rss >> 20)
    for name in ("check_result", "event", "notification"):
        yield str(_ask(workspace, "espdeck.db", f"SELECT count(*) FROM {name}"))
    yield str(_ask(workspace, "runs.db", "SELECT count(*) FROM workflow_status"))
    for name in ("espdeck.db", "runs.db"):
        files = workspace.glob(f"{name}*")
        yield f"{sum(path.stat().st_size for path in files) / (1 << 20):.1f}"
    logs = workspace.glob("espdeck.log*")
    yield str(sum(path.stat().st_size for path in logs) >> 10)


def _used() -> float:
    """Seconds of CPU of this process and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, kinds))


def _unfinished(workspace: Path) -> int:
    query = "SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
    return _ask(workspace, "runs.db", query)


def _ask(workspace: Path, database: str, query: str, *values: object) -> int:
    with contextlib.closing(sqlite3.connect(workspace / database, timeout=30)) as connection:
        found: int = connection.execute(query, values).fetchone()[0]
    return found


def _espdeck(workspace: Path, *words: str) -> float:
    """Seconds of a command."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tui.cli.main", "--workspace", str(workspace), *words]
    subprocess.run(command, check=True, capture_output=True, timeout=_LIMIT_SECONDS)
    return time.perf_counter() - began


def _workspace(folder: Path, projects: int) -> Path:
    """A workspace with projects ``p0``, ``p1``, …, each a folder that is a repository."""
    workspace = folder / "ws"
    with Engine(Settings.load(workspace=workspace)) as engine:
        for number in range(projects):
            source = folder / f"p{number}"
            samples.write("hello", source)
            commit(source, {"README.md": "# Hello\n\nSee [main](main/main.c).\n"})
            engine.projects.find_or_add(str(source))
    return workspace


if __name__ == "__main__":
    main()
