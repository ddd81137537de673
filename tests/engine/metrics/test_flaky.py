"""Flaky tests: by the rule, and not by a fault that came and was mended."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.builds.test_results import TestResult
from engine.metrics.flaky import TestedBuild, find_flaky
from engine.testing.results import Outcome

OUTCOMES = {"P": Outcome.PASS, "F": Outcome.FAIL, "I": Outcome.IGNORE}
C3 = ("esp32c3", "")


def builds(
    outcomes: str, commits: str, *, variants: Sequence[tuple[str, str]] = (), places: str = ""
) -> list[TestedBuild]:
    """A build for each letter: how its one test ended, and its commit, ``-`` for repaired."""
    return [
        TestedBuild(
            number,
            commit.replace("-", ""),
            variants[number - 1] if variants else C3,
            (TestResult(places[number - 1 : number] or "s", "t", OUTCOMES[outcome], None),),
        )
        for number, (outcome, commit) in enumerate(zip(outcomes, commits, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("outcomes", "commits", "flaky"),
    [
        ("PF", "aa", True),  # the same commit
        ("FP", "aa", True),
        ("PPPF", "abca", True),
        ("PF", "ab", False),  # a fault
        ("PFFP", "abcd", False),  # and its repair
        ("PFPF", "abcd", True),  # three changes
        ("PFPPFP", "abcdef", True),
        ("PIF", "aab", False),  # left out is neither
        ("IF", "aa", False),
        ("FFF", "aaa", False),
        ("PPP", "aaa", False),
        ("PF", "--", False),  # repaired: the sources differ
        ("PF", "a-", False),
        ("PFPF", "----", True),
    ],
)
def test_what_is_flaky(outcomes: str, commits: str, flaky: bool) -> None:
    assert bool(find_flaky(builds(outcomes, commits))) is flaky


def test_other_chips_and_places_are_other_tests() -> None:
    chips = [C3, ("esp32c6", ""), ("esp32c3", "release"), C3]
    assert not find_flaky(builds("PFFP", "aaaa", variants=chips))
    assert not find_flaky(builds("PF", "aa", places="bs"))


def test_what_is_told_of_a_flaky_test() -> None:
    (found,) = find_flaky(builds("PFPPFI", "aabcda"))
    assert (found.name, found.place, found.target, found.configuration) == ("t", "s", *C3)
    assert (found.passed, found.failed, found.flips) == (3, 2, 3)
    assert (found.commits, found.last_failed) == (("a",), 5)


def test_those_that_fail_most_come_first() -> None:
    results = {"often": "PFFP", "seldom": "PFPP"}
    rows = [
        TestedBuild(
            number,
            "a",
            C3,
            tuple(TestResult("s", name, OUTCOMES[each[number]], None)
                  for name, each in results.items()),
        )
        for number in range(4)
    ]  # fmt: skip
    assert [each.name for each in find_flaky(rows)] == ["often", "seldom"]


@given(st.text("PFI", max_size=12), st.data())
def test_a_flaky_test_passed_and_failed(outcomes: str, data: st.DataObject) -> None:
    commits = data.draw(st.text("ab-", min_size=len(outcomes), max_size=len(outcomes)))
    for found in find_flaky(builds(outcomes, commits)):
        assert found.passed == outcomes.count("P") > 0
        assert found.failed == outcomes.count("F") > 0
        assert found.flips >= 1
        assert found.flips >= 3 or found.commits
