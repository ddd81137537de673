"""What a look at the tests of a project comes to: the state of each file, a line, and details."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from engine.checks.base import CheckResult
from engine.checks.tests_of_source.covering import Coverage
from engine.checks.tests_of_source.history import History
from engine.checks.tests_of_source.host import SuiteResult
from engine.checks.tests_of_source.programs import Programs
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.source_files import ProjectFiles
from engine.enums import CheckStatus
from engine.testing.results import Outcome
from engine.text import clean, count

MIN_TESTED = 0.5
"""Part of the sources that must have tests; less of them is a warning."""

_MAX_DETAIL_BYTES = 900 << 10
_MAX_TESTS_OF_A_FILE = 5
_MAX_LISTED = 200
_SLOWEST = 10


class FileState(StrEnum):
    """How a source file is tested, or that a test has no source any more."""

    MISSING = "missing"
    PASSING = "passing"
    FAILING = "failing"
    ORPHANED = "orphaned"


def judge(
    files: ProjectFiles,
    coverage: Coverage,
    orphaned: Mapping[str, str],
    ran: Sequence[SuiteResult],
    history: History,
    left: Sequence[Result],
    notes: Sequence[str],
) -> CheckResult:
    """Put together what was found.

    Args:
        files, coverage: of the project.
        orphaned: what is gone, by test.
        ran: suites that were run, none where tests are not executed.
        history: with what was run.
        left: results of a person's own runs, of which those count whose tests were never run here.
        notes: what was not run here, and why.
    """
    results = history.last_results()
    programs = Programs(files, coverage.tests)
    known = {path for each in results for path in programs.files_of(each)}
    results += tuple(each for each in left if known.isdisjoint(programs.files_of(each)))
    outcomes = _outcomes(programs, results, ran)
    states = {path: _state(tests, outcomes) for path, tests in coverage.sources.items()}
    numbers = {
        each.value: sum(state is each for state in states.values())
        for each in (FileState.MISSING, FileState.PASSING, FileState.FAILING)
    }
    numbers[FileState.ORPHANED.value] = len(orphaned)
    numbers["not_run"] = sum(state is None for state in states.values())
    flips = history.flips()
    failures = _failures(results, ran, history)
    slowest = sorted(
        (each for each in results if each.seconds), key=lambda each: -(each.seconds or 0)
    )[:_SLOWEST]
    lacks = dict.fromkeys(each for suite in ran for each in suite.lacks)
    cut_off = [f"{each.suite.name}: {each.said}" for each in ran if each.cut_off]
    details = {
        "counts": {
            **numbers,
            "sources": len(states),
            "tests": len(coverage.tests),
            "results": len(results),
            "failures": len(failures),
        },
        "failures": failures,
        "flips": [{"test": id, "why": why} for id, why in flips.items()],
        "new_failures": list(history.new_failures),
        "vanished": list(history.vanished),
        "slowest": [{"test": each.id, "seconds": each.seconds} for each in slowest],
        "orphaned": [
            {"path": path, "state": FileState.ORPHANED.value, "gone": gone}
            for path, gone in sorted(orphaned.items())
        ],
        "files": [
            {
                "path": path,
                "state": None if state is None else state.value,
                "tests": list(coverage.sources[path][:_MAX_TESTS_OF_A_FILE]),
            }
            for path, state in sorted(states.items(), key=lambda item: (_rank(item[1]), item[0]))
        ],
        "suites": [
            {"name": each.suite.name, "said": clean(each.said), "seconds": each.seconds}
            for each in ran
        ],
        "notes": [clean(each) for each in (*cut_off, *lacks, *notes)],
        "left_out": dict(files.left_out()),
    }
    status = _status(numbers, len(states), failures, flips)
    if coverage.tests or states:
        message = _message(
            numbers, len(states), coverage, failures, flips, slowest[:1], list(lacks)
        )
    else:
        message = _nothing(files.left_out())
    if cut_off:
        message += f"; no time for all of {count(len(cut_off), 'suite')}"
    return CheckResult(status, message, bounded(details))


def _outcomes(
    programs: Programs, results: Iterable[Result], ran: Sequence[SuiteResult]
) -> dict[str, Outcome]:
    """How each test file does: failed where one of its tests did, passed where one passed."""
    found: dict[str, Outcome] = {}
    for each in results:
        if each.outcome is Outcome.IGNORE:
            continue
        for path in programs.files_of(each):
            if found.get(path) is not Outcome.FAIL:
                found[path] = each.outcome
    for suite in ran:
        if suite.broken:
            found.update(dict.fromkeys(suite.suite.tests, Outcome.FAIL))
    return found


def _state(tests: Sequence[str], outcomes: Mapping[str, Outcome]) -> FileState | None:
    """The state of a source; None where its tests were never run here."""
    if not tests:
        return FileState.MISSING
    known = [outcomes[each] for each in tests if each in outcomes]
    if Outcome.FAIL in known:
        return FileState.FAILING
    return FileState.PASSING if known else None


def _rank(state: FileState | None) -> int:
    order = (FileState.FAILING, FileState.MISSING, None, FileState.PASSING)
    return order.index(state)


def _failures(
    results: Iterable[Result], ran: Sequence[SuiteResult], history: History
) -> list[dict[str, Any]]:
    """What fails: whole suites first, then tests, those that are new before the others."""
    new = set(history.new_failures)
    found: list[dict[str, Any]] = [
        {
            **{"test": each.suite.name, "file": each.suite.folder or ".", "line": 0},
            **{"message": each.problem, "new": False},
        }
        for each in ran
        if each.problem
    ]
    tests = [
        {
            **{"test": each.id, "file": each.file or each.test_file, "line": each.line},
            **{"message": each.message, "new": each.id in new},
        }
        for each in results
        if each.outcome is Outcome.FAIL
    ]
    return found + sorted(tests, key=lambda each: not each["new"])


def _status(
    numbers: Mapping[str, int],
    sources: int,
    failures: Sequence[object],
    flips: Mapping[str, str],
) -> CheckStatus:
    """An error where a test fails; a warning for orphans, flips and less than half tested."""
    if failures:
        return CheckStatus.ERROR
    tested = sources - numbers[FileState.MISSING.value]
    if numbers[FileState.ORPHANED.value] or flips or tested < MIN_TESTED * sources:
        return CheckStatus.WARNING
    return CheckStatus.SUCCESS


def _message(
    numbers: Mapping[str, int],
    sources: int,
    coverage: Coverage,
    failures: Sequence[Mapping[str, Any]],
    flips: Mapping[str, str],
    slowest: Sequence[Result],
    lacks: Sequence[str],
) -> str:
    if not coverage.tests:
        return f"no tests: {count(sources, 'file')} without one"
    tested = sources - numbers[FileState.MISSING.value]
    how = [
        f"{numbers[key]} {key.replace('_', ' ')}"
        for key in (FileState.PASSING.value, FileState.FAILING.value, "not_run")
        if numbers[key]
    ]
    if lacks and numbers["not_run"]:
        how[-1] += f" ({lacks[0]})"
    said = f"{tested} of {count(sources, 'file')} with tests"
    if how:
        said += f": {', '.join(how)}"
    lacking = [
        f"{numbers[key]} {key}"
        for key in (FileState.MISSING.value, FileState.ORPHANED.value)
        if numbers[key]
    ]
    parts = [said, *([", ".join(lacking)] if lacking else [])]
    if failures:
        parts.append(f"{count(len(failures), 'test')} failed, {_place(failures[0])}")
    if flips:
        parts.append(f"{count(len(flips), 'test')} flipping")
    if slowest:
        seconds = slowest[0].seconds or 0.0
        parts.append(f"slowest {_short(slowest[0].id)} {seconds:.3g} s")
    return clean("; ".join(parts))


def _nothing(left_out: Mapping[str, int]) -> str:
    """Why there is nothing to test: it is not known of code in other languages."""
    if not left_out:
        return "nothing to test: no source in C, C++ or Python"
    reasons = ", ".join(f"{reason} ({number})" for reason, number in left_out.items())
    return f"nothing to test: all code in C, C++ and Python is {reasons}"


def _place(failure: Mapping[str, Any]) -> str:
    where = f"{failure['file']}:{failure['line']}" if failure["line"] else str(failure["file"])
    return f"{_short(str(failure['test']))} at {where}" if where else _short(str(failure["test"]))


def _short(id: str) -> str:
    return id.rpartition("::")[2][:80]


def bounded(details: Mapping[str, Any], most: int = _MAX_DETAIL_BYTES) -> dict[str, Any]:
    """Details that JSON can hold in so many bytes, with how many of each list were left off.

    Files are cut last: they are what the check is for.
    """
    kept = dict(details)
    left_off: dict[str, int] = {}
    lists = [key for key, value in kept.items() if isinstance(value, list)]
    for key in lists:
        if key != "files" and len(kept[key]) > _MAX_LISTED:
            left_off[key] = len(kept[key]) - _MAX_LISTED
            kept[key] = kept[key][:_MAX_LISTED]
    while lists and len(json.dumps(kept)) > most:
        key = max(lists, key=lambda each: len(json.dumps(kept[each])))
        half = len(kept[key]) // 2
        left_off[key] = left_off.get(key, 0) + len(kept[key]) - half
        kept[key] = kept[key][:half]
    if left_off:
        kept["left_off"] = left_off
    return kept
