"""Unity output: results among logs, colours, reboots."""

from __future__ import annotations

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from engine.testcases import Outcome, TestCase
from engine.unity import Reader, parse

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


def test_a_reboot_that_runs_the_same_tests_again_does_not_count_twice() -> None:
    assert parse(PASSED + PASSED) == parse(PASSED)


def test_a_reboot_in_the_middle_of_the_tests_starts_over() -> None:
    first_half = PASSED.partition("test/test_ring.c:27")[0]

    assert parse(first_half + PASSED) == parse(PASSED)


def test_two_suites_add_up() -> None:
    report = parse(PASSED + "b.c:1:test_other:FAIL\n1 Tests 1 Failures 0 Ignored\nFAIL\n")

    assert (report.tests, report.failures, len(report.cases)) == (3, 1, 3)


def test_other_output_has_no_results() -> None:
    report = parse("main.c:12: error: x\nPASS\nOK\n")

    assert report.cases == ()
    assert not report.complete


def test_it_is_complete_between_a_summary_and_the_next_test() -> None:
    reader = Reader()
    seen = []
    for line in [*PASSED.splitlines(), "b.c:1:test_other:PASS"]:
        reader.add(line)
        seen.append((reader.started, reader.complete))

    assert seen == [(False, False)] + [(True, False)] * 5 + [(True, True)] * 2 + [(True, False)]


def test_of_tests_without_end_the_newest_are_kept() -> None:
    text = "".join(f"a.c:1:test_{number}:PASS\n" for number in range(10_500))
    ended = f"{text}10500 Tests 0 Failures 0 Ignored\n"

    cut, more = parse(text), parse(f"{ended}b.c:1:test_other:PASS\n")

    assert (len(cut.cases), cut.cases[-1].name) == (10_000, "test_10499")
    assert [case.name for case in more.cases] == ["test_other"]


def test_a_report_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(asdict(parse(PASSED))))["cases"][0]["outcome"] == "PASS"


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse(text)
    parse(f"x.c:1:{text}:PASS")


def test_a_megabyte_of_near_misses_takes_no_time() -> None:
    assert parse(":1:" * 350_000).cases == ()
    assert parse(":1:a\n" * 200_000).cases == ()
