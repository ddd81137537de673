"""Workflows on a project: what of it is shown, how it is changed, what is refused."""

from __future__ import annotations

import itertools
import re
import socket
import threading
from pathlib import Path

import pytest

from engine import Engine
from engine.enums import RunStatus, StageStatus
from engine.errors import UsageError
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle, status
from tests.engine.tasks.tasks import (
    MAIN,
    WITHIN,
    block,
    done,
    files,
    project,
    stages,
)

pytestmark = pytest.mark.xdist_group("tasks")


FIX = block("main/main.c", "    return 41;\n", "    return 42;\n")
TEST = block("test/test_main.c", "", "void test(void) {}\n")


@pytest.mark.slow
def test_a_workflow_changes_a_project_step_by_step(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {"Fix": [FIX], "Regression test": [TEST]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN, "README.md": "A node.\n"})
    order = TaskRequest(workflow="bug_fix", description="The answer is wrong.", project_id=where)
    build = done(engine, order)

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["Cause", "Fix", "Regression test", "Review", "Summary"]
    assert (
        "## main/main.c\n\n```\n1|int answer(void) {\n2|    return 41;\n"
        in oracle.asked("Cause")[0]
    )
    (test,) = oracle.asked("Regression test")
    assert "2|    return 41;\n" in test.partition("## main/main.c\n")[2]
    assert "2|    return 42;\n" in test.partition("## main/main.c, as step Fix left it\n")[2]
    kept = files(engine, build.number)
    assert "-    return 41;\n+    return 42;\n" in kept["changes.patch"]
    assert "+void test(void) {}\n" in kept["changes.patch"]
    assert "| main/main.c | fits the task | all characters |" in kept["context.md"]
    state = engine.tasks.state(build.number)
    assert state.project == engine.projects.get(str(where)).name
    assert (state.name, state.title) == ("bug_fix", "Bug fix")
    lacks = (
        "no CMakeLists.txt with a project, platformio.ini or sketch at the root of the repository"
    )
    assert state.result == f"6 steps done, not built: {lacks}, Review: approve"
    assert build.verdict == "not built"


def test_members_that_do_not_wait_for_each_other_run_at_once(
    engine: Engine, oracle: Oracle
) -> None:
    together = threading.Barrier(2, timeout=WITHIN)

    def meet(client: socket.socket) -> None:
        together.wait()
        status(400, "met")(client)

    oracle.replies = {"Correctness": [meet], "Design": [meet]}
    build = done(engine, TaskRequest(workflow="code_review", description="x", text=MAIN))

    rows = stages(engine, build.number)
    assert not together.broken
    assert {rows["correctness#1"].phase, rows["design#1"].phase} == {"step 1"}
    assert {rows["correctness#1"].status, rows["design#1"].status} == {StageStatus.FAILED}
    assert rows["verdict#1"].status is StageStatus.SUCCESS  # two other reviews were written
    assert (build.status, build.verdict) == (RunStatus.SUCCESS, "incomplete")


def test_a_squad_does_its_part(engine: Engine, oracle: Oracle) -> None:
    order = TaskRequest(workflow="bug_fix", description="x", text=MAIN, squad="business")
    build = done(engine, order)

    assert build.status is RunStatus.SUCCESS
    assert oracle.order == ["Review", "Summary"]
    assert "You are the product manager" in oracle.asked("Review")[0]
    assert f"## text that belongs to the task\n\n```\n{MAIN}```\n" in oracle.asked("Review")[0]


@pytest.mark.slow
def test_a_review_sees_the_diff_and_named_files(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    sources = {"main/main.c": MAIN, "main/other.c": "int other;\n", "a.key": "secret"}
    first = commit(tmp_path / "node", sources)
    changed = {"main/main.c": MAIN.replace("41", "42"), "a.key": "a secret", "b/.ENV": "secret"}
    commit(tmp_path / "node", changed)
    where = project(engine, tmp_path / "node", {})
    order = TaskRequest(
        workflow="code_review", project_id=where, diff=first, paths=("main/other.c", "a.key")
    )
    build = done(engine, order)

    assert build.status is RunStatus.SUCCESS
    (asked,) = oracle.asked("Verdict")
    assert "-    return 41;\n+    return 42;\n" in asked
    assert "## main/other.c\n\n```\n1|int other;\n```" in asked
    assert "secret" not in asked
    record = files(engine, build.number)["context.md"]
    assert "| main/other.c | named | all characters |" in record
    assert "| main/main.c | in the diff | all characters |" in record
    assert "- a.key: may hold a secret" in record
    assert "- b/.ENV: may hold a secret" in record


@pytest.mark.slow
def test_a_review_of_a_range_is_about_its_end_and_says_what_is_not_committed(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    commit(tmp_path / "node", {"main/main.c": MAIN})
    changed = commit(tmp_path / "node", {"main/main.c": MAIN.replace("41", "42")})
    commit(tmp_path / "node", {"main/main.c": MAIN.replace("41", "43")})
    where = project(engine, tmp_path / "node", {})
    (tmp_path / "node" / "main" / "main.c").write_text("int not_committed;\n")

    build = done(
        engine, TaskRequest(workflow="code_review", project_id=where, diff="HEAD~3..HEAD~2")
    )

    assert build.commit_sha == changed
    (asked,) = oracle.asked("Verdict")
    assert "-    return 41;\n+    return 42;\n" in asked
    assert "return 43" not in asked
    assert "not_committed" not in asked
    assert "project.uncommitted" in [each.code for each in engine.tasks.findings(build.number)]
    with pytest.raises(UsageError, match="no commit, branch or tag 'nope'"):
        engine.tasks.start(TaskRequest(workflow="code_review", project_id=where, diff="nope..HEAD"))


@pytest.mark.slow
def test_a_project_of_one_app_sees_none_of_the_others(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    lists = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(node)\n"
    sources = {
        "apps/node/CMakeLists.txt": lists,
        "apps/node/main/main.c": MAIN,
        "apps/other/CMakeLists.txt": lists,
        "apps/other/main/other.c": "int answer_of_another(void);\n",
        "components/bus/bus.c": "int bus;\n",
    }
    commit(tmp_path / "node", sources)
    added = engine.projects.add(str(tmp_path / "node"), targets=["esp32c3"], app="apps/node")
    engine.projects.wait(added.id)
    order = TaskRequest(workflow="code_review", description="the answer", project_id=added.id)
    build = done(engine, order)

    assert build.status is RunStatus.SUCCESS
    (asked,) = oracle.asked("Verdict")
    assert asked.index("## apps/node/main/main.c") < asked.index("## components/bus/bus.c")
    assert "other" not in asked.partition("# Material")[2].partition("# Your step")[0]


@pytest.mark.slow
def test_each_question_begins_with_all_that_the_one_before_was_shown(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {"Fix": [FIX], "Regression test": [TEST]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN, "README.md": "A node.\n"})
    order = TaskRequest(workflow="bug_fix", description="The answer is wrong.", project_id=where)
    assert done(engine, order).status is RunStatus.SUCCESS

    asked = [oracle.asked(step)[0] for step in ("Cause", "Fix", "Regression test", "Review")]
    shown = [text.partition("\n# Who you are\n")[0] for text in asked]
    assert all(later.startswith(before) for before, later in itertools.pairwise(shown))
    assert len(set(shown)) == len(shown)


def test_files_that_the_cause_names_are_shown_to_the_steps_behind_it(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    fill = "int fill_{0}(int value) {{\n    return value + {0};\n}}\n\n" * 30
    sources = {f"lib/part_{number}.c": fill.format(number) for number in range(40)}
    sources["main/main.c"] = MAIN
    sources["zlib/odd.c"] = "int odd_one(void) {\n    return 7;\n}\n" + fill.format("odd")
    oracle.replies = {"Cause": ["It is `odd_one` that is wrong."], "Fix": ["NO CHANGE"]}
    where = project(engine, tmp_path / "node", sources)
    done(engine, TaskRequest(workflow="bug_fix", description="x", project_id=where))

    assert "1|int odd_one" not in oracle.asked("Cause")[0]
    (fix,) = oracle.asked("Fix")
    assert "1|int odd_one" in fix.partition(", named by step Cause\n")[2]
    assert fix.index("1|int odd_one") > fix.index("It is `odd_one` that is wrong.")


def test_places_of_a_report_are_held_against_the_source(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    report = "`main.c:1` has `return 41;`, main.c:99 not. See main/main.c:3."
    oracle.replies = {"Cause": [report], "Fix": ["NO CHANGE"]}
    fill = "/* a line */\n" * 40
    where = project(engine, tmp_path / "node", {"main/main.c": fill + MAIN})
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", project_id=where))

    mended = "`main.c:42` has `return 41;`, main.c:99 (no such line) not. See main/main.c:3."
    assert files(engine, build.number)["cause.md"] == mended
    assert mended in oracle.asked("Fix")[0]
    (found,) = [each for each in engine.tasks.findings(build.number) if each.stage == "cause"]
    assert found.code == "model.places"
    assert found.message == (
        "3 places named in the report, of these 1 mended, 1 marked (main.c:99)"
    )


def test_numbers_of_lines_that_an_answer_copies_are_not_taken(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    numbered = block("main/main.c", "2|    return 41;\n", "2|    return 42;\n")
    oracle.replies = {"Fix": [numbered], "Regression test": ["NO CHANGE"]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", project_id=where))
    assert "+    return 42;\n" in files(engine, build.number)["changes.patch"]


@pytest.mark.slow
def test_a_large_file_is_shown_by_its_parts_and_as_it_was_changed(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    fill = "".join(
        f"int step_{number}(int value)\n{{\n    return value + {number};\n}}\n\n"
        for number in range(2000)
    )
    oracle.replies = {"Fix": [FIX], "Regression test": ["NO CHANGE"]}
    where = project(engine, tmp_path / "node", {"main/main.c": fill + MAIN + fill})
    build = done(engine, TaskRequest(workflow="bug_fix", description="answer", project_id=where))

    assert build.status is RunStatus.SUCCESS
    (cause,) = oracle.asked("Cause")
    assert "\n## main/main.c (lines " in cause
    line = fill.count("\n") + 1
    function = f"{line}|int answer(void) {{\n{line + 1}|    return 41;\n{line + 2}|}}\n"
    assert f" left out ...]\n{function}" in cause
    (review,) = oracle.asked("Review")
    assert function in review
    assert function.replace("41", "42") in review
    record = files(engine, build.number)["context.md"]
    assert re.search(r"\| main/main.c \| fits the task \| lines [0-9, -]+", record)


@pytest.mark.slow
def test_an_answer_that_cannot_be_taken_is_told_why_and_given_again(
    engine: Engine, oracle: Oracle
) -> None:
    escape = block("../outside.c", "", "int x;\n")
    other = block("main/other.c", "", "int other;\n")
    oracle.replies = {"Fix": [escape, FIX, other], "Regression test": ["NO CHANGE"]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", squad="engineering"))

    assert build.status is RunStatus.SUCCESS
    first, second, third = oracle.asked("Fix")
    assert "leaves the project" not in first
    assert "block 1: ../outside.c leaves the project" in second
    assert "block 1: main/main.c is not a tracked file" in third
    assert "+int other;" in files(engine, build.number)["changes.patch"]


@pytest.mark.slow
def test_changes_that_fit_are_kept_and_only_the_rest_is_asked_for_again(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    misses = block("main/main.c", "int reply(void) {\n", "long answer(void) {\n")
    rest = "```diff\n--- a/main/main.c\n+++ b/main/main.c\n@@ -9 +9 @@\n-int answer(void) {\n"
    oracle.replies = {
        "Fix": [FIX + misses, f"{rest}+long answer(void) {{\n```\n"],
        "Regression test": ["NO CHANGE"],
    }
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", project_id=where))

    assert build.status is RunStatus.SUCCESS
    _, second = oracle.asked("Fix")
    assert "block 2: main/main.c has no line 'int reply(void) {'; near is line 1" in second
    assert "\n1 | int answer(void) {\n2 |     return 42;\n3 | }\n" in second
    assert "are kept (1, in main/main.c)" in second
    assert (
        "-int answer(void) {\n-    return 41;\n+long answer(void) {\n+    return 42;\n"
        in files(engine, build.number)["changes.patch"]
    )


@pytest.mark.slow
def test_a_model_that_does_not_manage_blocks_is_asked_for_whole_files(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    whole = f"main/main.c\n```c\n{MAIN.replace('41', '42')}```\n"
    oracle.replies = {"Fix": ["No.", "No.", "No.", "No.", whole], "Regression test": ["NO CHANGE"]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    # No other test asks this model for changes.
    order = TaskRequest(workflow="bug_fix", description="x", project_id=where, model="assembler")

    assert [done(engine, order).status for _ in range(2)] == [RunStatus.FAILED, RunStatus.SUCCESS]
    assert done(engine, order).status is RunStatus.SUCCESS
    asked = oracle.asked("Fix")
    assert "search/replace blocks" in asked[0]
    assert "Give each file that you change whole" in asked[-1]


@pytest.mark.slow
def test_a_step_whose_answers_are_all_refused_fails(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Fix": ["I have no idea."]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x"))

    assert build.status is RunStatus.FAILED
    assert build.error == (
        "Pipeline stopped at step 'Fix': no answer could be taken: "
        "the answer has no change of a file in it"
    )
    assert len(oracle.asked("Fix")) == 3
    assert stages(engine, build.number)["fix#1"].usage is not None


@pytest.mark.slow
def test_what_a_step_made_goes_when_it_is_done_again(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {"Fix": [FIX, "NO CHANGE"], "Regression test": [TEST, "NO CHANGE"]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    order = TaskRequest(workflow="bug_fix", description="x", project_id=where, gate=True)
    number = done(engine, order).number
    assert "void test" in files(engine, number)["changes.patch"]

    engine.tasks.retry(number, "regression_test")
    engine.tasks.wait(number, timeout=WITHIN)
    assert "void test" not in files(engine, number)["changes.patch"]
    assert "return 42" in files(engine, number)["changes.patch"]

    engine.tasks.retry(number)
    engine.tasks.wait(number, timeout=WITHIN)
    assert "changes.patch" not in files(engine, number)
    assert {"context.md", "fix-3.md", "quality.json"} < set(files(engine, number))


def test_what_was_asked_before_a_model_failed_is_counted(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Fix": ["I have no idea.", status(400, "no")]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", squad="engineering"))

    assert build.error.startswith("Pipeline stopped at step 'Fix': ollama: 400 no")
    assert len(stages(engine, build.number)["fix#1"].usage or ()) == 1


@pytest.mark.slow
def test_a_step_may_want_no_change(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Fix": ["It is right already.\n\nNO CHANGE\n"], "Regression test": [TEST]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x"))
    assert (build.status, build.error) == (RunStatus.SUCCESS, "")


# The gate.


def test_a_review_is_written_from_the_views_that_there_are(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Security": [status(400, "no")]}
    run = done(engine, TaskRequest(workflow="code_review", text=MAIN))

    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "incomplete")
    assert "without Security (" in engine.tasks.state(run.number).result
    assert "- Security is missing: " in engine.tasks.page(run.number)
    assert "Answer of Tests." in oracle.asked("Verdict")[0]

    views = ("Correctness", "Design", "Security", "Tests")
    oracle.replies = {name: [status(400, "no")] for name in views}
    run = done(engine, TaskRequest(workflow="code_review", text=MAIN))
    assert run.error.startswith("Pipeline stopped at step 'Correctness': ")
