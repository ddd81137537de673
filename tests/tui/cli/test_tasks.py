"""Workflows, pipelines and tasks on the command line, with a server of recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle, status
from tests.tui.commands import Shell

pytestmark = pytest.mark.xdist_group("task-commands")

PIPELINE = """\
name: Blinker
metadata: {priority: high}
steps:
  - step_name: code
    model_type: codegemma
    prompt: Write it.
"""
CODE = "Here.\n\n```c blink.c\nint blink;\n```\n"


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def shell(tmp_path: Path, oracle: Oracle) -> Shell:
    kinds = ("codellama", "codegemma", "t5gemma", "assembler")
    llm = {"ollama": oracle.url, "models": {kind: {"name": "m"} for kind in kinds}}
    return Shell(tmp_path / "workspace", ESPDECK_LLM=json.dumps(llm))


@pytest.mark.slow
def test_a_workflow_runs_on_a_repository_and_is_shown(
    shell: Shell, oracle: Oracle, tmp_path: Path
) -> None:
    repository = tmp_path / "node"
    commit(repository, {"main/main.c": "int answer = 41;\n"})
    oracle.replies["Verdict"] = ["## Verdict\n\nApprove.\n"]

    said = shell.says(
        *("workflow", "run", "code_review", "--project", str(repository), "--squad", "qa"),
        *("--path", "main", "--priority", "critical"),
    )

    assert "task 1 starts: Code review on node " in said
    assert "quality_analyst   | Approve." in said
    assert "task #1, Code review on node at " in said
    assert "3 steps: 3 successful, 0 failed" in said
    assert "3 answers of m: 300 tokens in, 30 out" in said
    assert "verdict.md" in said
    assert "int answer = 41;" in oracle.asked("Security")[0]
    assert "Code review  node" in shell.says("task", "list")
    (task,) = [json.loads(line) for line in shell.says("task", "list", "--json").splitlines()]
    assert (task["name"], task["priority"], task["progress"]) == ("code_review", "critical", 100.0)
    shown = json.loads(shell.says("task", "show", "1", "--json"))
    assert [step["title"] for step in shown["summary"]["steps"]] == [
        *("choose files", "Security", "Tests", "Verdict")
    ]
    assert {each["path"] for each in shown["artifacts"]} == {
        *("context.md", "security.md", "tests.md", "verdict.md")
    }
    for command in ("show", "fix"):
        assert "no build 1: that is a task" in shell.says(command, "1", code=2)
    assert "no task 2" in shell.says("task", "show", "2", code=2)


def test_a_text_is_read_from_the_standard_input(shell: Shell, oracle: Oracle) -> None:
    shell.says("workflow", "run", "free_task", "-d", "Explain.", "--text", "-", typed="E (42) x")
    assert "E (42) x" in oracle.asked("Answer")[0]


@pytest.mark.slow
def test_a_pipeline_is_checked_run_and_told_as_json(
    shell: Shell, oracle: Oracle, tmp_path: Path
) -> None:
    file = tmp_path / "blink.yaml"
    file.write_text(PIPELINE)
    oracle.replies["code"] = [CODE]

    assert "Blinker: 1 step, high priority" in shell.says("pipeline", "check", str(file))
    lines = shell.says("pipeline", "run", str(file), "--json").splitlines()

    *_, last = [json.loads(line) for line in lines if '"workflow.completed"' in line]
    assert (last["success"], last["run"]) == (True, "task")
    assert last["result"] == "1 step done, 1 final file"


def test_a_mistake_in_a_pipeline_is_told_with_its_line(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "blink.yaml"
    file.write_text(PIPELINE.replace("prompt", "promt"))
    told = f"espdeck: {file}:6: no key is called promt (did you mean prompt?)"
    assert told in shell.says("pipeline", "check", str(file), code=2)
    assert told in shell.says("pipeline", "run", str(file), code=2)


def test_shipped_pipelines_are_listed_and_run_by_name(shell: Shell) -> None:
    assert "esp_idf_component.yaml  shipped  7" in shell.says("pipeline", "list")
    said = shell.says(
        "pipeline", "run", "react_component", "-d", "A switch.", "--model", "placeholder"
    )
    assert "PLACEHOLDER: no model was asked" in said
    assert "no pipeline that" in shell.says("pipeline", "run", "nothing", code=2)


def test_a_run_that_stops_says_where_and_fails(shell: Shell, oracle: Oracle) -> None:
    oracle.replies["Answer"] = [status(400, "no")]
    said = shell.says("workflow", "run", "free_task", "-d", "Explain.", code=1)
    assert "Pipeline stopped at step 'Answer': ollama: 400" in said
    assert "\n  no model answered\n" in said


def test_workflows_and_squads_are_listed(shell: Shell) -> None:
    said = shell.says("workflow", "list")
    assert "bug_fix" in said
    assert "full-stack" in said
    first = json.loads(shell.says("workflow", "list", "--json").splitlines()[0])
    assert first["id"] == "code_review"


def test_a_text_that_does_not_end_is_not_read_to_its_end(shell: Shell) -> None:
    said = shell.says(
        *("workflow", "run", "free_task", "-d", "Explain.", "--text", "-"),
        typed="x" * 500_000,
        code=2,
    )
    assert "standard input: more than 100000 characters are not accepted" in said
