"""A database that another process holds: who asks is told by whom, work in flight waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Interrupted
from engine.store import busy_wait, projects
from engine.store.busy_wait import WaitPolicy, use_wait_policy
from engine.store.database import Store, StoreError
from engine.store.tables import Project
from tests.engine.store.held import held


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "espdeck.db")
    yield store
    store.close()


def write(store: Store, name: str = "blinky") -> None:
    projects.add_project(store, Project(name=name, source="/src", target="esp32c3"))


def test_who_asks_is_told_who_holds_the_database(store: Store) -> None:
    with (
        held(store.path) as holder,
        use_wait_policy(WaitPolicy(0.3)),
        pytest.raises(StoreError) as told,
    ):
        write(store)

    assert f"held by process {holder.pid} (" in str(told.value)
    assert "\n" not in str(told.value)


def test_who_waits_for_one_who_waits_for_the_database_is_told_who_holds_it(store: Store) -> None:
    taken = threading.Lock()
    with held(store.path) as holder, taken, pytest.raises(StoreError) as told:
        WaitPolicy(0.3).take(taken, store.path)

    assert f"held by process {holder.pid} (" in str(told.value)
    WaitPolicy(0.3).take(taken, store.path)
    assert taken.locked()


def test_reading_goes_on_while_another_process_writes(store: Store) -> None:
    write(store)

    with held(store.path), use_wait_policy(WaitPolicy(0.3)):
        assert [each.name for each in projects.all_projects(store)] == ["blinky"]


def test_work_in_flight_waits_and_says_so_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy_wait, "BUSY_TIMEOUT_SECONDS", 0.3)
    said: list[str] = []
    told = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        told.set()

    patience = WaitPolicy(None, say=say)

    def work(name: str) -> None:
        with use_wait_policy(patience):
            write(store, name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "c")]
    with held(store.path) as holder:
        for thread in threads:
            thread.start()
        assert told.wait(20)
    for thread in threads:
        thread.join(20)

    assert [each.name for each in projects.all_projects(store)] == ["a", "b", "c"]
    first, *_, last = said
    assert f"held by process {holder.pid} (" in first
    assert "waits until it is free" in first
    assert last.endswith("work goes on")
    assert len(said) % 2 == 0


def test_a_shutdown_ends_the_wait(store: Store) -> None:
    stop = CancelToken()
    stop.interrupt()

    with held(store.path), use_wait_policy(WaitPolicy(None, stop)), pytest.raises(Interrupted):
        write(store)


def test_work_in_flight_waits_for_room_on_the_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = iter([0, 0])
    monkeypatch.setattr(busy_wait, "free_bytes", lambda _path: next(rooms, 1 << 30))
    monkeypatch.setattr(busy_wait, "DISK_POLL_SECONDS", 0.01)
    said: list[str] = []

    patience = WaitPolicy(None, say=said.append)
    with use_wait_policy(patience):
        write(store)

    assert patience.no_room == ""
    assert [line.partition(": ")[2] for line in said] == [
        "the disk is full: free some space; work waits for it",
        "can be written again, work goes on",
    ]


def test_a_stopped_process_is_told_as_stopped(store: Store) -> None:
    with held(store.path) as holder:
        holder.send_signal(19)
        while "stopped" not in (line := busy_wait.describe_holders(store.path)):
            assert f"process {holder.pid}" in line

    assert busy_wait.describe_holders(store.path) == "another process holds it"
