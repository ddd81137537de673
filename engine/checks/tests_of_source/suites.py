"""Test suites of a project that this machine may run: which there are, and where."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.source_files import Kind, ProjectFiles
from engine.text import count, listed
from engine.toolchains import cmake_lists

MAX_SUITES = 8
"""Suites of a project that are run, those with most tests first."""

_PYTHON_ROOTS = (
    *("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", ".pytest.ini", "tox.ini"),
)
_LISTS = "CMakeLists.txt"
_ENABLES = frozenset({"enable_testing"})
_FIRMWARE = frozenset({"idf_build_process", "pico_sdk_init"})


class Runner(StrEnum):
    """What runs a suite."""

    PYTEST = "pytest"
    CTEST = "ctest"


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests that are run by one program.

    Args:
        runner: which.
        folder: where its settings are, relative to the project; empty for its root.
        tests: files of pytest's tests; none of CTest's, whose lists say what it runs.
        marked: whether those that need no board are marked: ``pytest.mark.host_test``, as
            Espressif's repositories have it.
    """

    runner: Runner
    folder: str
    tests: tuple[str, ...] = ()
    marked: bool = False

    @property
    def name(self) -> str:
        """How it is called in results."""
        return f"{self.runner}: {self.folder or '.'}"


def find(files: ProjectFiles) -> tuple[Suite, ...]:
    """The suites of a project, at most :data:`MAX_SUITES`."""
    python = sorted(_of_pytest(files), key=lambda each: (-len(each.tests), each.folder))
    return (*_of_ctest(files), *python)[:MAX_SUITES]


def not_here(files: ProjectFiles) -> tuple[str, ...]:
    """What is not run on this machine, and why; a line each."""
    told = []
    suites = [each.folder for each in _of_ctest(files)]
    there = frozenset(files.names)
    groups: Counter[str] = Counter()
    for path in files.of(Kind.TEST):
        if path.endswith(".py") or any(_is_in(path, each) for each in suites):
            continue
        folders = [path[:at] for at in range(len(path)) if path[at] == "/"]
        if any(f"{each}/platformio.ini" in there for each in ("", *folders) if each) or (
            "platformio.ini" in there
        ):
            groups["PlatformIO (pio test)"] += 1
        elif any(f"{each}/project.yml" in there for each in folders) or "project.yml" in there:
            groups["Ceedling"] += 1
        elif any(conventions.home_of(f"{each}/x")[1] for each in folders):
            groups["a board, or a build that is not CMake's"] += 1
    for who, number in sorted(groups.items()):
        told.append(f"{count(number, 'test file')} not run here: for {who}")
    if boards := files.of(Kind.BOARD_TEST):
        names = listed([posixpath.basename(each) for each in boards], most=3)
        told.append(f"{count(len(boards), 'suite')} not run here, for boards: {names}")
    return tuple(told)


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _of_pytest(files: ProjectFiles) -> Iterator[Suite]:
    there = frozenset(files.names)
    groups: dict[str, list[str]] = {}
    for path in files.of(Kind.TEST):
        if not path.endswith(".py"):
            continue
        folder = posixpath.dirname(path)
        while folder and not any(f"{folder}/{each}" in there for each in _PYTHON_ROOTS):
            folder = posixpath.dirname(folder)
        groups.setdefault(folder, []).append(path)
    for folder, tests in groups.items():
        marked = any("pytest.mark.host_test" in files.text(each) for each in tests)
        yield Suite(Runner.PYTEST, folder, tuple(tests), marked)


def _of_ctest(files: ProjectFiles) -> tuple[Suite, ...]:
    """Outermost CMake projects for this machine in which tests are added."""
    lists = sorted(
        (posixpath.dirname(each) for each in files.names if posixpath.basename(each) == _LISTS),
        key=lambda folder: (folder.count("/") + bool(folder), folder),
    )
    said = {folder: _Lists.read(files, folder) for folder in lists if _is_own(folder)}
    found: list[str] = []
    for folder, one in said.items():
        if not one.is_project or one.is_firmware or any(_is_in(folder, each) for each in found):
            continue
        below = [each for name, each in said.items() if _is_in(f"{name}/", folder)]
        if any(each.adds_tests for each in below) and any(each.enables for each in below):
            found.append(folder)
    return tuple(Suite(Runner.CTEST, folder) for folder in found)


def _is_own(folder: str) -> bool:
    parts = folder.lower().split("/")
    return conventions.FOREIGN_FOLDERS.isdisjoint(parts) and not conventions.is_example(parts)


@dataclass(frozen=True, slots=True)
class _Lists:
    """What a ``CMakeLists.txt`` says of tests."""

    is_project: bool
    is_firmware: bool
    enables: bool
    adds_tests: bool

    @classmethod
    def read(cls, files: ProjectFiles, folder: str) -> _Lists:
        text = files.text(posixpath.join(folder, _LISTS))
        names: set[str] = set()
        included: set[str] = set()
        for command in cmake_lists.commands(text):
            names.add(command.name)
            if command.name == "include" and command.arguments:
                included.add(command.arguments[0])
        firmware = not _FIRMWARE.isdisjoint(names) or any(
            "IDF_PATH" in each or each.endswith("/project.cmake") for each in included
        )
        return cls(
            is_project="project" in names,
            is_firmware=firmware or "find_package(Zephyr" in text,
            enables=not _ENABLES.isdisjoint(names) or "CTest" in included,
            adds_tests=any(
                name == "add_test" or name.endswith("_discover_tests") for name in names
            ),
        )
