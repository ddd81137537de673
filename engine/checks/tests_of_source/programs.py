"""Which test files the programs are made of that CTest runs."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.covering import TestFile
from engine.checks.tests_of_source.reports import Result
from engine.checks.tests_of_source.source_files import ProjectFiles
from engine.toolchains import cmake_lists

_LISTS = "CMakeLists.txt"
_MAX_SHARED = 4  # files that a name may be declared in and still tell them
_TARGETS = frozenset({"add_executable", "target_sources", "add_library"})


class Programs:
    """Finds the test files of results that name none, as CTest's.

    Args:
        files: of the project.
        tests: its tests by path.
    """

    def __init__(self, files: ProjectFiles, tests: Mapping[str, TestFile]) -> None:
        self._declared: dict[str, set[str]] = defaultdict(set)
        self._called: dict[str, set[str]] = defaultdict(set)
        for path, test in tests.items():
            for name in test.declares:
                self._declared[name].add(path)
            if not path.endswith(".py"):
                stem = posixpath.basename(path).partition(".")[0].lower()
                for name in {stem, *conventions.subjects_of(path)}:
                    self._called[name].add(path)
        self._built = _targets(files, tests)

    def files_of(self, result: Result) -> frozenset[str]:
        """The test files of a result; empty where they are not known."""
        if result.test_file:
            return frozenset({result.test_file})
        for known in (self._built, self._declared):
            found: set[str] = set()
            for name in result.names:
                paths = known.get(name, set())
                if len(paths) <= _MAX_SHARED or known is self._built:
                    found |= paths
            if found:
                return frozenset(found)
        for name in result.names[:1]:
            for each in (name.lower(), *conventions.subjects_of(f"{name}.c")):
                if found := self._called.get(each, set()):
                    return frozenset(found)
        return frozenset()


def _targets(files: ProjectFiles, tests: Iterable[str]) -> dict[str, set[str]]:
    """Test files by the program, and by the name of the test, that they are built into."""
    known = set(tests)
    built: dict[str, set[str]] = defaultdict(set)
    runs: dict[str, str] = {}
    for path in files.names:
        if posixpath.basename(path) != _LISTS:
            continue
        folder = posixpath.dirname(path)
        for command in cmake_lists.commands(files.text(path)):
            words = command.arguments
            if command.name in _TARGETS and words:
                for word in words[1:]:
                    plain = word.rpartition("}/")[2]
                    source = posixpath.normpath(posixpath.join(folder, plain))
                    if source in known:
                        built[words[0]].add(source)
            elif command.name == "add_test" and len(words) > 1:
                named = words[0] == "NAME"
                name = words[1] if named else words[0]
                if "COMMAND" in words[:-1]:
                    runs[name] = words[words.index("COMMAND") + 1]
                elif not named:
                    runs[name] = words[1]
    for name, program in runs.items():
        if program in built:
            built[name] |= built[program]
    return dict(built)
