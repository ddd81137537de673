"""Metrics in Prometheus' text format, version 0.0.4, written by its own client library.

Names end in their base unit. Builds are gauges, not counters: old ones are removed, and their
number falls. Labels are what a lab has few of: projects, chips, memories, checks; no commits, files
or tests. OpenMetrics, which wants ``# EOF`` and other names of counters, is another format: say
``text/plain; version=0.0.4``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector

from engine.enums import CheckStatus, RunStatus
from engine.metrics.health import DaemonState
from engine.metrics.project_metrics import ProjectMetrics
from engine.store.check_stats import CheckStats
from engine.text import clean

_GAUGE, _COUNTER, _TOTAL = "gauge", "counter", "_total"


class _Page(Collector):
    """The families of a page, in the order in which they were begun."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}
        self._known: set[tuple[str, ...]] = set()

    def family(self, name: str, help: str, type: str = _GAUGE) -> None:
        """Begin a family; one without samples is left out."""
        self._families[name] = Metric(name.removesuffix(_TOTAL), help, type)

    def add(self, name: str, value: float | None, **labels: str) -> None:
        """Add a sample; nothing for None, nor for labels that had one.

        A scraper refuses a page in which a sample stands twice, and names that differ only in
        control characters are the same here.
        """
        told = {key: clean(text) for key, text in labels.items()}
        series = (name, *told.values())
        if value is not None and series not in self._known:
            self._known.add(series)
            self._families[name].add_sample(name, told, value)

    def collect(self) -> Iterable[Metric]:
        """The families that have samples."""
        return [family for family in self._families.values() if family.samples]


def exposition(
    projects: Sequence[ProjectMetrics],
    checks: Sequence[CheckStats],
    checks_of: Mapping[str, Sequence[CheckStats]],
    daemon: DaemonState | None,
) -> str:
    """Everything as one page.

    Args:
        projects: statistics of each project.
        checks: of each check over all projects.
        checks_of: of each check in a project, by the project's name.
        daemon: what it says of itself; None where there is none.
    """
    page = _Page()
    page.family("espdeck_info", "Version of espdeck.")
    page.add("espdeck_info", 1, version=version("espdeck"))
    _add_projects(page, projects)
    _add_variants(page, projects)
    _add_checks(page, checks, checks_of)
    _add_daemon(page, daemon or DaemonState(is_running=False))
    return generate_latest(page).decode()


def _add_projects(page: _Page, projects: Sequence[ProjectMetrics]) -> None:
    page.family("espdeck_builds", "Builds that are kept, by their status.")
    page.family("espdeck_build_success_ratio", "Part of the builds that succeeded or failed.")
    page.family("espdeck_build_duration_average_seconds", "Average duration of a build.")
    page.family("espdeck_build_duration_median_seconds", "Median duration of a build.")
    page.family("espdeck_flaky_tests", "Tests that pass and fail with the same firmware.")
    page.family("espdeck_last_build_success", "Whether the newest build succeeded: 1 or 0.")
    page.family("espdeck_last_build_duration_seconds", "Duration of the newest build.")
    page.family("espdeck_last_build_timestamp_seconds", "When the newest build ended.")
    for each in projects:
        project, stats = each.name, each.stats
        for status in RunStatus:
            page.add("espdeck_builds", stats.counts.get(status, 0), project=project, status=status)
        rate = stats.success_rate
        page.add(
            "espdeck_build_success_ratio", None if rate is None else rate / 100, project=project
        )
        page.add("espdeck_build_duration_average_seconds", stats.average_duration, project=project)
        page.add("espdeck_build_duration_median_seconds", each.median_duration, project=project)
        page.add("espdeck_flaky_tests", len(each.flaky), project=project)
        build = each.last
        if build is None:
            continue
        success = build.status is RunStatus.SUCCESS
        page.add("espdeck_last_build_success", int(success), project=project)
        page.add("espdeck_last_build_duration_seconds", build.duration, project=project)
        if build.completed_at is not None:
            at = build.completed_at.timestamp()
            page.add("espdeck_last_build_timestamp_seconds", at, project=project)


def _add_variants(page: _Page, projects: Sequence[ProjectMetrics]) -> None:
    page.family("espdeck_image_size_bytes", "Size of the newest app.")
    page.family("espdeck_memory_used_bytes", "What the newest program takes of a memory.")
    page.family("espdeck_memory_size_bytes", "Size of that memory.")
    page.family("espdeck_compile_time_seconds", "Time to compile all files of the newest build.")
    page.family("espdeck_compiled_files", "Source files that the newest build compiled.")
    page.family("espdeck_tests", "Tests of the newest tested build, by their outcome.")
    page.family("espdeck_test_time_seconds", "Time that these tests took.")
    for project in projects:
        for each in project.variants:
            labels = {
                "project": project.name,
                "target": each.target,
                "configuration": each.configuration,
            }
            page.add("espdeck_image_size_bytes", each.image_size, **labels)
            for memory in each.memory:
                page.add("espdeck_memory_used_bytes", memory.used, **labels, memory=memory.name)
                page.add("espdeck_memory_size_bytes", memory.size, **labels, memory=memory.name)
            page.add("espdeck_compile_time_seconds", each.compile_time, **labels)
            page.add("espdeck_compiled_files", each.compiled_files, **labels)
            page.add("espdeck_tests", each.tests_passed, **labels, outcome="passed")
            page.add("espdeck_tests", each.tests_failed, **labels, outcome="failed")
            page.add("espdeck_tests", each.tests_ignored, **labels, outcome="ignored")
            page.add("espdeck_test_time_seconds", each.test_time, **labels)


def _add_checks(
    page: _Page, checks: Sequence[CheckStats], checks_of: Mapping[str, Sequence[CheckStats]]
) -> None:
    page.family("espdeck_check_runs_total", "Times that a check ran, by its result.", _COUNTER)
    page.family("espdeck_check_run_seconds_total", "How long these took.", _COUNTER)
    page.family("espdeck_check_last_execution_timestamp_seconds", "When a check ran last.")
    page.family("espdeck_check_status", "Whether a check's newest result is of a status: 1 or 0.")
    for check in checks:
        for status in CheckStatus:
            number = check.statuses.get(status, 0)
            page.add("espdeck_check_runs_total", number, check=check.name, status=status)
        seconds = check.average_duration * check.executions
        page.add("espdeck_check_run_seconds_total", seconds, check=check.name)
        at = check.last_execution.timestamp()
        page.add("espdeck_check_last_execution_timestamp_seconds", at, check=check.name)
    for project, found in checks_of.items():
        for check in found:
            for status in CheckStatus:
                page.add(
                    "espdeck_check_status",
                    int(check.last_status is status),
                    project=project,
                    check=check.name,
                    status=status,
                )


def _add_daemon(page: _Page, daemon: DaemonState) -> None:
    page.family("espdeck_daemon_up", "Whether the daemon runs: 1 or 0.")
    page.add("espdeck_daemon_up", int(daemon.is_running))
    if not daemon.is_running:
        return
    page.family("espdeck_daemon_uptime_seconds", "Time since the daemon started.")
    page.add("espdeck_daemon_uptime_seconds", daemon.uptime_seconds)
    page.family("espdeck_daemon_checks_run_total", "Checks that it ran since.", _COUNTER)
    page.add("espdeck_daemon_checks_run_total", daemon.total_checks_run)
    page.family("espdeck_daemon_checks_successful_total", "Those without a fault.", _COUNTER)
    page.add("espdeck_daemon_checks_successful_total", daemon.successful_checks)
    page.family("espdeck_daemon_checks_seconds_total", "How long these took.", _COUNTER)
    page.add("espdeck_daemon_checks_seconds_total", daemon.checks_seconds)
