"""Bodies of any JSON: refused in a line, and never a fault of the server."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.xdist_group("orchestrate"),
    pytest.mark.slow,
    # Threads of the server use random numbers meanwhile.
    pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning"),
]

_TEXT = st.text(
    st.characters(codec=None, categories=None), max_size=12
)  # lone surrogates and controls among it
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT
_JSON = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_TASK = st.dictionaries(
    st.sampled_from(
        [
            *("task_description", "context", "api_key", "priority", "max_iterations"),
            *("squad_type", "enable_quality_gate", "project_id", "commit", "paths", "diff", "text"),
        ]
    ),
    _JSON,
)
_STEP = st.fixed_dictionaries(
    {"step_name": _TEXT | st.just("a"), "prompt": _TEXT | st.just("b")},
    optional=dict.fromkeys(("model_type", "role", "context", "parameters", "needs"), _JSON),
)
_RUN = st.fixed_dictionaries(
    {"name": _TEXT | st.just("n"), "steps": st.lists(_STEP, max_size=3) | _JSON},
    optional=dict.fromkeys(("global_context", "metadata", "description", "api_key"), _JSON),
)
_GATE = st.fixed_dictionaries(
    {},
    optional={
        "artifacts": st.dictionaries(_TEXT, _TEXT, max_size=3) | _JSON,
        "requirements": _JSON,
    },
)
_often = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def post(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    return client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


def refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"].splitlines()) == 1


@_often
@given(_TASK)
def test_any_task(client: httpx.Client, body: dict[str, Any]) -> None:
    refused(post(client, "/orchestrate", body | {"model": "no such model"}))


@_often
@given(_RUN)
def test_any_pipeline(client: httpx.Client, node: uuid.UUID, body: dict[str, Any]) -> None:
    path = f"/v1/orchestrator/projects/{node}/execute"
    refused(post(client, path, body | {"model": "no such model"}))


@_often
@given(_GATE)
def test_any_files(client: httpx.Client, body: dict[str, Any]) -> None:
    if isinstance(body.get("artifacts"), dict):
        body["artifacts"]["../leaves"] = ""
    answer = post(client, "/orchestrate/quality-gate", body)
    if answer.status_code != 200:  # a list of files by chance
        refused(answer)


@pytest.mark.parametrize("levels", [200, 2_000, 100_000])
def test_json_that_is_nested_too_deeply(client: httpx.Client, levels: int) -> None:
    context = "[" * levels + "]" * levels
    answer = client.post(
        "/orchestrate",
        content=f'{{"task_description": "x", "model": "none", "context": {context}}}',
        headers={"Content-Type": "application/json"},
    )

    refused(answer)


@pytest.mark.parametrize("key", ["\ud800", "\n", "\x1b[31m", "\u202e", "k" * 10_000])
def test_keys_that_no_line_can_have(client: httpx.Client, key: str) -> None:
    refused(post(client, "/orchestrate/quality-gate", {"artifacts": {key: 7}}))
    refused(post(client, "/orchestrate", {"model": "x", "context": {key: {key: [key]}}}))
