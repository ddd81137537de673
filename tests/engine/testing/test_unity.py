"""Unity output: results among logs, colours, reboots."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.testing.results import Outcome, TestCase
from engine.testing.unity import UnityReader, parse

PASSED = """\
I (31) main: running tests
test/test_ring.c:12:test_empty:PASS
I (40) ring: wrapped: at 4
test/test_ring.c:27:test_wraps:PASS

-----------------------
2 Tests 0 Failures 0 Ignored
OK
"""


def test_reads_cases_and_summary_among_logs() -> None:
    report = parse(PASSED)

    assert [case.name for case in report.cases] == ["test_empty", "test_wraps"]
    assert report.cases[1] == TestCase("test_wraps", Outcome.PASS, "test/test_ring.c", 27)
    assert (report.tests, report.failures, report.ignored, report.complete) == (2, 0, 0, True)


def test_failures_and_ignored_tests_carry_their_message() -> None:
    report = parse(
        "a.c:3:test_a:FAIL: Expected 3 Was 4\r\n"
        "a.c:9:test_b:IGNORE: no sensor\r\n"
        "2 Tests 1 Failures 1 Ignored \r\nFAIL\r\n"
    )

    first, second = report.cases
    assert (first.failed, first.message, first.line) == (True, "Expected 3 Was 4", 3)
    assert (second.outcome, second.message) == (Outcome.IGNORE, "no sensor")
    assert (report.tests, report.failures, report.ignored) == (2, 1, 1)


def test_colours_and_a_log_prefix_do_not_matter() -> None:
    report = parse("I (7) t: a.c:3:test_a:\x1b[42mPASS\x1b[00m\n1 Tests 0 Failures 0 Ignored")

    assert report.cases == (TestCase("test_a", Outcome.PASS, "a.c", 3),)
    assert report.complete


def test_esp_idf_names_tests_with_a_sentence() -> None:
    (case,) = parse("./main/test.c:8:reads: the first byte:FAIL: Expected TRUE Was FALSE").cases

    assert (case.name, case.message) == ("reads: the first byte", "Expected TRUE Was FALSE")


def test_a_run_without_summary_is_not_complete() -> None:
    report = parse("a.c:3:test_a:PASS\na.c:4:test_b:FAIL: no\n")

    assert not report.complete
    assert (report.tests, report.failures) == (2, 1)


def boots(line: str) -> str | None:
    return "the chip was reset" if line == "reset" else None


def test_tests_that_run_again_replace_their_results_only_after_a_reset() -> None:
    assert parse(f"{PASSED}reset\n{PASSED}", boots) == parse(PASSED)
    assert parse(PASSED + PASSED, boots).tests == 4


def test_a_failure_that_is_run_again_without_a_reset_stays() -> None:
    run = "a.c:1:test_a:{}\n1 Tests {} Failures 0 Ignored\n"

    report = parse(run.format("FAIL", 1) + run.format("PASS", 0), boots)

    assert (report.tests, report.failures) == (2, 1)


def test_a_reset_in_the_middle_of_the_tests_starts_over() -> None:
    first_half = PASSED.partition("test/test_ring.c:27")[0]

    assert parse(f"{first_half}reset\n{PASSED}", boots) == parse(PASSED)


def test_a_reset_that_was_not_seen_loses_no_result() -> None:
    first_half = PASSED.partition("test/test_ring.c:27")[0]

    report = parse(first_half + PASSED)

    assert (report.tests, report.failures, report.complete) == (3, 0, True)
    assert report.remarks == ("1 result came before those that the summary counts",)


def test_after_a_reset_only_what_ran_again_is_replaced() -> None:
    text = (
        "a.c:1:test_a:FAIL\na.c:2:test_b:FAIL\n2 Tests 2 Failures 0 Ignored\nreset\n"
        "b.c:1:test_b:PASS\na.c:2:test_b:PASS\n2 Tests 0 Failures 0 Ignored\n"
    )

    report = parse(text, boots)

    assert [(case.file, case.name, case.outcome) for case in report.cases] == [
        ("a.c", "test_a", Outcome.FAIL),
        ("b.c", "test_b", Outcome.PASS),
        ("a.c", "test_b", Outcome.PASS),
    ]
    assert (report.tests, report.failures) == (3, 1)


def test_tests_without_names_are_told_by_their_number_and_place() -> None:
    boot = "5 Tests {} Failures 0 Ignored\n3 Tests 0 Failures 0 Ignored\n"

    again = parse(f"{boot.format(2)}reset\n{boot.format(0)}", boots)
    other = parse(f"{boot.format(2)}reset\n6 Tests 0 Failures 0 Ignored\n", boots)

    assert (again.tests, again.failures) == (8, 0)
    assert (other.tests, other.failures) == (14, 2)


def test_a_test_that_a_reset_cut_off_has_failed_unless_it_runs_again() -> None:
    text = "TEST(g, a) PASS\nTEST(g, b)\nwrites\nreset\n"

    cut = parse(text, boots)
    again = parse(f"{text}TEST(g, a) PASS\nTEST(g, b) PASS\n2 Tests 0 Failures 0 Ignored\n", boots)

    assert (cut.tests, cut.failures, cut.complete) == (2, 1, False)
    assert cut.cases[1].message == "did not finish: the chip was reset"
    assert (again.tests, again.failures, again.complete) == (2, 0, True)


def test_the_runner_of_esp_idf_says_which_test_was_cut_off() -> None:
    cut = "Running b...\nreset\n"

    after_a = parse(f"Running a...\na.c:1:a:PASS\n{cut}", boots)
    from_menu = parse(f"Press ENTER to see the list of tests.\n{cut}", boots)

    assert [case.name for case in after_a.cases] == ["a", "b"]
    assert from_menu.failures == 1
    assert parse(cut, boots).cases == (), "any firmware may print that"


def test_a_test_that_hangs_is_named() -> None:
    report = parse("TEST(g, a) PASS\nTEST(g, b)\n")

    assert (report.complete, report.remarks) == (False, ("TEST(g, b) did not finish",))


def test_two_suites_add_up() -> None:
    report = parse(PASSED + "b.c:1:test_other:FAIL\n1 Tests 1 Failures 0 Ignored\nFAIL\n")

    assert (report.tests, report.failures, len(report.cases)) == (3, 1, 3)


def test_other_output_has_no_results() -> None:
    report = parse("main.c:12: error: x\nPASS\nOK\n")

    assert report.cases == ()
    assert not report.complete


def test_it_is_complete_between_a_summary_and_the_next_test() -> None:
    reader = UnityReader()
    seen = []
    for line in [*PASSED.splitlines(), "b.c:1:test_other:PASS"]:
        reader.add(line)
        seen.append((reader.started, reader.complete))

    assert seen == [(False, False)] + [(True, False)] * 5 + [(True, True)] * 2 + [(True, False)]


@pytest.mark.slow
def test_of_tests_without_end_the_newest_are_kept() -> None:
    text = "".join(f"a.c:1:test_{number}:PASS\n" for number in range(10_500))
    ended = f"{text}10500 Tests 0 Failures 0 Ignored\n"

    cut, more = parse(text), parse(f"{ended}b.c:1:test_other:PASS\n")

    assert (len(cut.cases), cut.cases[-1].name) == (10_000, "test_10499")
    assert [case.name for case in more.cases[-2:]] == ["test_10499", "test_other"]
    assert (len(more.cases), more.tests) == (10_000, 10_501)


@pytest.mark.slow
def test_failures_are_kept_before_all_others() -> None:
    passed = "".join(f"a.c:1:test_{number}:PASS\n" for number in range(30_000))

    report = parse(f"a.c:1:test_bad:FAIL\n{passed}30001 Tests 1 Failures 0 Ignored\n")

    assert (report.cases[0].name, report.failures) == ("test_bad", 1)
    assert (len(report.cases), report.tests) == (10_000, 30_001)


@pytest.mark.slow
def test_failures_without_end_are_counted() -> None:
    report = parse("".join(f"a.c:1:test_{number}:FAIL\n" for number in range(30_000)))

    assert (report.tests, report.failures, len(report.cases)) == (30_000, 30_000, 10_000)
    assert report.cases[0].name == "test_0"


@pytest.mark.slow
def test_runs_without_end_are_counted() -> None:
    report = parse("a.c:1:t:FAIL\n1 Tests 1 Failures 0 Ignored\n" * 3_000)

    assert (report.tests, report.failures, report.complete) == (3_000, 3_000, True)


def test_a_report_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(asdict(parse(PASSED))))["cases"][0]["outcome"] == "PASS"


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse(text)
    parse(f"x.c:1:{text}:PASS")


@pytest.mark.slow
def test_a_megabyte_of_near_misses_takes_no_time() -> None:
    assert parse(":1:" * 350_000).cases == ()
    assert parse(":1:a\n" * 200_000).cases == ()


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["PASS", "FAIL: no"])
def test_boots_that_each_have_another_test_cost_the_same_each(outcome: str) -> None:
    failed = int(outcome != "PASS")
    text = "".join(
        f"a.c:1:t{number}:{outcome}\n1 Tests {failed} Failures 0 Ignored\nreset\n"
        for number in range(8000)
    )
    began = time.process_time()

    report = parse(text, lambda line: "a reset" if line == "reset" else None)

    assert (report.tests, report.failures) == (8000, 8000 * failed)
    assert time.process_time() - began < 6.0
