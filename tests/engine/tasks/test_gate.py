"""The quality gate of a task: what it blocks, and what a revision may do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import Engine
from engine.enums import RunStatus, StageStatus
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle
from tests.engine.tasks.tasks import (
    HEADER,
    MAIN,
    WITHIN,
    block,
    done,
    files,
    pipeline,
    project,
    stages,
)

pytestmark = pytest.mark.xdist_group("tasks")


LEAK = 'const char *token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";\n'


@pytest.mark.slow
def test_the_gate_blocks_and_an_engineer_mends(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    leaks = block("main/token.c", "", LEAK)
    mends = block("main/token.c", LEAK, "const char *token_of_device(void);\n")
    oracle.replies = {"Fix": [leaks], "Regression test": ["NO CHANGE"], "revise": [mends]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    order = TaskRequest(
        workflow="bug_fix", description="x", project_id=where, gate=True, max_iterations=2
    )
    build = done(engine, order)

    rows = stages(engine, build.number)
    assert rows["gate#1"].status is StageStatus.FAILED
    assert rows["revise#1"].status is StageStatus.SUCCESS
    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert rows["gate#2"].status is StageStatus.SUCCESS
    (asked,) = oracle.asked("revise")
    assert "## what the gate blocks" in asked
    assert "main/token.c:1" in asked
    kept = files(engine, build.number)
    assert "ghp_" not in kept["changes.patch"]
    assert not json.loads(kept["quality.json"])["blockers"]
    assert "quality gate not judged: " in engine.tasks.state(build.number).result


@pytest.mark.slow
def test_the_gate_is_not_passed_by_giving_up(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {
        "Fix": [block("main/token.c", "", LEAK)],
        "Regression test": ["NO CHANGE"],
        "revise": [block("main/other.c", "", "int other;\n")],
    }
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    order = TaskRequest(
        workflow="bug_fix", description="x", project_id=where, gate=True, max_iterations=1
    )
    build = done(engine, order)

    assert build.status is RunStatus.FAILED
    assert build.error.startswith("quality gate failed with a score of ")
    rows = stages(engine, build.number)
    assert rows["revise#2"].summary == "gave up after 1 revision"
    assert "ghp_" in files(engine, build.number)["changes.patch"]


@pytest.mark.slow
def test_the_gate_demands_what_the_commit_of_the_app_does(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    demands = '[quality]\nrequire = ["coverage"]\n'
    sources = {"fw/main/main.c": MAIN, "fw/espdeck.toml": demands, "espdeck.toml": ""}
    commit(tmp_path / "node", sources)
    added = engine.projects.add(str(tmp_path / "node"), name="in-a-folder", app="fw")
    engine.projects.wait(added.id)
    oracle.replies = {
        "Fix": [block("fw/espdeck.toml", demands, "[quality]\n"), "NO CHANGE"],
        "Regression test": ["NO CHANGE"],
        "revise": ["NO CHANGE"],
    }
    order = TaskRequest(workflow="bug_fix", description="x", project_id=added.id, gate=True)
    build = done(engine, order)

    assert "fw/espdeck.toml says what is expected of the firmware" in oracle.asked("Fix")[1]
    assert "required, but no coverage report in the tree" in build.error


@pytest.mark.slow
def test_a_model_cannot_make_the_gate_look_away(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    hides = block("main/main.c", "    return 41;\n", "    return 42; // Flawfinder: ignore\n")
    shows = block("main/main.c", "    return 42; // Flawfinder: ignore\n", "    return 42;\n")
    oracle.replies = {"Fix": [hides], "Regression test": ["NO CHANGE"], "revise": [shows]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    order = TaskRequest(workflow="bug_fix", description="x", project_id=where, gate=True)
    build = done(engine, order)

    (asked,) = oracle.asked("revise")
    assert "main/main.c:2: a model marked this line so that a tool ignores it" in asked
    assert (build.status, build.error) == (RunStatus.SUCCESS, "")


@pytest.mark.slow
def test_the_gate_measures_what_a_pipeline_assembled(engine: Engine, oracle: Oracle) -> None:
    leaks = f"Done.\n\n```c led.c\n{LEAK}```\n"
    oracle.replies = {
        "header": [HEADER],
        "source": [leaks],
        "revise": [block("led.c", LEAK, '#include "led.h"\n')],
    }
    build = done(engine, TaskRequest(pipeline=pipeline(), gate=True, max_iterations=1))

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    kept = files(engine, build.number)
    assert kept["final/led.c"] == '#include "led.h"\n'
    assert "ghp_" not in kept["assembled_code.md"]


def test_a_revision_that_is_done_again_begins_with_what_was_assembled(
    engine: Engine, oracle: Oracle
) -> None:
    leaks = f"Done.\n\n```c led.c\n{LEAK}```\n"
    oracle.replies = {
        "header": [HEADER],
        "source": [leaks],
        "revise": [block("led.c", LEAK, '#include "led.h"\n'), "NO CHANGE"],
    }
    number = done(engine, TaskRequest(pipeline=pipeline(), gate=True, max_iterations=1)).number
    assert files(engine, number)["final/led.c"] == '#include "led.h"\n'

    engine.tasks.retry(number, "revise")
    again = engine.tasks.wait(number, timeout=WITHIN)

    assert again.status is RunStatus.FAILED
    kept = files(engine, number)
    assert kept["final/led.c"] == LEAK
    assert LEAK in kept["assembled_code.md"]
    assert "ghp_" in kept["changes.patch"]


# Lists.
