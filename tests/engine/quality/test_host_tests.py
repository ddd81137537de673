"""Host tests that the gate runs: CTest's with gcov, pytest's with coverage.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.quality.result import MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.quality.trees import RING, gate, measure, write

pytestmark = pytest.mark.slow

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(host C)
enable_testing()
add_executable(test_ring test_ring.c ../../src/ring.c)
add_test(NAME ring COMMAND test_ring)
"""
TOML = '[quality]\nhost_tests = "test/host"\n'
CTEST = {**RING, "espdeck.toml": TOML, "test/host/CMakeLists.txt": CMAKE}

CALC = '''"""Sums."""


def add(one: int, other: int) -> int:
    """The sum."""
    return one + other


def never() -> int:
    """Nothing calls it."""
    return 0
'''
PYTEST = {
    "espdeck.toml": '[quality]\nhost_tests = "tests"\n',
    "calc/__init__.py": "",
    "calc/sums.py": CALC,
    "calc/unused.py": "LIMIT = 1\nROOM = 2\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--an-option-of-some-plugin"\n',
}


def c_test(body: str) -> str:
    return (
        f'#include "../../src/ring.h"\nint main(void) {{\n    struct ring r = {{0}};\n{body}\n}}\n'
    )


@pytest.mark.parametrize(
    ("body", "value", "status"),
    [
        ("return ring_push(&r, 3) || !ring_push(&r, -1);", 100.0, MeasureStatus.PASSED),
        ("return ring_push(&r, 3);", 80.0, MeasureStatus.PASSED),
        ("return !ring_push(&r, -1);", 60.0, MeasureStatus.FAILED),
    ],
)
def test_what_c_tests_run_is_counted(
    tmp_path: Path, body: str, value: float, status: MeasureStatus
) -> None:
    tree = write(tmp_path / "x", {**CTEST, "test/host/test_ring.c": c_test(body)})

    found = measure(tree, Aspect.COVERAGE)

    assert (found.value, found.status) == (value, status), found.detail
    assert "in 1 of 1 source" in found.detail
    assert not (tree / "build").exists()


def test_tests_that_fail_block_whatever_they_cover(tmp_path: Path) -> None:
    fails = c_test("ring_push(&r, 3);\nring_push(&r, -1);\nreturn 1;")
    result = gate(write(tmp_path / "x", {**CTEST, "test/host/test_ring.c": fails}))

    assert not result.passed
    (blocker,) = result.blockers
    assert blocker.code == "quality.tests"
    assert blocker.message.startswith("ctest: 0% tests passed")
    assert "ring (Failed)" in (blocker.evidence or "")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"test/host/test_ring.c": "int main(void) { return missing; }\n"}, "‘missing’ undeclared"),
        ({"test/host/CMakeLists.txt": "nonsense()\n"}, 'Unknown CMake command "nonsense"'),
    ],
)
def test_tests_that_cannot_be_built_fail(tmp_path: Path, files: dict[str, str], said: str) -> None:
    result = gate(write(tmp_path / "x", CTEST | files))

    found = next(each for each in result.measures if each.id is Aspect.COVERAGE)
    assert (found.status, found.value) == (MeasureStatus.FAILED, None)
    assert found.detail.startswith("host tests do not build: ")
    assert said in result.blockers[0].message
    assert (result.blockers[0].file or "").startswith("test/host/")


def test_a_suite_without_tests_is_no_coverage(tmp_path: Path) -> None:
    none = {"test/host/CMakeLists.txt": CMAKE.rpartition("add_test")[0]}
    tree = write(tmp_path / "x", {**CTEST, **none, "test/host/test_ring.c": c_test("return 0;")})

    found = measure(tree, Aspect.COVERAGE)

    assert found.status is MeasureStatus.FAILED
    assert "ctest" in found.detail


def test_what_pytest_runs_is_counted_and_what_nobody_imports_too(tmp_path: Path) -> None:
    test = "from calc.sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    tree = write(tmp_path / "x", {**PYTEST, "tests/test_sums.py": test})

    found = measure(tree, Aspect.COVERAGE)

    assert found.status is MeasureStatus.FAILED
    assert found.detail.startswith("pytest: 1 passed")
    assert found.detail.endswith("3 of 6 lines in 3 of 3 sources")
    assert not list(tree.rglob("__pycache__"))


def test_tests_of_python_that_fail_block(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {**PYTEST, "tests/test_it.py": "def test_it():\n    assert 0\n"})

    (blocker,) = (each for each in gate(tree).blockers if each.code == "quality.tests")

    assert blocker.message.startswith("pytest: 1 failed")
    assert "FAILED tests/test_it.py::test_it" in (blocker.evidence or "")


def test_tests_see_no_secrets_of_espdeck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_LLM_API_KEY", "token")
    test = "import os\n\n\ndef test_it():\n    assert 'ESPDECK_LLM_API_KEY' not in os.environ\n"

    found = measure(write(tmp_path / "x", {**PYTEST, "tests/test_it.py": test}), Aspect.COVERAGE)

    assert found.detail.startswith("pytest: 1 passed")


def test_a_suite_that_does_not_run_is_explained(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {**PYTEST, "tests/conftest.py": "raise ValueError('no board')\n"})

    found = measure(tree, Aspect.COVERAGE)

    assert found.status is MeasureStatus.FAILED
    assert "ValueError: no board" in found.detail


@pytest.mark.parametrize("folder", ["missing", "link"])
def test_a_folder_that_is_not_the_projects_is_refused(tmp_path: Path, folder: str) -> None:
    tree = write(tmp_path / "x", {**RING, "espdeck.toml": f'[quality]\nhost_tests = "{folder}"\n'})
    (tmp_path / "outside").mkdir()
    (tree / "link").symlink_to(tmp_path / "outside")

    found = measure(tree, Aspect.COVERAGE)

    assert found.status is MeasureStatus.UNKNOWN
    assert "is not a folder of the project" in found.detail
