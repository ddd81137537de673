"""Step pipelines over HTTP: posted, run to their end or to a step that fails, read."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.engine.llm.servers import Oracle, status
from tests.engine.server.orchestrate.lab import WITHIN, asked
from tests.engine.tasks.tasks import HEADER, MENDED, SOURCE

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

STEPS: list[dict[str, Any]] = [
    {
        "step_name": "header",
        "model_type": "CodeLlama",
        "prompt": "Write the header.",
        "context": {"guard": "pragma"},
    },
    {
        "step_name": "source",
        "model_type": "CodeGemma",
        "prompt": "Write the source of step_0_output.",
        "parameters": {"max_tokens": 300, "temperature": 0.1},
    },
]
RUN = {"name": "Two files", "steps": STEPS, "global_context": "C11."}


def execute(client: httpx.Client, node: uuid.UUID, wait: float = WITHIN, **body: Any) -> Any:
    answer = client.post(
        f"/v1/orchestrator/projects/{node}/execute", params={"wait": wait}, json=RUN | body
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_pipeline_runs_to_its_assembled_end(
    client: httpx.Client, oracle: Oracle, node: uuid.UUID
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [MENDED]}
    run = execute(client, node)
    read = client.get(f"/v1/orchestrator/runs/{run['run_id']}").json()

    assert set(run) >= {
        *("run_id", "project_id", "status", "steps", "final_artifacts", "assembled_code"),
        *("started_at", "finished_at", "error"),
    }
    assert (run["status"], run["project_id"], run["error"]) == ("SUCCESS", str(node), None)
    header, source = run["steps"]
    assert set(header) == {
        *("step_name", "status", "result", "artifacts", "execution_time", "error")
    }
    assert (header["step_name"], header["status"], header["error"]) == ("header", "SUCCESS", None)
    assert header["result"] == HEADER
    assert header["execution_time"] >= 0
    assert source["artifacts"] == [
        {"type": "source", "name": "led.c", "content": "void led_on(void) {}\n"}
    ]
    final = {each["name"]: each["content"] for each in run["final_artifacts"]}
    assert final["led.c"] == '#include "led.h"\nvoid led_on(void) {}\n'
    assert set(final) == {"led.c", "led.h"}
    assert "#include" in run["assembled_code"]
    assert run["started_at"] < run["finished_at"]
    assert read == run
    assert (read["total_steps"], read["successful_steps"], read["failed_steps"]) == (2, 2, 0)
    assert read["total_execution_time"] > 0


def test_steps_count_from_0_and_are_asked_as_the_wire_says(
    client: httpx.Client, oracle: Oracle, node: uuid.UUID
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE]}
    execute(client, node)
    first, second, _ = asked(oracle)
    options = [body["options"] for _line, _head, body in oracle.requests if body]

    assert "# What holds for every step\n\nC11.\n" in first
    assert "# What holds for this step\n\n- guard: pragma\n" in first
    assert "## step_0_output (header)" in second
    assert "## step_0_artifacts: led.h" in second
    assert "step_1_output" not in second
    assert [(each["num_predict"], each["temperature"]) for each in options[:2]] == [
        (512, 0.7),
        (300, 0.1),
    ]


def test_a_step_that_fails_stops_it_and_what_was_made_is_kept(
    client: httpx.Client, oracle: Oracle, node: uuid.UUID
) -> None:
    oracle.replies = {"header": [HEADER], "source": [status(400, '{"error": "no memory"}')]}
    run = execute(client, node, steps=[*STEPS, STEPS[0] | {"step_name": "tests"}])

    assert run["status"] == "FAILED"
    assert run["error"] == "Pipeline stopped at step 'source': ollama: 400 no memory"
    assert [each["status"] for each in run["steps"]] == ["SUCCESS", "FAILED", "PENDING"]
    assert run["steps"][0]["artifacts"][0]["name"] == "led.h"
    assert run["steps"][1]["error"] == "ollama: 400 no memory"
    assert (run["total_steps"], run["successful_steps"], run["failed_steps"]) == (3, 1, 1)
    assert (run["final_artifacts"], run["assembled_code"]) == ([], None)


def test_without_wait_the_answer_comes_at_once(
    client: httpx.Client, oracle: Oracle, node: uuid.UUID
) -> None:
    run = execute(client, node, wait=0, metadata={"priority": "high", "deadline": "2099-12-31"})
    ended = client.get(f"/v1/orchestrator/runs/{run['run_id']}", params={"wait": WITHIN}).json()

    assert run["status"] == "PENDING"
    assert run["finished_at"] is None
    assert ended["status"] == "SUCCESS"
    assert client.get(f"/orchestrate/status/{run['run_id']}").json()["priority"] == "high"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"steps": []}, "steps"),
        ({"steps": STEPS * 17}, "steps"),
        ({"steps": [STEPS[0], STEPS[0]]}, "steps.1.step_name: header is too much like header"),
        ({"steps": [STEPS[0] | {"model_type": "CodeLama"}]}, "(did you mean codellama?)"),
        ({"steps": [STEPS[0] | {"model_type": ""}]}, "steps.0: a step has a model_type, a role"),
        ({"steps": [STEPS[0] | {"role": "x"}]}, "steps.0.role: no role 'x'"),
        ({"steps": [STEPS[0] | {"needs": ["source"]}]}, "steps.0.needs.0: no step 'source'"),
        ({"steps": [STEPS[0] | {"step_name": "../x"}]}, "steps.0: step_name: '../x'"),
        ({"steps": [STEPS[0] | {"step_name": "gate"}]}, "a name that espdeck uses itself"),
        ({"steps": [STEPS[0] | {"prompt": ""}]}, "prompt"),
        ({"steps": [STEPS[0] | {"parameters": {"max_tokens": 0}}]}, "max_tokens"),
        ({"steps": [STEPS[0] | {"parameters": {"temperature": 3}}]}, "temperature"),
        ({"metadata": {"deadline": "2020-01-31"}}, "2020-01-31 23:59 has passed"),
        ({"metadata": {"deadline": "tomorrow"}}, "metadata: deadline: 'tomorrow' is not a day"),
        ({"metadata": {"deadline": "9999-12-31T23:59:59-14:00"}}, "is out of range"),
        ({"metadata": {"priority": "soon"}}, "priority"),
        ({"name": "\x1b[31m"}, "name: '\\x1b[31m'"),
        ({"model": "gpt-4"}, "no model 'gpt-4'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    client: httpx.Client, node: uuid.UUID, body: dict[str, Any], told: str
) -> None:
    answer = client.post(f"/v1/orchestrator/projects/{node}/execute", json=RUN | body)

    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_what_is_not_there_is_a_404(client: httpx.Client) -> None:
    nowhere = client.post("/v1/orchestrator/projects/nothing/execute", json=RUN)
    free = client.post("/orchestrate", json={"task_description": "x", "model": "placeholder"})
    other = client.get(f"/v1/orchestrator/runs/{free.json()['task_id']}")

    assert (nowhere.status_code, other.status_code) == (404, 404)
    assert "is not a step pipeline" in other.json()["detail"]


def test_who_may_only_look_runs_none(reader: httpx.Client, node: uuid.UUID) -> None:
    answer = reader.post(f"/v1/orchestrator/projects/{node}/execute", json=RUN)

    assert answer.status_code == 403


def test_the_kinds_of_models_are_told(reader: httpx.Client) -> None:
    ((key, models),) = reader.get("/v1/orchestrator/models").json().items()

    assert key == "models"
    assert reader.get("/orchestrator/models").json() == {key: models}
    assert [each["name"] for each in models] == ["CodeLlama", "CodeGemma", "T5Gemma", "Assembler"]
    assert set(models[0]) >= {"name", "description", "capabilities", "recommended_for"}
    assert models[0]["model"] == "codellama:7b"


def test_each_template_can_be_posted(
    reader: httpx.Client, client: httpx.Client, node: uuid.UUID
) -> None:
    templates = reader.get("/v1/orchestrator/templates").json()["templates"]

    assert len(templates) >= 5
    for each in templates:
        body = {key: each[key] for key in ("name", "steps", "global_context")}
        run = execute(client, node, **body, model="placeholder")
        assert run["status"] == "SUCCESS", run["error"]
