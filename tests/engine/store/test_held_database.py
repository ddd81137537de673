"""A database that another process holds for long: work waits and is not lost, who asks is told."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, StageStatus
from engine.errors import EspdeckError
from engine.events import Event, Problem, StageChanged
from engine.store import busy_wait
from engine.store.busy_wait import WaitPolicy
from engine.tasks.request import TaskRequest
from tests.engine.store.held import held
from tests.tui.commands import Here

pytestmark = pytest.mark.slow

_WORK = re.compile(r"work (waits|goes)")
ORDER = TaskRequest(workflow="free_task", description="x", model="placeholder")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes ten seconds takes half a second."""
    monkeypatch.setattr(busy_wait, "BUSY_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(busy_wait, "_DEFAULT_POLICY", WaitPolicy(0.5))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("database", ["espdeck.db", "runs.db"])
def test_a_run_goes_on_when_the_database_is_free(tmp_path: Path, database: str) -> None:
    told, said = threading.Event(), list[str]()
    with contextlib.ExitStack() as holding, Engine(Settings(workspace=tmp_path)) as engine:

        def hold(event: Event) -> None:
            if isinstance(event, StageChanged) and event.status is StageStatus.RUNNING:
                unsubscribe()
                holding.enter_context(held(tmp_path / database))

        def hear(event: Event) -> None:
            if isinstance(event, Problem) and _WORK.search(event.message):
                said.append(event.message)
                told.set()

        unsubscribe = engine.events.subscribe(hold)
        engine.events.subscribe(hear)
        number = engine.tasks.start(ORDER).number
        assert told.wait(30)
        assert not engine.tasks.get(number).status.is_final
        holding.close()

        assert engine.tasks.wait(number, timeout=30).status is RunStatus.SUCCESS

    assert f"{database}: busy for" in said[0]
    assert "held by process" in said[0]
    assert any(line.endswith("work goes on") for line in said)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # DBOS's
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("database", ["espdeck.db", "runs.db"])
def test_it_can_be_left_while_the_database_is_held(tmp_path: Path, database: str) -> None:
    told = threading.Event()
    with contextlib.ExitStack() as holding:
        with Engine(Settings(workspace=tmp_path)) as engine:

            def hold(event: Event) -> None:
                if isinstance(event, StageChanged) and event.status is StageStatus.RUNNING:
                    unsubscribe()
                    holding.enter_context(held(tmp_path / database))

            def hear(event: Event) -> None:
                if isinstance(event, Problem) and "work waits" in event.message:
                    told.set()

            unsubscribe = engine.events.subscribe(hold)
            engine.events.subscribe(hear)
            number = engine.tasks.start(ORDER).number
            assert told.wait(30)
        holding.close()
    with Engine(Settings(workspace=tmp_path)) as engine:
        assert engine.tasks.wait(number, timeout=30).status is RunStatus.SUCCESS


@pytest.mark.usefixtures("impatient")
def test_who_asks_for_a_run_is_told_who_holds_it(tmp_path: Path) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.wait_ready()
        with held(tmp_path / "runs.db") as other, pytest.raises(EspdeckError) as told:
            engine.tasks.start(ORDER)

    assert f"held by process {other.pid}" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("impatient")
def test_a_command_is_told_who_holds_it_and_a_list_is_there(tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.says("builds")
    with held(tmp_path / "espdeck.db") as other:
        line = here.refuses("builds")

    assert f"held by process {other.pid}" in line
