"""Runs a project's test suites on this machine, in a copy, and says what came of each test.

They are foreign code: no secrets in their environment, bounds on time and on what they write, and
nothing of theirs is left running. A test that this machine lacks something for (a plugin, a
package, a compiler, ESP-IDF) has not failed: it was not run.
"""

from __future__ import annotations

import posixpath
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.checks.tests_of_source import reports
from engine.checks.tests_of_source.pytest_settings import PytestSettings
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.suites import Runner, Suite
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.process import Completed
from engine.source import tree as source_tree
from engine.testing import host_programs
from engine.testing.results import Outcome
from engine.text import clean, count

_MIN_SECONDS = 1.0
_HUNG_SECONDS = 30.0  # that a test of pytest may run until it counts as one that does not end
_MAX_TEST_SECONDS = 120  # of one test of CTest
_MAX_WRITTEN_BYTES = 4 * reports.MAX_REPORT_BYTES
_MAX_TESTS_NAMED = 2000
_MAX_MESSAGE_CHARACTERS = 300
_ENV = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "NO_COLOR": "1",
    "COLUMNS": "200",
    "LC_ALL": "C.UTF-8",
}
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
_NO_HEADER = re.compile(
    r"fatal error: ['\"]?([\w./-]{1,200})['\"]?(?:: No such file| file not found)"
)
_CMAKE_MISSES = re.compile(
    r"Could NOT find (\w{1,80})|find_package\(?\"?([\w-]{1,80})"
    r"|include could not find requested file"
    r"|IDF_PATH|Failed to (?:clone|checkout|download)|FetchContent|Could not resolve host"
    r"|toolchain|is not able to compile a simple test program"
)


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What came of a suite.

    Args:
        suite: which.
        results: of its tests.
        complete: whether all of them ran that could.
        said: the runner's summary, or why there is none; one line.
        problem: why the suite as a whole failed, empty where it did not.
        cut_off: whether it takes longer than it may; then not all of its tests ran.
        broken: whether so none of its tests can run, whatever they are.
        lacks: what this machine lacks, so that tests did not run; a line each.
        seconds: how long all of it took.
    """

    suite: Suite
    results: tuple[Result, ...] = ()
    complete: bool = False
    said: str = ""
    problem: str = ""
    broken: bool = False
    cut_off: bool = False
    lacks: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class HostRunner:
    """Runs suites of one project.

    Args:
        copy: of the project.
        scratch: folder for builds and reports; ours, kept between runs.
        own_modules: first names of the project's own Python packages and modules.
        headers: paths of the project's own C headers.
        deadline: by :func:`time.monotonic`, when all of it must be over.
        cancel: ends it early.
    """

    copy: Path
    scratch: Path
    own_modules: frozenset[str]
    headers: frozenset[str]
    deadline: float
    cancel: CancelToken

    def run(self, suites: Sequence[Suite]) -> tuple[SuiteResult, ...]:
        """Run suites one after another; each gets its share of the time that is left.

        Raises:
            CancelledError, Interrupted: it was told to stop.
        """
        found = []
        for index, suite in enumerate(suites):
            begun = time.monotonic()
            left = self.deadline - begun
            if left < _MIN_SECONDS:
                found.append(SuiteResult(suite, said="not run: no time was left"))
                continue
            until = begun + left / (len(suites) - index)
            by = self._by_pytest if suite.runner is Runner.PYTEST else self._by_ctest
            try:
                result = by(suite, until)
            except MissingToolError as error:
                result = SuiteResult(suite, said=str(error), lacks=(str(error),))
            except ToolError as error:
                result = SuiteResult(suite, said=str(error), problem=clean(str(error)))
            found.append(replace(result, seconds=round(time.monotonic() - begun, 2)))
        return tuple(found)

    def _by_pytest(self, suite: Suite, until: float) -> SuiteResult:
        if not host_programs.has_pytest():
            raise MissingToolError("pytest is not installed: pip install 'espdeck[quality]'")
        root = self.copy / suite.folder
        settings = PytestSettings.read(root, _settings_files(root))
        report = self.scratch / "pytest.xml"
        watch = self._watch(report)
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
                done = self._run(argv, root, until, watch)
            except ToolError as error:
                return self._cut_off(suite, watch, clean(str(error)))
            if done.returncode != _USAGE_ERROR or not _ODD_OPTIONS.search(done.tail):
                break
        if done.returncode == _NO_TESTS:
            return SuiteResult(suite, complete=True, said="pytest: no tests collected")
        if not report.is_file():
            return self._without_report(suite, done, watch)
        try:
            results = reports.read_junit(report)
        except ToolError as error:
            return self._cut_off(suite, watch, clean(str(error)))
        finally:
            watch.forget()
        in_project = (self._in_project(each, suite.folder) for each in results)
        kept, lacks = self._what_ran(in_project)
        said = host_programs.pytest_summary(done.tail) or f"{len(results)} tests"
        return SuiteResult(suite, kept, True, f"pytest: {said}", lacks=lacks)

    def _what_ran(self, results: Iterable[Result]) -> tuple[tuple[Result, ...], tuple[str, ...]]:
        """Results, those that failed for want of something as left out, and what was wanted."""
        kept, lacks = [], dict[str, None]()
        for each in results:
            wanted = self._wants(each.message) if each.outcome is Outcome.FAIL else ""
            if not wanted:
                kept.append(each)
                continue
            lacks[wanted] = None
            kept.append(replace(each, outcome=Outcome.IGNORE, message=wanted))
        return tuple(kept), tuple(lacks)[:20]

    def _wants(self, message: str) -> str:
        """What this machine lacks by an error message; empty where it is the project's fault."""
        if found := _NO_MODULE.search(message):
            name = found[1].partition(".")[0]
            return "" if name in self.own_modules else f"needs the Python package {name}"
        if found := _NO_FIXTURE.search(message):
            return f"needs a plugin of pytest with the fixture {found[1]}"
        if found := _NO_PLUGIN.search(message):
            return f"needs the plugin of pytest {(found[1] or found[2]).strip()}"
        if _NO_NETWORK.search(message):
            return "needs the network"
        return "needs a board on a serial port" if _NO_PORT.search(message) else ""

    def _without_report(self, suite: Suite, done: Completed, watch: _Watch) -> SuiteResult:
        """pytest ended before its end: a ``conftest.py`` raised, or a test ended all of it."""
        seen, on = watch.seen()
        watch.forget()
        said = f"pytest: exit code {done.returncode}"
        if on:
            results, lacks = self._what_ran(self._in_project(each, suite.folder) for each in seen)
            file = on.partition("::")[0]
            message = f"ended pytest with exit code {done.returncode}"
            ended = Result(on, Outcome.FAIL, file, file=file, message=message)
            results = (*results, self._in_project(ended, suite.folder))
            return SuiteResult(suite, results, said=said, lacks=lacks)
        line = host_programs.telling_line(done.tail)
        if wanted := self._wants(line) or self._wants(done.tail):
            return SuiteResult(suite, said=f"{said}: {line}", lacks=(wanted,))
        place = re.search(r"^([\w./-]{1,300}\.py):(\d{1,7}): in ", done.tail, re.MULTILINE)
        where = f"{place[1]}:{place[2]}: " if place else ""
        problem = f"{where}{line or said}"[:_MAX_MESSAGE_CHARACTERS]
        return SuiteResult(suite, said=f"{said}: {line}", problem=problem, broken=True)

    def _cut_off(self, suite: Suite, watch: _Watch, why: str) -> SuiteResult:
        """What a suite came to before it was ended.

        The test that was on has failed if it hung; a suite that is too long for the time has not.
        """
        seen, on = watch.seen()
        watch.forget()
        results, lacks = self._what_ran(self._in_project(each, suite.folder) for each in seen)
        if on and watch.quiet_seconds > _HUNG_SECONDS:
            file = on.partition("::")[0]
            message = f"did not end within {watch.quiet_seconds:.0f} s"
            hung = Result(on, Outcome.FAIL, file, file=file, message=message)
            results = (*results, self._in_project(hung, suite.folder))
            return SuiteResult(suite, results, said=why, lacks=lacks, cut_off=True)
        if on or seen:
            said = f"{why}: {count(len(results), 'test')} ran"
            return SuiteResult(suite, results, said=said, lacks=lacks, cut_off=True)
        return SuiteResult(suite, said=why, problem=why)

    @staticmethod
    def _in_project(result: Result, folder: str) -> Result:
        """A result with its files relative to the project."""
        if not folder:
            return result
        test, file = result.test_file, result.file
        return replace(
            result,
            id=f"{folder}/{result.id}",
            test_file=posixpath.normpath(f"{folder}/{test}") if test else "",
            file=posixpath.normpath(f"{folder}/{file}")
            if file and not file.startswith("/")
            else "",
        )

    def _by_ctest(self, suite: Suite, until: float) -> SuiteResult:
        programs, compilers = host_programs.cmake_programs(), host_programs.compilers()
        tests = self.copy / suite.folder
        build = self.scratch / f"build-{re.sub(r'[^A-Za-z0-9]+', '-', suite.folder)[-60:]}"
        report = self.scratch / "ctest.xml"
        watch = self._watch(report)
        configured = self._run(programs.configure(tests, build, compilers), tests, until, watch)
        if configured.returncode != 0:
            source_tree.delete(build)  # what is wrong in its cache would stay
            said = _cmake_error(configured.tail)
            if _CMAKE_MISSES.search(configured.tail):
                return SuiteResult(suite, said=said, lacks=(said,))
            return SuiteResult(suite, said=said, problem=said)
        # Whatever can be built: the others are named by CTest, and why by the compiler.
        try:
            built = self._run([programs.ninja, f"-C{build}", "-k0", "-j2"], tests, until, watch)
        except ToolError as error:  # what is built already is kept
            return SuiteResult(suite, said=f"still building: {error}", cut_off=True)
        left = int(max(1, until - time.monotonic() - _MIN_SECONDS))
        argv = [
            *(programs.ctest, "--test-dir", str(build), "--no-tests=error", "-j2"),
            *("--timeout", str(min(left, _MAX_TEST_SECONDS)), "--output-junit", str(report)),
        ]
        done = self._run(argv, tests, until, watch)
        summary = host_programs.ctest_summary(done.tail)
        if summary is None or not report.is_file():
            said = f"ctest: {host_programs.telling_line(built.tail + done.tail)}"
            return self._not_built(suite, built, said)
        try:
            results = reports.read_junit(report)
        finally:
            watch.forget()
        prefix = f"{suite.folder or '.'}::"
        results = tuple(
            replace(
                each,
                id=each.id.replace("ctest::", f"ctest::{prefix}", 1),
                file=self._below_copy(each.file, suite.folder),
            )
            for each in results
        )
        if built.returncode != 0:
            return replace(
                self._not_built(suite, built, f"ctest: {summary}"),
                results=tuple(each for each in results if not _was_not_built(each)),
            )
        return SuiteResult(suite, results, True, f"ctest: {summary}")

    def _not_built(self, suite: Suite, built: Completed, said: str) -> SuiteResult:
        """A suite of which something does not compile."""
        error = re.search(
            r"^([^\n:]{1,300}):(\d{1,7}):\d+: (?:fatal )?error: ([^\n]{1,300})", built.tail, re.M
        )
        missing = _NO_HEADER.search(built.tail)
        if missing and not self._has_header(missing[1]):
            return SuiteResult(suite, said=said, lacks=(f"needs the header {missing[1]}",))
        if error is None:
            return SuiteResult(suite, said=said, problem=clean(said))
        where = f"{self._below_copy(error[1], suite.folder)}:{error[2]}"
        return SuiteResult(suite, said=said, problem=clean(f"{where}: {error[3]}"))

    def _has_header(self, header: str) -> bool:
        """Whether the project has a header of that name: then its own lists are wrong."""
        return header in self.headers or any(each.endswith(f"/{header}") for each in self.headers)

    def _below_copy(self, file: str, folder: str) -> str:
        """A file relative to the project, as compilers and programs name it."""
        if not file:
            return ""
        copy = self.copy.resolve()
        for base in (copy / folder, self.scratch / "build-x"):
            path = Path(posixpath.normpath(base / file))
            if path.is_relative_to(copy) and path.is_file():
                return path.relative_to(copy).as_posix()
        return "" if file.startswith("/") else file

    def _watch(self, report: Path) -> _Watch:
        return _Watch(report, self.scratch / "results.jsonl")

    def _run(
        self, argv: Sequence[str | Path], folder: Path, until: float, watch: _Watch
    ) -> Completed:
        above = str(self.copy)
        plugin = str(Path(__file__).with_name("pytest_plugin"))
        paths = dict.fromkeys((str(folder), f"{folder}/src", above, plugin))
        return process.run(
            argv,
            timeout=max(0.1, until - time.monotonic()),
            cancel=self.cancel,
            on_poll=watch.look,
            cwd=folder,
            env={
                **_ENV,
                "PYTHONPATH": ":".join(paths),
                "ESPDECK_RESULTS": str(watch.lines),
            },
            clean_env=True,
        )


class _Watch:
    """How much a suite writes, and how long the test has been on that is.

    Args:
        report: the file that it writes at its end.
        lines: the file of the plugin.
    """

    def __init__(self, report: Path, lines: Path) -> None:
        self.report, self.lines = report, lines
        self._size, self._since = -1, time.monotonic()
        self.forget()

    def forget(self) -> None:
        """Be ready for a run."""
        for path in (self.report, self.lines):
            path.unlink(missing_ok=True)

    def seen(self) -> tuple[tuple[Result, ...], str]:
        """Results so far, and the test that is on."""
        try:
            return reports.parse_lines(read_file(self.lines, reports.MAX_REPORT_BYTES))
        except OSError:
            return (), ""

    @property
    def quiet_seconds(self) -> float:
        """Seconds since a test began or ended."""
        return time.monotonic() - self._since

    def look(self, _seconds: float) -> None:
        """Look how much was written.

        Raises:
            ToolError: it is too much.
        """
        sizes = []
        for path in (self.report, self.lines):
            try:
                sizes.append(path.stat().st_size)
            except OSError:
                sizes.append(0)
        if max(sizes) > _MAX_WRITTEN_BYTES:
            self.forget()
            raise ToolError(f"the tests wrote a report of over {_MAX_WRITTEN_BYTES >> 20} MiB")
        if sizes[1] != self._size:
            self._size, self._since = sizes[1], time.monotonic()


def _settings_files(root: Path) -> list[str]:
    try:
        return [each.name for each in root.iterdir() if each.is_file()]
    except OSError:
        return []


def _was_not_built(result: Result) -> bool:
    return result.outcome is Outcome.FAIL and "Unable to find executable" in result.message


def _cmake_error(printed: str) -> str:
    """What CMake says first of what is wrong, as one line."""
    found = re.search(r"CMake Error[^\n]*\n+((?:  [^\n]+\n)+)", f"{printed}\n")
    told = " ".join(found[1].split()) if found else host_programs.telling_line(printed)
    return clean(f"cmake: {told}")[:_MAX_MESSAGE_CHARACTERS]
