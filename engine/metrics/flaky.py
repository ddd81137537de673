"""Tests that cannot be trusted: the same firmware passes and fails them.

A test is flaky where, for one chip and configuration and in one place (board or simulator),

- it passed in one build of a commit and failed in another of the same commit, or
- its outcome changed at least :data:`MIN_FLIPS` times from build to build: a fault that came and
  was mended changes it twice.

Builds that were repaired have other sources than their commit: they count for the second rule
alone. A test that was left out counts as if it were not there.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from engine.builds.test_results import TestResult
from engine.testing.results import Outcome

MIN_FLIPS = 3
"""Changes between pass and fail that no single fault and its repair explain."""


@dataclass(frozen=True, slots=True)
class TestedBuild:
    """A build with its tests.

    Args:
        number: of the build.
        commit: that it was built of; empty where a repair changed the sources.
        variant: chip and configuration.
        results: of its tests.
    """

    __test__ = False

    number: int
    commit: str
    variant: tuple[str, str]
    results: tuple[TestResult, ...]


@dataclass(frozen=True, slots=True)
class FlakyTest:
    """A test that cannot be trusted.

    Args:
        name: of the test. Untrusted.
        place: key of the stage that ran it.
        target, configuration: what it was built for.
        passed, failed: builds in which it did.
        flips: how often its outcome changed from a build to the next.
        commits: of which it passed and failed.
        last_failed: number of the last build in which it failed.
    """

    name: str
    place: str
    target: str
    configuration: str
    passed: int
    failed: int
    flips: int
    commits: tuple[str, ...]
    last_failed: int


_Key = tuple[tuple[str, str], str, str]
"""Variant, place and name of a test."""


def find_flaky(builds: Iterable[TestedBuild]) -> tuple[FlakyTest, ...]:
    """Tests that are flaky, those that fail most often first.

    Args:
        builds: by their numbers, the oldest first.
    """
    outcomes: dict[_Key, list[tuple[int, str, bool]]] = defaultdict(list)
    for build in builds:
        for result in build.results:
            if result.outcome is not Outcome.IGNORE:
                key = (build.variant, result.place, result.name)
                passed = result.outcome is Outcome.PASS
                outcomes[key].append((build.number, build.commit, passed))
    found = []
    for ((target, configuration), place, name), seen in outcomes.items():
        failed = [number for number, _, passed in seen if not passed]
        if not failed or len(failed) == len(seen):
            continue
        of_commit: dict[str, set[bool]] = defaultdict(set)
        for _, commit, passed in seen:
            if commit:
                of_commit[commit].add(passed)
        commits = tuple(commit for commit, results in of_commit.items() if len(results) == 2)
        flips = sum(before[2] is not after[2] for before, after in itertools.pairwise(seen))
        if commits or flips >= MIN_FLIPS:
            found.append(
                FlakyTest(
                    name, place, target, configuration,
                    passed=len(seen) - len(failed), failed=len(failed), flips=flips,
                    commits=commits, last_failed=failed[-1],
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.failed, each.name, each.place)))
