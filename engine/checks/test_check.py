"""Which source files of a project have tests, and how those do.

Every source file that wants a test is ``missing`` one, or its tests are ``passing`` or ``failing``;
a test whose source is gone is ``orphaned``. What was never run here has no state. Tests that need
no board are run, in a copy of the project.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from engine.checks.base import CheckContext, CheckResult
from engine.checks.tests_of_source import (
    left_reports,
    orphans,
    running,
    suites,
    verdict,
    working_copy,
)
from engine.checks.tests_of_source.covering import cover
from engine.checks.tests_of_source.history import MAX_RUNS, History
from engine.checks.tests_of_source.host import Host, SuiteResult
from engine.checks.tests_of_source.source_files import ProjectFiles, collect
from engine.errors import EspdeckError, ToolError
from engine.projects import git
from engine.testing import host_programs

_HISTORY = "test_history.json"
_RUNS_OF_A_FAILURE = 3
_RUNS_OF_A_LONG_SUITE = 10
_TIME_SHARE = 0.85  # of the time limit, after which all programs are ended
_STATUS_SECONDS = 30.0
_MAX_STATUS_BYTES = 8 << 20
_TOOLS = ("gcc", "cmake", "ninja")


class TestCheck:
    """Looks for tests of each source file, runs them and remembers what came of them."""

    __test__ = False

    name: ClassVar[str] = "test_check"
    title: ClassVar[str] = "tests of source files and their results"
    interval: ClassVar[float] = 5.0
    options: ClassVar[Mapping[str, Any]] = {"auto_execute": True}

    def state(self, context: CheckContext) -> str:
        """Sources, options and tools; with these, how often the tests have been run so far.

        Failing tests are run again with the same sources, until they have had three runs, as with
        ``--reruns 2`` of pytest-rerunfailures: one that passes then flips. After that they stand,
        as nothing else would come of it but heat. Tests for which there was no time, or whose build
        took all of it, get their turn in at most ten runs.
        """
        sources = _sources_state(context)
        if not sources:
            return ""
        state = _state(context, sources)
        history = History.load(context.output / _HISTORY)
        ran = history.runs_at(state)
        most = _RUNS_OF_A_FAILURE if history.failed_at(state) else 1
        if ran and history.runs[-1].cut_off:
            most = _RUNS_OF_A_LONG_SUITE
        return f"{state}:{min(ran, most - 1)}"

    def run(self, context: CheckContext) -> CheckResult:
        """Look, run what can be run here, and say what came of it.

        Raises:
            ToolError: the tree cannot be listed, or the history cannot be written.
            CancelledError, Interrupted: it was told to stop.
        """
        begun = time.monotonic()
        files = collect(context.tree, context.app)
        coverage = cover(files)
        gone = orphans.find(coverage, context.repository, context.app, cancel=context.cancel)
        path = context.output / _HISTORY
        history = History.load(path)
        results: tuple[SuiteResult, ...] = ()
        notes = list(suites.not_here(files))
        found = [_oldest_first(each, history) for each in suites.find(files)]
        if context.options.get("auto_execute", True) and found:
            deadline = begun + _TIME_SHARE * context.timeout
            try:
                results = _execute(context, files, found, deadline)
            except ToolError as error:
                notes.append(str(error))
        if results:
            history.add(
                context.now,
                context.commit,
                _state(context, _sources_state(context)),
                {each.suite.name: each.results for each in results if each.results},
                [each.suite.name for each in results if each.complete],
                cut_off=any(each.cut_off for each in results),
            )
            try:
                history.save(path)
            except OSError as error:
                raise ToolError(f"{path}: {error.strerror or error}") from error
        left = left_reports.find(files) if context.is_working_tree else ()
        return verdict.judge(files, coverage, gone, results, history, left, notes)


def _execute(
    context: CheckContext,
    files: ProjectFiles,
    found: Sequence[suites.Suite],
    deadline: float,
) -> tuple[SuiteResult, ...]:
    """Run suites in a copy: the tree is another's, and tests leave caches and builds behind."""
    copy = context.output / "copy"
    scratch = context.output / "builds"
    scratch.mkdir(parents=True, exist_ok=True)
    working_copy.update(files.root, files.listed, copy, context.cancel)
    host = Host(copy, scratch, files.own_modules(), files.headers(), context.cancel)
    return running.run(found, host, deadline)


def _oldest_first(suite: suites.Suite, history: History) -> suites.Suite:
    """A suite in an order in which one that is too long for the time comes round in a few runs."""
    ages = history.ages()
    tests = sorted(suite.tests, key=lambda each: -ages.get(each, MAX_RUNS))
    return replace(suite, tests=tuple(tests))


def _state(context: CheckContext, sources: str) -> str:
    """A short text for sources, options and what this machine has to run tests with."""
    tools = [name for name in _TOOLS if shutil.which(name)]
    tools += ["pytest"] * host_programs.has_pytest()
    parts = (sources, context.app, repr(sorted(context.options.items())), *tools)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _sources_state(context: CheckContext) -> str:
    """The commit, and of a working tree what in it is not committed; empty where nobody knows."""
    if not context.is_working_tree:
        return context.commit
    printed = bytearray()

    def take(chunk: bytes) -> None:
        if len(printed) < _MAX_STATUS_BYTES:
            printed.extend(chunk)

    words = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"]
    try:
        done = git.run_any(
            ["-C", os.fspath(context.tree), *words],
            timeout=_STATUS_SECONDS,
            cancel=context.cancel,
            on_output=take,
            env={"GIT_OPTIONAL_LOCKS": "0"},
            supervised=False,
        )
    except EspdeckError:
        context.cancel.check()
        return ""
    if done.returncode != 0:
        return ""
    digest = hashlib.sha256()
    entries = os.fsdecode(bytes(printed)).split("\0")
    for entry in entries:
        if entry.startswith("# branch.") and not entry.startswith("# branch.oid"):
            continue  # what was fetched or pushed changes no source
        digest.update(entry.encode("utf-8", "surrogateescape") + b"\0")
        # What is not committed changes without that Git's words change.
        name = entry.split(" ", {"1": 8, "2": 9, "u": 10}.get(entry[:1], 1))[-1]
        try:
            status = (context.tree / name).lstat()
        except (OSError, ValueError):
            continue
        if entry[:1] in ("1", "2", "u", "?"):
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()
