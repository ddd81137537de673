"""How measures become a result."""

from __future__ import annotations

import pytest

from engine.enums import Severity
from engine.findings import Finding
from engine.images.image import MemoryRegion
from engine.quality.performance import measure
from engine.quality.result import (
    BuildFacts,
    BuildReport,
    GateVerdict,
    Measure,
    MeasureStatus,
    evaluate,
    measured,
    not_judged,
    unknown,
)
from engine.quality.thresholds import Thresholds
from engine.quality_requirements import Aspect, QualityRequirements
from engine.settings import QualitySettings

FAILED, PASSED, UNKNOWN = MeasureStatus.FAILED, MeasureStatus.PASSED, MeasureStatus.UNKNOWN


def of(facts: BuildFacts, **thresholds: float) -> dict[Aspect, Measure]:
    requirements = QualityRequirements({Aspect(name): value for name, value in thresholds.items()})
    found = measure(BuildReport(facts), Thresholds.choose(QualitySettings(), requirements))
    return {each.id: each for each in found}


@pytest.mark.parametrize(
    ("value", "status", "score"),
    [
        (100.0, PASSED, 100),
        (80.0, PASSED, 100),
        (79.96, PASSED, 100),
        (60.0, FAILED, 75),
        (0, FAILED, 0),
    ],
)
def test_what_must_be_reached_counts_by_how_near_it_comes(
    value: float, status: MeasureStatus, score: float
) -> None:
    found = measured(Aspect.COVERAGE, value, 80, "by hand")

    assert (found.status, found.score) == (status, score)


@pytest.mark.parametrize(
    ("value", "limit", "status", "score"),
    [(0, 0, PASSED, 100), (1, 0, FAILED, 0), (20, 10, FAILED, 50), (-5, 10, PASSED, 100)],
)
def test_what_may_not_be_exceeded_counts_by_how_far_it_is_over(
    value: float, limit: float, status: MeasureStatus, score: float
) -> None:
    found = measured(Aspect.GROWTH, value, limit, "by hand")

    assert (found.status, found.score) == (status, score)


def test_the_score_is_the_mean_of_what_is_known() -> None:
    measures = [
        measured(Aspect.COVERAGE, 40, 80, "half"),
        measured(Aspect.CODE, 90, 85, "all"),
        unknown(Aspect.GROWTH, 10, "first build"),
    ]

    result = evaluate(measures)

    assert (result.passed, result.score) == (False, 75)
    assert result.summary.startswith("failed with a score of 75, 2 of 3 measures judged: ")
    (blocker,) = result.blockers
    assert blocker.message == "test coverage 40 %, demanded is >= 80 % (half)"
    assert evaluate(measures, [Aspect.GROWTH]).score == 50


def test_half_of_the_measures_must_be_judged_for_a_gate_to_pass() -> None:
    known = measured(Aspect.CODE, 90, 85, "all")
    lacking = [unknown(each, None, "no build") for each in (Aspect.SIZE, Aspect.MEMORY)]

    half = evaluate([known, lacking[0]])
    less = evaluate([known, *lacking])

    assert (half.passed, half.verdict) == (True, GateVerdict.PASSED)
    assert half.summary == "passed with a score of 100, 1 of 2 measures judged"
    assert (less.passed, less.verdict, less.blockers) == (False, GateVerdict.NOT_JUDGED, ())
    assert less.summary == (
        "not judged: 1 of 3 measures judged, with a score of 100, at least 2 must be"
    )
    (warning,) = not_judged(less)
    assert (warning.severity, warning.code) == (Severity.WARNING, "quality.unjudged")
    assert (warning.hint or "").startswith("unknown: image size, memory in use")
    assert not_judged(half) == ()


def test_errors_block_only_where_their_measure_failed() -> None:
    error = Finding(Severity.ERROR, "security.secret", "a secret")
    remark = Finding(Severity.INFO, "x", "x")

    assert evaluate([measured(Aspect.SECURITY, 1, 1, "", [remark, error])]).blockers == ()
    assert evaluate([measured(Aspect.SECURITY, 1, 0, "", [remark, error])]).blockers == (error,)


def test_of_many_findings_the_worst_are_kept_and_the_rest_counted() -> None:
    remarks = [Finding(Severity.INFO, "x", f"{number}") for number in range(200)]
    error = Finding(Severity.ERROR, "y", "y")

    found = measured(Aspect.SECURITY, 1, 0, "by hand", [*remarks, error])

    assert found.findings[0] == error
    assert len(found.findings) == 100
    assert found.detail == "by hand; 101 more findings"


def test_without_a_build_performance_is_unknown() -> None:
    found = measure(BuildReport(None), Thresholds.choose(QualitySettings(), None))

    assert {each.status for each in found} == {UNKNOWN}
    assert len(found) == 4


def test_an_image_is_held_against_its_budget_else_its_partition() -> None:
    partition = MemoryRegion("partition factory", 900, 1000)
    facts = BuildFacts("esp32c3", (MemoryRegion("DRAM", 10, 50), partition), image_bytes=900)

    assert (of(facts)[Aspect.SIZE].threshold, of(facts)[Aspect.SIZE].status) == (1000, PASSED)
    assert of(facts, size=800)[Aspect.SIZE].status is FAILED
    assert of(BuildFacts("esp32c3", image_bytes=900))[Aspect.SIZE].threshold is None
    assert of(BuildFacts("linux"))[Aspect.SIZE].status is UNKNOWN


def test_the_fullest_memory_counts_and_a_file_system_may_be_full() -> None:
    files = MemoryRegion("partition storage", 100, 100, grows=False)
    facts = BuildFacts(
        "esp32c3", (MemoryRegion("DRAM", 92, 100), MemoryRegion("IRAM", 5, 100), files)
    )

    found = of(facts)[Aspect.MEMORY]

    assert (found.value, found.status) == (92, PASSED)
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("qa.size", Severity.WARNING)
    assert finding.message == "DRAM: 92 of 100 bytes in use"
    assert of(facts, memory=90)[Aspect.MEMORY].status is FAILED


def test_a_memory_that_overflows_fails_and_names_itself() -> None:
    facts = BuildFacts("esp32c3", (MemoryRegion("DRAM", 100_001, 100_000),))

    (blocker,) = evaluate(
        measure(BuildReport(facts), Thresholds.choose(QualitySettings(), None))
    ).blockers

    assert (blocker.code, blocker.severity) == ("qa.size", Severity.ERROR)


def test_growth_is_that_of_what_grew_most() -> None:
    facts = BuildFacts(
        "esp32c3",
        (MemoryRegion("DRAM", 150, 1000), MemoryRegion("new", 9, None)),
        image_bytes=1010,
        before=(MemoryRegion("DRAM", 100, 1000), MemoryRegion("gone", 9, None)),
        image_bytes_before=1000,
    )

    found = of(facts)[Aspect.GROWTH]

    assert (found.value, found.status) == (50, FAILED)
    assert found.detail == "DRAM went from 100 to 150 bytes, this build"
    assert [each.code for each in found.findings] == ["quality.growth"]
    assert of(facts, growth=50)[Aspect.GROWTH].status is PASSED


def test_what_is_filled_by_design_is_no_alarm() -> None:
    facts = BuildFacts(
        "esp32s3",
        (
            MemoryRegion("IRAM", 16384, 16384, grows=False),
            MemoryRegion("DIRAM", 60, 100),
            MemoryRegion("partition otadata", 0x2000, 0x2000, grows=False),
        ),
        before=(MemoryRegion("IRAM", 8000, 16384, grows=False),),
    )

    found = of(facts)

    assert (found[Aspect.MEMORY].value, found[Aspect.MEMORY].findings) == (60, ())
    assert found[Aspect.GROWTH].status is UNKNOWN  # nothing that grows was there before


def test_a_few_bytes_of_a_memory_are_no_growth() -> None:
    facts = BuildFacts(
        "esp32c6",
        (MemoryRegion("LP SRAM", 48, 16384), MemoryRegion("HP SRAM", 1010, 16384)),
        before=(MemoryRegion("LP SRAM", 24, 16384), MemoryRegion("HP SRAM", 1000, 16384)),
    )

    found = of(facts)[Aspect.GROWTH]

    assert (found.value, found.findings) == (0, ())


def test_build_time_has_a_limit_where_one_is_set() -> None:
    facts = BuildFacts("esp32c3", seconds=700.0)

    assert of(facts)[Aspect.BUILD_TIME].status is FAILED
    assert of(facts, build_time=0)[Aspect.BUILD_TIME].status is PASSED
