"""The files of a project: which are sources that want a test, which are tests, which are neither.

A source wants a test where it is the project's own code. Left out are what others wrote or a tool
made, examples and documentation, data and declarations, scripts of build systems, and a file that
only starts the others: no test on a computer can call ``app_main``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.pytest_settings import PytestSettings
from engine.files import read_file
from engine.projects import git, git_objects
from engine.source.copied_libraries import copied_libraries
from engine.source.file_policy import GENERATED, exposure_refusal
from engine.source.files import MAX_NAMES, MAX_TEXT, FolderFiles
from engine.source.functions import functions_of

_MAX_TOTAL_BYTES = 96 << 20
_MAX_PATH_CHARACTERS = 400
_HEAD_CHARACTERS = 1200

_MADE = re.compile(
    r"(?i)auto[- ]?(?:matically )?generated|generated (?:by|from|with|using|automatically)"
    r"|do not (?:edit|modify)|machine generated|\bLVGL\b.{0,40}\bimage converter"
)
_C_TEST = re.compile(
    r"^[ \t]*(?:TEST_CASE(?:_MULTIPLE_(?:STAGES|DEVICES)|_METHOD|_FIXTURE)?|TEST_GROUP"
    r"|TEST(?:_F|_P)?|TYPED_TEST(?:_P)?|TEMPLATE_TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE"
    r"|ZTEST(?:_F)?|unittest|testF?)[ \t]*\("
    r"|\b(?:RUN_TEST(?:_CASE|_GROUP)?|cmocka_unit_test)[ \t]*\("
    r"|^[ \t]*(?:static[ \t]+)?void[ \t]+test_?\w*[ \t]*\(",
    re.MULTILINE,
)
_C_RUNNER = re.compile(r"\b(?:UNITY_BEGIN|unity_run_\w+|UnityMain)[ \t]*\(")
_C_FRAMEWORK = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*[<"](?:unity(?:_fixture)?\.h|gtest/|gmock/|catch2/|catch\.hpp'
    r"|doctest|AUnit|ArduinoUnit|CppUTest|cmocka|boost/test|zephyr/ztest)",
    re.MULTILINE,
)
_TEST_FUNCTION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test", re.M)
_OUTER = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)([^\n:]{0,200})", re.M)
_PYTHON_CODE = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+\w", re.M)
_SCONS = re.compile(r"^[ \t]*Import\([ \t]*[\"'(]", re.M)


class Kind(Enum):
    """What a file is to this check; the values say why one wants no test."""

    SOURCE = "source"
    TEST = "test"
    BOARD_TEST = "test on a board"
    SUPPORT = "used by tests"
    FOREIGN = "of others"
    EXAMPLE = "examples and documentation"
    GENERATED = "generated"
    DECLARATIONS = "declarations and data"
    ENTRY = "program entry"
    BUILD = "part of the build system"


LEFT_OUT = (
    *(Kind.FOREIGN, Kind.EXAMPLE, Kind.GENERATED, Kind.DECLARATIONS, Kind.ENTRY, Kind.BUILD),
)
"""Kinds of code that wants no test."""


@dataclass(slots=True)
class ProjectFiles:
    """The files of a project that are code.

    Args:
        root: folder that paths are relative to. Untrusted.
        names: of every file there is.
        listed: these, and folders that are submodules.
        kinds: what each file of code is.
        functions: of C sources and headers, the names that each defines.
        settings: of pytest, as the project has them.
        unread: how many files were not looked at, as there are too many bytes.
    """

    root: Path
    names: Sequence[str]
    listed: Sequence[str]
    settings: PytestSettings
    kinds: dict[str, Kind] = field(default_factory=dict)
    functions: dict[str, frozenset[str]] = field(default_factory=dict)
    unread: int = 0
    _read: int = 0
    _copied: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A file's text; empty for one that is no text, a link, or larger than 1 MiB."""
        try:
            path = self.root / name
            if path.is_symlink():
                return ""
            data = read_file(path, MAX_TEXT)
        except (OSError, ValueError):
            return ""
        return "" if b"\0" in data else data.decode("utf-8-sig", "replace")

    def of(self, *kinds: Kind) -> list[str]:
        """Paths of some kinds, sorted."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def own_modules(self) -> frozenset[str]:
        """First names by which Python can import something of the project."""
        python = [name for name in self.names if name.endswith(".py")]
        packages = {name.rpartition("/")[0] for name in python if name.endswith("__init__.py")}
        found = {
            each.rpartition("/")[2] for each in packages if each.rpartition("/")[0] not in packages
        }
        for name in python:
            folder, _slash, file = name.rpartition("/")
            if folder not in packages:
                found.add(file.removesuffix(".py"))
        return frozenset(found)

    def headers(self) -> frozenset[str]:
        """Paths of its C headers."""
        ends = tuple(conventions.C_HEADERS)
        return frozenset(name for name in self.names if name.lower().endswith(ends))

    def left_out(self) -> Mapping[str, int]:
        """How much code wants no test, by reason."""
        found = Counter(kind.value for kind in self.kinds.values() if kind in LEFT_OUT)
        return dict(sorted(found.items()))

    def classify(self) -> None:
        """Say of each file what it is."""
        headers: list[str] = []
        self._copied = copied_libraries(self.names)
        for name in self.names:
            suffix = PurePosixPath(name).suffix.lower()
            if suffix in conventions.C_HEADERS:
                headers.append(name)
            elif suffix in conventions.C_SOURCES or suffix in conventions.PYTHON:
                self.kinds[name] = self._kind(name, suffix)
        bodies = Bodies(name for name in self.kinds if not name.endswith(".py"))
        for name in headers:
            kind = self._kind(name, PurePosixPath(name).suffix.lower())
            if kind is Kind.SOURCE and bodies.of(name):
                kind = Kind.DECLARATIONS  # what is in it belongs to those
            self.kinds[name] = kind
        self.kinds = dict(sorted(self.kinds.items()))

    def _kind(self, name: str, suffix: str) -> Kind:
        folders = [part.lower() for part in name.split("/")[:-1]]
        in_tests = conventions.home_of(name)[1]
        if not conventions.FOREIGN_FOLDERS.isdisjoint(folders) or name.startswith(self._copied):
            return Kind.FOREIGN
        if exposure_refusal(name) == GENERATED:
            return Kind.GENERATED
        text = self._bounded(name)
        if suffix in conventions.PYTHON:
            kind = self._kind_of_python(name, text, in_tests)
        else:
            kind = self._kind_of_c(name, suffix, text, in_tests)
        if conventions.is_example(folders):
            return Kind.EXAMPLE  # and tests there are part of what is shown
        if kind in (Kind.TEST, Kind.BOARD_TEST):
            return kind
        if in_tests or (suffix not in conventions.PYTHON and conventions.is_double(name)):
            return Kind.SUPPORT
        return Kind.BUILD if any(part.startswith(".") for part in folders) else kind

    def _bounded(self, name: str) -> str:
        if self._read > _MAX_TOTAL_BYTES:
            self.unread += 1
            return ""
        text = self.text(name)
        self._read += len(text)
        return text

    def _kind_of_python(self, name: str, text: str, in_tests: bool) -> Kind:
        last = PurePosixPath(name).name
        has_tests = bool(_TEST_FUNCTION.search(text))
        if has_tests and PurePosixPath(last).match(conventions.BOARD_SUITE):
            return Kind.BOARD_TEST
        named = conventions.is_named_test(name, self.settings.python_files)
        # A tool may be called test_x.py as well: then it has no tests, or other code beside them.
        if named and has_tests and (in_tests or _is_all_tests(text)):
            return Kind.TEST
        if last in conventions.BUILD_SCRIPTS or _SCONS.search(text):
            return Kind.BUILD
        if last in ("conftest.py", "tests.py"):
            return Kind.SUPPORT
        if last == "__main__.py":
            return Kind.ENTRY
        if _MADE.search(text[:_HEAD_CHARACTERS]):
            return Kind.GENERATED
        return Kind.SOURCE if _PYTHON_CODE.search(text) else Kind.DECLARATIONS

    def _kind_of_c(self, name: str, suffix: str, text: str, in_tests: bool) -> Kind:
        is_source = suffix in conventions.C_SOURCES
        framework = bool(_C_FRAMEWORK.search(text))
        names = frozenset(each.name for each in functions_of(name, text))
        if names:
            self.functions[name] = names
        if is_source and (in_tests or framework) and _C_TEST.search(text):
            return Kind.TEST
        starts = in_tests or not names.isdisjoint(conventions.ENTRY_FUNCTIONS)
        if is_source and framework and starts and _C_RUNNER.search(text):
            return Kind.SUPPORT  # runs tests that are in other files
        if in_tests:
            is_test = "main" in names or (bool(names) and conventions.is_named_test(name))
            return Kind.TEST if is_source and is_test else Kind.SUPPORT
        if _MADE.search(text[:_HEAD_CHARACTERS]):
            return Kind.GENERATED
        if not names:
            return Kind.DECLARATIONS
        return Kind.ENTRY if is_source and names <= conventions.ENTRY_FUNCTIONS else Kind.SOURCE


def _is_all_tests(text: str) -> bool:
    """Whether most of what a Python file defines at its outermost level are tests."""
    outer = _OUTER.findall(text)
    tests = [
        name
        for name, bases in outer
        if name.startswith(("test", "Test")) or name.endswith("Test") or "TestCase" in bases
    ]
    return 2 * len(tests) >= len(outer)


_NEUTRAL_FOLDERS = frozenset(
    {
        *("include", "inc", "src", "source", "sources", "lib", "headers", "private_include"),
        *("priv_include", "private", "public", "core", "interface", "api"),
    }
)


class Bodies:
    """The C sources that belong to a header: of the same name, in the same part of the tree."""

    def __init__(self, sources: Iterator[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for name in sources:
            self._by_stem.setdefault(PurePosixPath(name).stem.lower(), []).append(name)

    def of(self, header: str) -> list[str]:
        """Sources of a header; none for one that has its code in itself, or is for many."""
        base = _base(header)
        found = []
        for name in self._by_stem.get(PurePosixPath(header).stem.lower(), ()):
            other = _base(name)
            shorter = min(len(base), len(other))
            if base[:shorter] == other[:shorter]:
                found.append(name)
        same = header.rpartition("/")[0]
        beside = [name for name in found if name.rpartition("/")[0] == same]
        return beside or found


def _base(name: str) -> tuple[str, ...]:
    folders = name.split("/")[:-1]
    return tuple(part for part in folders if part.lower() not in _NEUTRAL_FOLDERS)


def collect(tree: Path, app: str) -> ProjectFiles:
    """The code of a project.

    Args:
        tree: its source tree. Untrusted; only read.
        app: the folder of it that the project builds, empty for all of it.

    Raises:
        ToolError: the tree cannot be listed.
    """
    start = f"{app.strip('/')}/" if app.strip("/") else ""
    root = tree / app
    listed = [name.removeprefix(start) for name in _listed(tree) if name.startswith(start)]
    kept = sorted(name for name in set(listed) if _counts(root, name))
    found = ProjectFiles(root, kept, listed, PytestSettings.read(root, kept))
    found.classify()
    return found


def _listed(tree: Path) -> Sequence[str]:
    """Git's list, which knows what is ignored; all files of a folder without Git."""
    if git.is_repository(tree):
        return list(islice(git_objects.list_files(tree), MAX_NAMES))
    return FolderFiles(tree).names


def _counts(root: Path, name: str) -> bool:
    # Reached through no link, and with a name that can be shown and looked up.
    if len(name) > _MAX_PATH_CHARACTERS or not name.isprintable():
        return False
    path = root / name
    return path.is_file() and not path.is_symlink()
