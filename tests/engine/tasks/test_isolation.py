"""Tasks that need an engine of their own: it is closed in their midst, or has other settings."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, StageStatus
from engine.errors import UsageError
from engine.tasks.request import TaskRequest
from tests.engine.llm.servers import Oracle, ollama, stall
from tests.engine.tasks.tasks import (
    HEADER,
    MENDED,
    SOURCE,
    WITHIN,
    block,
    files,
    pipeline,
    project,
    settings,
    stages,
)
from tests.engine.tasks.test_proofs import BREAKS, BUILT_WITHIN, MENDS, RIGHT, a_source
from tests.engine.tasks.test_proofs import TEST as LIMIT_TEST
from tests.forked import Forked

pytestmark = [pytest.mark.xdist_group("tasks"), pytest.mark.slow]


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.mark.slow
def test_a_run_goes_on_where_the_engine_was_closed(tmp_path: Path, oracle: Oracle) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("The sou")))(client)

    oracle.replies = {"header": [HEADER], "source": [hold, SOURCE], "assemble": [MENDED]}
    workspace = tmp_path / "workspace"
    with Engine(settings(workspace, oracle)) as engine:
        number = engine.tasks.start(TaskRequest(pipeline=pipeline())).number
        assert reached.wait(WITHIN)

    with Engine(settings(workspace, oracle)) as engine:
        build = engine.tasks.wait(number, timeout=WITHIN)
        kept = files(engine, number)

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "source", "assemble"]
    assert kept["final/led.c"] == '#include "led.h"\nvoid led_on(void) {}\n'


MAIN = "int answer(void) {\n    return 41;\n}\n"
FIX = block("main/main.c", "    return 41;\n", "    return 42; // flawfinder: ignore\n")
TEST = block("test/test_main.c", "", "void test(void) {}\n")
SHOWN = block("main/main.c", "    return 42; // flawfinder: ignore\n", "    return 42;\n")
PROCESS = """\
import sys, uuid
from pathlib import Path
from engine import Engine
from engine.tasks.request import TaskRequest
from tests.engine.tasks.tasks import settings

class At:
    url = sys.argv[2]

with Engine(settings(Path(sys.argv[1]), At)) as engine:
    order = TaskRequest(
        workflow="bug_fix", description="x", project_id=uuid.UUID(sys.argv[3]), gate=True
    )
    engine.tasks.wait(engine.tasks.start(order).number)
"""


@pytest.mark.slow
@pytest.mark.parametrize("step", ["Cause", "Fix", "Review", "revise"])
def test_a_run_goes_on_where_its_process_was_killed(
    tmp_path: Path, oracle: Oracle, step: str
) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("I think")))(client)

    review = "Right.\n\nVERDICT: approve"
    answers = {"Fix": FIX, "Regression test": TEST, "Review": review, "revise": SHOWN}
    oracle.replies = {name: [answer] for name, answer in answers.items()}
    oracle.replies[step] = [hold, answers.get(step, f"Answer of {step}.")]
    workspace = tmp_path / "workspace"
    with Engine(settings(workspace, oracle)) as engine:
        where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    words = [str(workspace), oracle.url, str(where)]
    with Path(os.devnull).open("r+b") as nothing:
        killed = Forked(words, (nothing.fileno(),) * 3, program=PROCESS)
    try:
        assert reached.wait(WITHIN)
    finally:
        killed.kill()
        killed.wait(WITHIN)

    with Engine(settings(workspace, oracle)) as engine:
        (state,) = engine.tasks.list()
        build = engine.tasks.wait(state.run.number, timeout=WITHIN)
        patch = files(engine, build.number)["changes.patch"]

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order.count(step) == 2
    assert "+    return 42;\n" in patch
    assert "+void test(void) {}\n" in patch


def test_a_model_that_is_not_set_is_said_before_anything_runs(tmp_path: Path) -> None:
    llm: Any = {"models": {"codellama": {"name": "x"}}}
    with Engine(Settings(workspace=tmp_path, llm=llm)) as engine:
        with pytest.raises(UsageError) as caught:
            engine.tasks.start(TaskRequest(pipeline=pipeline()))
        assert engine.tasks.list() == []
    assert str(caught.value).startswith(
        "no model for codegemma, assembler: set [llm.models.codegemma], [llm.models.assembler]"
    )


def test_a_task_whose_process_was_killed_goes_on_where_it_was(
    tmp_path: Path, oracle: Oracle
) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("I think")))(client)

    oracle.replies = {"Fix": [BREAKS], "Fix: mend": [hold, MENDS], "Regression test": [LIMIT_TEST]}
    workspace = tmp_path / "workspace"
    with Engine(settings(workspace, oracle)) as engine:
        there = project(engine, a_source(tmp_path), {})
    words = [str(workspace), oracle.url, str(there)]
    with Path(os.devnull).open("r+b") as nothing:
        killed = Forked(words, (nothing.fileno(),) * 3, program=PROCESS)
    try:
        assert reached.wait(BUILT_WITHIN)
    finally:
        killed.kill()
        killed.wait(WITHIN)

    with Engine(settings(workspace, oracle)) as engine:
        (state,) = engine.tasks.list()
        before = stages(engine, state.run.number)["fix.build#1"].completed_at
        run = engine.tasks.wait(state.run.number, timeout=BUILT_WITHIN)
        rows = stages(engine, run.number)
        changes = files(engine, run.number)["changes.patch"]

    assert (run.status, run.error, run.verdict) == (RunStatus.SUCCESS, "", "proved")
    assert rows["fix.build#1"].completed_at == before
    assert rows["fix.build#2"].status is StageStatus.SUCCESS
    assert oracle.order.count("Fix") == 1
    assert f"+{RIGHT}" in changes
