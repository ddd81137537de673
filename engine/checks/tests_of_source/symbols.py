"""Names of C and C++ by which a test refers to one source and no other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.source_files import Kind, ProjectFiles

_MIN_SYMBOL_CHARACTERS = 5
_MIN_PLAIN_CHARACTERS = 10  # of a name that is one word of small letters

_CLASS = re.compile(
    r"^[ \t]*(?:template[^\n]{0,200}\n?[ \t]*)?(?:class|struct)[ \t]+(\w+)"
    r"[ \t]*(?:final[ \t]*)?[:{\n]",
    re.MULTILINE,
)


def _is_telling(name: str) -> bool:
    """Whether a name is none that any library may have: ``begin`` and ``write`` say nothing."""
    if len(name) < _MIN_SYMBOL_CHARACTERS or name in conventions.ENTRY_FUNCTIONS:
        return False
    return not (name.isalpha() and name.islower()) or len(name) >= _MIN_PLAIN_CHARACTERS


def of(files: ProjectFiles, sources: Sequence[str]) -> dict[str, str]:
    """The source of each function and class that one alone defines, by its name.

    What helpers of tests define is not meant: it may stand in for the other.
    """
    functions: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, set[str]] = defaultdict(set)
    for path in sources:
        is_header = PurePosixPath(path).suffix.lower() in conventions.C_HEADERS
        for name in files.functions.get(path, ()):
            first, _colons, rest = name.partition("::")
            # In a header they are methods of classes, whose bare names say little.
            if not is_header or rest or ("_" in name and " " not in name):
                functions[first].add(path)
        if is_header:
            for name in _CLASS.findall(files.text(path)):
                classes[name].add(path)
    doubles = {
        name.partition("::")[0]
        for path in files.of(Kind.SUPPORT)
        for name in files.functions.get(path, ())
    }
    return {
        name: next(iter(paths))
        for name, paths in (functions | classes).items()
        if len(paths) == 1 and _is_telling(name) and name not in doubles
    }
