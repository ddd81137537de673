"""Repairs that change tests: refused, and taken and said where a person allows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.samples import demo
from tests.engine.repairs import Answers, block

pytestmark = [pytest.mark.xdist_group("repairing"), pytest.mark.slow]

LIMIT = "clamped(scaled(raw), 0, 41)"
LOWER = "SUBJECT: Expect the limit, which is 41\n\n" + block(
    "test/test_sensor.c",
    f"    TEST_ASSERT_EQUAL(42, {LIMIT}); /* the upper limit is off by one */\n",
    f"    TEST_ASSERT_EQUAL(41, {LIMIT});\n",
)


@pytest.fixture(params=[False, True], ids=["refused", "allowed"])
def may_change_tests(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.close()


@pytest.fixture
def engine(tmp_path: Path, answers: Answers, may_change_tests: bool) -> Iterator[Engine]:
    llm: Any = {"ollama": answers.url, "models": {"codegemma": {"name": "m"}}}
    repair: Any = {"may_change_tests": may_change_tests}
    settings = Settings(workspace=tmp_path / "workspace", llm=llm, repair=repair, max_iterations=1)
    with Engine(settings) as engine:
        yield engine


def test_a_repair_that_changes_the_failing_test(
    engine: Engine, answers: Answers, tmp_path: Path, may_change_tests: bool
) -> None:
    demo.make_repository("flaky-tests", tmp_path / "flaky")
    answers.texts += [LOWER] * 3
    project = engine.projects.find_or_add(str(tmp_path / "flaky"))

    started = engine.builds.start(project.id, board="none", simulator="labwired")
    done = engine.builds.wait(started.number, timeout=120)

    found = engine.fixes.of(done.number)
    if not may_change_tests:
        (repair,) = [row for row in engine.builds.stages(done.number) if row.key == "repair"]
        assert done.status is RunStatus.FAILED
        assert "test/test_sensor.c is a test: it stays as it is" in repair.summary
        assert "is a test: it stays" in answers.asked()[1][-1]["content"]
        assert found is None
        return
    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    said = [row.message for row in engine.builds.findings(done.number)]
    assert any(each.startswith("the repair changes tests: test/test_sensor") for each in said)
    assert found is not None
    assert found.message.startswith("Expect the limit, which is 41\n")
    assert "codegemma, ollama m: changes tests: Expect the limit" in found.message
    assert "It changes tests." in found.message
