"""Builds and runs the tests of a CMake project by CTest, and says what came of each."""

from __future__ import annotations

import posixpath
import re
import time
from dataclasses import replace
from pathlib import Path

from engine.checks.tests_of_source import reports
from engine.checks.tests_of_source.host import Host, SuiteResult
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.suites import Suite
from engine.errors import ToolError
from engine.process import Completed
from engine.source import tree as source_tree
from engine.testing import host_programs
from engine.testing.results import Outcome
from engine.text import clean

_MIN_SECONDS = 1.0
_MAX_TEST_SECONDS = 120
_MAX_MESSAGE_CHARACTERS = 300

_NO_HEADER = re.compile(
    r"fatal error: ['\"]?([\w./-]{1,200})['\"]?(?:: No such file| file not found)"
)
_CMAKE_MISSES = re.compile(
    r"Could NOT find (\w{1,80})|find_package\(?\"?([\w-]{1,80})"
    r"|include could not find requested file"
    r"|IDF_PATH|Failed to (?:clone|checkout|download)|FetchContent|Could not resolve host"
    r"|toolchain|is not able to compile a simple test program"
)


def run(suite: Suite, host: Host, until: float) -> SuiteResult:
    """Build and run a suite; what was built is kept for the next time.

    Args:
        suite: which.
        host: where.
        until: by :func:`time.monotonic`, when it must be over.

    Raises:
        MissingToolError: CMake, Ninja or a compiler is not installed; one line.
        ToolError: CMake did not end, or the report makes no sense.
        CancelledError, Interrupted: it was told to stop.
    """
    programs, compilers = host_programs.cmake_programs(), host_programs.compilers()
    tests = host.copy / suite.folder
    build = host.scratch / f"build-{re.sub(r'[^A-Za-z0-9]+', '-', suite.folder)[-60:]}"
    watch = host.watch("ctest.xml")
    report = watch.report
    configured = host.run(programs.configure(tests, build, compilers), tests, until, watch)
    if configured.returncode != 0:
        source_tree.delete(build)  # what is wrong in its cache would stay
        said = _cmake_error(configured.tail)
        if _CMAKE_MISSES.search(configured.tail):
            return SuiteResult(suite, said=said, lacks=(said,))
        return SuiteResult(suite, said=said, problem=said)
    # Whatever can be built: the others are named by CTest, and why by the compiler.
    try:
        built = host.run([programs.ninja, f"-C{build}", "-k0", "-j2"], tests, until, watch)
    except ToolError as error:  # what is built already is kept
        return SuiteResult(suite, said=f"still building: {error}", cut_off=True)
    left = int(max(1, until - time.monotonic() - _MIN_SECONDS))
    argv = [
        *(programs.ctest, "--test-dir", str(build), "--no-tests=error", "-j2"),
        *("--timeout", str(min(left, _MAX_TEST_SECONDS)), "--output-junit", str(report)),
    ]
    try:
        done = host.run(argv, tests, until, watch)
    except ToolError as error:
        return SuiteResult(suite, said=str(error), cut_off=True)
    summary = host_programs.ctest_summary(done.tail)
    if summary is None or not report.is_file():
        said = f"ctest: {host_programs.telling_line(built.tail + done.tail)}"
        return _not_built(suite, host, built, said)
    try:
        results = reports.read_junit(report)
    finally:
        watch.forget()
    prefix = f"{suite.folder or '.'}::"
    results = tuple(
        replace(
            each,
            id=each.id.replace("ctest::", f"ctest::{prefix}", 1),
            file=_below_copy(host, each.file, suite.folder),
        )
        for each in results
    )
    if built.returncode != 0:
        return replace(
            _not_built(suite, host, built, f"ctest: {summary}"),
            results=tuple(each for each in results if not _was_not_built(each)),
        )
    return SuiteResult(suite, results, True, f"ctest: {summary}")


def _not_built(suite: Suite, host: Host, built: Completed, said: str) -> SuiteResult:
    """A suite of which something does not compile."""
    error = re.search(
        r"^([^\n:]{1,300}):(\d{1,7}):\d+: (?:fatal )?error: ([^\n]{1,300})", built.tail, re.M
    )
    missing = _NO_HEADER.search(built.tail)
    if missing and not _has_header(missing[1], host.headers):
        return SuiteResult(suite, said=said, lacks=(f"needs the header {missing[1]}",))
    if error is None:
        return SuiteResult(suite, said=said, problem=clean(said))
    where = f"{_below_copy(host, error[1], suite.folder)}:{error[2]}"
    return SuiteResult(suite, said=said, problem=clean(f"{where}: {error[3]}"))


def _has_header(header: str, headers: frozenset[str]) -> bool:
    """Whether the project has a header of that name: then its own lists are wrong."""
    return header in headers or any(each.endswith(f"/{header}") for each in headers)


def _below_copy(host: Host, file: str, folder: str) -> str:
    """A file relative to the project, as compilers and programs name it."""
    if not file:
        return ""
    copy = host.copy.resolve()
    for base in (copy / folder, host.scratch / "build-x"):
        path = Path(posixpath.normpath(base / file))
        if path.is_relative_to(copy) and path.is_file():
            return path.relative_to(copy).as_posix()
    return "" if file.startswith("/") else file


def _was_not_built(result: Result) -> bool:
    return result.outcome is Outcome.FAIL and "Unable to find executable" in result.message


def _cmake_error(printed: str) -> str:
    """What CMake says first of what is wrong, as one line."""
    found = re.search(
        r"CMake Error[^\n]*\n+((?:  [^\n]+\n)+)(?:[ \t]*\n(  [^\n]+))?", f"{printed}\n"
    )
    told = " ".join(found[1].split()) if found else host_programs.telling_line(printed)
    if found and found[2] and told.endswith(":"):  # what it is about is the next paragraph
        told = f"{told} {found[2].strip()}"
    return clean(f"cmake: {told}")[:_MAX_MESSAGE_CHARACTERS]
