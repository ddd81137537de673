"""Which files of a repository are tests, by their names and, where a name says little, their text.

Names are those that the tools look for which run them: ESP-IDF (docs.espressif.com, "Unit Testing
in ESP32": ``test`` below a component, ``test_apps``), pytest-embedded (``pytest_*.py``), PlatformIO
(docs.platformio.org, "Test Hierarchy": ``test``, ``test_*``), Ceedling and pytest.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_TEST_FOLDER = re.compile(
    r"(?:(?:unit|host|native|integration|linux|component|fuzz|linux_host)[-_]?)?tests?"
    r"|unittests?|tests?[-_].+|(?:host|unit)[-_]test[-_].+|.*[-_]host[-_]tests?|pytests?"
)
_TEST_NAMES = ("pytest_*.py", "test_*.py", "*_test.py", "conftest.py")
_NAMES_WITH_TESTS = (
    *("test_*", "*_test.*", "*_tests.*", "*_unittest.*", "*_spec.*"),
    *("test.*", "tests.*"),
)
"""Names that tests mostly have, and other files too (``self_test.c``): their text decides."""

TEST_BODY = re.compile(r"\b(?:TEST_ASSERT|TEST_FAIL|TEST_ESP_|RUN_TEST|TEST_CASE)\w*[ \t]*\(")
"""What stands in tests that are written with Unity."""


def is_test_folder(name: str) -> bool:
    """Whether a folder is one of tests by its name."""
    return _TEST_FOLDER.fullmatch(name.lower()) is not None


def is_test_file(path: str, text: str | None = None) -> bool:
    """Whether a file is of the tests.

    Args:
        path: from the root of the project.
        text: of it; None where it is not known: then its name alone decides.
    """
    pure = PurePosixPath(path.lower())
    if any(map(is_test_folder, pure.parts[:-1])):
        return True
    if any(fnmatchcase(pure.name, pattern) for pattern in _TEST_NAMES):
        return True
    if not any(fnmatchcase(pure.name, pattern) for pattern in _NAMES_WITH_TESTS):
        return False
    return text is None or TEST_BODY.search(text) is not None
