"""Callers of the older systems: each call as they write it, by curl, on one served engine.

The names, types, defaults and codes here are fixed; an answer may have more.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.enums import Scope
from engine.samples import demo
from engine.server.http_server import HttpServer
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle, status
from tests.engine.server.orchestrate.lab import settings
from tests.engine.tasks.tasks import HEADER, MENDED, SOURCE

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

WITHIN_SECONDS = 60
NUMBER = (int, float)
MAYBE_NUMBER = (int, float, type(None))
MAYBE_TEXT = (str, type(None))
WORKFLOWS = {
    *("code_review", "architecture_design", "feature_development", "bug_fix"),
    *("testing", "refactoring", "documentation", "optimization"),
}

Types = type | tuple[type, ...]


class Caller:
    """Calls by curl, with a token in a file."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self._url = url
        header = folder / "header"
        header.write_text(f"Authorization: Bearer {token}\n")
        self._command = ["curl", "-sS", "-N", "-m", str(WITHIN_SECONDS), "-H", f"@{header}"]

    def __call__(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:
        """The answer, which is JSON."""
        sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run(
            [
                *(*self._command, "-X", method, "-w", "\n%{http_code}"),
                *(sent if body is not None else ()),
                self._url + path,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, code = done.stdout.rpartition("\n")
        assert int(code) == expect, (method, path, text)
        return json.loads(text)

    def text(self, path: str) -> str:
        """A page, or a stream to its end."""
        words = [*self._command, "-f", self._url + path]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    @contextlib.contextmanager
    def stream(self, path: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A call whose answer goes on."""
        words = [*self._command, *options, self._url + path]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as curl:
            try:
                yield curl
            finally:
                curl.terminate()

    def messages(self, path: str) -> Iterator[Any]:
        """Messages of a WebSocket in JSON, until it is closed; nothing is sent but the wish."""
        wish = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3
        options = [word for line in (*wish, key) for word in ("-H", line)]
        with self.stream(path, "--http1.1", "-i", *options) as curl:
            out = curl.stdout
            assert out is not None
            assert b" 101 " in out.readline()
            while out.readline().strip():
                pass
            while head := out.read(2):  # section 5.2: a server's frames are not masked
                length = head[1]
                if length > 125:
                    length = int.from_bytes(out.read(2 if length == 126 else 8), "big")
                content = out.read(length)
                if head[0] & 0x0F == 0x8:  # close
                    return
                if head[0] & 0x0F == 0x1:  # text
                    yield json.loads(content)

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """Server-sent events: the name and data of each, until the stream ends."""
        with self.stream(path) as curl:
            assert curl.stdout is not None
            name = "message"
            for raw in curl.stdout:
                field, _, value = raw.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)
                    name = "message"


def has(found: dict[str, Any], types: dict[str, Types]) -> None:
    """See that each field is there and of its type."""
    assert set(types) <= set(found), sorted(set(types) - set(found))
    wrong = {
        name: found[name]
        for name, kind in types.items()
        if not isinstance(found[name], kind) or (isinstance(found[name], bool) and kind is not bool)
    }
    assert not wrong


def is_utc(text: str) -> bool:
    return text.endswith("Z") and datetime.fromisoformat(text).utcoffset() == timedelta(0)


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def engine(tmp_path: Path, oracle: Oracle) -> Iterator[Engine]:
    with Engine(settings(tmp_path / "lab", oracle.url, oracle.url)) as engine:
        yield engine


@pytest.fixture
def call(engine: Engine, tmp_path: Path) -> Iterator[Caller]:
    server = HttpServer(engine)
    server.start()
    yield Caller(server.url, engine.access.create_token("caller", Scope.ADMIN)[0], tmp_path)
    server.stop()


def test_every_call_of_the_older_systems(call: Caller, oracle: Oracle, tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    body = {"source": str(source), "name": "hello", "target": "esp32c3"}
    project = call("POST", "/api/projects", body, 202)["id"]
    assert call("GET", f"/api/projects/{project}?wait=60")["status"] == "active"

    check_builds(call, project, source)
    check_events(call)
    check_tasks(call, oracle)
    check_what_there_is(call)
    check_quality_gate(call)
    check_pipelines(call, project, oracle)
    check_watch(call, project)


def check_builds(call: Caller, project: str, source: Path) -> None:
    asked = {"trigger": "push", "flash_device": False, "run_qemu": False}
    begun = call("POST", f"/api/projects/{project}/build", asked, 202)
    has(begun, {"build_id": int, "status": str, "project_id": str, "commit_sha": str})
    assert (begun["status"], begun["project_id"]) == ("pending", project)
    url = f"/api/builds/{begun['build_id']}"
    build = call("GET", f"{url}?wait=60")
    has(
        build,
        {
            "id": int,
            "project_id": str,
            "commit_sha": str,
            "status": str,
            "started_at": str,
            "completed_at": str,
            "duration": NUMBER,
            "build_output": str,
            "test_results": (dict, type(None)),  # none where nothing ran
            "artifacts_path": str,
            "commit_message": str,
            "commit_author": str,
            "branch": str,
            "triggered_by": str,
            "created_at": str,
        },
    )
    assert (build["status"], build["triggered_by"]) == ("success", "push")
    assert build["commit_sha"] == begun["commit_sha"]
    assert all(is_utc(build[name]) for name in ("created_at", "started_at", "completed_at"))
    assert "409" not in call("POST", f"{url}/retry", expect=409)["detail"]

    commit(source, {"main/main.c": "#error stop here\n"}, "Break it")
    begun = call("POST", f"/api/projects/{project}/build", asked | {"trigger": "webhook"}, 202)
    url = f"/api/builds/{begun['build_id']}"
    failed = call("GET", f"{url}?wait=60")
    assert (failed["status"], failed["triggered_by"]) == ("failed", "webhook")
    assert "stop here" in failed["build_output"]
    retried = call("POST", f"{url}/retry", expect=202)
    assert (retried["id"], retried["status"]) == (failed["id"], "pending")
    none = ("started_at", "completed_at", "duration")
    assert [retried[name] for name in none] == [None, None, None]
    assert (retried["build_output"], retried["test_results"]) == ("", None)
    assert call("GET", f"{url}?wait=60")["status"] == "failed"

    listed = call("GET", f"/api/builds?project_id={project}&limit=10")
    assert [each["id"] for each in listed] == [failed["id"], build["id"]]
    assert [each["id"] for each in call("GET", "/api/builds?status=success")] == [build["id"]]
    assert len(call("GET", "/api/builds?limit=1")) == 1
    stats = call("GET", f"/api/projects/{project}/stats")
    has(stats, {"success_rate": NUMBER, "average_duration": NUMBER})
    counts = ("total_builds", "successful", "failed", "pending", "running", "success_rate")
    assert [stats[name] for name in counts] == [2, 1, 1, 0, 0, 50.0]
    assert stats["project_id"] == project
    missing = call("GET", "/api/builds/99999", expect=404)["detail"]
    assert missing.startswith("no build 99999 (the highest number is ")

    elsewhere = {"source": "https://127.0.0.1:1/none.git", "name": "unreachable"}
    other = call("POST", "/api/projects", elsewhere, 202)["id"]
    state = call("GET", f"/api/projects/{other}?wait=60")["status"]
    refused = call("POST", f"/api/projects/{other}/build", {}, 409)
    assert refused["detail"].startswith(f"Project status is '{state}', must be 'active'")


def check_events(call: Caller) -> None:
    every: dict[str, Types] = {"type": str, "job_id": str, "timestamp": str}
    fields: dict[str, dict[str, Types]] = {
        "workflow.started": {"project_path": str},
        "workflow.progress": {"phase": str, "progress": NUMBER, "message": str},
        "workflow.completed": {"success": bool, "duration": NUMBER, "result": str},
        "agent.status": {"agent": str, "status": str, "task": str},
    }
    chosen = f"?build=1&last_event_id=0&type={','.join(fields)}"
    by_socket: list[Any] = []
    for event in call.messages(f"/api/ws{chosen}"):
        by_socket.append(event)
        if event["type"] == "workflow.completed":
            break
    by_stream: list[Any] = []
    for _name, event in call.events(f"/api/events{chosen}"):
        by_stream.append(event)
        if event["type"] == "workflow.completed":
            break

    assert [each for each in by_stream if each["type"] in fields] == [
        each for each in by_socket if each["type"] in fields
    ]
    told = [each for each in by_stream if each["type"] in fields]
    assert {each["type"] for each in told} == set(fields)
    for each in told:
        has(each, every | fields[each["type"]])
        assert each["job_id"] == "1"
        assert is_utc(each["timestamp"])
    progress = [each["progress"] for each in told if each["type"] == "workflow.progress"]
    assert all(0 <= each <= 100 for each in progress)
    agents = {each["status"] for each in told if each["type"] == "agent.status"}
    assert {"working", "completed"} <= agents <= {"idle", "working", "completed", "error"}
    assert told[-1]["success"] is True


def ended(call: Caller, task_id: str) -> Any:
    found = call("GET", f"/api/orchestrate/status/{task_id}?wait=60")
    has(
        found,
        {
            "task_id": str,
            "status": str,
            "progress": NUMBER,
            "current_step": MAYBE_TEXT,
            "agents_involved": list,
            "metrics": dict,
            "result": (dict, type(None)),
            "error": MAYBE_TEXT,
            "created_at": str,
            "updated_at": str,
            "completed_at": str,
        },
    )
    assert found["task_id"] == task_id
    assert all(is_utc(found[name]) for name in ("created_at", "updated_at", "completed_at"))
    return found


def check_tasks(call: Caller, oracle: Oracle) -> None:
    oracle.replies = {"Answer": ["A watchdog.", status(404, '{"error": "no such model"}')]}
    full = {
        "task_description": "Why does it restart?",
        "context": {"board": "esp32c3"},
        "model": "codellama",
        "api_key": "",
        "priority": "critical",
        "max_iterations": 1,
        "enable_quality_gate": False,
        "squad_type": "engineering",
    }
    begun: dict[str, Types] = {
        "task_id": str,
        "status": str,
        "message": str,
        "created_at": str,
        "estimated_duration": NUMBER,
    }
    task = call("POST", "/api/orchestrate", full)
    has(task, begun)
    assert is_utc(task["created_at"])
    done = ended(call, task["task_id"])
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100.0, None)
    failed = call("POST", "/api/orchestrate", {"task_description": "And now?"})["task_id"]
    assert ended(call, failed)["status"] == "failed"
    assert "no such model" in ended(call, failed)["error"]

    for name in sorted(WORKFLOWS):
        asked = {"task_description": "A driver.", "model": "placeholder", "max_iterations": 1}
        task = call("POST", f"/api/orchestrate/workflow/{name}", asked)
        has(task, begun)
        messages = list(call.messages(f"/api/orchestrate/ws/{task['task_id']}"))
        assert messages[-1]["event"] in ("task_completed", "task_failed")
        for each in messages[:-1]:
            has(each, {"event": str, "progress": NUMBER, "current_step": MAYBE_TEXT})
            assert each["event"] == "progress_update"
        ended(call, task["task_id"])
    call("POST", "/api/orchestrate/workflow/none", {"task_description": "x"}, 404)
    call("GET", "/api/orchestrate/status/99999", expect=404)

    (last,) = list(call.messages(f"/api/orchestrate/ws/{done['task_id']}"))
    assert (last["event"], last["result"]["answer"]) == ("task_completed", "A watchdog.")
    (last,) = list(call.messages(f"/api/orchestrate/ws/{failed}"))
    assert last["event"] == "task_failed"
    assert "no such model" in last["error"]
    task = call("POST", "/api/orchestrate", {"task_description": "x", "model": "placeholder"})
    events = list(call.events(f"/api/orchestrate/stream/{task['task_id']}"))
    assert {name for name, _data in events[:-1]} <= {"progress"}
    assert events[-1][0] == "completed"
    assert [name for name, _data in call.events(f"/api/orchestrate/stream/{failed}")] == ["failed"]


def check_what_there_is(call: Caller) -> None:
    squads = call("GET", "/api/orchestrate/squads")
    agents = call("GET", "/api/orchestrate/agents")
    workflows = call("GET", "/api/orchestrate/workflows")
    assert {each["name"] for each in workflows} >= WORKFLOWS
    assert {name for each in squads for name in each["agents"]} == {each["name"] for each in agents}
    assert call("GET", "/api/orchestrate/health")["status"]
    assert "<html" in call.text("/docs").lower()
    assert "<html" in call.text("/redoc").lower()


def check_quality_gate(call: Caller) -> None:
    path = "/api/orchestrate/quality-gate"
    files = [{"path": "a.c", "content": "int main(void) {\n    return 0;\n}\n"}]
    plain = call("POST", path, {"artifacts": files})
    has(plain, {"passed": bool, "score": NUMBER, "measures": list, "blockers": list})
    limits = {each["name"]: each["threshold"] for each in plain["measures"]}
    assert (limits["coverage"], limits["code"]) == (80, 85)
    named = {"min_test_coverage": 80, "code_quality_score": 85, "security_scan": True}
    strict = call("POST", path, {"artifacts": files, "requirements": named})
    assert strict["passed"] is False
    assert strict["blockers"]


def check_pipelines(call: Caller, project: str, oracle: Oracle) -> None:
    base = "/api/v1/orchestrator"
    execute = f"{base}/projects/{project}/execute"
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [MENDED]}
    oracle.requests.clear()
    pipeline = {
        "name": "Two files",
        "steps": [
            {"step_name": "header", "model_type": "CodeLlama", "prompt": "Write the header."},
            {
                "step_name": "source",
                "model_type": "T5Gemma",
                "prompt": "Write the source of step_0_output.",
                "context": {"standard": "C11"},
                "parameters": {"max_tokens": 300, "temperature": 0.1},
            },
        ],
        "global_context": "C11.",
        "metadata": {"priority": "high", "deadline": "2099-01-01T00:00:00Z"},
    }
    run = call("POST", f"{execute}?wait=60", pipeline, 202)
    has(
        run,
        {
            "run_id": str,
            "project_id": str,
            "status": str,
            "steps": list,
            "final_artifacts": list,
            "assembled_code": str,
            "started_at": str,
            "finished_at": str,
            "error": MAYBE_TEXT,
        },
    )
    assert (run["status"], run["error"], run["project_id"]) == ("SUCCESS", None, project)
    for step in run["steps"]:
        has(
            step,
            {
                "step_name": str,
                "status": str,
                "result": str,
                "artifacts": list,
                "execution_time": NUMBER,
                "error": MAYBE_TEXT,
            },
        )
        has(step["artifacts"][0], {"type": str, "name": str, "content": str})
    first, second = [body["options"] for _line, _head, body in oracle.requests if body][:2]
    assert (first["num_predict"], first["temperature"]) == (512, 0.7)
    assert (second["num_predict"], second["temperature"]) == (300, 0.1)

    read = call("GET", f"{base}/runs/{run['run_id']}")
    has(read, {"run_id": str, "total_execution_time": NUMBER, "steps": list})
    counts = ("total_steps", "successful_steps", "failed_steps")
    assert [read[name] for name in counts] == [2, 2, 0]

    at_once = call("POST", execute, pipeline, 202)
    assert at_once["status"] == "PENDING"
    oracle.replies = {"header": [HEADER], "source": [status(404, '{"error": "gone"}')] * 9}
    stopped = call("POST", f"{execute}?wait=60", pipeline, 202)
    assert stopped["status"] == "FAILED"
    assert stopped["error"].startswith("Pipeline stopped at step 'source': ")
    assert [each["status"] for each in stopped["steps"]] == ["SUCCESS", "FAILED"]
    assert stopped["steps"][0]["artifacts"]
    call("POST", f"{base}/projects/none/execute", pipeline, 404)
    call("GET", f"{base}/runs/99999", expect=404)

    models = call("GET", f"{base}/models")["models"]
    assert [each["name"] for each in models] == ["CodeLlama", "CodeGemma", "T5Gemma", "Assembler"]
    for each in models:
        has(each, {"description": str, "capabilities": list, "recommended_for": list})
    for each in call("GET", f"{base}/templates")["templates"]:
        has(each, {"name": str, "description": str, "steps": list})


def check_watch(call: Caller, project: str) -> None:
    job = call("POST", "/api/checks/git_check/run?wait=60", {"project": "hello"})
    assert job["status"] == "success", job
    result = call("GET", f"/api/checks/results/{job['result']['result_id']}")
    has(
        result,
        {
            "check_name": str,
            "status": str,
            "message": str,
            "details": dict,
            "timestamp": str,
            "duration_seconds": NUMBER,
        },
    )
    assert is_utc(result["timestamp"])
    checks = {
        each["check_name"]: (each["interval"], each["enabled"])
        for each in call("GET", "/api/checks")
        if each["project_id"] == project
    }
    assert checks["doc_check"] == (10, True)
    assert checks["git_check"] == checks["test_check"] == (5, True)
    values = {each["key"]: each["value"] for each in call("GET", "/api/settings")}
    limits = ("max_concurrent_checks", "check_timeout_seconds", "max_memory_usage_mb")
    assert [values[name] for name in limits] == [2, 300, 512]
    assert values["notifications.error_threshold"] == 3
    assert (values["doc_index.enabled"], values["doc_index.auto_generate"]) == (True, True)
    assert values["server.host"] == "127.0.0.1"
    health = call("GET", "/api/daemon/health")
    has(health["daemon"], {"is_running": bool, "uptime_seconds": NUMBER, "total_checks_run": int})
    has(
        health["checks"]["git_check"],
        {"last_status": str, "last_execution": str, "duration_seconds": NUMBER},
    )
    has(health["scheduler"], {"is_running": bool, "active_tasks": int, "task_statuses": dict})
