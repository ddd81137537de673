"""Tasks: workflows and step pipelines, run whole against a server of recorded answers."""

from __future__ import annotations

import json
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.enums import ArtifactKind, Priority, RunStatus, StageStatus
from engine.errors import UsageError
from engine.events import Event, RunStarted, StageChanged
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle, ollama, stall, status, stream
from tests.engine.tasks.tasks import (
    HEADER,
    MENDED,
    PIPELINE,
    SOURCE,
    WITHIN,
    block,
    done,
    files,
    pipeline,
    project,
    settings,
    stages,
)

pytestmark = pytest.mark.xdist_group("tasks")


@pytest.fixture(scope="module")
def server() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def oracle(server: Oracle) -> Oracle:
    server.replies = {}
    server.requests.clear()
    server.hung_up.clear()
    return server


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, server: Oracle) -> Iterator[Engine]:
    with Engine(settings(tmp_path_factory.mktemp("workspace"), server)) as engine:
        yield engine


# Step pipelines.


@pytest.mark.slow
def test_each_step_sees_what_came_before_and_the_assembler_ends_it(
    engine: Engine, oracle: Oracle
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [MENDED]}
    build = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED."))

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "assemble"]
    (header,), (source,), (assemble,) = map(oracle.asked, oracle.order)
    for asked in (header, source):
        assert "# The task\n\nSwitch a LED.\n" in asked
        assert "# What holds for every step\n\nEverything in C11.\n" in asked
    assert "# What holds for this step\n\nIt guards itself.\n" in header
    assert "It guards itself" not in source
    assert "## step_1_output (header)\n\n```markdown\nThe header.\n\n[file led.h, " in source
    assert "## step_1_artifacts: led.h\n\n```c\n#pragma once\n" in source
    assert "You are a senior firmware engineer." in source
    assert "## led.h\n" in assemble
    assert "## led.c\n" in assemble


@pytest.mark.slow
def test_what_is_made_is_kept_and_the_assembled_files_are_whole(
    engine: Engine, oracle: Oracle
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [MENDED]}
    build = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED."))

    kept = files(engine, build.number)
    assert kept["header.md"] == HEADER
    assert kept["files/source/led.c"] == "void led_on(void) {}\n"
    assert kept["final/led.h"] == "#pragma once\nvoid led_on(void);\n"
    assert kept["final/led.c"] == '#include "led.h"\nvoid led_on(void) {}\n'
    assert kept["assembled_code.md"].startswith("## led.h\n\n```c\n#pragma once\n")
    assert '+#include "led.h"\n' in kept["changes.patch"]
    kinds = {each.path: each.kind for each in engine.tasks.artifacts(build.number)}
    assert kinds["final/led.c"] is ArtifactKind.SOURCE
    assert kinds["header.md"] is ArtifactKind.DOCUMENT
    assert kinds["changes.patch"] is ArtifactKind.PATCH
    assert engine.tasks.text(build.number, "source") == SOURCE
    (Path(build.artifacts_path) / "source.md").unlink()
    assert engine.tasks.text(build.number, "source") == ""
    lines = [
        line
        for key in engine.tasks.logs(build.number)
        if key.stage == "assemble"
        for line in engine.tasks.lines(key)
    ]
    assert "final led.h: as it was made last" in lines
    assert "final led.c: by the assembler" in lines


@pytest.mark.slow
def test_a_file_that_cannot_be_compared_keeps_no_other_from_the_patch(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": ["All fits."]}
    where = project(engine, tmp_path / "node", {"led.c": "int x;\n" * 150_000})
    build = done(engine, TaskRequest(pipeline=pipeline(), project_id=where))

    kept = files(engine, build.number)
    assert kept["final/led.c"] == "void led_on(void) {}\n"
    assert "+++ b/led.h" in kept["changes.patch"]
    assert "led.c" not in kept["changes.patch"]
    assert engine.tasks.search(build.number, "not in the patch: led.c is there, and too large")


def test_parameters_of_a_step_reach_the_server(engine: Engine, oracle: Oracle) -> None:
    done(engine, TaskRequest(pipeline=pipeline()))

    first, second, *_ = [body for _, _, body in oracle.requests]
    assert first["model"] == "codellama"
    assert first["options"]["temperature"] == 0.1
    assert first["options"]["num_predict"] == 700
    assert second["model"] == "codegemma"
    assert second["options"]["temperature"] == 0.5


@pytest.mark.slow
def test_a_task_tells_how_it_stands(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE]}
    order = TaskRequest(pipeline=pipeline(), description="Switch a LED.", priority=Priority.HIGH)
    state = engine.tasks.state(done(engine, order).number)

    assert (state.name, state.title, state.project) == ("Two files", "Two files", "")
    assert (state.progress, state.step, state.priority) == (100.0, "", Priority.HIGH)
    assert state.agents == ("codellama", "firmware_engineer", "assembler")
    assert [engine.tasks.title(role) for role in state.agents] == [
        *("CodeLlama", "Firmware Engineer", "Assembler")
    ]
    assert state.result == "2 steps done, 2 final files"
    assert (state.metrics.answers, state.metrics.tokens_in) == (3, 300)
    assert (state.metrics.tokens_out, state.metrics.placeholder) == (30, False)
    assert state.order.pipeline == pipeline()
    assert state.order.description == "Switch a LED."
    (header, *_) = engine.tasks.stages(state.run.number)
    assert re.search(r" m, 10 tokens in \d+\.\d s, \d+ tokens/s$", header.summary)
    summary = engine.tasks.summary(state.run.number)
    assert (summary.total, summary.successful, summary.failed) == (2, 2, 0)
    assert [step.title for step in summary.steps] == ["header", "source", "assemble"]
    assert all(step.seconds is not None for step in summary.steps)


def test_a_failing_step_stops_the_run_and_what_was_made_is_kept(
    engine: Engine, oracle: Oracle
) -> None:
    oracle.replies = {"header": [HEADER], "source": [status(400, '{"error": "no such luck"}')]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.status is RunStatus.FAILED
    assert build.error == "Pipeline stopped at step 'source': ollama: 400 no such luck"
    rows = stages(engine, build.number)
    assert rows["source#1"].status is StageStatus.FAILED
    assert rows["assemble#1"].status is StageStatus.SKIPPED
    assert files(engine, build.number)["files/header/led.h"]
    assert not (engine.settings.workspace / "worktrees" / f"task-{build.number}").exists()
    state = engine.tasks.state(build.number)
    assert (state.result, state.progress) == ("", 45.0)
    summary = engine.tasks.summary(build.number)
    assert (summary.total, summary.successful, summary.failed) == (2, 1, 1)


def test_a_folder_that_cannot_be_written_is_said_in_a_line(
    engine: Engine, oracle: Oracle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.error.startswith(f"Pipeline stopped at step 'header': {tmp_path}/gone/")
    assert build.error.endswith(": No such file or directory")


@pytest.mark.slow
def test_artifacts_that_cannot_be_kept_are_said_in_a_line(engine: Engine, oracle: Oracle) -> None:
    before = done(engine, TaskRequest(pipeline=pipeline()))
    folder = Path(before.artifacts_path)
    (folder.parent / str(before.number + 1)).write_text("in the way")
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.error == f"{folder.parent / str(build.number)}: File exists"


def test_an_empty_answer_is_no_answer(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [" \n"]}
    build = done(engine, TaskRequest(pipeline=pipeline()))
    assert build.error == "Pipeline stopped at step 'header': codellama: the answer is empty"


@pytest.mark.slow
def test_what_a_model_thought_is_no_part_of_its_answer(engine: Engine, oracle: Oracle) -> None:
    draft = "<think>\n```c draft.c\nint draft;\n```\n</think>\n"
    oracle.replies = {"header": [draft + HEADER]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert "draft" not in engine.tasks.text(build.number, "header")
    assert "files/header/draft.c" not in files(engine, build.number)


@pytest.mark.slow
def test_an_answer_that_was_cut_is_a_warning_and_the_assembler_does_not_take_halves(
    engine: Engine, oracle: Oracle
) -> None:
    cut = stream(*ollama("Mended.\n\n```c led.c\nvoid le", done_reason="length"))
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [cut]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.status is RunStatus.SUCCESS
    assert files(engine, build.number)["final/led.c"] == "void led_on(void) {}\n"
    found = [row.finding.message for row in engine.tasks.findings(build.number)]
    assert found == ["led.c of the assembler is not whole: it stays as it was"]


@pytest.mark.slow
def test_a_task_is_done_again_from_a_step(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [HEADER], "source": [status(400, "no"), SOURCE]}
    build = done(engine, TaskRequest(pipeline=pipeline()))
    assert build.status is RunStatus.FAILED

    engine.tasks.retry(build.number, "source")
    build = engine.tasks.wait(build.number, timeout=WITHIN)

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "source", "assemble"]
    assert "step_1_artifacts: led.h" in oracle.asked("source")[1]
    assert engine.tasks.state(build.number).result == "2 steps done, 2 final files"


def test_each_change_of_a_stage_is_told_once(engine: Engine, oracle: Oracle) -> None:
    told: list[tuple[str, StageStatus]] = []

    def hear(event: Event) -> None:
        if isinstance(event, StageChanged):
            told.append((event.stage, event.status))

    engine.events.subscribe(hear)
    oracle.replies = {"header": [HEADER], "source": [status(400, "no"), status(400, "no")]}
    number = done(engine, TaskRequest(pipeline=pipeline())).number

    source = [("source", StageStatus.RUNNING), ("source", StageStatus.FAILED)]
    behind = [*source, ("assemble", StageStatus.SKIPPED)]
    assert told == [("header", StageStatus.RUNNING), ("header", StageStatus.SUCCESS), *behind]

    told.clear()
    engine.tasks.retry(number, "source")
    engine.tasks.wait(number, timeout=WITHIN)
    assert told == behind


def test_cancelling_closes_the_stream_at_once(engine: Engine, oracle: Oracle) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("The hea")))(client)

    told: list[StageStatus] = []

    def hear(event: Event) -> None:
        if isinstance(event, StageChanged):
            told.append(event.status)

    engine.events.subscribe(hear)
    oracle.replies = {"header": [hold], "source": [SOURCE]}
    number = engine.tasks.start(TaskRequest(pipeline=pipeline())).number
    assert reached.wait(WITHIN)

    engine.tasks.cancel(number)

    build = engine.tasks.wait(number, timeout=WITHIN)
    assert build.status is RunStatus.CANCELLED
    assert told == [StageStatus.RUNNING, StageStatus.CANCELLED]
    assert oracle.hung_up.wait(WITHIN)
    assert engine.tasks.state(number).result == ""
    assert "source" not in oracle.order


@pytest.mark.slow
def test_urgent_tasks_go_first(engine: Engine, oracle: Oracle) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        assert go_on.wait(WITHIN)
        status(400, "enough")(client)

    oracle.replies = {"header": [hold, HEADER]}
    started: list[int] = []
    engine.events.subscribe(
        lambda event: started.append(event.run_id) if isinstance(event, RunStarted) else None
    )
    first = engine.tasks.start(TaskRequest(pipeline=pipeline())).number
    assert reached.wait(WITHIN)
    low, high, critical = (
        engine.tasks.start(TaskRequest(pipeline=pipeline(), priority=priority)).number
        for priority in (Priority.LOW, Priority.HIGH, Priority.CRITICAL)
    )
    go_on.set()
    for number in (low, high, critical):
        engine.tasks.wait(number, timeout=WITHIN)

    assert started == [first, critical, high, low]


@pytest.mark.slow
def test_the_placeholder_is_chosen_by_name_and_marked_everywhere(
    engine: Engine, oracle: Oracle
) -> None:
    state = engine.tasks.state(
        done(engine, TaskRequest(pipeline=pipeline(), model="placeholder")).number
    )

    assert state.metrics.placeholder
    assert (state.metrics.tokens_in, state.metrics.tokens_out) == (None, None)
    assert state.result == "2 steps done, placeholder: no model was asked, 0 final files"
    assert "[placeholder: no model was asked]" in engine.tasks.text(state.run.number, "header")
    row = stages(engine, state.run.number)["header#1"]
    assert row.summary == "placeholder: no model was asked"
    assert row.usage is not None
    assert row.usage[0]["server"] == "placeholder"
    assert oracle.requests == []


# Orders that make no sense.


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({}, "a workflow or a step pipeline"),
        ({"workflow": "bug_fix"}, "Bug fix needs a description"),
        ({"workflow": "code_review"}, "Code review needs a project, a text or a description"),
        ({"workflow": "code_review", "text": "x", "paths": ("a",)}, "are of a project"),
        ({"workflow": "code_review", "text": "x", "squad": "ops"}, "no squad 'ops'"),
        ({"workflow": "bugfix", "text": "x"}, "did you mean bug_fix"),
        ({"workflow": "bug_fix", "description": "x" * 20_001}, "at most 20000 are accepted"),
        ({"workflow": "bug_fix", "description": "x", "model": "none"}, "no model for none"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    engine: Engine, order: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        engine.tasks.start(TaskRequest(**order))


# Workflows.

MAIN = "int answer(void) {\n    return 41;\n}\n"
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
    assert set(oracle.order[:2]) == {"Symptoms", "Cause"}
    assert oracle.order[2:] == ["Fix", "Regression test", "Review"]
    assert "## main/main.c\n\n```\nint answer(void) {\n    return 41;\n" in oracle.asked("Cause")[0]
    (test,) = oracle.asked("Regression test")
    assert "return 42;" in test.partition("## main/main.c\n")[2]
    kept = files(engine, build.number)
    assert "-    return 41;\n+    return 42;\n" in kept["changes.patch"]
    assert "+void test(void) {}\n" in kept["changes.patch"]
    assert "| main/main.c | fits the task | all characters |" in kept["context.md"]
    state = engine.tasks.state(build.number)
    assert state.project == engine.projects.get(str(where)).name
    assert (state.name, state.title) == ("bug_fix", "Bug fix")
    assert state.result == "5 steps done"


def test_members_that_do_not_wait_for_each_other_run_at_once(
    engine: Engine, oracle: Oracle
) -> None:
    together = threading.Barrier(2, timeout=WITHIN)

    def meet(client: socket.socket) -> None:
        together.wait()
        status(400, "met")(client)

    oracle.replies = {"Symptoms": [meet], "Cause": [meet]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", text=MAIN))

    rows = stages(engine, build.number)
    assert not together.broken
    assert {rows["symptoms#1"].phase, rows["cause#1"].phase} == {"step 1"}
    assert rows["fix#1"].status is StageStatus.SKIPPED
    assert build.error.startswith("Pipeline stopped at step 'Symptoms': ")


def test_a_squad_does_its_part(engine: Engine, oracle: Oracle) -> None:
    order = TaskRequest(workflow="bug_fix", description="x", text=MAIN, squad="business")
    build = done(engine, order)

    assert build.status is RunStatus.SUCCESS
    assert oracle.order == ["Symptoms", "Review"]
    assert "You are a business analyst" in oracle.asked("Symptoms")[0]
    assert f"## text that belongs to the task\n\n```\n{MAIN}```\n" in oracle.asked("Symptoms")[0]


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
    assert "## main/other.c\n\n```\nint other;\n```" in asked
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
    assert " left out ...]\nint answer(void) {\n    return 41;\n}\n" in cause
    (review,) = oracle.asked("Review")
    assert "int answer(void) {\n    return 42;\n}\n" in review
    record = files(engine, build.number)["context.md"]
    assert re.search(r"\| main/main.c \| fits the task \| lines [0-9, -]+", record)


@pytest.mark.slow
def test_an_answer_that_cannot_be_taken_is_told_why_and_given_again(
    engine: Engine, oracle: Oracle
) -> None:
    escape = block("../outside.c", "", "int x;\n")
    oracle.replies = {"Fix": [escape, FIX, TEST], "Regression test": ["NO CHANGE"]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x", squad="engineering"))

    assert build.status is RunStatus.SUCCESS
    first, second, third = oracle.asked("Fix")
    assert "leaves the project" not in first
    assert "block 1: ../outside.c leaves the project" in second
    assert "block 1: main/main.c is no tracked file" in third
    assert "+void test(void) {}" in files(engine, build.number)["changes.patch"]


@pytest.mark.slow
def test_a_step_whose_answers_are_all_refused_fails(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"Fix": ["I have no idea."]}
    build = done(engine, TaskRequest(workflow="bug_fix", description="x"))

    assert build.status is RunStatus.FAILED
    assert build.error == (
        "Pipeline stopped at step 'Fix': no answer could be taken: "
        "the answer has no search/replace block"
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
    assert {"context.md", "fix.md", "quality.json"} < set(files(engine, number))


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
    assert json.loads(kept["quality.json"])["passed"] is True
    assert "quality gate passed" in engine.tasks.state(build.number).result


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

    assert "fw/espdeck.toml is what judges" in oracle.asked("Fix")[1]
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
    assert "main/main.c:2: a model marked this line for a tool to look away" in asked
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


@pytest.mark.slow
def test_tasks_are_listed_apart_from_builds(engine: Engine, oracle: Oracle) -> None:
    one = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED.")).number
    two = done(engine, TaskRequest(workflow="free_task", description="What is a LED?")).number

    def listed(**wanted: Any) -> list[int]:
        return [state.run.number for state in engine.tasks.list(**wanted)]

    assert listed(limit=2) == [two, one]
    assert listed(text="what is a led") == [two]
    assert listed(text=f"#{one}") == [one]
    assert one not in listed(status=RunStatus.FAILED)
    assert listed(before=two, limit=1) == [one]
    assert engine.builds.list() == []
    with pytest.raises(UsageError, match="that is a task"):
        engine.builds.get(one)
    with pytest.raises(UsageError, match="no task 9999"):
        engine.tasks.state(9999)


@pytest.mark.parametrize("name", ["nothing", "x" * 5000, "a\0b"])
def test_a_pipeline_that_is_none_is_said(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError, match="no such file, and no pipeline"):
        engine.tasks.pipeline(name)


@pytest.mark.slow
def test_pipelines_of_a_project_are_its_commits(engine: Engine, tmp_path: Path) -> None:
    where = project(engine, tmp_path / "node", {".espdeck/pipelines/own.yaml": PIPELINE})
    entries = engine.tasks.pipelines(where)
    assert [entry.file for entry in entries if entry.origin == "project"] == [
        ".espdeck/pipelines/own.yaml"
    ]
    assert len(engine.tasks.pipelines()) == len(entries) - 1


@pytest.mark.slow
def test_a_project_takes_its_tasks_with_it(engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    build = done(engine, TaskRequest(workflow="code_review", project_id=where, squad="qa"))
    folder = Path(build.artifacts_path)
    assert folder.is_dir()

    engine.projects.remove(where)

    assert not engine.tasks.list(text=f"#{build.number}")
    assert not folder.exists()
