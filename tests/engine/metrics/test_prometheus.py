"""The page for Prometheus, read by the parser of its own client library."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from engine.builds.compile_times import CompileTimes
from engine.enums import CheckStatus, RunStatus
from engine.events import Bus
from engine.images.image import MemoryRegion
from engine.metrics.health import DaemonState
from engine.metrics.project_metrics import ProjectMetrics
from engine.metrics.prometheus import exposition
from engine.metrics.service import Metrics
from engine.store.projects import ProjectStats
from tests.engine.metrics.past import FAIL, NOON, PASS, Past, case

_LINE = re.compile(
    r"# HELP espdeck_\w+ .+|# TYPE espdeck_\w+ (gauge|counter)|espdeck_\w+(\{.*\})? \S+"
)


def families(page: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(page)}


def samples(page: str) -> dict[tuple[str, ...], float]:
    """Values by the name of the sample and its labels, these by their names."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.fixture
def past(tmp_path: Path) -> Past:
    past = Past(tmp_path)
    number = past.build(took=4.0, tests=[case("t", PASS, 0.5), case("u", FAIL)])
    past.keep_image(number, 4096, MemoryRegion("DRAM", 100, 400))
    past.keep_times(number, CompileTimes({"main.c": 2.5}, 2.5, 0.0))
    past.build(RunStatus.FAILED, took=8.0)
    past.build(RunStatus.CANCELLED)
    return past


def test_a_page_has_what_is_worth_an_alert(past: Past) -> None:
    metrics = Metrics(past.store, Bus())
    metrics.catch_up()
    past.check(CheckStatus.SUCCESS, 1.0)
    past.check(CheckStatus.WARNING, 2.0)
    past.check(CheckStatus.SUCCESS, 6.0, lab=True)
    daemon = DaemonState(
        True, uptime_seconds=60.5, total_checks_run=4, successful_checks=3, checks_seconds=10
    )
    found = samples(metrics.prometheus(daemon))
    chip = ("hub", "esp32c3")
    assert {name: found[name] for name in found if name[0] != "espdeck_info"} == {
        ("espdeck_builds", "hub", "pending"): 0,
        ("espdeck_builds", "hub", "running"): 0,
        ("espdeck_builds", "hub", "success"): 1,
        ("espdeck_builds", "hub", "failed"): 1,
        ("espdeck_builds", "hub", "cancelled"): 1,
        ("espdeck_build_success_ratio", "hub"): 0.5,
        ("espdeck_build_duration_average_seconds", "hub"): 6,
        ("espdeck_build_duration_median_seconds", "hub"): 6,
        ("espdeck_flaky_tests", "hub"): 0,
        ("espdeck_last_build_success", "hub"): 0,
        ("espdeck_last_build_duration_seconds", "hub"): 8,
        ("espdeck_last_build_timestamp_seconds", "hub"): NOON.timestamp() + 120,
        ("espdeck_image_size_bytes", "", *chip): 4096,
        ("espdeck_memory_used_bytes", "", "DRAM", *chip): 100,
        ("espdeck_memory_size_bytes", "", "DRAM", *chip): 400,
        ("espdeck_compile_time_seconds", "", *chip): 2.5,
        ("espdeck_compiled_files", "", *chip): 1,
        ("espdeck_tests", "", "passed", *chip): 1,
        ("espdeck_tests", "", "failed", *chip): 1,
        ("espdeck_tests", "", "ignored", *chip): 0,
        ("espdeck_test_time_seconds", "", *chip): 0.5,
        ("espdeck_check_runs_total", "doc_check", "success"): 2,
        ("espdeck_check_runs_total", "doc_check", "warning"): 1,
        ("espdeck_check_runs_total", "doc_check", "error"): 0,
        ("espdeck_check_run_seconds_total", "doc_check"): 9,
        ("espdeck_check_last_execution_timestamp_seconds", "doc_check"): NOON.timestamp(),
        ("espdeck_check_status", "doc_check", "hub", "success"): 0,
        ("espdeck_check_status", "doc_check", "hub", "warning"): 1,
        ("espdeck_check_status", "doc_check", "hub", "error"): 0,
        ("espdeck_daemon_up",): 1,
        ("espdeck_daemon_uptime_seconds",): 60.5,
        ("espdeck_daemon_checks_run_total",): 4,
        ("espdeck_daemon_checks_successful_total",): 3,
        ("espdeck_daemon_checks_seconds_total",): 10,
    }


def test_a_page_is_as_the_format_wants_it(past: Past) -> None:
    page = Metrics(past.store, Bus()).prometheus()
    assert page.endswith("\n")
    assert all(_LINE.fullmatch(line) for line in page.splitlines())
    for name, family in families(page).items():
        assert family.documentation
        assert family.type == "gauge"
        assert not name.endswith("_total")
    assert samples(page)["espdeck_daemon_up",] == 0
    assert "daemon_uptime" not in page


def test_an_empty_workspace_has_a_page(tmp_path: Path) -> None:
    store = Past(tmp_path).store
    assert samples(Metrics(store, Bus()).prometheus())["espdeck_builds", "hub", "success"] == 0


def project(name: str, seconds: float) -> ProjectMetrics:
    id = uuid.uuid4()
    stats = ProjectStats(id, {RunStatus.SUCCESS: 1}, seconds)
    return ProjectMetrics(id, name, stats, None, seconds, (), (), (), (), ())


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20)


@given(TEXTS, st.floats())
def test_any_name_and_number_come_back(name: str, seconds: float) -> None:
    found = samples(exposition([project(name, seconds)], (), {}, None))
    value = found["espdeck_build_duration_average_seconds", name]
    assert value == seconds or (value != value and seconds != seconds)


@given(st.text(max_size=30))
def test_no_name_breaks_a_page(name: str) -> None:
    page = exposition([project(name, 1.0)], (), {}, None)
    assert all(_LINE.fullmatch(line) for line in page.split("\n")[:-1])
    assert len(families(page)) == 7


def test_names_that_look_alike_are_one_sample() -> None:
    page = exposition([project("hub", 1.0), project("h\x1b[1mub\x07", 2.0)], (), {}, None)
    average = [line for line in page.splitlines() if line.startswith("espdeck_build_duration_av")]
    assert average == ['espdeck_build_duration_average_seconds{project="hub"} 1.0']
