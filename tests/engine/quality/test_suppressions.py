"""Who is measured cannot make the tools look away, nor write the report of its own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.quality import suppressions
from engine.quality.result import MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.quality.trees import RING, RING_C, gate, measure, write

HEAD = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n"


@pytest.mark.parametrize(
    ("line", "aspect"),
    [
        ("strcpy(a, b); // Flawfinder: ignore", Aspect.SECURITY),
        ("eval(x)  # nosec B307", Aspect.SECURITY),
        ("key = 'x'  # pragma: allowlist secret", Aspect.SECURITY),
        ("int f(void) { // #lizard forgives", Aspect.CODE),
        ("/* GENERATED CODE */", Aspect.CODE),
        ("if (x) { // LCOV_EXCL_START", Aspect.COVERAGE),
        ("def f():  # pragma: no cover", Aspect.COVERAGE),
    ],
)
def test_a_mark_that_a_model_adds_is_an_error(line: str, aspect: Aspect) -> None:
    found = suppressions.added(f"{HEAD}@@ -1,2 +1,3 @@\n int a;\n+{line}\n int b;\n")

    (error,) = found[aspect]
    assert list(found) == [aspect]
    assert error.title == "a.c:2: a model marked this line so that a tool ignores it"


def test_a_mark_that_was_there_may_stay_and_move() -> None:
    kept = "-f(1); // nosec\n+f(2); // nosec\n"
    patch = f"{HEAD}@@ -1 +1 @@\n{kept.replace('//', '#')}@@ -9 +9 @@\n-g(); # nosec\n+g();\n"
    assert suppressions.added(patch) == {}


def test_text_that_looks_like_the_head_of_a_file_is_text() -> None:
    patch = f"{HEAD}@@ -1 +1,3 @@\n int a;\n+++ b/other.c\n+x # nosec\n"
    (error,) = suppressions.added(patch)[Aspect.SECURITY]
    assert (error.file, error.line) == ("a.c", 3)


@pytest.mark.slow
def test_the_gate_fails_what_hides_from_it(tmp_path: Path) -> None:
    tree = write(tmp_path / "ring", RING)
    patch = "--- /dev/null\n+++ b/src/ring.c\n@@ -0,0 +1 @@\n+// flawfinder: ignore\n"

    result = gate(tree, patch=patch)

    assert not result.passed
    assert [each.code for each in result.blockers] == ["quality.mark"]


@pytest.mark.slow
def test_a_report_that_a_model_wrote_says_nothing(tmp_path: Path) -> None:
    count = len(RING_C.splitlines())
    lines = "".join(f"DA:{line},1\n" for line in range(1, count + 1))
    report = f"SF:src/ring.c\n{lines}end_of_record\n"
    tree = write(tmp_path / "ring", {**RING, "lcov.info": report})
    patch = "--- /dev/null\n+++ b/lcov.info\n@@ -0,0 +1 @@\n+SF:src/ring.c\n"

    believed = measure(tree, Aspect.COVERAGE)
    found = measure(tree, Aspect.COVERAGE, patch=patch)

    assert believed.value == 100
    assert found.status is MeasureStatus.UNKNOWN
    assert found.detail == "lcov.info is a model's own, not that of a test run"
