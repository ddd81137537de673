"""Files that say how an app is built and tested: models see them whatever the task's words are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine import manifest
from engine.source.diffs import lines_of
from engine.source.file_kinds import FileKind, kind_of
from engine.source.test_files import is_test_file

MAX_FILES = 10
"""Such files that are shown."""

_MAX_TEST_FILES = 2
_MAX_LINES = 60
_NAMES = (
    *(manifest.FILE_NAME, "CMakeLists.txt", "platformio.ini", "sketch.yaml", "sketch.yml"),
    *("library.properties", "idf_component.yml", "Kconfig.projbuild", "sdkconfig.defaults"),
    *("partitions.csv", "Makefile"),
)
_FOLDERS = ("", "main", "src", "test", "tests", "test/main", "test_app", "test_app/main")
_REGISTERS = re.compile(
    r"\s*(?:RUN_TEST(?:_CASE)?|TEST_CASE(?:_MULTIPLE_\w+)?|TEST_GROUP(?:_RUNNER)?|RUN_TEST_GROUP"
    r"|UNITY_BEGIN|UNITY_END|UNITY_MAIN|unity_run_\w+|void (?:test_\w+|app_main)|int main"
    r"|def test_\w+)\s*\("
)


def build_files(paths: Sequence[str], app: str) -> list[str]:
    """Files that say how an app is built, the most telling first.

    Args:
        paths: from the root of the repository.
        app: the app's folder, empty for the root.
    """
    known = frozenset(paths)
    tops = dict.fromkeys((app, ""))
    places = ("/".join(filter(None, (top, folder))) for folder in _FOLDERS for top in tops)
    wanted = ("/".join(filter(None, (place, name))) for place in places for name in _NAMES)
    return [path for path in dict.fromkeys(wanted) if path in known][:MAX_FILES]


def test_files(texts: dict[str, str]) -> dict[str, frozenset[int]]:
    """The sources that name most tests, with the lines that do.

    Args:
        texts: of what may be shown, by path.
    """
    found = {
        path: _registrations(text)
        for path, text in texts.items()
        if kind_of(path) is FileKind.SOURCE and is_test_file(path)
    }
    order = sorted(found, key=lambda path: (-len(found[path]), path))
    return {path: found[path] for path in order[:_MAX_TEST_FILES] if found[path]}


def _registrations(text: str) -> frozenset[int]:
    rows = enumerate(lines_of(text), 1)
    return frozenset([line for line, row in rows if _REGISTERS.match(row)][:_MAX_LINES])
