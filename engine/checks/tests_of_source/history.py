"""Results of a project's tests over its last runs: what flips, what is slow, what is new or gone.

A file of JSON in the check's own folder, of the last :data:`MAX_RUNS` runs. For each test it holds
a letter a run (``P`` passed, ``F`` failed, ``I`` left out, ``.`` did not run) and what is known of
its last result.

A test *flips* where it passed and failed with the same sources, which is what Google calls a flaky
test ("exhibits both a passing and a failing result with the same code") and what pytest-flakefinder
and pytest-rerunfailures find by repeating; or where, whatever the commits were, its result changed
at least :data:`MIN_CHANGES` times in its last :data:`WINDOW` results: once broken and once mended
are two changes, and no flip.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.checks.tests_of_source.reports import Result
from engine.files import read_file
from engine.testing.results import Outcome

MAX_RUNS = 30
"""Runs that are remembered."""

WINDOW = 10
"""Results of a test, the last ones, in which flips are looked for."""

MIN_CHANGES = 3
"""Changes between passing and failing in the window that make a flip."""

_VERSION = 1
_MAX_TESTS = 20_000
_MAX_BYTES = 64 << 20
_LETTERS = {Outcome.PASS: "P", Outcome.FAIL: "F", Outcome.IGNORE: "I"}
_OUTCOMES = {letter: outcome for outcome, letter in _LETTERS.items()}
_NOT_SEEN = "."


@dataclass(slots=True)
class Run:
    """One run of the tests.

    Args:
        time: when it was.
        commit, state: of which commit, and of which state of the sources.
        cut_off: whether there was no time for all of it.
    """

    time: str
    commit: str
    state: str
    cut_off: bool = False


@dataclass(slots=True)
class Known:
    """What is known of a test: a letter a run, the suite that it is of, its last result."""

    letters: str
    suite: str
    last: Result


@dataclass(slots=True)
class History:
    """Results of the last runs.

    Args:
        runs: the oldest first.
        tests: by id; letters as many as there are runs.
        new_failures: ids of tests that failed in the last run and not in the one before.
        vanished: ids of tests that are no more in a suite all of which ran.
    """

    runs: list[Run] = field(default_factory=list)
    tests: dict[str, Known] = field(default_factory=dict)
    new_failures: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path) -> History:
        """Read the file; one that is not there or makes no sense is an empty history."""
        try:
            return _decode(json.loads(read_file(path, _MAX_BYTES)))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            new.write_text(json.dumps(_encode(self), separators=(",", ":")), encoding="utf-8")
            new.replace(path)
        finally:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)

    def add(
        self,
        now: datetime,
        commit: str,
        state: str,
        results: Mapping[str, Sequence[Result]],
        complete: Iterable[str],
        *,
        cut_off: bool = False,
    ) -> None:
        """Remember a run.

        Args:
            now: when it was.
            commit, state: what it was of.
            results: by suite.
            complete: suites all of whose tests were run.
            cut_off: whether there was no time for all of it.
        """
        before = {id: known.letters for id, known in self.tests.items()}
        was = len(self.runs)
        self.runs.append(Run(now.isoformat(timespec="seconds"), commit, state, cut_off))
        for known in self.tests.values():
            known.letters += _NOT_SEEN
        new: list[str] = []
        for suite, found in results.items():
            for result in _worst(found):
                if result.id not in self.tests and len(self.tests) >= _MAX_TESTS:
                    continue
                fresh = Known(_NOT_SEEN * (was + 1), suite, result)
                known = self.tests.setdefault(result.id, fresh)
                known.letters = known.letters[:-1] + _LETTERS[result.outcome]
                known.suite, known.last = suite, result
                if result.outcome is Outcome.FAIL and _last(before.get(result.id, "")) != "F":
                    new.append(result.id)
        whole = set(complete)
        gone = [
            id
            for id, known in self.tests.items()
            if known.suite in whole and known.letters.endswith(_NOT_SEEN)
        ]
        self.vanished = tuple(gone) if was else ()
        for id in gone:
            del self.tests[id]
        self.new_failures = tuple(new)
        self._trim()

    def runs_at(self, state: str) -> int:
        """How many of the last runs, one after another, were of a state of the sources."""
        number = 0
        for run in reversed(self.runs):
            if run.state != state:
                break
            number += 1
        return number

    def failed_at(self, state: str) -> bool:
        """Whether any test failed in the last runs of a state of the sources."""
        number = self.runs_at(state)
        return number > 0 and any("F" in known.letters[-number:] for known in self.tests.values())

    def flips(self) -> dict[str, str]:
        """Why each test that flips does, by its id."""
        found: dict[str, str] = {}
        for id, known in self.tests.items():
            seen = [
                (letter, run)
                for letter, run in zip(known.letters, self.runs, strict=False)
                if letter in "PF"
            ][-WINDOW:]
            by_state: dict[str, set[str]] = {}
            for letter, run in seen:
                by_state.setdefault(run.state, set()).add(letter)
            changes = sum(one[0] != other[0] for one, other in pairwise(seen))
            if any(len(letters) > 1 for letters in by_state.values()):
                found[id] = "passed and failed with the same sources"
            elif changes >= MIN_CHANGES:
                found[id] = f"changed {changes} times in its last {len(seen)} runs"
        return found

    def ages(self) -> dict[str, int]:
        """How many runs ago each test file had its last result."""
        found: dict[str, int] = {}
        for known in self.tests.values():
            age = len(known.letters) - len(known.letters.rstrip(_NOT_SEEN))
            file = known.last.test_file
            found[file] = min(age, found.get(file, MAX_RUNS))
        return found

    def last_results(self) -> tuple[Result, ...]:
        """The last result of each test."""
        return tuple(known.last for known in self.tests.values())

    def _trim(self) -> None:
        excess = len(self.runs) - MAX_RUNS
        if excess > 0:
            del self.runs[:excess]
        for id in list(self.tests):
            known = self.tests[id]
            known.letters = known.letters[-len(self.runs) :]
            if set(known.letters) == {_NOT_SEEN}:
                del self.tests[id]


def _worst(results: Sequence[Result]) -> Iterable[Result]:
    """One result an id; of several the one that failed."""
    found: dict[str, Result] = {}
    for each in results:
        known = found.get(each.id)
        if known is None or (each.outcome is Outcome.FAIL and known.outcome is not Outcome.FAIL):
            found[each.id] = each
    return found.values()


def _last(letters: str) -> str:
    seen = [each for each in letters if each in "PF"]
    return seen[-1] if seen else ""


def _encode(history: History) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "runs": [[each.time, each.commit, each.state, each.cut_off] for each in history.runs],
        "tests": {
            id: [
                *(known.letters, known.suite, known.last.test_file, known.last.seconds),
                *(_LETTERS[known.last.outcome], known.last.file, known.last.line),
                *(known.last.message, list(known.last.names)),
            ]
            for id, known in history.tests.items()
        },
    }


def _decode(data: Any) -> History:
    if data["version"] != _VERSION:
        return History()
    runs = [
        Run(str(time), str(commit), str(state), bool(cut_off))
        for time, commit, state, cut_off in data["runs"]
    ][-MAX_RUNS:]
    tests: dict[str, Known] = {}
    for id, each in list(data["tests"].items())[:_MAX_TESTS]:
        letters, suite, test_file, seconds, letter, file, line, message, names = each
        result = Result(
            id=id,
            outcome=_OUTCOMES[letter],
            test_file=str(test_file),
            seconds=None if seconds is None else float(seconds),
            file=str(file),
            line=int(line),
            message=str(message),
            names=tuple(map(str, names)),
        )
        letters = str(letters)[-len(runs) :].rjust(len(runs), _NOT_SEEN) if runs else ""
        tests[id] = Known(letters, str(suite), result)
    return History(runs, tests)
