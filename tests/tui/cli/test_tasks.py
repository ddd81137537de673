"""Workflows, pipelines and tasks on the command line, with a server of recorded answers."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle, ollama, stall, status
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


KINDS = ("codellama", "codegemma", "t5gemma", "assembler")


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def shell(tmp_path: Path, oracle: Oracle) -> Shell:
    llm = {"ollama": oracle.url, "models": {kind: {"name": "m"} for kind in KINDS}}
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
        *("context.md", "result.md", "security.md", "tests.md", "verdict.md")
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


FIX = """\
I correct it.

main/main.c
<<<<<<< SEARCH
int answer = 41;
=======
int answer = 42;
>>>>>>> REPLACE
"""


@pytest.mark.slow
def test_what_a_task_changed_is_shown_committed_and_put_aside(
    oracle: Oracle, tmp_path: Path
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    llm = {"ollama": oracle.url, "models": {name: {"name": "m"} for name in KINDS}}
    shell = Shell(
        tmp_path / "workspace", ESPDECK_LLM=json.dumps(llm), GIT_CONFIG_GLOBAL=str(config)
    )
    repository = tmp_path / "node"
    commit(repository, {"main/main.c": "int answer = 41;\n"})
    oracle.replies = {"Fix": [FIX], "Regression test": ["NO CHANGE"]}
    asked = ("workflow", "run", "bug_fix", "-d", "It is wrong.", "--project", str(repository))
    said = shell.says(*asked, code=3)
    assert "changes 1 file (open): espdeck task diff 1 shows them" in said
    assert "espdeck task apply 1 commits them on espdeck/task-1" in said

    shown = shell.says("task", "diff", "1")
    assert shown.startswith("Bug fix: It is wrong.\n")
    assert "+int answer = 42;" in shown
    assert shown.endswith("espdeck task apply 1, with --export FILE, or with --discard\n")
    both = shell.says("task", "apply", "1", "--export", "x", "--discard", code=2)
    assert "one of --export and --discard" in both
    path = tmp_path / "mine.patch"
    assert shell.says("task", "apply", "1", "--export", str(path)) == f"written: {path}\n"

    made = shell.says("task", "apply", "#1")
    assert made.startswith("committed on espdeck/task-1; to get it: git fetch ")
    fetch = made.partition("to get it: ")[2].split()
    git("-C", str(repository), *fetch[1:])
    assert git("-C", str(repository), "show", "espdeck/task-1:main/main.c") == "int answer = 42;\n"
    facts = json.loads(shell.says("task", "diff", "1", "--json"))
    assert (facts["task"], facts["state"], facts["files"]) == (1, "committed", ["main/main.c"])
    assert "patch is committed already" in shell.says("task", "apply", "1", code=2)
    assert "to get it: git fetch" in shell.says("task", "show", "1")

    shell.says(*asked, code=3)
    assert "the patch of task 2 is put aside" in shell.says("task", "apply", "2", "--discard")
    assert "was discarded" in shell.says("task", "apply", "2", code=2)
    shell.says("workflow", "run", "free_task", "-d", "Explain.")
    assert "task 3 has no patch" in shell.says("task", "apply", "3", code=2)
    assert "task 3 has no patch" in shell.says("task", "diff", "3", code=2)


@pytest.mark.slow
def test_a_task_is_run_again_from_a_step_of_its_own(
    shell: Shell, oracle: Oracle, tmp_path: Path
) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "name: Two\nsteps:\n"
        "  - {step_name: First, model_type: codegemma, prompt: a}\n"
        "  - {step_name: Then this, model_type: codegemma, prompt: b}\n"
    )
    oracle.replies = {"Then this": [status(400, "no")]}
    assert "Pipeline stopped" in shell.says("pipeline", "run", str(file), code=1)
    oracle.replies = {}
    oracle.requests.clear()
    said = shell.says("task", "retry", "1", "--stage", "then this")
    assert "task #1, Two: success" in said
    assert oracle.order == ["Then this"]
    assert "no step 'thn'" in shell.says("task", "retry", "1", "--stage", "thn", code=2)
    events = [json.loads(line) for line in shell.says("task", "retry", "1", "--json").splitlines()]
    assert {"workflow.started", "workflow.completed"} <= {each["event"] for each in events}
    assert oracle.order[1:] == ["First", "Then this"]


@pytest.mark.slow
def test_tasks_are_cancelled_by_number(shell: Shell, oracle: Oracle) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("I th")))(client)

    oracle.replies = {"Answer": [hold]}
    running = shell.start("workflow", "run", "free_task", "-d", "Explain.")
    try:
        assert reached.wait(60)
        said = shell.says("task", "cancel", "1")
        assert said == "task 1: cancelled\n"
        assert running.wait(60) == 1
    finally:
        running.kill()
    assert "task 1 has ended already (cancelled)" in shell.says("task", "cancel", "1", code=2)
    assert "no task 7" in shell.says("task", "cancel", "1", "7", code=2)
