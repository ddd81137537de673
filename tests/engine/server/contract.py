"""Calls of every operation of the OpenAPI document, as they may be and as they may not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine import Engine, Settings, TaskRequest
from engine.access import service
from engine.enums import Scope
from engine.samples.demo import DEMO_BOARD, make_repository
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_STREAM = "text/event-stream"
_SECONDS = 60.0


@dataclass(frozen=True)
class Lab:
    """What is called.

    Args:
        server: of an engine that executes.
        token: of the scope ``admin``.
        known: values of parameters of paths that lead to something.
    """

    server: HttpServer
    token: str
    known: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """A lab with a project, a build, a task, a check's result and a virtual board."""
    with pytest.MonkeyPatch.context() as patch:
        config = folder / "config.toml"
        config.touch(0o600)
        patch.setenv("ESPDECK_CONFIG", str(config))
        patch.setattr(service, "_REQUESTS_PER_SECOND", 1e9)

        def load() -> Settings:
            return Settings.load(
                workspace=folder / "lab", server=ServerSettings(port=0), boards=(DEMO_BOARD,)
            )

        engine = Engine(load(), load)
        engine.open()
        try:
            source = make_repository("hello", folder / "source")
            project = engine.projects.add(str(source), name="hello", targets=["esp32c3"])
            project = engine.projects.resume(project.id, _SECONDS)
            build = engine.builds.start(project.id).number
            request = TaskRequest(workflow="free_task", description="x", model="placeholder")
            task = engine.tasks.start(request).number
            engine.tasks.wait(task, timeout=_SECONDS)
            token, _ = engine.access.create_token("contract", Scope.ADMIN)
            engine.access.create_token("spare", Scope.READ)
            server = HttpServer(engine)
            server.start()
            known = {
                "project": "hello",
                "project_id": str(project.id),
                "number": build,
                "other": build,
                "stage": "setup",
                "task_id": str(task),
                "run_id": str(task),
                "board": DEMO_BOARD,
                "check_name": "git_check",
                "workflow_name": "code_review",
                "name": "spare",
            }
            try:
                yield Lab(server, token, known)
            finally:
                server.stop()
        finally:
            engine.close()


def document(lab: Lab) -> dict[str, Any]:
    """The document as it is served."""
    headers = {"Authorization": f"Bearer {lab.token}"}
    answer: dict[str, Any] = httpx.get(f"{lab.server.url}/openapi.json", headers=headers).json()
    return answer


def call_all(lab: Lab, examples: int, *, is_short: bool = False) -> list[str]:
    """Call each operation; what was wrong with the answers.

    Args:
        examples: of what each operation takes, and as many of what it does not.
        is_short: only of one of these, in turns.
    """
    schema = schemathesis.openapi.from_dict(document(lab))
    results = schema.get_all_operations()
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    operations.sort(key=lambda each: each.method.upper() == "DELETE")  # what is there is used first
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    wrong = []
    for number, operation in enumerate(operations):
        for mode in modes[number % 2 :][:1] if is_short else modes:
            try:
                _call(lab, operation, mode, examples)
            except FailureGroup as group:
                wrong += [f"{operation.label}: {each}" for each in group.exceptions]
            except Exception as error:
                if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                    wrong.append(f"{operation.label}: {error!r}")
    return wrong


def _call(
    lab: Lab, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, examples: int
) -> None:
    headers = {"Authorization": f"Bearer {lab.token}"}
    is_stream = _STREAM in str(operation.definition.raw["responses"].get("200", ""))

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        for known in ({}, {k: v for k, v in lab.known.items() if k in case.path_parameters}):
            case.path_parameters.update(known)
            if "wait" in case.query:
                case.query["wait"] = "0"
            if is_stream:
                _begin(case, lab.server.url, headers)
                continue
            answer = case.call(base_url=lab.server.url, headers=headers, timeout=_SECONDS)
            case.validate_response(answer, checks=_CHECKS)

    call()


def _begin(case: Case[Any], url: str, headers: dict[str, str]) -> None:
    """Call what may have no end, and hear the begin of its answer."""
    words = case.as_transport_kwargs(base_url=url, headers=headers)
    with requests.request(**words, stream=True, timeout=_SECONDS) as answer:
        assert answer.status_code < 500, answer.text
