"""Processes that die and processes beside each other, as a user would run them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, StageStatus
from engine.errors import EspdeckError
from engine.samples import demo
from tests.forked import Running

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.slow]


def espdeck(workspace: Path, *words: str) -> Running:
    env = {**os.environ, "ESPDECK_BOARDS": json.dumps([demo.DEMO_BOARD])}
    return Running("--workspace", workspace, *words, env=env)


def events(process: Running) -> Iterator[dict[str, object]]:
    for line in process.stdout:
        yield json.loads(line)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    demo.make_repository("hello", tmp_path / "hello")
    return tmp_path / "workspace"


@pytest.mark.parametrize("stage", ["plan", "build", "test.board", "test.simulator", "judge"])
def test_a_build_survives_kill_9_in_any_stage(workspace: Path, stage: str) -> None:
    source = str(workspace.parent / "hello")
    first = espdeck(workspace, "build", source, "--json")
    for event in events(first):
        if event["event"] == "agent.status" and event["stage"] == stage:
            os.kill(first.pid, signal.SIGKILL)
            break
    first.wait(10)
    looked = espdeck(workspace, "builds", "--json")
    (row,) = events(looked)
    assert row["status"] != "running"

    with Engine(Settings(workspace=workspace, boards=(demo.DEMO_BOARD,))) as engine:
        done = engine.builds.wait(1, timeout=90)
        rows = engine.builds.stages(1)

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert all(row.status in (StageStatus.SUCCESS, StageStatus.SKIPPED) for row in rows)
    assert not _programs_in(workspace)


def test_a_second_process_sees_and_follows_what_the_first_runs(workspace: Path) -> None:
    with Engine(Settings(workspace=workspace, boards=(demo.DEMO_BOARD,))) as first:
        project = first.projects.add(str(workspace.parent / "hello"))
        first.projects.wait(project.id)
        first.wait_ready()
        second = espdeck(workspace, "build", "hello", "--json")
        output = second.communicate(timeout=90)
        done = first.builds.wait(1, timeout=10)

    assert second.returncode == 0, output
    assert done.status is RunStatus.SUCCESS
    kinds = [json.loads(line)["event"] for line in output.splitlines()]
    assert {"workflow.started", "log", "serial", "workflow.completed"} <= set(kinds)


def test_ctrl_c_cancels_the_build(workspace: Path) -> None:
    process = espdeck(workspace, "build", str(workspace.parent / "hello"), "--json")
    for event in events(process):
        if event["event"] == "agent.status" and event["stage"] == "build":
            os.kill(process.pid, signal.SIGINT)
            break
    process.communicate(timeout=30)

    assert process.returncode == 130
    with Engine(Settings(workspace=workspace)) as engine:
        assert engine.builds.get(1).status is RunStatus.CANCELLED
    assert not _programs_in(workspace)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_a_session_puts_the_build_back(workspace: Path, end: signal.Signals) -> None:
    process = espdeck(workspace, "build", str(workspace.parent / "hello"), "--json")
    for event in events(process):
        if event["event"] == "agent.status" and event["stage"] == "test.board":
            os.kill(process.pid, end)
            break
    process.communicate(timeout=30)

    assert process.returncode == 128 + end
    assert not _programs_in(workspace)
    ended_at = datetime.now(UTC)
    with Engine(Settings(workspace=workspace, boards=(demo.DEMO_BOARD,))) as engine:
        done = engine.builds.wait(1, timeout=90)
        rows = {row.key: row.completed_at for row in engine.builds.stages(1)}
    assert done.status is RunStatus.SUCCESS
    assert rows["build"] is not None
    assert rows["build"] < ended_at  # kept
    assert rows["test.board"] is not None
    assert rows["test.board"] > ended_at  # done again


def test_who_takes_over_goes_on_with_everything(workspace: Path) -> None:
    first = espdeck(workspace, "build", str(workspace.parent / "hello"), "--json")
    settings = Settings(workspace=workspace, boards=(demo.DEMO_BOARD,))
    for event in events(first):
        if event["event"] == "agent.status" and event["stage"] == "build":
            break
    with Engine(settings) as second:
        assert not second.is_executor
        os.kill(first.pid, signal.SIGKILL)
        first.wait(10)
        done = second.builds.wait(1, timeout=90)
        assert second.is_executor
    assert done.status is RunStatus.SUCCESS


def test_a_damaged_file_of_runs_is_told_at_once(workspace: Path) -> None:
    workspace.mkdir(parents=True)
    (workspace / "runs.db").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(EspdeckError, match=r"runs\.db: damaged .* espdeck db restore"),
        Engine(Settings(workspace=workspace)),
    ):
        pass


def _programs_in(workspace: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(workspace) in word for word in words) and process.pid != os.getpid():
            found.append(" ".join(words))
    return found
