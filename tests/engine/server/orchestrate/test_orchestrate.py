"""Orchestrated tasks over HTTP: asked for, followed, cancelled, retried, read."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import Engine
from engine.server.http_server import HttpServer
from tests.engine.llm.servers import Oracle, ollama, stall, status
from tests.engine.server.orchestrate.lab import WITHIN, asked, ended, start
from tests.engine.tasks.tasks import MAIN, block, project

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

WORKFLOWS = (
    *("code_review", "architecture_design", "feature_development", "bug_fix", "testing"),
    *("refactoring", "documentation", "optimization"),
)


class Held:
    """A model that begins to answer and waits until the client goes away."""

    def __init__(self) -> None:
        self.reached = threading.Event()

    def __call__(self, client: socket.socket) -> None:
        self.reached.set()
        stall(next(ollama("I think")))(client)


def test_a_task_is_asked_for_followed_and_ends(client: httpx.Client, oracle: Oracle) -> None:
    oracle.replies = {"Answer": ["A watchdog reset: see `main.c`."]}
    begun = client.post(
        "/orchestrate",
        json={
            "task_description": "Why does it restart?",
            "context": {"board": "esp32c3", "log": "rst:0x7\nTG0WDT", "tries": 3},
            "model": "codellama",
            "priority": "HIGH",
            "max_iterations": 2,
            "enable_quality_gate": False,
            "squad_type": "engineering",
        },
    )
    task = begun.json()
    found = ended(client, task["task_id"])

    assert begun.status_code == 200
    assert set(task) >= {"task_id", "status", "message", "created_at", "estimated_duration"}
    assert (task["status"], type(task["task_id"])) == ("pending", str)
    assert task["created_at"].endswith("Z")
    assert task["estimated_duration"] > 0
    assert set(found) >= {
        *("task_id", "status", "progress", "current_step", "agents_involved", "metrics", "result"),
        *("error", "created_at", "updated_at", "completed_at"),
    }
    assert (found["task_id"], found["status"]) == (task["task_id"], "completed")
    assert (found["progress"], found["current_step"], found["error"]) == (100.0, None, None)
    assert found["agents_involved"] == ["firmware_engineer"]
    assert found["result"]["answer"] == "A watchdog reset: see `main.c`."
    assert (found["metrics"]["tokens_in"], found["metrics"]["tokens_out"]) == (100, 10)
    assert (found["priority"], found["asked_by"]) == ("high", "builder")
    times = [datetime.fromisoformat(found[name]) for name in ("created_at", "completed_at")]
    assert times == sorted(times)
    (question,) = asked(oracle)
    assert "# The task\n\nWhy does it restart?\n" in question
    assert "- board: esp32c3\n- log:\n\n```\nrst:0x7\nTG0WDT\n```\n\n- tries: 3\n" in question


def test_it_is_there_as_soon_as_it_was_asked_for(client: httpx.Client, oracle: Oracle) -> None:
    held = Held()
    oracle.replies = {"Answer": [held]}
    task = start(client)
    first = client.get(f"/v1/orchestrate/status/{task['task_id']}")
    assert held.reached.wait(WITHIN)
    second = client.get(f"/orchestrate/status/{task['task_id']}").json()
    client.post(f"/orchestrate/tasks/{task['task_id']}/cancel")

    assert first.status_code == 200
    assert first.json()["status"] in ("pending", "running")
    assert second["status"] == "running"
    assert second["current_step"] == "Answer"
    assert 0 <= second["progress"] < 100
    assert second["result"] is None
    assert second["completed_at"] is None


def test_who_waits_and_leaves_ends_nothing(client: httpx.Client, oracle: Oracle) -> None:
    held = Held()
    oracle.replies = {"Answer": [held, "Done."]}
    blocker = start(client)["task_id"]
    assert held.reached.wait(WITHIN)
    task_id = start(client)["task_id"]
    with pytest.raises(httpx.ReadTimeout):
        client.get(f"/orchestrate/status/{task_id}", params={"wait": WITHIN}, timeout=0.2)
    client.post(f"/orchestrate/tasks/{blocker}/cancel")

    assert ended(client, task_id)["status"] == "completed"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_workflow_runs_to_its_end(client: httpx.Client, name: str) -> None:
    task = start(client, f"/orchestrate/workflow/{name}", model="placeholder")
    found = ended(client, task["task_id"])

    assert (found["status"], found["workflow"], found["progress"]) == ("completed", name, 100.0)
    assert found["metrics"]["placeholder"]
    assert found["result"]["answer"].startswith("[placeholder: no model was asked]")


def test_the_squad_decides_who_does_it(client: httpx.Client) -> None:
    task = start(
        *(client, "/orchestrate/workflow/code_review"), model="placeholder", squad_type="QA"
    )
    found = ended(client, task["task_id"])

    assert found["squad_type"] == "qa"
    assert set(found["agents_involved"]) <= {"qa_tester", "quality_analyst", "security_auditor"}


def test_what_is_more_urgent_goes_first(client: httpx.Client, oracle: Oracle) -> None:
    held = Held()
    oracle.replies = {"Answer": [held, "Done."]}
    first = start(client)
    assert held.reached.wait(WITHIN)
    low = start(client, task_description="Low?", priority="low")
    critical = start(client, task_description="Critical?", priority="critical")
    client.post(f"/orchestrate/tasks/{first['task_id']}/cancel")
    ended(client, low["task_id"])
    ended(client, critical["task_id"])

    order = [
        next(word for word in ("this", "Critical", "Low") if f"{word}?" in text)
        for text in asked(oracle)
    ]
    assert order == ["this", "Critical", "Low"]


def test_a_step_that_fails_ends_it_and_says_which(client: httpx.Client, oracle: Oracle) -> None:
    oracle.replies = {"Cause": [status(400, '{"error": "no such layer"}'), "The cause."]}
    task = start(
        client, "/orchestrate/workflow/bug_fix", squad_type="engineering", model="codegemma"
    )
    found = ended(client, task["task_id"])
    again = client.post(f"/orchestrate/tasks/{task['task_id']}/retry", json={"step": "cause"})
    repeated = ended(client, task["task_id"])

    assert found["status"] == "failed"
    assert found["error"] == "Pipeline stopped at step 'Cause': ollama: 400 no such layer"
    assert found["result"] is None
    assert found["progress"] < 100
    assert again.status_code == 200
    assert again.json()["status"] in ("pending", "running", "completed")
    assert repeated["status"] == "failed"  # without a project no file can be changed
    assert "'Fix'" in repeated["error"]


def test_a_cancelled_task_has_failed_at_once(client: httpx.Client, oracle: Oracle) -> None:
    held = Held()
    oracle.replies = {"Answer": [held, "Done."]}
    running = start(client)["task_id"]
    assert held.reached.wait(WITHIN)
    waiting = start(client)["task_id"]
    answers = [client.post(f"/orchestrate/tasks/{each}/cancel") for each in (waiting, running)]
    found = ended(client, running)

    assert [each.status_code for each in answers] == [200, 200]
    first = answers[0].json()
    assert (first["status"], first["cancelled"]) == ("failed", True)
    assert first["error"] == "cancelled by builder before it began"
    assert (found["status"], found["cancelled"], found["error"]) == ("failed", True, "cancelled")
    assert oracle.hung_up.wait(WITHIN)
    twice = client.post(f"/orchestrate/tasks/{running}/cancel")
    assert twice.status_code == 409
    assert "has ended already" in twice.json()["detail"]


def test_the_steps_their_texts_and_files_are_told(client: httpx.Client, oracle: Oracle) -> None:
    oracle.replies = {"Answer": ["It is a LED."]}
    task_id = start(client)["task_id"]
    ended(client, task_id)
    steps = client.get(f"/orchestrate/tasks/{task_id}/steps").json()
    text = client.get(f"/orchestrate/tasks/{task_id}/steps/answer")
    files = client.get(f"/orchestrate/tasks/{task_id}/artifacts").json()
    file = client.get(f"/orchestrate/tasks/{task_id}/artifacts/answer.md")

    assert [(each["key"], each["status"], each["attempt"]) for each in steps] == [
        ("answer", "success", 1)
    ]
    assert text.text == "It is a LED."
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert [each["path"] for each in files] == ["answer.md", "result.md"]
    assert files[0]["size"] == 12
    assert file.content == b"It is a LED."
    assert file.headers["content-disposition"].startswith("attachment")
    for path in ("artifacts/nothing", "artifacts/..%2f..%2fespdeck.db", "steps/nothing"):
        assert client.get(f"/orchestrate/tasks/{task_id}/{path}").status_code == 404


def test_what_a_task_changes_is_told(
    client: httpx.Client, engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    fix = block("main/main.c", "    return 41;\n", "    return 42;\n")
    oracle.replies = {"Fix": [fix], "Regression test": ["NO CHANGE"]}
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    task_id = start(client, "/orchestrate/workflow/bug_fix", project_id=str(where))["task_id"]
    ended(client, task_id)
    found = client.get(f"/orchestrate/tasks/{task_id}/changes").json()
    assert (found["task_id"], found["state"], found["proved"]) == (task_id, "open", True)
    assert (found["files"], found["branch"]) == (["main/main.c"], f"espdeck/task-{task_id}")
    assert "+    return 42;" in found["diff"]

    free = start(client)["task_id"]
    ended(client, free)
    missing = client.get(f"/orchestrate/tasks/{free}/changes")
    assert (missing.status_code, missing.json()["detail"]) == (404, f"task {free} has no patch")


def test_tasks_are_listed_newest_first_and_by_page(client: httpx.Client) -> None:
    made = [start(client, model="placeholder", text="paging")["task_id"] for _ in range(3)]
    for each in made:
        ended(client, each)
    first = client.get("/v1/orchestrate/tasks", params={"limit": 2, "status": "completed"})
    second = client.get(first.links["next"]["url"])

    assert [each["task_id"] for each in first.json()] == made[:0:-1]
    assert second.json()[0]["task_id"] == made[0]
    assert {each["status"] for each in second.json()} == {"completed"}


def test_it_is_told_how_long_a_task_takes(client: httpx.Client) -> None:
    first = start(client, "/orchestrate/workflow/testing", model="t5gemma", squad_type="qa")
    client.post(f"/orchestrate/tasks/{first['task_id']}/cancel")
    earlier = start(client, model="placeholder")
    ended(client, earlier["task_id"])
    later = start(client, model="placeholder")

    assert first["estimated_from"].startswith("a guess: 30 s for each of ")
    assert first["estimated_duration"] % 30 == 0
    assert later["estimated_from"].startswith("the median of ")
    assert 0 <= later["estimated_duration"] < 30


@pytest.mark.parametrize(
    ("path", "body", "code", "told"),
    [
        ("/workflow/code_reviw", {}, 404, "(did you mean code_review?)"),
        ("/workflow/nothing", {}, 404, "optimization"),
        ("", {"squad_type": "bussiness"}, 422, "(did you mean business?)"),
        ("", {"model": "gpt-4"}, 422, "no model 'gpt-4': codellama, codegemma"),
        ("", {"task_description": ""}, 422, "needs a description"),
        ("", {"task_description": 7}, 422, "task_description"),
        ("", {"priority": "urgent"}, 422, "priority"),
        ("", {"max_iterations": -1}, 422, "max_iterations"),
        ("", {"project_id": "nothing"}, 404, "no project 'nothing'"),
        ("", {"paths": ["main"]}, 422, "name one"),
        ("", {"task_description": "x" * 20_001}, 422, "at most 20000"),
        ("", {"context": {"a": "x" * 20_001}}, 422, "at most 20000"),
        ("", {"task_description": "\ud800"}, 422, "task_description"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    client: httpx.Client, path: str, body: dict[str, Any], code: int, told: str
) -> None:
    answer = client.post(
        f"/orchestrate{path}",
        content=json.dumps({"task_description": "x", **body}),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize("task_id", ["999999", "0", "x", "9" * 30, "-1", "1.5", "%F0%9F%A6%86"])
def test_an_unknown_task_is_a_404(client: httpx.Client, task_id: str) -> None:
    calls = [
        client.get(f"/orchestrate/status/{task_id}"),
        client.get(f"/orchestrate/status/{task_id}", params={"wait": 1}),
        client.get(f"/orchestrate/tasks/{task_id}/steps"),
        client.get(f"/orchestrate/tasks/{task_id}/steps/answer"),
        client.get(f"/orchestrate/tasks/{task_id}/artifacts"),
        client.get(f"/orchestrate/tasks/{task_id}/artifacts/answer.md"),
        client.post(f"/orchestrate/tasks/{task_id}/cancel"),
        client.post(f"/orchestrate/tasks/{task_id}/retry"),
        client.get(f"/orchestrator/runs/{task_id}"),
    ]

    assert [each.status_code for each in calls] == [404] * len(calls)


def test_who_may_only_look_starts_nothing(reader: httpx.Client, server: HttpServer) -> None:
    calls = ("", "/workflow/testing", "/tasks/1/cancel", "/tasks/1/retry", "/quality-gate")
    posted = [reader.post(f"/orchestrate{each}", json={}) for each in calls]
    nobody = httpx.get(f"{server.url}/api/orchestrate/health")

    assert [each.status_code for each in posted] == [403] * len(calls)
    assert nobody.status_code == 401


def test_who_and_what_there_is(reader: httpx.Client, engine: Engine) -> None:
    workflows = reader.get("/orchestrate/workflows").json()
    squads = reader.get("/orchestrate/squads").json()
    agents = reader.get("/orchestrate/agents").json()
    health = reader.get("/orchestrate/health")

    assert {each["name"] for each in workflows} == {*WORKFLOWS, "free_task"}
    assert [each["name"] for each in squads] == ["business", "engineering", "qa", "full-stack"]
    assert {each["name"] for each in agents} == {role.id for role in engine.tasks.roles()}
    assert {name for each in squads for name in each["agents"]} == {each["name"] for each in agents}
    assert agents[0]["model"] == "codellama:7b"
    assert health.status_code == 200
    assert health.json()["status"] == "healthy"
    assert health.json()["models"][-1] == "placeholder"


def test_curl_asks_for_a_task_and_reads_how_it_stands(server: HttpServer, token: str) -> None:
    def curl(path: str, *more: str) -> Any:
        words = ["curl", "-sS", "-H", f"Authorization: Bearer {token}", *more]
        done = subprocess.run(
            [*words, f"{server.url}/api{path}"], capture_output=True, timeout=WITHIN, check=True
        )
        return json.loads(done.stdout)

    body = json.dumps({"task_description": "What is this?", "model": "placeholder"})
    task = curl("/orchestrate", "-H", "Content-Type: application/json", "-d", body)
    found = curl(f"/orchestrate/status/{task['task_id']}?wait=60")

    assert found["status"] == "completed"
