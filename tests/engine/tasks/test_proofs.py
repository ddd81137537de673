"""What workflows change is built and tried: real compiler and simulator, recorded answers."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from engine import Engine
from engine.enums import RunStatus, StageStatus
from engine.samples import demo
from engine.store.tables import Run
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle
from tests.engine.tasks.tasks import (
    MAIN,
    block,
    done,
    files,
    project,
    stages,
)

pytestmark = [pytest.mark.xdist_group("proofs"), pytest.mark.slow]

BUILT_WITHIN = 240.0
LIMIT = "int limit(int value) {\n    return value > 100 ? 100 : value;\n}\n"
RETURNS = "    return value > 100 ? 100 : value;\n"
RIGHT = "    return value > 100 ? 100 : value < 0 ? 0 : value;\n"
WRONG = "    return value > 100 ? 100 : value < 0 ? zero : value;\n"
FIX = block("main/limit.c", RETURNS, RIGHT)
BREAKS = block("main/limit.c", RETURNS, WRONG)
MENDS = block("main/limit.c", WRONG, RIGHT)
RUNS = "    RUN_TEST(test_division_rounds_towards_zero);\n"


def a_test(name: str, value: str, expected: str) -> str:
    """An answer that adds a test of ``limit`` to the sample's tests."""
    body = (
        f"static void {name}(void) {{\n    TEST_ASSERT_EQUAL({expected}, limit({value}));\n}}\n\n"
    )
    head = f"int limit(int value);\n\n{body}int run_tests(void) {{\n"
    return (
        "A test.\n\n"
        + block("test/test_math.c", "int run_tests(void) {\n", head)
        + block("test/test_math.c", RUNS, f"{RUNS}    RUN_TEST({name});\n")
    )


TEST = a_test("test_limit_is_not_negative", "-5", "0")
VAIN = a_test("test_limit_keeps_small_values", "5", "5")


def a_source(folder: Path) -> Path:
    """A repository that the lab builds, with a mistake in it that no test sees."""
    source = demo.make_repository("hello", folder / "limit")
    lists = (source / "CMakeLists.txt").read_text()
    built = lists.replace("main/main.c", "main/main.c main/limit.c")
    commit(source, {"main/limit.c": LIMIT, "CMakeLists.txt": built})
    return source


@pytest.fixture(scope="module")
def where(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> uuid.UUID:
    return project(engine, a_source(tmp_path_factory.mktemp("node")), {})


def fixed(engine: Engine, where: uuid.UUID, **more: object) -> Run:
    wanted: dict[str, object] = {"max_iterations": 1, **more}
    order = TaskRequest(
        workflow="bug_fix",
        description="limit gives negative values",
        project_id=where,
        **wanted,  # type: ignore[arg-type]
    )
    return engine.tasks.wait(engine.tasks.start(order).number, timeout=BUILT_WITHIN)


def test_a_fix_is_built_and_its_test_fails_without_it(
    engine: Engine, oracle: Oracle, where: uuid.UUID
) -> None:
    oracle.replies = {"Fix": [FIX], "Regression test": [TEST]}
    run = fixed(engine, where)

    rows = stages(engine, run.number)
    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "proved")
    assert rows["fix.build#1"].status is StageStatus.SUCCESS
    assert "3 tests, 0 failures" in rows["fix.test.simulator#1"].summary
    assert "4 tests, 0 failures" in rows["regression_test.test.simulator#1"].summary
    without = rows["regression_test.without_fix#1"]
    assert without.summary == "fails without the fix: test_limit_is_not_negative"
    assert rows["fix.mend#1"].status is StageStatus.SKIPPED
    assert rows["address_the_review#1"].summary == "the reviews approve: nothing to address"
    page = engine.tasks.page(run.number)
    assert page.startswith(f"# Bug fix: task {run.number} of node-")
    assert "**success, proved**: 6 steps done, built, 4 tests passed" in page
    assert "## Cause\n\nAnswer of Cause." in page
    assert f"+{RIGHT}" in page
    assert "| Fix: compile | 1 | success | hello.elf, " in page
    assert "The commit without any change: " in page
    assert "## Sizes" in page
    assert "- Review: approve" in page
    assert page.endswith("## Open points\n\nNone is known.\n")
    told = engine.tasks.state(run.number).result
    assert "built, 4 tests passed and 1 expectation met in labwired" in told


def test_a_fix_that_never_compiles_fails(engine: Engine, oracle: Oracle, where: uuid.UUID) -> None:
    other = block("main/limit.c", WRONG, WRONG.replace("zero", "nought"))
    oracle.replies = {"Fix": [BREAKS], "Fix: mend": [other]}
    run = fixed(engine, where)

    rows = stages(engine, run.number)
    assert run.status is RunStatus.FAILED
    assert run.error.startswith("Fix does not build: main/limit.c:2")
    assert run.error.endswith("(gave up after 1 revision)")
    assert rows["fix.build#1"].status is rows["fix.build#2"].status is StageStatus.FAILED
    assert "regression_test#1" not in rows or rows["regression_test#2"].status is (
        StageStatus.SKIPPED
    )
    (asked,) = oracle.asked("Fix: mend")
    assert "zero" in asked.partition("## what failed\n")[2].partition("## ")[0]
    assert "the commit without any change: not built yet" in asked
    assert "Fix: compile: failed\n" in asked
    assert "\n  | main/limit.c:2:" in asked, "no path of this machine"
    assert "how what step Fix changed" not in asked


def told_of(asked: str, step: str) -> str:
    """What a question says of how a step's change was built and tried."""
    title = f"how what step {step} changed was built and tried\n"
    return asked.partition(title)[2].partition("##")[0]


def test_a_fix_is_mended_and_each_step_has_its_own_tries(
    engine: Engine, oracle: Oracle, where: uuid.UUID
) -> None:
    broken = a_test("test_limit_is_not_negative", "-5", "nought")
    assertion = "    TEST_ASSERT_EQUAL(nought, limit(-5));\n"
    oracle.replies = {
        "Fix": [BREAKS],
        "Fix: mend": [MENDS],
        "Regression test": [broken],
        "Regression test: mend": [
            block("test/test_math.c", assertion, assertion.replace("nought", "0"))
        ],
    }
    run = fixed(engine, where)

    rows = stages(engine, run.number)
    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "proved")
    assert rows["fix.build#1"].status is StageStatus.FAILED
    assert rows["fix.build#2"].status is StageStatus.SUCCESS
    assert rows["regression_test.build#2"].status is StageStatus.FAILED
    assert rows["regression_test.build#3"].status is StageStatus.SUCCESS
    assert rows["regression_test.without_fix#3"].status is StageStatus.SUCCESS
    changes = files(engine, run.number)["changes.patch"]
    assert f"+{RIGHT}" in changes
    assert "+    TEST_ASSERT_EQUAL(0, limit(-5));\n" in changes
    assert "zero" not in changes.replace("towards_zero", "")
    page = engine.tasks.page(run.number)
    assert "| Fix: compile | 1 | failed | main/limit.c:2" in page
    assert changes in page
    (review,) = oracle.asked("Review")
    tried = told_of(review, "Fix")
    assert "attempt 1, mended since: Fix: compile: failed, main/limit.c:2" in tried
    assert "Fix: simulate: success, labwired: 1 of 1 expectation met, 3 tests, 0 fail" in tried
    tried = told_of(review, "Regression test")
    assert "try it without the fix: success, fails without the fix: test_limit_is" in tried
    assert "attempt 1" not in tried


def test_a_test_that_passes_without_the_fix_proves_nothing(
    engine: Engine, oracle: Oracle, where: uuid.UUID
) -> None:
    oracle.replies = {
        "Fix": [FIX],
        "Regression test": [VAIN],
        "Regression test: mend": ["It is a good test.\n\nNO CHANGE"],
    }
    run = fixed(engine, where)

    assert run.status is RunStatus.FAILED
    assert run.error == (
        "Regression test proves nothing: "
        "passes without the fix as well (1 test) (the model changes nothing)"
    )


def test_steps_change_what_is_theirs(engine: Engine, oracle: Oracle, where: uuid.UUID) -> None:
    weakens = block("test/test_math.c", RUNS, "")
    criteria = block("espdeck.toml", "timeout = 10\n", "timeout = 1\n")
    appends = block(
        "espdeck.toml",
        "timeout = 10\n",
        'timeout = 10\n\n[[test]]\nname = "takes a line"\nsend = "x"\n',
    )
    oracle.replies = {
        "Fix": [weakens, FIX],
        "Regression test": [FIX.replace("value < 0", "value < 1"), criteria, appends],
    }
    run = fixed(engine, where)

    assert "test/test_math.c is a test: this step changes none" in oracle.asked("Fix")[1]
    asked = oracle.asked("Regression test")
    assert "says what is expected of the firmware: [[test]] tables may be added to it" in asked[2]
    rows = stages(engine, run.number)
    assert rows["regression_test.test.simulator#1"].status is StageStatus.SUCCESS
    assert "4 tests, 0 failures" in rows["regression_test.test.simulator#1"].summary
    assert "passes without the fix as well" in rows["regression_test.without_fix#1"].summary
    assert '+name = "takes a line"' in files(engine, run.number)["changes.patch"]


def test_no_change_is_said(engine: Engine, oracle: Oracle, where: uuid.UUID) -> None:
    oracle.replies = {"Fix": ["It is right.\n\nNO CHANGE"], "Regression test": ["NO CHANGE"]}
    run = fixed(engine, where)

    assert (run.status, run.verdict) == (RunStatus.SUCCESS, "no change")
    rows = stages(engine, run.number)
    assert rows["fix.plan#1"].summary == "nothing was changed"
    assert rows["fix.build#1"].status is StageStatus.SKIPPED
    assert "nothing was changed (Fix: NO CHANGE)" in engine.tasks.state(run.number).result


def test_what_a_review_requests_is_addressed_and_built_again(
    engine: Engine, oracle: Oracle, where: uuid.UUID
) -> None:
    named = block("main/limit.c", RIGHT, f"    /* From 0 to 100. */\n{RIGHT}")
    oracle.replies = {
        "Fix": [FIX],
        "Regression test": [TEST],
        "Review": ["It lacks a comment.\n\n**VERDICT:** Request changes."],
        "Address the review": [named],
    }
    run = fixed(engine, where)

    rows = stages(engine, run.number)
    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "proved")
    assert rows["address_the_review.test.simulator#1"].status is StageStatus.SUCCESS
    assert "Review: request changes, addressed" in engine.tasks.state(run.number).result

    oracle.replies["Address the review"] = ["It is clear.\n\nNO CHANGE"]
    run = fixed(engine, where)
    assert (run.status, run.verdict) == (RunStatus.SUCCESS, "changes requested")


def test_a_review_of_nothing_but_words_says_its_verdict(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Verdict": ["## Must change\n\nAll.\n\nVERDICT: request changes"]}
    run = done(engine, TaskRequest(workflow="code_review", text=MAIN))

    assert (run.status, run.verdict) == (RunStatus.SUCCESS, "changes requested")


def test_a_test_that_failed_before_the_fix_proves_it(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    source = a_source(tmp_path)
    tests = (source / "test" / "test_math.c").read_text()
    reproduced = tests.replace(RUNS, f"{RUNS}    RUN_TEST(test_negative);\n").replace(
        "int run_tests(void) {",
        "int limit(int value);\n\nstatic void test_negative(void) {\n"
        "    TEST_ASSERT_EQUAL(0, limit(-5));\n}\n\nint run_tests(void) {",
    )
    there = project(engine, source, {"test/test_math.c": reproduced})
    oracle.replies = {"Fix": [FIX], "Regression test": ["It is there.\n\nNO CHANGE"]}
    run = fixed(engine, there)

    rows = stages(engine, run.number)
    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "proved")
    assert rows["regression_test.build#1"].status is StageStatus.SKIPPED
    without = rows["regression_test.without_fix#1"]
    assert without.summary == "fails without the fix: test_negative"


def test_a_project_that_does_not_build_here_says_so(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    commit(tmp_path / "node", {"main/main.c": MAIN})
    there = project(engine, tmp_path / "node", {})
    oracle.replies = {
        "Fix": [block("main/main.c", "    return 41;\n", "    return 42;\n")],
        "Regression test": ["NO CHANGE"],
    }
    run = fixed(engine, there)

    assert (run.status, run.verdict) == (RunStatus.SUCCESS, "not built")
    assert "not built: no CMakeLists.txt" in engine.tasks.state(run.number).result
