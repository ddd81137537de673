"""A daemon that builds and serves is killed in the midst of builds: its readers miss nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from engine import Engine, Settings, StreamFilter
from engine.enums import Scope
from engine.events import Problem
from engine.samples.demo import DEMO_BOARD
from tests import nginx
from tests.bench.chaos import machine
from tests.bench.chaos.world import PROJECT, World
from tests.engine.server.readers import LastingReader, kept_events, up_to

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.slow]

READERS = 5
BUILDS = 3
KILLS = 3
LAST = "the last"
WITHIN_SECONDS = 90.0
"""Until what should come is missed: many times what it takes on a busy machine."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, Path(os.environ["XDG_CACHE_HOME"]))
    yield world
    world.end()


def wait_for(done: Callable[[], bool], what: str) -> None:
    assert machine.wait_for(done, WITHIN_SECONDS), what


def begun(world: World) -> int:
    """The number of the stage that began last."""
    return int(world.ask("espdeck.db", "SELECT COALESCE(MAX(id), 0) AS id FROM stage")[0]["id"])


def test_readers_of_a_daemon_that_is_killed_three_times(world: World) -> None:
    port = nginx.free_port()
    url = f"http://127.0.0.1:{port}"
    settings = world.folder / "home" / ".config" / "espdeck" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[server]\nenabled = true\nport = {port}\n")
    engine = Engine(Settings(workspace=world.workspace))
    engine.open(execute=False)
    token, _ = engine.access.create_token("readers", Scope.ADMIN)
    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def serves() -> bool:
        try:
            return client.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    daemon = world.daemon()
    wait_for(serves, daemon.said)
    readers = [
        LastingReader(url, token, by_websocket=number % 2 == 1, logs="true")
        for number in range(READERS)
    ]
    for reader in readers:
        reader.start()
    added = client.post("/api/v1/projects", json={"source": str(world.repository), "name": PROJECT})
    assert added.status_code == 202, added.text
    project = client.get(f"/api/v1/projects/{PROJECT}", params={"wait": 30}).json()
    assert project["status"] == "active", project
    for _ in range(BUILDS):
        answer = client.post(f"/api/v1/projects/{PROJECT}/build", json={"board": DEMO_BOARD})
        assert answer.status_code == 202, answer.text

    for _ in range(KILLS):
        before = begun(world)
        wait_for(lambda before=before: begun(world) > before, "a stage begins")  # type: ignore[misc]
        assert daemon.kill()
        assert world.unfinished()
        daemon = world.daemon()
    wait_for(lambda: not world.unfinished(), "every build ends")
    engine.events.publish(Problem(message=LAST))
    wait_for(lambda: all(each.has(LAST) for each in readers), "every reader gets the last")
    for reader in readers:
        reader.is_done = True
    expected = up_to(LAST, kept_events(engine, StreamFilter(logs=True)))
    engine.close()
    client.close()
    assert daemon.leave() is not None, daemon.said

    assert [run["status"] for run in world.runs().values()] == ["success"] * BUILDS
    assert {"log", "serial", "workflow.completed"} <= {each["type"] for each in expected}
    for reader in readers:
        assert up_to(LAST, reader.events) == expected
        assert reader.resyncs == 0
        assert reader.times_cut_off >= KILLS
