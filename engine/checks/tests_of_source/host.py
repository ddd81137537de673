"""Where suites run: their folders, their environment, and what they write while they do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.checks.tests_of_source import reports
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.suites import Suite
from engine.errors import ToolError
from engine.files import read_file
from engine.process import Completed

_MAX_WRITTEN_BYTES = 4 * reports.MAX_REPORT_BYTES
_ENV = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "NO_COLOR": "1",
    "COLUMNS": "200",
    "LC_ALL": "C.UTF-8",
}


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


@dataclass(frozen=True, slots=True)
class Host:
    """This machine, as a project's tests find it.

    Args:
        copy: of the project.
        scratch: folder for builds and reports; ours, kept between runs.
        own_modules: first names of the project's own Python packages and modules.
        headers: paths of the project's own C headers.
        cancel: ends what runs.
    """

    copy: Path
    scratch: Path
    own_modules: frozenset[str]
    headers: frozenset[str]
    cancel: CancelToken

    def watch(self, report: str) -> Watch:
        """What looks at a suite while it runs.

        Args:
            report: name of the file that the suite writes at its end.
        """
        return Watch(self.scratch / report, self.scratch / "results.jsonl")

    def run(
        self, argv: Sequence[str | Path], folder: Path, until: float, watch: Watch
    ) -> Completed:
        """Run a program of a suite.

        Args:
            argv: the program and its arguments.
            folder: in which it runs.
            until: by :func:`time.monotonic`, when it must be over.
            watch: looks at what it writes.

        Raises:
            MissingToolError, ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
        """
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


class Watch:
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
