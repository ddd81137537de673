"""The API key of a task: used for it, and kept nowhere. Each test has an engine of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from engine import Engine, TaskRequest
from engine.enums import Scope
from engine.errors import ConflictError
from engine.server.http_server import HttpServer
from tests.engine.llm.servers import Oracle
from tests.engine.server.orchestrate.lab import (
    KEY,
    REMOTE,
    WITHIN,
    KeyedServer,
    ended,
    settings,
    start,
)
from tests.forked import Forked
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

REQUEST = TaskRequest(workflow="free_task", description="What?", model=REMOTE)
DAEMON = """\
import sys
from pathlib import Path
from engine.daemon import Daemon
from tests.engine.server.orchestrate.lab import settings

def load():
    return settings(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

Daemon(load(), load).run()
"""
ASKER = """\
import sys
from pathlib import Path
from pydantic import SecretStr
from engine import Engine, TaskRequest
from tests.engine.server.orchestrate.lab import KEY, REMOTE, settings

with Engine(settings(Path(sys.argv[1]), sys.argv[2], sys.argv[3])) as engine:
    request = TaskRequest(workflow="free_task", description="What?", model=REMOTE)
    engine.tasks.wait(engine.tasks.start(request, api_key=SecretStr(KEY)).number)
"""


@pytest.fixture(autouse=True)
def _none_of_the_machine(monkeypatch: pytest.MonkeyPatch, keyed: KeyedServer) -> None:
    for name in ("ESPDECK_LLM_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    keyed.hold.set()
    keyed.reached.clear()


def holders(folder: Path, key: str = KEY) -> list[str]:
    """Files that have a key, or a part of it that would do."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and (key.encode() in path.read_bytes() or b"5f1d9c0a7be2" in path.read_bytes())
    ]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def test_it_is_used_and_no_byte_of_it_is_kept(
    workspace: Path, models: Oracle, keyed: KeyedServer
) -> None:
    with Engine(settings(workspace, models.url, keyed.url)) as engine:
        server = HttpServer(engine)
        server.start()
        token = engine.access.create_token("x", Scope.BUILD)[0]
        with httpx.Client(base_url=f"{server.url}/api", timeout=WITHIN) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            good = ended(client, start(client, model=REMOTE, api_key=KEY)["task_id"])
            wrong = ended(client, start(client, model=REMOTE, api_key=f"{KEY}x")["task_id"])
            none = ended(client, start(client, model=REMOTE)["task_id"])
            refused = client.post(
                "/orchestrate",
                json={"task_description": f"Use {KEY}", "model": REMOTE, "api_key": KEY},
            )
            odd = client.post(
                "/orchestrate",
                json={"task_description": "x", "model": REMOTE, "api_key": f"{KEY}\n{KEY}"},
            )
            mistaken = [
                client.post("/orchestrate", json={"model": REMOTE, "api_key": KEY} | more)
                for more in (
                    {"max_iterations": "x"},
                    {"task_description": [KEY]},
                    {"api_key": [KEY]},
                    {"squad_type": KEY * 10},
                    {"project_id": "nothing"},
                )
            ]
        server.stop()
        left = len(engine._task_keys)

    assert (good["status"], good["error"]) == ("completed", None)
    assert good["result"]["answer"] == "You sent *** to me. sk-or all."
    assert wrong["status"] == "failed"
    assert wrong["error"].endswith(": the api_key of the task is refused")
    assert "***" in wrong["error"]
    assert none["error"].endswith(": set ESPDECK_LLM_API_KEY")
    assert refused.status_code == 422
    assert "a text of the task contains the api_key" in refused.json()["detail"]
    assert odd.status_code == 422
    assert [each.status_code for each in mistaken] == [422, 422, 422, 422, 404]
    assert KEY not in "".join(each.text for each in (refused, odd, *mistaken))
    assert left == 0
    assert (workspace / "espdeck.log").stat().st_size > 0
    assert holders(workspace) == []


@pytest.fixture
def daemon(workspace: Path, models: Oracle, keyed: KeyedServer) -> Iterator[Forked]:
    words = [str(workspace), models.url, keyed.url]
    with Path(os.devnull).open("r+b") as nothing:
        process = Forked(words, (nothing.fileno(),) * 3, program=DAEMON)
    wait_for(lambda: (workspace / "daemon.sock").exists() and (workspace / "runs.db").exists())
    yield process
    process.kill()
    process.wait(WITHIN)


def test_the_daemon_that_executes_gets_it(
    workspace: Path, models: Oracle, keyed: KeyedServer, daemon: Forked
) -> None:
    engine = Engine(settings(workspace, models.url, keyed.url))
    engine.open()
    try:
        assert not engine.is_executor
        run = engine.tasks.start(REQUEST, api_key=SecretStr(KEY))
        run = engine.tasks.wait(run.number, timeout=WITHIN)
        answer = engine.tasks.answer(run.number)
    finally:
        engine.close()

    assert (run.status, run.error) == ("success", "")
    assert answer == "You sent *** to me. sk-or all."
    daemon.kill()
    daemon.wait(WITHIN)
    assert holders(workspace) == []


def test_it_is_gone_with_the_process_that_had_it(
    workspace: Path, models: Oracle, keyed: KeyedServer
) -> None:
    keyed.hold.clear()
    words = [str(workspace), models.url, keyed.url]
    with Path(os.devnull).open("r+b") as nothing:
        killed = Forked(words, (nothing.fileno(),) * 3, program=ASKER)
    try:
        assert keyed.reached.wait(WITHIN)
    finally:
        killed.kill()
        killed.wait(WITHIN)
    keyed.hold.set()

    with Engine(settings(workspace, models.url, keyed.url)) as engine:
        (state,) = engine.tasks.list()
        run = engine.tasks.wait(state.run.number, timeout=WITHIN)

    assert (run.status, run.error) == (
        "failed",
        "the api_key of this task is gone, as espdeck restarted and does not keep keys: retry it "
        "with the key",
    )
    assert holders(workspace) == []


def test_where_it_cannot_be_brought_nothing_is_started(
    workspace: Path, models: Oracle, keyed: KeyedServer
) -> None:
    with Engine(settings(workspace, models.url, keyed.url)) as executing:
        executing.wait_ready()
        engine = Engine(settings(workspace, models.url, keyed.url))
        engine.open(execute=False)
        try:
            with pytest.raises(ConflictError, match="neither executes tasks: espdeck daemon start"):
                engine.tasks.start(REQUEST, api_key=SecretStr(KEY))
            assert list(engine.tasks.list()) == []
        finally:
            engine.close()
