"""Tasks that need an engine of their own: it is closed in their midst, or has other settings."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.errors import UsageError
from engine.words import BuildStatus
from engine.workflows.orders import TaskOrder
from tests.engine.llm.servers import Oracle, ollama, stall
from tests.engine.tasks import HEADER, MENDED, SOURCE, WITHIN, files, pipeline, settings

pytestmark = pytest.mark.xdist_group("tasks")


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


def test_a_run_goes_on_where_the_engine_was_closed(tmp_path: Path, oracle: Oracle) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("The sou")))(client)

    oracle.replies = {"header": [HEADER], "source": [hold, SOURCE], "assemble": [MENDED]}
    workspace = tmp_path / "workspace"
    with Engine(settings(workspace, oracle)) as engine:
        number = engine.tasks.start(TaskOrder(pipeline=pipeline())).number
        assert reached.wait(WITHIN)

    with Engine(settings(workspace, oracle)) as engine:
        build = engine.tasks.wait(number, timeout=WITHIN)
        kept = files(engine, number)

    assert (build.status, build.error) == (BuildStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "source", "assemble"]
    assert kept["final/led.c"] == '#include "led.h"\nvoid led_on(void) {}\n'


def test_a_model_that_is_not_set_is_said_before_anything_runs(tmp_path: Path) -> None:
    llm: Any = {"models": {"codellama": {"name": "x"}}}
    with Engine(Settings(workspace=tmp_path, llm=llm)) as engine:
        with pytest.raises(UsageError) as caught:
            engine.tasks.start(TaskOrder(pipeline=pipeline()))
        assert engine.tasks.list() == []
    assert str(caught.value).startswith(
        "no model for codegemma, assembler: set [llm.models.codegemma], [llm.models.assembler]"
    )
