"""How test frameworks have files and folders of tests named, as data and small functions on names.

Sources: pytest ("Changing naming conventions"), ESP-IDF ("Unit Testing in ESP32": ``test`` in a
component, and apps in ``test_apps``), PlatformIO ("Test Hierarchy": ``test/test_x/``), Ceedling
(``test/test_x.c``), GoogleTest and Catch2 (``x_test.cc``, ``TestX.cpp``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from engine.source.c_source import C_SUFFIXES
from engine.source.file_policy import THIRD_PARTY_FOLDERS
from engine.source.files import FETCHED
from engine.source.test_files import is_test_folder

C_SOURCES = frozenset({".c", ".cc", ".cpp", ".cxx", ".ino", ".pde"})
"""Endings of what is compiled; the others are headers."""

C_HEADERS = (C_SUFFIXES - C_SOURCES - {".s", ".inc"}) | {".inl", ".ipp", ".tpp"}
"""Endings of what is included."""

PYTHON = frozenset({".py"})

FOREIGN_FOLDERS = (
    THIRD_PARTY_FOLDERS
    | FETCHED
    | {
        *("3rdparty", "3rd_party", "thirdparty", "third-party", "external", "externals"),
        *("extern", "vendored", "deps", "submodules", "googletest", "catch2"),
    }
)
"""Folders of what others wrote, in lower case."""

EXAMPLE_FOLDERS = frozenset({"example", "examples", "demo", "demos", "doc", "docs", "benchmarks"})
"""Folders of what shows how the project is used: nobody uses it, so nobody tests it."""

ENTRY_FUNCTIONS = frozenset({"app_main", "main", "setup", "loop"})
"""Where firmware and programs begin; a file with these alone starts others."""

BUILD_SCRIPTS = frozenset({"setup.py", "conf.py", "noxfile.py", "conanfile.py", "SConstruct.py"})

PYTEST_FILES = ("test_*.py", "*_test.py")
"""pytest's default of ``python_files``."""

BOARD_SUITE = "pytest_*.py"
"""Suites of pytest-embedded, beside the app that they need on a board (ESP-IDF, "Pytest")."""

_PREFIX = re.compile(r"(?:py)?(?:unit_?)?tests?_+|ut_+|(?:Unit)?Test(?=[A-Z0-9])", re.ASCII)
_SUFFIX = re.compile(r"_+(?:unit_?|host_?)?tests?$|_+(?:ut|spec)$|(?<=[a-z0-9])(?:Unit)?Tests?$")
_DOUBLE = re.compile(r"(?:^|[_-])(?:mock|mocks|fake|fakes)(?:[_-]|$)")
_NO_SUBJECT = frozenset(
    {"", "main", "app_main", "app", "runner", "all", "suite", "test", "tests", "src", "source"}
)


_CODE_FOLDERS = frozenset({"src", "source", "lib", "main", "include"})


def is_example(folders: Sequence[str]) -> bool:
    """Whether folders, in lower case, lead to examples or documentation: below code none do."""
    for folder in folders:
        if folder in _CODE_FOLDERS:
            return False
        if folder in EXAMPLE_FOLDERS:
            return True
    return False


def home_of(path: str) -> tuple[str, bool]:
    """The folder whose code a file in a folder of tests is for, and whether it lies in one."""
    parts = path.split("/")[:-1]
    for index, part in enumerate(parts):
        if is_test_folder(part):
            return "/".join(parts[:index]), True
    return "/".join(parts), False


def is_double(path: str) -> bool:
    """Whether a C source stands in for another in tests, by its name or its folder's.

    Not so in Python: a module ``fake`` is a part of more than one package.
    """
    parts = path.lower().split("/")
    return any(_DOUBLE.search(PurePosixPath(part).stem) for part in parts[-2:])


def is_named_test(path: str, patterns: tuple[str, ...] = PYTEST_FILES) -> bool:
    """Whether a file's name is that of a test.

    Args:
        patterns: of Python files, as pytest has them.
    """
    pure = PurePosixPath(path)
    if pure.suffix == ".py":
        names = (pure.name, path)
        return any(fnmatchcase(name, each) for each in patterns for name in names)
    plain = _plain(pure.stem)
    return bool(_PREFIX.match(plain) or _SUFFIX.search(plain) or plain.lower() in ("test", "tests"))


def subjects_of(path: str) -> tuple[str, ...]:
    """What a test is about by its name, else by that of its folder; the most telling first.

    ``tests/ring/test_push.c`` is about ``push`` and ``ring_push``, ``test/test_ring/main.cpp``
    about ``ring``.
    """
    *folders, name = path.split("/")
    own = _subject(PurePosixPath(name).stem)
    above = [_subject(each) for each in reversed(folders)]
    while own in _NO_SUBJECT and above:
        own = above.pop(0)
    if own in _NO_SUBJECT:
        return ()
    around = next((each for each in above if each not in _NO_SUBJECT), "")
    return (f"{around}_{own}", own) if around else (own,)


def _subject(name: str) -> str:
    plain = _plain(name)
    return _SUFFIX.sub("", _PREFIX.sub("", plain, count=1), count=1).lower().strip("_")


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", name)


def names_of(path: str) -> tuple[str, ...]:
    """What a test of a source file may be called by: its name with and without its folder's."""
    *folders, name = path.split("/")
    stem = _plain(PurePosixPath(name).stem).lower().strip("_")
    folder = _plain(folders[-1]).lower() if folders else ""
    if stem == "init" and name.endswith(".py"):
        return (folder,) if folder else ()
    names = [stem]
    if stem.startswith("esp_"):
        names.append(stem.removeprefix("esp_"))
    if folder:
        names.append(f"{folder}_{stem}")
    return tuple(names)
