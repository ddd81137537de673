"""Metrics: what is measured of builds, and statistics of it, beside numbers computed by hand."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from engine.builds.compile_times import CompileTimes
from engine.cancel import CancelToken
from engine.enums import RunKind, RunStatus
from engine.errors import Interrupted
from engine.events import Bus, RunCompleted
from engine.images.image import MemoryRegion
from engine.metrics.project_metrics import FailurePattern, MemoryUse, SlowFile
from engine.metrics.series import Metric
from engine.metrics.service import Metrics
from engine.store import measures, projects, runs
from engine.store.tables import Project, RunMeasure
from tests.engine.metrics.past import FAIL, IGNORE, NOON, PASS, Past, case

FAILED = RunStatus.FAILED


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


@pytest.fixture
def metrics(past: Past) -> Metrics:
    return Metrics(past.store, Bus())


def measured(past: Past, number: int) -> dict[str, float]:
    """Values by name, and label where there is one."""
    with past.store.read() as session:
        rows = session.exec(select(RunMeasure).where(RunMeasure.run_id == number)).all()
    return {f"{row.name} {row.label}".strip(): row.value for row in rows}


def test_everything_that_a_build_left_is_measured(past: Past, metrics: Metrics) -> None:
    cases = [case("test_add", PASS, 0.25), case("test_sub", FAIL, 0.5), case("test_div", IGNORE)]
    number = past.build(tests=cases)
    past.keep_image(
        number, 4096, MemoryRegion("DRAM", 100, 400), MemoryRegion("Flash Code", 2000, None)
    )
    past.keep_times(number, CompileTimes({"main.c": 2.0, "a.c": 0.5}, 2.5, 1.0))

    metrics.record(number)

    assert measured(past, number) == {
        "recorded": 1,
        "attempts": 1,
        "image_size": 4096,
        "memory_used DRAM": 100,
        "memory_used Flash Code": 2000,
        "memory_size DRAM": 400,
        "compile_time": 2.5,
        "compiled_files": 2,
        "tests": 3,
        "tests_passed": 1,
        "tests_failed": 1,
        "tests_ignored": 1,
        "test_time": 0.75,
    }


def test_measuring_again_changes_nothing(past: Past, metrics: Metrics) -> None:
    number = past.build(FAILED, failed=["build"], errors=[("build", "compiler.error")])
    metrics.record(number)
    before = measured(past, number)
    metrics.record(number)
    assert measured(past, number) == before
    assert before == {"recorded": 1, "attempts": 1, "failure build compiler.error": 1}


def test_a_build_that_runs_or_is_gone_is_left(past: Past, metrics: Metrics) -> None:
    running = past.build(RunStatus.RUNNING)
    for number in (running, 99):
        metrics.record(number)
        assert measured(past, number) == {}


def test_a_retry_forgets_what_was_measured_and_measures_anew(past: Past, metrics: Metrics) -> None:
    number = past.build(FAILED, failed=["build"])
    metrics.record(number)
    runs.requeue_run(past.store, number, "again", repeated=runs.stages_of(past.store, number))
    metrics.record(number)  # of the end before, which comes late
    assert measured(past, number) == {}
    runs.finish_run(past.store, number, status=RunStatus.SUCCESS, took=1.0)
    assert metrics.catch_up() == 1
    assert measured(past, number) == {"recorded": 1, "attempts": 0}


def test_files_that_are_gone_or_damaged_are_not_measured(past: Past, metrics: Metrics) -> None:
    number = past.build()
    past.keep_image(number, 10)
    past.keep_times(number, CompileTimes({}, 0.0, 0.0))
    folder = past.folder / "artifacts" / str(number)
    (folder / "hub.bin").unlink()
    (folder / "compile-times.json").write_text("[")
    metrics.record(number)
    assert measured(past, number) == {"recorded": 1, "attempts": 1}


def test_many_files_and_tests_are_bounded(past: Past, metrics: Metrics) -> None:
    cases = [case(f"t{n}", PASS, n / 1000) for n in range(700)] + [case("broken", FAIL)]
    number = past.build(tests=cases)
    past.keep_times(number, CompileTimes({f"{n}.c": 1.0 for n in range(300)}, 300.0, 0.0))
    metrics.record(number)
    values = measured(past, number)
    assert (values["tests"], values["compiled_files"], values["compile_time"]) == (701, 300, 300)
    assert values["test_time"] == pytest.approx(sum(range(700)) / 1000)
    ((_, files),) = measures.details(past.store, "compile_time", past.project_id, limit=9)
    ((_, tests),) = measures.details(past.store, "tests", past.project_id, limit=9)
    assert (len(files), len(tests), tests[0][1], tests[1][1]) == (50, 500, "broken", "t699")


def test_what_ended_while_nothing_looked_is_caught_up(past: Past, metrics: Metrics) -> None:
    numbers = [past.build() for _ in range(3)]
    metrics.record(numbers[1])
    past.build(RunStatus.PENDING)
    assert metrics.catch_up() == 2
    assert metrics.catch_up() == 0
    assert all(measured(past, number) for number in numbers)


def test_a_build_whose_rows_make_no_sense_keeps_no_other_from_being_measured(
    past: Past, metrics: Metrics
) -> None:
    odd = past.build()
    report = {"tests": 1, "failures": 0, "ignored": 0, "cases": [{"name": "x"}]}
    runs.put_outcome(
        past.store, odd, test_results={"test.board": {"report": report}}, build_output=""
    )
    fine = past.build()
    assert metrics.catch_up() == 2
    assert measured(past, odd) == {"recorded": 1}
    assert measured(past, fine)["attempts"] == 1


def test_builds_are_measured_as_they_end_off_the_publishing_thread(past: Past) -> None:
    bus, cancel = Bus(), CancelToken()
    metrics = Metrics(past.store, bus)
    before = past.build()
    done = threading.Event()

    def run() -> None:
        with pytest.raises(Interrupted):
            metrics.follow(cancel)
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    while not measured(past, before):
        cancel.wait(0.005)
    number = past.build()
    for kind, run_id in ((RunKind.TASK, 77), (RunKind.FIRMWARE, number)):
        event = RunCompleted(
            run_id=run_id, success=True, status=RunStatus.SUCCESS, duration=1, result="", run=kind
        )
        bus.publish(event)
    while not measured(past, number):
        cancel.wait(0.005)
    cancel.interrupt()
    thread.join(10)
    assert done.is_set()


def test_statistics_of_a_project(past: Past, metrics: Metrics) -> None:
    for took in (10.0, 20.0, 60.0):
        past.build(took=took)
    past.build(FAILED, took=None, failed=["build"], errors=[("build", "-Wformat")])
    past.build(RunStatus.CANCELLED, took=5000.0)
    past.build(RunStatus.PENDING)
    metrics.catch_up()
    (found,) = metrics.projects()
    assert found.name == "hub"
    assert found.stats.wire() | {"project_id": ""} == {
        "project_id": "", "total_builds": 6, "successful": 3, "failed": 1, "pending": 1,
        "running": 0, "cancelled": 1, "success_rate": 75.0, "average_duration": 30.0,
    }  # fmt: skip
    assert found.median_duration == 20.0


def test_failures_are_counted_by_stage_and_code(past: Past, metrics: Metrics) -> None:
    first = past.build(FAILED, failed=["build"], errors=[("build", "compiler.error")])
    past.build()
    last = past.build(FAILED, failed=["build"], errors=[("build", "compiler.error")])
    # The firmware panics: the test fails, DOCTOR says why, QA blocks it, nothing repairs it.
    panic = past.build(
        FAILED,
        failed=["test.simulator", "diagnose", "judge", "repair"],
        errors=[("test.simulator", "test.failed"), ("diagnose", "panic.store-access-fault")],
    )
    nowhere = past.build(FAILED)
    metrics.catch_up()
    (found,) = metrics.projects(past.project_id)

    def at(number: int) -> datetime:
        return NOON + timedelta(minutes=number)

    assert found.failures == (
        FailurePattern("build", "compiler.error", 2, at(first), at(last), first, last),
        FailurePattern("-", "-", 1, at(nowhere), at(nowhere), nowhere, nowhere),
        FailurePattern(
            "test.simulator",
            "panic.store-access-fault",
            1,
            at(panic),
            at(panic),
            panic,
            panic,
        ),
    )


def test_newest_numbers_are_told_by_chip(past: Past, metrics: Metrics) -> None:
    old = past.build(tests=[case("t", PASS)])
    past.keep_image(old, 900, MemoryRegion("DRAM", 90, 400))
    past.keep_times(old, CompileTimes({"main.c": 3.0, "b.c": 1.0}, 4.0, 0.0))
    new = past.build(tests=[case("t", PASS), case("u", FAIL)])
    past.keep_image(new, 1000, MemoryRegion("DRAM", 100, 400))
    past.keep_times(new, CompileTimes({"main.c": 2.0}, 2.0, 0.0))
    broken = past.build(FAILED, failed=["build"])
    other = past.build(target="esp32c6")
    metrics.catch_up()
    (found,) = metrics.projects()
    c3, c6 = found.variants
    assert (c3.target, c3.last_build, c3.image_size) == ("esp32c3", broken, 1000)
    assert c3.memory == (MemoryUse("DRAM", 100, 400),)
    assert (c3.compile_time, c3.compiled_files) == (4.0, 2)
    assert (c3.tests, c3.tests_passed, c3.tests_failed, c3.tests_ignored) == (2, 1, 1, 0)
    assert (c6.target, c6.last_build, c6.image_size, c6.tests) == ("esp32c6", other, None, None)
    assert found.slow_files == (SlowFile("main.c", 2.0, new), SlowFile("b.c", 1.0, old))


def test_trends_compare_the_newest_builds_with_as_many_before(past: Past, metrics: Metrics) -> None:
    sizes = (1000, 1100, 1200, 1100, 1300, 1560)
    for took, size in zip((10.0, 20.0, 30.0, 30.0, 60.0, 90.0), sizes, strict=True):
        past.keep_image(past.build(took=took), size)
    past.build(tests=[case("t")])  # too few for a trend
    metrics.catch_up()
    (found,) = metrics.projects()
    trends = {trend.name: trend for trend in found.trends}
    assert set(trends) == {"duration", "image_size"}
    size_trend = trends["image_size"]
    assert (size_trend.before, size_trend.mean, size_trend.builds) == (1100, 1320, 3)
    assert size_trend.change == pytest.approx(20.0)
    assert (trends["duration"].before, trends["duration"].mean) == (80 / 3, 160 / 3)


def test_the_compile_time_is_that_of_whole_builds(past: Past, metrics: Metrics) -> None:
    for files, seconds in ((100, 50.0), (95, 40.0), (2, 1.0), (0, 0.0)):
        times = CompileTimes({f"{n}.c": seconds / files for n in range(files)}, seconds, 0.0)
        past.keep_times(past.build(), times)
    metrics.catch_up()
    (found,) = metrics.projects()
    (variant,) = found.variants
    assert (variant.compile_time, variant.compiled_files) == (40.0, 95)


def test_series_have_a_point_for_each_build_that_has_the_number(
    past: Past, metrics: Metrics
) -> None:
    first = past.build(took=1.0)
    past.keep_image(first, 500, MemoryRegion("IRAM", 7, None))
    failed = past.build(FAILED, took=2.0)
    past.build(RunStatus.CANCELLED)
    other = past.build(target="esp32c6", took=None)
    metrics.catch_up()

    def points(name: str, label: str = "") -> list[tuple[int, float]]:
        series = metrics.series(past.project_id, Metric(name, label))
        return [(point.build.number, point.value) for point in series.points]

    known = metrics.known_metrics(past.project_id)
    assert [metric.title for metric in known] == ["duration", "success rate", "image size", "IRAM"]
    assert points("duration") == [(first, 1.0), (failed, 2.0)]
    assert points("success_rate") == [(first, 100.0), (failed, 50.0), (other, 100.0)]
    assert points("image_size") == [(first, 500)]
    assert points("memory_used", "IRAM") == [(first, 7)]


def test_rows_have_the_same_columns_for_every_build(past: Past, metrics: Metrics) -> None:
    first = past.build(took=1.23456, tests=[case("t", PASS, 0.5)])
    past.keep_image(first, 500, MemoryRegion("IRAM", 7, None))
    past.build(FAILED, failed=["build"], errors=[("build", "compiler.error")])
    past.build(RunStatus.PENDING)
    metrics.catch_up()
    rows = list(metrics.rows(past.project_id))
    assert len({tuple(row) for row in rows}) == 1
    one, two, three = rows
    assert one["build"] == first
    assert one["project"] == "hub"
    assert one["duration_seconds"] == 1.235
    assert (one["image_size_bytes"], one["memory_IRAM_bytes"], one["tests"]) == (500, 7, 1)
    assert one["test_time_seconds"] == 0.5
    assert one["completed_at"] == "2026-06-01T12:01:00+00:00"
    assert (two["failure_stage"], two["failure_code"]) == ("build", "compiler.error")
    assert (three["status"], three["duration_seconds"], three["attempts"]) == (
        "pending",
        None,
        None,
    )


def test_projects_do_not_mix(past: Past, metrics: Metrics) -> None:
    other = projects.add_project(
        past.store, Project(name="other", source="/other", target="esp32c6")
    )
    past.build(FAILED, failed=["build"])
    past.build(project=other)
    metrics.catch_up()
    hub, found = metrics.projects()
    assert (hub.name, hub.stats.failed, len(hub.failures)) == ("hub", 1, 1)
    assert (found.name, found.stats.successful, found.failures) == ("other", 1, ())


def test_a_project_without_builds_has_nothing(metrics: Metrics) -> None:
    (found,) = metrics.projects()
    assert (found.stats.total_builds, found.stats.success_rate, found.trends) == (0, None, ())
    assert metrics.known_metrics(found.project_id)[0].name == "duration"
    assert metrics.series(found.project_id, Metric("image_size")).points == ()
