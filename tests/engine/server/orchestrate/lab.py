"""What tests of orchestrated tasks share: settings, a server that wants a key, waiting."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx

from engine import Settings
from engine.server_settings import ServerSettings
from tests.engine.llm.servers import Oracle, Reply, Server, openai, stall, status, stream
from tests.engine.tasks.tasks import KINDS

KEY = "sk-or-v1-5f1d9c0a7be24b7f"
REMOTE = "remote"
"""The model of the settings that is on the server that wants the key."""

WITHIN = 60


class KeyedServer(Server):
    """Speaks OpenAI's protocol to those who send the key, and tells everybody what they sent."""

    def __init__(self) -> None:
        self.hold = threading.Event()
        """Clear: answers wait for it after their first piece."""

        self.hold.set()
        self.reached = threading.Event()
        super().__init__()

    def _next(self, _asked: Any) -> Reply:
        sent = self.requests[-1][1].get("authorization", "")
        if sent != f"Bearer {KEY}":
            return status(401, f'{{"error": {{"message": "Incorrect API key: {sent}"}}}}')
        self.reached.set()
        if not self.hold.is_set():
            return stall(next(iter(openai("I thi"))))
        return stream(*openai("You sent ", KEY[:9], KEY[9:], " to me. sk-o", "r all."))


def settings(workspace: Path, ollama: str, keyed: str) -> Settings:
    """Settings with models of both servers."""
    models: dict[str, Any] = {kind: {"name": f"{kind}:7b"} for kind in KINDS}
    models[REMOTE] = {"server": "openai", "name": "vendor/large"}
    llm: Any = {"ollama": ollama, "openai": f"{keyed}/v1", "models": models}
    return Settings(
        workspace=workspace,
        llm=llm,
        quality={"documentation": 0},
        max_concurrent_tasks=1,
        server=ServerSettings(port=0),
        log={"level": "debug"},
    )


def start(client: httpx.Client, path: str = "/orchestrate", **body: Any) -> dict[str, Any]:
    """Ask for a task, and see that it is taken."""
    answer = client.post(path, json={"task_description": "What is this?", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(client: httpx.Client, task_id: str) -> dict[str, Any]:
    """How a task stands when it has ended."""
    answer = client.get(f"/orchestrate/status/{task_id}", params={"wait": WITHIN})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] in ("completed", "failed")
    return found


def asked(oracle: Oracle) -> list[str]:
    """Questions, in order."""
    return [
        "\n".join(turn["content"] for turn in body["messages"])
        for _line, _head, body in oracle.requests
        if body
    ]
