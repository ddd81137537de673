"""Statistics as tables, on the command line and for reading on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.enums import CheckStatus
from engine.text import clean, count
from tui.presentation.labels import stage_label
from tui.presentation.tables import Row, columns
from tui.presentation.units import ago, amount, day, size, span

if TYPE_CHECKING:
    from datetime import datetime

    from engine import CheckStats, DaemonState, ProjectMetrics

NOTHING = "-"
"""Where there is no number."""

MAX_ROWS = 20
"""Failures and flaky tests that are listed; --json has all."""


def overview(projects: Sequence[ProjectMetrics]) -> tuple[Row, list[Row]]:
    """A row for each project: its head and its rows."""
    rows: list[Row] = [
        (
            each.name,
            *map(str, _counts(each)),
            seconds(each.stats.average_duration),
            seconds(each.median_duration),
            percent(each.stats.success_rate),
        )
        for each in projects
    ]
    head = ("PROJECT", "BUILDS", "OK", "FAILED", "PENDING", "RUNNING", "CANCELLED", "AVERAGE")
    return (*head, "MEDIAN", "SUCCESS"), rows


def check_rows(checks: Sequence[CheckStats]) -> tuple[Row, list[Row]]:
    """A row for each check: its head and its rows."""
    rows: list[Row] = [
        (
            each.name,
            str(each.executions),
            *(str(each.statuses.get(status, 0)) for status in CheckStatus),
            seconds(each.average_duration),
            each.last_status,
            ago(each.last_execution),
        )
        for each in checks
    ]
    head = ("CHECK", "RUNS", *(status.upper() for status in CheckStatus), "AVERAGE", "LAST")
    return (*head, "WHEN"), rows


def daemon_line(daemon: DaemonState | None) -> str:
    """What the daemon did, in a line."""
    if daemon is None or not daemon.is_running:
        return "no daemon runs"
    checks = count(daemon.total_checks_run, "check")
    return (
        f"the daemon runs for {span(daemon.uptime_seconds)}: {checks}, "
        f"{percent(daemon.success_rate)} without a fault, {seconds(daemon.average_duration)} each"
    )


def project_lines(found: ProjectMetrics) -> list[str]:
    """Everything that is known of a project's builds, as lines."""
    total, ok, failed, pending, running, cancelled = _counts(found)
    lines = [
        f"{clean(found.name)}: {count(total, 'build')}, {ok} succeeded, {failed} failed, "
        f"{cancelled} cancelled, {pending} wait, {running} run",
        f"success rate {percent(found.stats.success_rate)}, duration "
        f"{seconds(found.stats.average_duration)} on average, median "
        f"{seconds(found.median_duration)}",
    ]
    lines += _section(
        ("FAILS OF", "CODE", "BUILDS", "SINCE", "LAST", "LAST BUILD"),
        [
            (
                stage_label(each.stage),
                each.code,
                str(each.count),
                _day(each.since),
                _day(each.last),
                f"#{each.last_build}",
            )
            for each in found.failures
        ],
    )
    lines += _section(
        ("FLAKY TEST", "WHERE", "FOR", "PASSED", "FAILED", "FLIPS", "SAME COMMIT", "LAST FAILED"),
        [
            (
                each.name,
                stage_label(each.place),
                f"{each.target} {each.configuration}".rstrip(),
                str(each.passed),
                str(each.failed),
                str(each.flips),
                ", ".join(commit[:7] for commit in each.commits[:3]) or NOTHING,
                f"#{each.last_failed}",
            )
            for each in found.flaky
        ],
    )
    lines += _section(
        ("SLOWEST TO COMPILE", "SECONDS", "BUILD"),
        [(each.file, f"{each.seconds:.2f}", f"#{each.build}") for each in found.slow_files],
    )
    lines += _section(
        ("FOR", "LAST BUILD", "IMAGE", "COMPILE TIME", "FILES", "TESTS", "FAILED", "TEST TIME"),
        [
            (
                f"{each.target} {each.configuration}".rstrip(),
                f"#{each.last_build}",
                NOTHING if each.image_size is None else size(each.image_size),
                seconds(each.compile_time),
                _number(each.compiled_files),
                _number(each.tests),
                _number(each.tests_failed),
                seconds(each.test_time),
            )
            for each in found.variants
        ],
    )
    lines += _section(
        ("MEMORY", "FOR", "USED", "OF"),
        [
            (
                memory.name,
                f"{each.target} {each.configuration}".rstrip(),
                size(memory.used),
                NOTHING if memory.size is None else size(memory.size),
            )
            for each in found.variants
            for memory in each.memory
        ],
    )
    lines += _section(
        ("TREND", "FOR", "WAS", "IS", "CHANGE", "BUILDS"),
        [
            (
                each.label or each.name.replace("_", " "),
                f"{each.target} {each.configuration}".rstrip(),
                amount(each.before, each.unit),
                amount(each.mean, each.unit),
                NOTHING if each.change is None else f"{each.change:+.1f} %",
                f"{each.builds} and {each.builds} before",
            )
            for each in found.trends
        ],
    )
    return lines


def seconds(value: float | None) -> str:
    """Seconds, or that they are not known."""
    return NOTHING if value is None else amount(value, "s")


def percent(value: float | None) -> str:
    """Percent, or that it is not known."""
    return NOTHING if value is None else f"{value:.0f} %"


def _counts(found: ProjectMetrics) -> tuple[int, ...]:
    stats = found.stats
    return (
        *(stats.total_builds, stats.successful, stats.failed),
        *(stats.pending, stats.running, stats.cancelled),
    )


def _section(head: Row, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    more = len(rows) - MAX_ROWS
    return ["", *columns(head, rows[:MAX_ROWS]), *([f"and {more} more"] if more > 0 else [])]


def _day(at: datetime | None) -> str:
    return day(at) if at else NOTHING


def _number(value: int | None) -> str:
    return NOTHING if value is None else str(value)
