"""Tasks with an API key of their own, over HTTP."""

from __future__ import annotations

import gc

import httpx
import pytest
from pydantic import SecretStr

from engine.llm.openai import OpenAI
from tests.engine.server.orchestrate.lab import KEY, REMOTE, WITHIN, KeyedServer, ended, start
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _reached_anew(keyed: KeyedServer) -> None:
    keyed.hold.set()
    keyed.reached.clear()


def test_a_task_that_asks_no_such_server_does_not_take_it(client: httpx.Client) -> None:
    task = start(client, model="placeholder", api_key=KEY)

    assert "the api_key was not taken" in task["message"]
    assert ended(client, task["task_id"])["status"] == "completed"


def test_a_retry_has_to_give_it_again(client: httpx.Client, keyed: KeyedServer) -> None:
    keyed.hold.clear()
    task_id = start(client, model=REMOTE, api_key=KEY)["task_id"]
    assert keyed.reached.wait(WITHIN)
    client.post(f"/orchestrate/tasks/{task_id}/cancel")
    ended(client, task_id)
    keyed.hold.set()
    without = client.post(f"/orchestrate/tasks/{task_id}/retry")
    taken = client.post(f"/orchestrate/tasks/{task_id}/retry", json={"api_key": KEY})

    assert without.status_code == 409
    assert "with an api_key, which is not kept" in without.json()["detail"]
    assert taken.status_code == 200
    assert ended(client, task_id)["status"] == "completed"


def test_no_object_has_it_when_the_task_has_ended(client: httpx.Client, keyed: KeyedServer) -> None:
    keyed.hold.clear()
    task_id = start(client, model=REMOTE, api_key=KEY)["task_id"]
    assert keyed.reached.wait(WITHIN)
    is_held = bool(holders_of_key())
    client.post(f"/orchestrate/tasks/{task_id}/cancel")
    ended(client, task_id)
    keyed.hold.set()

    assert is_held
    wait_for(lambda: not holders_of_key())


def test_one_that_waits_in_the_queue_is_forgotten_when_it_is_cancelled(
    client: httpx.Client, keyed: KeyedServer
) -> None:
    keyed.hold.clear()
    running = start(client, model=REMOTE, api_key=KEY)["task_id"]
    assert keyed.reached.wait(WITHIN)
    waiting = start(client, model=REMOTE, api_key=KEY)["task_id"]
    for each in (waiting, running):
        client.post(f"/orchestrate/tasks/{each}/cancel")
        ended(client, each)
    keyed.hold.set()

    wait_for(lambda: not holders_of_key())


def holders_of_key() -> list[object]:
    """Objects of this process that have the key."""
    gc.collect()
    return [
        each
        for each in gc.get_objects()
        if (isinstance(each, SecretStr) and each.get_secret_value() == KEY)
        or (isinstance(each, OpenAI) and each._key == KEY)
    ]
