"""What the files of a repository are to a model, by their names alone: rules as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from engine.source.test_files import is_test_file

SOURCES = frozenset(
    {
        *(".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"),
        *(".ino", ".pde", ".py", ".rs", ".s", ".js", ".ts"),
    }
)
"""Endings of sources, in lower case."""

_CONFIGURATION = (
    *("cmakelists.txt", "*.cmake", "component.mk", "makefile*", "kconfig*", "sdkconfig.defaults*"),
    *("partition*.csv", "idf_component.yml", "platformio.ini", "sketch.yaml", "library.json"),
    *("espdeck.toml", "library.properties", "cargo.toml", "build.rs", "*.ld", "*.lf", "*.overlay"),
)
_FORMAL = ("license*", "licence*", "copying*", "notice*", "code_of_conduct*", "contributing*")
_README = re.compile(
    r"readme(?:[-_. ](?:[a-z]{2,3}(?:[-_][a-z]{2,4})?|chinese|english|french|german|italian"
    r"|japanese|korean|portuguese|russian|spanish))?(?:\.(?:md|rst|txt|adoc))?"
)
_ASIDE = frozenset({"example", "examples", "demo", "demos", "tools", "ci"})
_BENEATH = frozenset(
    {
        *("runtime", "startup", "boot", "bootloader", "linker", "crt", "cmsis", "newlib"),
        *("third_party", "thirdparty", "vendor", "external", "extern"),
    }
)
_BENEATH_STEMS = frozenset({"startup", "start", "crt0", "crt1", "syscalls", "vectors", "entry"})


class FileKind(IntEnum):
    """What a file is, the most telling first."""

    SOURCE = 1
    CONFIGURATION = 2
    README = 3
    OTHER = 4
    FORMAL = 5


def kind_of(path: str) -> FileKind:
    """What a file is, by its name."""
    name = PurePosixPath(path).name.lower()
    if any(fnmatchcase(name, pattern) for pattern in _CONFIGURATION):
        return FileKind.CONFIGURATION
    if PurePosixPath(name).suffix in SOURCES:
        return FileKind.SOURCE
    if _README.fullmatch(name):
        return FileKind.README
    if any(fnmatchcase(name, pattern) for pattern in _FORMAL):
        return FileKind.FORMAL
    return FileKind.OTHER


def is_below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder; in the root, which is empty, lies everything."""
    return not folder or path.startswith(f"{folder}/")


def other_apps(app: str, apps: Iterable[str]) -> Callable[[str], bool]:
    """Tells of a path whether it lies in the folder of an app that is not the project's.

    Args:
        app: folder of the project's app, empty for the root.
        apps: folders of all apps of the repository. Where ``app`` is none of them, the project is
            the repository, and they are all its own.
    """
    folders = frozenset(apps)
    others = folders - {app, ""} if app in folders else frozenset[str]()

    def is_other(path: str) -> bool:
        above = path.rpartition("/")[0]
        while above and above not in folders:
            above = above.rpartition("/")[0]
        return above in others and not is_below(app, above)

    return is_other


def is_beneath(path: str) -> bool:
    """Whether a file is none of the product, but what it runs on: runtime, start-up, copies."""
    pure = PurePosixPath(path.lower())
    return (
        pure.suffix in (".s", ".ld")
        or pure.stem in _BENEATH_STEMS
        or not _BENEATH.isdisjoint(pure.parts[:-1])
    )


def base_score(path: str) -> float:
    """What a file is worth whatever is asked: an app's entry more, tests and examples less."""
    pure = PurePosixPath(path)
    folders = {part.lower() for part in pure.parts[:-1]}
    if is_test_file(path):
        return -0.3
    if not folders.isdisjoint(_ASIDE):
        return -0.2
    return 0.3 if "main" in (*pure.parts[:-1], pure.stem) else 0.0
