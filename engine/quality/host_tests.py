"""Tests of a project that run on this machine: CTest's or pytest's, with coverage.

They are the project's own code, as untrusted as its build: they run in a process group of their
own, without this process's environment, and what they leave is read with care.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.enums import Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.process import Completed
from engine.quality import coverage_reports, tools
from engine.quality.coverage_reports import Lines
from engine.quality.tools import ToolRunner
from engine.testing import host_programs
from engine.text import clean
from engine.toolchains.diagnostics import parser
from engine.toolchains.hints.hint import BuildSystem

_LISTS = "CMakeLists.txt"
_MAX_LINE_CHARACTERS = 300
_EVIDENCE_LINES = 20

_START_COVERAGE = """
import sys
from coverage.cmdline import main
# Isolated, as the tools are; but these tests may import what they test.
sys.path.insert(0, sys.argv.pop(1))
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class HostTestResult:
    """What came of host tests.

    Args:
        said: the summary of the tool that ran them, or why they did not run; one line.
        errors: what failed; empty when all tests passed.
        lines: which lines they ran, None where they did not run.
    """

    said: str
    errors: tuple[Finding, ...] = ()
    lines: Lines | None = None


def run(app: Path, folder: str, runner: ToolRunner, *, timeout: float) -> HostTestResult:
    """Run the tests in a folder of a project: by CMake and CTest, or by pytest.

    Args:
        app: the project. Untrusted.
        folder: of the tests, relative to it; with a ``CMakeLists.txt`` they are CTest's.
        runner: where to work.
        timeout: seconds that each program may take.

    Raises:
        MissingToolError: a tool is not installed; one line.
        ToolError: the folder is not there, or a tool took too long or answered nonsense.
        CancelledError, Interrupted: it was told to stop.
    """
    tests = (app / folder).resolve()
    if not tests.is_relative_to(app.resolve()) or not tests.is_dir():
        raise ToolError(
            f"espdeck.toml: quality.host_tests {folder!r} is not a folder of the project"
        )
    if (tests / _LISTS).is_file():
        return _by_ctest(app.resolve(), tests, runner, timeout)
    return _by_pytest(app.resolve(), tests, runner, timeout)


def _by_ctest(app: Path, tests: Path, runner: ToolRunner, timeout: float) -> HostTestResult:
    gcovr = tools.command("gcovr")
    programs = host_programs.cmake_programs()
    compilers, gcov = host_programs.compilers(), _gcov()
    build = runner.folder / "host-tests"
    configure = programs.configure(tests, build, compilers, flags="--coverage -O0")
    for name, argv in (("cmake", configure), ("ninja", [programs.ninja, f"-C{build}"])):
        done = runner.run(argv, cwd=tests, timeout=timeout)
        if done.returncode != 0:
            found = parser.parse(done.tail, root=app, project=tests, system=BuildSystem.CMAKE)
            errors = tuple(each for each in found if each.severity is Severity.ERROR)
            why = errors[0].title if errors else _reason(name, done)
            said = f"host tests do not build: {why}"
            return HostTestResult(said, errors or (_error(said, tests, app, done),))
    ran = runner.run(
        [programs.ctest, "--test-dir", str(build), "--output-on-failure", "--no-tests=error"],
        cwd=tests,
        timeout=timeout,
    )
    summary = host_programs.ctest_summary(ran.tail)
    if summary is None:
        said = f"host tests do not run: {_reason('ctest', ran)}"
        return HostTestResult(said, (_error(said, tests, app, ran),))
    report, settings = runner.folder / "gcovr.info", runner.folder / "gcovr.cfg"
    settings.touch()  # else it reads the project's
    done = runner.run(
        [
            *gcovr,
            *(f"--config={settings}", f"--root={app}", f"--gcov-executable={gcov}"),
            *("--gcov-ignore-errors=all", "--gcov-ignore-parse-errors=all"),
            *(f"--lcov={report}", str(build)),
        ],
        cwd=build,
        timeout=timeout,
    )
    tools.report_of(report, done, "gcovr")
    said = f"ctest: {summary}"
    errors = () if ran.returncode == 0 else (_error(said, tests, app, ran),)
    return HostTestResult(said, errors, coverage_reports.read(report))


def _by_pytest(app: Path, tests: Path, runner: ToolRunner, timeout: float) -> HostTestResult:
    isolated = tools.command("coverage")
    tools.command("pytest")
    data, report = runner.folder / "coverage.data", runner.folder / "coverage.info"
    own = ("--rcfile=/dev/null", f"--data-file={data}")
    ran = runner.run(
        [
            *(*tools.ISOLATED, "-c", _START_COVERAGE, app),
            *("run", *own, f"--source={app}", "-m", "pytest", str(tests)),
            # The project's own options may want plugins that are not here.
            *host_programs.PYTEST_OPTIONS,
            *("--override-ini=addopts=", f"--rootdir={app}"),
        ],
        cwd=app,
        timeout=timeout,
    )
    said = host_programs.pytest_summary(ran.tail)
    if ran.returncode not in (0, host_programs.PYTEST_FAILED) or said is None:
        said = f"host tests do not run: {_reason('pytest', ran)}"
        return HostTestResult(said, (_error(said, tests, app, ran),))
    done = runner.run([*isolated, "lcov", "--ignore-errors", *own, "-o", report], cwd=app)
    tools.report_of(report, done, "coverage")
    said = f"pytest: {said}"
    errors = () if ran.returncode == 0 else (_error(said, tests, app, ran),)
    return HostTestResult(said, errors, coverage_reports.read(report))


def _gcov() -> str:
    """What reads the counts of the compilers."""
    gcov = shutil.which("gcov")
    if gcov is None:
        raise MissingToolError("host tests need gcov: install gcc")
    return gcov


def _error(said: str, tests: Path, app: Path, done: Completed) -> Finding:
    lines = [clean(line)[:_MAX_LINE_CHARACTERS] for line in done.tail.splitlines() if line.strip()]
    return Finding(
        severity=Severity.ERROR,
        code="quality.tests",
        message=said,
        file=tests.relative_to(app).as_posix(),
        evidence="\n".join(lines[-_EVIDENCE_LINES:]) or None,
    )


def _reason(name: str, done: Completed) -> str:
    return tools.failure(name, done.returncode, host_programs.telling_line(done.tail))
