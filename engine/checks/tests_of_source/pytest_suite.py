"""Runs a suite of pytest, and says what came of each test, whatever became of the suite."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.checks.tests_of_source import reports
from engine.checks.tests_of_source.host import Host, SuiteResult, Watch
from engine.checks.tests_of_source.pytest_settings import PytestSettings
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.suites import Suite
from engine.errors import MissingToolError, ToolError
from engine.process import Completed
from engine.testing import host_programs
from engine.testing.results import Outcome
from engine.text import clean, count

_HUNG_SECONDS = 30.0  # that a test may run until it counts as one that does not end
_MAX_TESTS_NAMED = 2000
_MAX_MESSAGE_CHARACTERS = 300
_USAGE_ERROR, _NO_TESTS = 4, 5  # pytest's exit codes

_PLUGIN = "espdeck_results"
_ODD_OPTIONS = re.compile(r"unrecognized arguments|Unknown config option|error: argument ")
_HOST_MARK = "host_test"
_NO_NETWORK = re.compile(
    r"Could not resolve host|name resolution|Name or service not known|Network is unreachable"
    r"|NewConnectionError|No address associated with hostname"
)
_NO_PORT = re.compile(r"could not open port|No serial ports? found|/dev/tty(?:USB|ACM)\d")
_NO_MODULE = re.compile(r"No module named '([\w.]{1,200})'")
_NO_FIXTURE = re.compile(r"fixture '([\w.]{1,100})' not found")
_NO_PLUGIN = re.compile(
    r"Missing required plugins?: ([\w., <>=-]{1,200})|plugin \"([\w.]{1,100})\""
)


def run(suite: Suite, host: Host, until: float) -> SuiteResult:
    """Run a suite.

    Args:
        suite: which.
        host: where.
        until: by :func:`time.monotonic`, when it must be over.

    Raises:
        MissingToolError: pytest is not installed; one line.
        CancelledError, Interrupted: it was told to stop.
    """
    if not host_programs.has_pytest():
        raise MissingToolError("pytest is not installed: pip install 'espdeck[quality]'")
    root = host.copy / suite.folder
    settings = PytestSettings.read(root, _settings_files(root))
    watch = host.watch("pytest.xml")
    report = watch.report
    names = [posixpath.relpath(each, suite.folder or ".") for each in suite.tests]
    own = [name for name in names if settings.is_in_testpaths(name)]
    wanted = (own or names)[:_MAX_TESTS_NAMED]
    for options in ((), ("--override-ini=addopts=", *settings.which_tests())):
        watch.forget()
        argv = [
            *(sys.executable, "-B", "-m", "pytest", *wanted),
            *(*host_programs.PYTEST_OPTIONS, "-p", _PLUGIN),
            *(f"--rootdir={root}", "--continue-on-collection-errors", "--maxfail=0"),
            *(
                "-vv",
                "--color=no",
                "--capture=fd",
                "--ignore-glob=**/pytest_*.py",
                f"--junitxml={report}",
            ),
            *("--override-ini=junit_family=xunit1", "--override-ini=junit_logging=no"),
            *(("-m", _HOST_MARK) if suite.marked else ()),
            *options,
        ]
        try:
            done = host.run(argv, root, until, watch)
        except ToolError as error:
            return _cut_off(suite, host, watch, clean(str(error)))
        if done.returncode != _USAGE_ERROR or not _ODD_OPTIONS.search(done.tail):
            break
    if done.returncode == _NO_TESTS:
        return SuiteResult(suite, complete=True, said="pytest: no tests collected")
    if not report.is_file():
        return _without_report(suite, host, done, watch)
    try:
        results = reports.read_junit(report)
    except ToolError as error:
        return _cut_off(suite, host, watch, clean(str(error)))
    finally:
        watch.forget()
    in_project = (_in_project(each, suite.folder) for each in results)
    kept, lacks = _what_ran(in_project, host.own_modules)
    said = host_programs.pytest_summary(done.tail) or f"{len(results)} tests"
    return SuiteResult(suite, kept, True, f"pytest: {said}", lacks=lacks)


def _what_ran(
    results: Iterable[Result], own_modules: frozenset[str]
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """Results, those that failed for want of something as left out, and what was wanted."""
    kept, lacks = [], dict[str, None]()
    for each in results:
        wanted = _wants(each.message, own_modules) if each.outcome is Outcome.FAIL else ""
        if not wanted:
            kept.append(each)
            continue
        lacks[wanted] = None
        kept.append(replace(each, outcome=Outcome.IGNORE, message=wanted))
    return tuple(kept), tuple(lacks)[:20]


def _wants(message: str, own_modules: frozenset[str]) -> str:
    """What this machine lacks by an error message; empty where it is the project's fault."""
    if found := _NO_MODULE.search(message):
        name = found[1].partition(".")[0]
        return "" if name in own_modules else f"needs the Python package {name}"
    if found := _NO_FIXTURE.search(message):
        return f"needs a plugin of pytest with the fixture {found[1]}"
    if found := _NO_PLUGIN.search(message):
        return f"needs the plugin of pytest {(found[1] or found[2]).strip()}"
    if _NO_NETWORK.search(message):
        return "needs the network"
    return "needs a board on a serial port" if _NO_PORT.search(message) else ""


def _without_report(suite: Suite, host: Host, done: Completed, watch: Watch) -> SuiteResult:
    """pytest ended before its end: a ``conftest.py`` raised, or a test ended all of it."""
    seen, on = watch.seen()
    watch.forget()
    said = f"pytest: exit code {done.returncode}"
    if on:
        results, lacks = _what_ran(
            (_in_project(each, suite.folder) for each in seen), host.own_modules
        )
        file = on.partition("::")[0]
        message = f"ended pytest with exit code {done.returncode}"
        ended = Result(on, Outcome.FAIL, file, file=file, message=message)
        results = (*results, _in_project(ended, suite.folder))
        return SuiteResult(suite, results, said=said, lacks=lacks)
    line = host_programs.telling_line(done.tail)
    if wanted := _wants(line, host.own_modules) or _wants(done.tail, host.own_modules):
        return SuiteResult(suite, said=f"{said}: {line}", lacks=(wanted,))
    place = re.search(r"^([\w./-]{1,300}\.py):(\d{1,7}): in ", done.tail, re.MULTILINE)
    where = f"{place[1]}:{place[2]}: " if place else ""
    problem = f"{where}{line or said}"[:_MAX_MESSAGE_CHARACTERS]
    return SuiteResult(suite, said=f"{said}: {line}", problem=problem, broken=True)


def _cut_off(suite: Suite, host: Host, watch: Watch, why: str) -> SuiteResult:
    """What a suite came to before it was ended.

    The test that was on has failed if it hung; a suite that is too long for the time has not.
    """
    seen, on = watch.seen()
    watch.forget()
    results, lacks = _what_ran((_in_project(each, suite.folder) for each in seen), host.own_modules)
    if on and watch.quiet_seconds > _HUNG_SECONDS:
        file = on.partition("::")[0]
        message = f"did not end within {watch.quiet_seconds:.0f} s"
        hung = Result(on, Outcome.FAIL, file, file=file, message=message)
        results = (*results, _in_project(hung, suite.folder))
        return SuiteResult(suite, results, said=why, lacks=lacks, cut_off=True)
    if on or seen:
        said = f"{why}: {count(len(results), 'test')} ran"
        return SuiteResult(suite, results, said=said, lacks=lacks, cut_off=True)
    return SuiteResult(suite, said=why, problem=why)


def _in_project(result: Result, folder: str) -> Result:
    """A result with its files relative to the project."""
    if not folder:
        return result
    test, file = result.test_file, result.file
    return replace(
        result,
        id=f"{folder}/{result.id}",
        test_file=posixpath.normpath(f"{folder}/{test}") if test else "",
        file=posixpath.normpath(f"{folder}/{file}") if file and not file.startswith("/") else "",
    )


def _settings_files(root: Path) -> list[str]:
    try:
        return [each.name for each in root.iterdir() if each.is_file()]
    except OSError:
        return []
