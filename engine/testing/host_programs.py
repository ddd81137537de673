"""Programs of this machine that build and run tests which need no board: CMake, CTest, pytest.

They run a project's own code. Who starts them gives them a folder of its own, a time limit and an
environment without secrets (:func:`engine.process.run` with ``clean_env``).
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from engine.errors import MissingToolError
from engine.text import clean

PYTEST_FAILED = 1
"""pytest's exit code where tests failed ("Exit codes" in its documentation)."""

PYTEST_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:pytest_embedded")
"""Options of every run: nothing is left in the tree, and no board is asked for."""

_CTEST_SUMMARY = re.compile(r"^\d+% tests passed.*", re.MULTILINE)
_PYTEST_SUMMARY = re.compile(r"=* ?(\d+ (?:passed|failed|errors?)[^=]*?) ?=*$")
_MAX_LINE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Compilers:
    """Compilers of this machine; ``cpp`` is None where there is none for C++."""

    c: str
    cpp: str | None


@dataclass(frozen=True, slots=True)
class CMakePrograms:
    """CMake and its company."""

    cmake: str
    ninja: str
    ctest: str

    def configure(
        self, tests: Path, build: Path, compilers: Compilers, flags: str = ""
    ) -> list[str | Path]:
        """The argument list that makes a build folder.

        Args:
            tests: folder with the ``CMakeLists.txt``.
            build: where to.
            flags: of both compilers.
        """
        languages = (("C", compilers.c), ("CXX", compilers.cpp))
        return [
            *(self.cmake, "-S", tests, "-B", build, "-G", "Ninja"),
            *(f"-DCMAKE_MAKE_PROGRAM={self.ninja}", "-DCMAKE_BUILD_TYPE=Debug"),
            *(f"-DCMAKE_{name}_COMPILER={path}" for name, path in languages if path),
            *(f"-DCMAKE_{name}_FLAGS={flags}" for name, _path in languages if flags),
        ]


def cmake_programs() -> CMakePrograms:
    """CMake, Ninja and CTest: those of this interpreter's packages, else the system's.

    Raises:
        MissingToolError: one is not installed; one line.
    """
    return CMakePrograms(*(_program(name, "lab") for name in ("cmake", "ninja", "ctest")))


def compilers() -> Compilers:
    """Compilers for this machine.

    Raises:
        MissingToolError: there is none for C; one line.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise MissingToolError("host tests need gcc: install gcc")
    return Compilers(compiler, shutil.which("g++"))


def has_pytest() -> bool:
    """Whether this interpreter has pytest."""
    return find_spec("pytest") is not None


def ctest_summary(printed: str) -> str | None:
    """The line in which CTest counts what passed, None where it printed none."""
    found = _CTEST_SUMMARY.search(printed)
    return clean(found[0])[:_MAX_LINE_CHARACTERS] if found else None


def pytest_summary(printed: str) -> str | None:
    """pytest's last line without its frame, None where there is none."""
    lines = (clean(line)[:_MAX_LINE_CHARACTERS] for line in reversed(printed.splitlines()))
    found = next(filter(None, map(_PYTEST_SUMMARY.match, lines)), None)
    return found[1] if found else None


def telling_line(printed: str) -> str:
    """The line of a tool's output that says most; pytest marks an exception with an E."""
    lines = [line.strip() for line in map(clean, printed.splitlines()) if line.strip()]
    raised = [line.removeprefix("E ").strip() for line in lines if line.startswith("E ")]
    said: Sequence[str] = [line for line in lines if "rror" in line]
    return (raised[-1:] or said or lines or [""])[0][:_MAX_LINE_CHARACTERS]


def _program(name: str, extra: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise MissingToolError(f"{name} is not installed: pip install 'espdeck[{extra}]'")
    return found
