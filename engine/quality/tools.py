"""The tools that measure: packages of this interpreter (extra ``quality``), run as programs."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.process import Completed, run
from engine.text import clean

SECONDS = 600.0
"""How long a tool may take."""

MAX_REPORT = 32 << 20
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

_BATCH = 400
_ENV = {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}


def is_installed(name: str) -> bool:
    """Whether a tool of :data:`MEASURES` can be run."""
    if name == CPPCHECK:
        return _cppcheck() is not None
    return find_spec(MODULES[name]) is not None


def command(name: str) -> tuple[str, ...]:
    """How a tool is run: the beginning of its argument list.

    Raises:
        MissingToolError: it is not installed; one line.
    """
    if not is_installed(name):
        raise MissingToolError(f"{name} is not installed: {ADVICE}")
    if name == CPPCHECK:
        return (str(_cppcheck()),)
    # Isolated: what a repository puts into its folders is no module of a tool.
    return (*ISOLATED, "-m", MODULES[name])


@dataclass(frozen=True, slots=True)
class Bench:
    """Where tools work, and who listens.

    Args:
        folder: for what they write; ours.
        cancel: ends them early.
        on_output: called with which tool runs, and with what it prints for people.
    """

    folder: Path
    cancel: CancelToken
    on_output: Callable[[bytes], None]

    def run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        timeout: float = SECONDS,
    ) -> Completed:
        """Run a tool on what is untrusted; it sees no secrets of this process.

        Raises:
            MissingToolError, ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
        """
        self._say(argv)
        return self._run(argv, cwd, timeout, self.on_output)

    def read(self, argv: Sequence[str | os.PathLike[str]], *, cwd: Path) -> tuple[int, bytes]:
        """Run a tool that reports on standard output: its exit code, and what it printed.

        Raises:
            ToolError: it printed more than :data:`MAX_REPORT`.
            MissingToolError, CancelledError, Interrupted: as :meth:`run`.
        """
        printed = bytearray()

        def take(chunk: bytes) -> None:
            if len(printed) <= MAX_REPORT:
                printed.extend(chunk)

        self._say(argv)
        done = self._run(argv, cwd, SECONDS, take)
        if len(printed) > MAX_REPORT:
            raise ToolError(f"{_name(argv)}: printed more than {MAX_REPORT >> 20} MiB")
        return done.returncode, bytes(printed)

    def _run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        cwd: Path,
        timeout: float,
        on_output: Callable[[bytes], None],
    ) -> Completed:
        return run(
            argv,
            timeout=timeout,
            cancel=self.cancel,
            on_output=on_output,
            cwd=cwd,
            env=_ENV,
            clean_env=True,
        )

    def _say(self, argv: Sequence[str | os.PathLike[str]]) -> None:
        self.on_output(f"{_name(argv)} ...\n".encode())


def report_of(path: Path, done: Completed, name: str) -> bytes:
    """The file that a tool was to write.

    Raises:
        ToolError: it did not, or it is too large; says what the tool said last.
    """
    try:
        return read_file(path, MAX_REPORT)
    except OSError as error:
        raise ToolError(failure(name, done.returncode, done.tail)) from error


def table(rows: Sequence[str], name: str) -> Iterator[list[str]]:
    """Rows of what a tool wrote as CSV; a field may be as long as a line of a source.

    Raises:
        ToolError: it is no CSV.
    """
    csv.field_size_limit(MAX_REPORT)  # of all the process, and no one wants less
    try:
        yield from csv.reader(rows)
    except csv.Error as error:
        raise ToolError(f"{name}: {error}") from error


def failure(name: str, code: int, printed: str) -> str:
    """One line for a tool that did not do what it should."""
    lines = [line for line in map(clean, printed.splitlines()) if line.strip()]
    return f"{name}: exit code {code}: {lines[-1].strip()[:300] if lines else 'it said nothing'}"


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """File names as arguments, as many as a command line takes; none of them is an option."""
    for start in range(0, len(names), _BATCH):
        yield [f"./{name}" for name in names[start : start + _BATCH]]


def plain(name: str) -> str:
    """A file's name as it is without the ``./`` that it was given to a tool with."""
    return str(PurePosixPath(name))


def _name(argv: Sequence[str | os.PathLike[str]]) -> str:
    words = [str(word) for word in argv]
    return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name


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
