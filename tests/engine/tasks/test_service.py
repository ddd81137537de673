"""Tasks are asked for, followed, cancelled, listed; what comes of them is told."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.enums import Priority, RunStatus, StageStatus
from engine.errors import UsageError
from engine.events import Event, RunStarted, StageChanged
from engine.tasks.request import TaskRequest
from tests.engine.llm.servers import Oracle, ollama, stall, status
from tests.engine.tasks.tasks import (
    HEADER,
    MAIN,
    PIPELINE,
    SOURCE,
    WITHIN,
    done,
    pipeline,
    project,
    stages,
)

pytestmark = pytest.mark.xdist_group("tasks")


@pytest.mark.slow
def test_a_task_tells_how_it_stands(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE]}
    order = TaskRequest(pipeline=pipeline(), description="Switch a LED.", priority=Priority.HIGH)
    state = engine.tasks.state(done(engine, order).number)

    assert (state.name, state.title, state.project) == ("Two files", "Two files", "")
    assert (state.progress, state.step, state.priority) == (100.0, "", Priority.HIGH)
    assert state.agents == ("codellama", "firmware_engineer", "assembler")
    assert [engine.tasks.title(role) for role in state.agents] == [
        *("CodeLlama", "Firmware Engineer", "Assembler")
    ]
    assert state.result == "2 steps done, 2 final files"
    assert (state.metrics.answers, state.metrics.tokens_in) == (3, 300)
    assert (state.metrics.tokens_out, state.metrics.placeholder) == (30, False)
    assert state.order.pipeline == pipeline()
    assert state.order.description == "Switch a LED."
    (header, *_) = engine.tasks.stages(state.run.number)
    assert re.search(r" m, 10 tokens in \d+\.\d s, \d+ tokens/s$", header.summary)
    summary = engine.tasks.summary(state.run.number)
    assert (summary.total, summary.successful, summary.failed) == (2, 2, 0)
    assert [step.title for step in summary.steps] == ["header", "source", "assemble"]
    assert all(step.seconds is not None for step in summary.steps)


def test_each_change_of_a_stage_is_told_once(engine: Engine, oracle: Oracle) -> None:
    told: list[tuple[str, StageStatus]] = []

    def hear(event: Event) -> None:
        if isinstance(event, StageChanged):
            told.append((event.stage, event.status))

    engine.events.subscribe(hear)
    oracle.replies = {"header": [HEADER], "source": [status(400, "no"), status(400, "no")]}
    number = done(engine, TaskRequest(pipeline=pipeline())).number

    source = [("source", StageStatus.RUNNING), ("source", StageStatus.FAILED)]
    behind = [*source, ("assemble", StageStatus.SKIPPED)]
    assert told == [("header", StageStatus.RUNNING), ("header", StageStatus.SUCCESS), *behind]

    told.clear()
    engine.tasks.retry(number, "source")
    engine.tasks.wait(number, timeout=WITHIN)
    assert told == behind


def test_cancelling_closes_the_stream_at_once(engine: Engine, oracle: Oracle) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("The hea")))(client)

    told: list[StageStatus] = []

    def hear(event: Event) -> None:
        if isinstance(event, StageChanged):
            told.append(event.status)

    engine.events.subscribe(hear)
    oracle.replies = {"header": [hold], "source": [SOURCE]}
    number = engine.tasks.start(TaskRequest(pipeline=pipeline())).number
    assert reached.wait(WITHIN)

    engine.tasks.cancel(number)

    build = engine.tasks.wait(number, timeout=WITHIN)
    assert build.status is RunStatus.CANCELLED
    assert told == [StageStatus.RUNNING, StageStatus.CANCELLED]
    assert oracle.hung_up.wait(WITHIN)
    assert engine.tasks.state(number).result == ""
    assert "source" not in oracle.order


@pytest.mark.slow
def test_urgent_tasks_go_first(engine: Engine, oracle: Oracle) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        assert go_on.wait(WITHIN)
        status(400, "enough")(client)

    oracle.replies = {"header": [hold, HEADER]}
    started: list[int] = []
    engine.events.subscribe(
        lambda event: started.append(event.run_id) if isinstance(event, RunStarted) else None
    )
    first = engine.tasks.start(TaskRequest(pipeline=pipeline())).number
    assert reached.wait(WITHIN)
    low, high, critical = (
        engine.tasks.start(TaskRequest(pipeline=pipeline(), priority=priority)).number
        for priority in (Priority.LOW, Priority.HIGH, Priority.CRITICAL)
    )
    go_on.set()
    for number in (low, high, critical):
        engine.tasks.wait(number, timeout=WITHIN)

    assert started == [first, critical, high, low]


@pytest.mark.slow
def test_the_placeholder_is_chosen_by_name_and_marked_everywhere(
    engine: Engine, oracle: Oracle
) -> None:
    state = engine.tasks.state(
        done(engine, TaskRequest(pipeline=pipeline(), model="placeholder")).number
    )

    assert state.metrics.placeholder
    assert (state.metrics.tokens_in, state.metrics.tokens_out) == (None, None)
    assert state.result == "2 steps done, placeholder: no model was asked, 0 final files"
    assert "[placeholder: no model was asked]" in engine.tasks.text(state.run.number, "header")
    row = stages(engine, state.run.number)["header#1"]
    assert row.summary == "placeholder: no model was asked"
    assert row.usage is not None
    assert row.usage[0]["server"] == "placeholder"
    assert oracle.requests == []


@pytest.mark.slow
def test_what_was_said_before_a_retry_can_still_be_read(engine: Engine) -> None:
    number = done(engine, TaskRequest(pipeline=pipeline(), model="placeholder")).number
    said = engine.tasks.text(number, "header", 1)
    engine.tasks.retry(number)
    engine.tasks.wait(number, timeout=WITHIN)

    assert said
    assert engine.tasks.text(number, "header", 1) == said
    assert engine.tasks.text(number, "header", 2)


# Orders that make no sense.


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({}, "a workflow or a step pipeline"),
        ({"workflow": "bug_fix"}, "Bug fix needs a description"),
        ({"workflow": "code_review"}, "Code review needs a project, a text or a description"),
        ({"workflow": "code_review", "text": "x", "paths": ("a",)}, "are of a project"),
        ({"workflow": "code_review", "text": "x", "squad": "ops"}, "no squad 'ops'"),
        ({"workflow": "bugfix", "text": "x"}, "did you mean bug_fix"),
        ({"workflow": "bug_fix", "description": "x" * 20_001}, "at most 20000 are accepted"),
        ({"workflow": "bug_fix", "description": "x", "model": "none"}, "no model for none"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    engine: Engine, order: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        engine.tasks.start(TaskRequest(**order))


# Workflows.


@pytest.mark.slow
def test_tasks_are_listed_apart_from_builds(engine: Engine, oracle: Oracle) -> None:
    one = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED.")).number
    two = done(engine, TaskRequest(workflow="free_task", description="What is a LED?")).number

    def listed(**wanted: Any) -> list[int]:
        return [state.run.number for state in engine.tasks.list(**wanted)]

    assert listed(limit=2) == [two, one]
    assert listed(text="what is a led") == [two]
    assert listed(text=f"#{one}") == [one]
    assert one not in listed(status=[RunStatus.FAILED])
    assert listed(before=two, limit=1) == [one]
    assert engine.builds.list() == []
    with pytest.raises(UsageError, match="that is a task"):
        engine.builds.get(one)
    with pytest.raises(UsageError, match="no task 9999"):
        engine.tasks.state(9999)


@pytest.mark.parametrize("name", ["nothing", "x" * 5000, "a\0b"])
def test_a_pipeline_that_is_none_is_said(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError, match="no such file, and no pipeline"):
        engine.tasks.pipeline(name)


@pytest.mark.slow
def test_pipelines_of_a_project_are_its_commits(engine: Engine, tmp_path: Path) -> None:
    where = project(engine, tmp_path / "node", {".espdeck/pipelines/own.yaml": PIPELINE})
    entries = engine.tasks.pipelines(where)
    assert [entry.file for entry in entries if entry.origin == "project"] == [
        ".espdeck/pipelines/own.yaml"
    ]
    assert len(engine.tasks.pipelines()) == len(entries) - 1


@pytest.mark.slow
def test_a_project_takes_its_tasks_with_it(engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
    where = project(engine, tmp_path / "node", {"main/main.c": MAIN})
    build = done(engine, TaskRequest(workflow="code_review", project_id=where, squad="qa"))
    folder = Path(build.artifacts_path)
    assert folder.is_dir()

    engine.projects.remove(where)

    assert not engine.tasks.list(text=f"#{build.number}")
    assert not folder.exists()
