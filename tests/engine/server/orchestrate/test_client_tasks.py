"""WIRE's calls about tasks with the Python clients: ask, wait, gate, list, pipelines."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from engine import ApiError, Client
from engine.server.http_server import HttpServer
from tests.engine.llm.servers import Oracle
from tests.engine.server.client import conftest as clients
from tests.engine.server.client.conftest import Connect

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

connect = clients.connect


@pytest.fixture
def deck(connect: Connect, server: HttpServer, token: str) -> Client:
    """A client that may start tasks."""
    return connect(server.url, token=token)


def test_a_task_is_asked_for_waited_for_and_found(deck: Client, oracle: Oracle) -> None:
    oracle.replies = {"Answer": ["A watchdog reset."]}
    task = deck.create_task(
        "Why does it restart?",
        context={"board": "esp32c3", "tries": None},
        priority="high",
        model="codellama",
        squad_type="engineering",
    )
    done = deck.wait_for_completion(task.task_id, timeout=60)

    assert (task.status, done.status, done.progress) == ("pending", "completed", 100)
    assert done.result is not None
    assert "A watchdog reset." in done.result.answer
    assert deck.task_status(task.task_id) == done
    assert task.task_id in [each.task_id for each in deck.tasks(status="completed")]
    with pytest.raises(ApiError) as caught:
        deck.cancel_task(task.task_id)
    assert caught.value.status == 409
    again = deck.retry_task(task.task_id)
    assert deck.wait_for_completion(again.task_id, timeout=60).status == "completed"


def test_a_workflow_is_run_and_an_unknown_one_refused(deck: Client, oracle: Oracle) -> None:
    task = deck.run_workflow(
        "documentation", "Say what it does", model="placeholder", text="int x;"
    )

    assert deck.wait_for_completion(task.task_id, timeout=60).workflow == "documentation"
    with pytest.raises(ApiError, match="nosuch"):
        deck.run_workflow("nosuch", "x")
    with pytest.raises(ApiError) as caught:
        deck.wait_for_completion("999")
    assert caught.value.status == 404


def test_files_are_measured(deck: Client) -> None:
    bad = "#include <string.h>\nvoid f(char *d, const char *s) {\n    strcpy(d, s);\n}\n"

    good = deck.quality_gate({"main/led.c": "int led(void) {\n    return 1;\n}\n"})
    blocked = deck.quality_gate({"main/f.c": bad}, min_test_coverage=80, security_scan=True)

    assert (good.passed, good.blockers) == (True, [])
    assert not blocked.passed
    assert any(each.startswith("main/f.c:3:") for each in blocked.blockers)


def test_who_and_what_there_is(deck: Client) -> None:
    assert "code_review" in {each.name for each in deck.workflows()}
    assert "engineering" in {each.name for each in deck.squads()}
    assert deck.agents()[0].name
    assert deck.tasks_health().workflows >= 8
    assert "Assembler" in {each.name for each in deck.pipeline_models()}
    assert deck.pipeline_templates()[0].steps


def test_a_pipeline_runs_to_its_end(deck: Client, node: uuid.UUID, oracle: Oracle) -> None:
    steps: list[dict[str, Any]] = [
        {"step_name": "design", "model_type": "CodeLlama", "prompt": "Design a driver"}
    ]
    run = deck.execute_pipeline(str(node), "Driver", steps, model="placeholder")
    done = deck.wait_for_pipeline(run.run_id, timeout=60)

    assert run.status in ("PENDING", "SUCCESS")
    assert (done.status, done.total_steps, done.successful_steps) == ("SUCCESS", 1, 1)
    assert deck.pipeline_run(run.run_id).assembled_code == done.assembled_code
    with pytest.raises(ApiError) as caught:
        deck.execute_pipeline("nosuch", "Driver", steps)
    assert caught.value.status == 404
