"""Names of tests and sources, and what Python files mention: properties of any text."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.pytest_settings import PytestSettings
from engine.checks.tests_of_source.python_imports import Modules, mentions_of
from engine.source.test_files import is_test_folder

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)


@pytest.mark.parametrize(
    ("path", "subjects"),
    [
        ("tests/test_ring.py", ("ring",)),
        ("tests/boards/test_ring.py", ("boards_ring", "ring")),
        ("src/ring_test.cc", ("ring",)),
        ("test/TestRingBuffer.c", ("ringbuffer",)),
        ("test/test_ring/test_main.cpp", ("ring",)),
        ("test/test_ring/main.c", ("ring",)),
        ("test/main.c", ()),
        ("test/RingTests.cpp", ("ring",)),
        ("test/test-ring.c", ("ring",)),
    ],
)
def test_what_a_test_is_about(path: str, subjects: tuple[str, ...]) -> None:
    assert conventions.subjects_of(path) == subjects


@pytest.mark.parametrize(
    ("folder", "is_one"),
    [
        *((name, True) for name in ("test", "tests", "test_apps", "host_test", "unit-test")),
        *((name, True) for name in ("test_spiffsgen", "linux_host_tests", "UnitTests")),
        *((name, False) for name in ("self_test", "testable", "latest", "contest", "src")),
    ],
)
def test_folders_of_tests(folder: str, is_one: bool) -> None:
    assert is_test_folder(folder) is is_one


@given(PATHS)
def test_any_path_has_a_home_above_it(path: str) -> None:
    home, _in_tests = conventions.home_of(path)

    assert not home or path.startswith(f"{home}/")
    assert "" not in conventions.subjects_of(path)
    conventions.names_of(path)
    conventions.is_named_test(path)


@given(st.text(max_size=200))
def test_any_text_may_stand_in_a_python_file(text: str) -> None:
    mentions_of(text)


@given(st.lists(PATHS.map(lambda path: f"{path}.py"), max_size=8), PATHS)
def test_modules_are_found_among_any_files(files: list[str], importer: str) -> None:
    modules = Modules(files)
    for each in mentions_of("from . import a\nfrom ...b.c import d\nimport e.f\n").imports:
        found, _gone = modules.of(each, importer)
        assert set(found) <= set(files)


@given(st.sampled_from(["pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"]), st.text())
def test_settings_that_make_no_sense_say_nothing(name: str, text: str) -> None:
    with TemporaryDirectory() as folder:
        for begin in ("", "[pytest]\n", "[tool.pytest.ini_options]\naddopts = "):
            (Path(folder) / name).write_text(begin + text, "utf-8", "replace")
            found = PytestSettings.read(Path(folder), [name])
            assert found.python_files
            found.which_tests()
