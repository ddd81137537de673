"""The tools that measure: packages of this interpreter (extra ``quality``), run as programs."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.process import Completed, run
from engine.quality.cache import Cache
from engine.quality.progress import Progress
from engine.text import clean

TIMEOUT_SECONDS = 600.0
"""Time limit of a tool."""

MAX_REPORT_BYTES = 32 << 20
"""Bytes of what a tool reports that are read."""

ISOLATED = (sys.executable, "-I", "-B", "-u", "-X", "utf8")
"""This interpreter, without what environment and folder would bring, and so that what it
prints comes at once and no files stay behind."""

ADVICE = "pip install 'espdeck[quality]'"

MODULES = {
    "bandit": "bandit",
    "coverage": "coverage",
    "detect-secrets": "detect_secrets",
    "flawfinder": "flawfinder",
    "gcovr": "gcovr",
    "lizard": "lizard",
    "pytest": "pytest",
}
"""The module of each tool that is a Python package and is run with ``python -m``."""

CPPCHECK = "cppcheck"
MEASURES = {
    "bandit": "dangerous calls in Python",
    "coverage": "coverage of host tests in Python",
    CPPCHECK: "defects in C and C++",
    "detect-secrets": "secrets that were checked in",
    "flawfinder": "dangerous calls in C and C++",
    "gcovr": "coverage of host tests in C and C++",
    "lizard": "complexity and duplicates",
    "pytest": "runs host tests in Python",
}
"""Every tool, as people call it, and what it is for."""

_RUN_WITHOUT_STDERR = """
import os, runpy, sys
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
_JOB_POLL_SECONDS = 0.2  # between looks for a cancellation, while all jobs are taken
_ENV = {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}


def is_installed(name: str) -> bool:
    """Whether a tool of :data:`MEASURES` can be run."""
    if name == CPPCHECK:
        return _cppcheck() is not None
    return find_spec(MODULES[name]) is not None


def command(name: str) -> tuple[str, ...]:
    """The beginning of the argument list that runs a tool.

    Raises:
        MissingToolError: it is not installed; one line.
    """
    if not is_installed(name):
        raise MissingToolError(f"{name} is not installed: {ADVICE}")
    if name == CPPCHECK:
        return (str(_cppcheck()),)
    # Isolated: what a repository puts into its folders is no module of a tool.
    return (*ISOLATED, "-m", MODULES[name])


def report_command(name: str) -> tuple[str, ...]:
    """:func:`command` of a tool that reports on standard output, without its standard error, which
    would mix with the report.

    Raises:
        MissingToolError: it is not installed; one line.
    """
    module = command(name)[-1]
    return (*ISOLATED, "-c", _RUN_WITHOUT_STDERR, module)


def version_of(name: str) -> str:
    """What a tool's results depend on beside files and options: its version, and Python's.

    Raises:
        MissingToolError: it is not installed; one line.
    """
    command(name)
    try:
        known = version(name)
    except PackageNotFoundError:
        path = _cppcheck()
        known = f"{path} {path.stat().st_mtime_ns}" if path is not None else ""
    return f"{known} Python {sys.version}"


_One = TypeVar("_One")
_Other = TypeVar("_Other")


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """Runs tools of one gate: their folder, cache, output and progress. Thread-safe.

    Args:
        folder: for what they write; ours.
        cancel: ends them early.
        on_output: called with which tool runs, and with what it prints for people; from one thread
            at a time.
        cache: of what tools said.
        progress: told how far they are.
        jobs: how many of them run at the same time.
    """

    folder: Path
    cancel: CancelToken
    on_output: Callable[[bytes], None]
    cache: Cache
    progress: Progress
    jobs: int = 1
    _free_jobs: threading.Semaphore = field(init=False, repr=False)
    _output_lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _announced: set[str] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_free_jobs", threading.Semaphore(self.jobs))

    def each(self, work: Callable[[_One], _Other], items: Sequence[_One]) -> list[_Other]:
        """Work on several items at the same time; the results are in the order of the items.

        Raises:
            Exception: what the work raised first; all of it has ended then.
        """
        if len(items) < 2:
            return [work(each) for each in items]
        with ThreadPoolExecutor(len(items)) as threads:
            try:
                return list(threads.map(work, items))
            except KeyboardInterrupt:
                self.cancel.interrupt()  # else the threads are waited for
                raise

    def both(self, one: Callable[[], _One], other: Callable[[], _Other]) -> tuple[_One, _Other]:
        """Call two functions at the same time and return both results.

        Raises:
            Exception: as :meth:`each`.
        """
        work: list[Callable[[], _One | _Other]] = [one, other]
        found = self.each(lambda do: do(), work)
        return cast("_One", found[0]), cast("_Other", found[1])

    def run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        timeout: float = TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a tool on what is untrusted; it sees no secrets of this process.

        Raises:
            MissingToolError, ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
        """
        self._announce(argv)
        return self._run(argv, cwd, timeout, self._print)

    def read(self, argv: Sequence[str | os.PathLike[str]], *, cwd: Path) -> tuple[int, bytes]:
        """Run a tool that reports on standard output: its exit code, and what it printed.

        Raises:
            ToolError: it printed more than :data:`MAX_REPORT_BYTES`.
            MissingToolError, CancelledError, Interrupted: as :meth:`run`.
        """
        printed = bytearray()

        def take(chunk: bytes) -> None:
            if len(printed) <= MAX_REPORT_BYTES:
                printed.extend(chunk)

        self._announce(argv)
        done = self._run(argv, cwd, TIMEOUT_SECONDS, take)
        if len(printed) > MAX_REPORT_BYTES:
            raise ToolError(f"{_name(argv)}: printed more than {MAX_REPORT_BYTES >> 20} MiB")
        return done.returncode, bytes(printed)

    def _run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        cwd: Path,
        timeout: float,
        on_output: Callable[[bytes], None],
    ) -> Completed:
        while not self._free_jobs.acquire(timeout=_JOB_POLL_SECONDS):
            self.cancel.check()
        try:
            return run(
                argv,
                timeout=timeout,
                cancel=self.cancel,
                on_output=on_output,
                cwd=cwd,
                env=_ENV,
                clean_env=True,
            )
        finally:
            self._free_jobs.release()

    def _announce(self, argv: Sequence[str | os.PathLike[str]]) -> None:
        name = _name(argv)
        with self._output_lock:
            if name not in self._announced:
                self._announced.add(name)
                self.on_output(f"{name} ...\n".encode())

    def _print(self, data: bytes) -> None:
        with self._output_lock:
            self.on_output(data)


def report_of(path: Path, done: Completed, name: str) -> bytes:
    """Read the report file that a tool had to write.

    Raises:
        ToolError: it did not, or it is too large; says what the tool said last.
    """
    try:
        return read_file(path, MAX_REPORT_BYTES)
    except OSError as error:
        raise ToolError(failure(name, done.returncode, done.tail)) from error


def table(rows: Sequence[str], name: str) -> Iterator[list[str]]:
    """Rows of what a tool wrote as CSV; a field may be as long as a line of a source.

    Raises:
        ToolError: it is no CSV.
    """
    csv.field_size_limit(MAX_REPORT_BYTES)  # of all the process, and no one wants less
    try:
        yield from csv.reader(rows)
    except csv.Error as error:
        raise ToolError(f"{name}: {error}") from error


def failure(name: str, code: int, printed: str) -> str:
    """One line for a tool that failed."""
    lines = [line for line in map(clean, printed.splitlines()) if line.strip()]
    return f"{name}: exit code {code}: {lines[-1].strip()[:300] if lines else 'it said nothing'}"


def paths(names: Sequence[str]) -> list[str]:
    """File names as arguments; none of them is an option."""
    return [f"./{name}" for name in names]


def original_name(name: str) -> str:
    """A file's name as it is without the ``./`` that it was given to a tool with."""
    return str(PurePosixPath(name))


def _name(argv: Sequence[str | os.PathLike[str]]) -> str:
    words = [str(word) for word in argv]
    for option, behind in (("-m", 1), ("-c", 2)):
        if option in words:
            return words[words.index(option) + behind].replace("_", "-")
    return Path(words[0]).name


def _cppcheck() -> Path | None:
    """The program that the wheel brings, else that of the system."""
    spec = None
    with contextlib.suppress(ImportError, ValueError):
        spec = find_spec("cppcheck")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "Cppcheck" / "cppcheck"
        if program.is_file():
            return program
    found = shutil.which(CPPCHECK)
    return Path(found) if found else None
