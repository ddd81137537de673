"""A run that was asked for runs, whoever dies in between; and it goes on where it was."""

from __future__ import annotations

import shutil
import signal
import threading
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine import engine as engines
from engine.enums import RunStatus, StageStatus
from engine.errors import ConflictError, EspdeckError
from engine.runs.pipeline import StageResult
from engine.runs.queue import RunQueue
from engine.runs.runner import MAX_DEATHS
from engine.samples import demo
from engine.store import runs
from engine.store.database import Store
from engine.tasks.agents import step
from engine.tasks.context import TaskContext
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.forked import run_espdeck

pytestmark = [pytest.mark.xdist_group("carried-on"), pytest.mark.slow]

ORDER = TaskRequest(workflow="free_task", description="x", model="placeholder")

DIES = """
    import os, signal, sys
    from pathlib import Path
    from engine import Engine, Settings
    from engine.runs.service import RunService
    from engine.tasks.request import TaskRequest

    def die(*_arguments):
        os.kill(os.getpid(), signal.SIGKILL)

    RunService._ask_for_run = die
    with Engine(Settings(workspace=Path(sys.argv[1]))) as engine:
        if len(sys.argv) > 2:
            engine.tasks.retry(1, sys.argv[2])
        engine.tasks.start(
            TaskRequest(workflow="free_task", description="x", model="placeholder")
        )
"""


def dies_between_row_and_queue(workspace: Path, *retried: str) -> None:
    ended = run_espdeck(workspace, *retried, program=DIES)
    assert ended.returncode == -signal.SIGKILL


def test_who_comes_next_asks_for_the_run_of_one_who_died(tmp_path: Path) -> None:
    dies_between_row_and_queue(tmp_path)
    with Engine(Settings(workspace=tmp_path)) as engine:
        done = engine.tasks.wait(1, timeout=30)
        assert (done.status, done.error) == (RunStatus.SUCCESS, "")
        assert len(engine.tasks.list()) == 1


def test_who_executes_asks_for_the_run_of_one_who_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOOK_FOR_RUNS", 0.1)
    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.wait_ready()
        dies_between_row_and_queue(tmp_path)
        done = engine.tasks.wait(1, timeout=30)
        assert (done.status, done.error) == (RunStatus.SUCCESS, "")


def test_a_retry_whose_asker_died_takes_over_what_it_repeats(tmp_path: Path) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        before = engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=30)
        *kept, last = engine.tasks.stages(1)
    dies_between_row_and_queue(tmp_path, last.key)

    with Engine(Settings(workspace=tmp_path)) as engine:
        done = engine.tasks.wait(1, timeout=30)
        *first, again = engine.tasks.stages(1)

    assert done.status is RunStatus.SUCCESS
    assert done.workflow_id != before.workflow_id
    assert [row.completed_at for row in first] == [row.completed_at for row in (*kept, last)]
    assert [row.superseded for row in (*first, again)] == [False] * len(kept) + [True, False]
    assert again.started_at is not None and last.completed_at is not None
    assert again.started_at > last.completed_at


def test_a_lost_file_of_runs_loses_no_run(tmp_path: Path) -> None:
    dies_between_row_and_queue(tmp_path)
    for file in tmp_path.glob("runs.db*"):
        file.unlink()
    with Engine(Settings(workspace=tmp_path)) as engine:
        assert engine.tasks.wait(1, timeout=30).status is RunStatus.SUCCESS


def test_a_retry_of_a_stage_starts_over_where_the_file_of_runs_is_lost(tmp_path: Path) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=30)
        before = engine.tasks.stages(1)
    for file in tmp_path.glob("runs.db*"):
        file.unlink()
    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.tasks.retry(1, before[-1].key)
        assert engine.tasks.wait(1, timeout=30).status is RunStatus.SUCCESS
        after = engine.tasks.stages(1)

    old, new = after[: len(before)], after[len(before) :]
    assert [row.completed_at for row in old] == [row.completed_at for row in before]
    assert [(row.superseded, row.attempt) for row in old] == [(True, 1)] * len(before)
    assert [(row.key, row.attempt) for row in new] == [(row.key, 2) for row in before]


def test_who_asks_for_a_retry_after_somebody_else_did_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Store(tmp_path / "espdeck.db")

    def overtaken(_runs: RunQueue, _workflow_id: str) -> bool:
        runs.requeue_run(other, 1, "anew", repeated=runs.stages_of(other, 1))
        return True

    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=30)
        last = engine.tasks.stages(1)[-1]
        monkeypatch.setattr(RunQueue, "can_repeat", overtaken)
        with pytest.raises(ConflictError, match="task 1 was begun anew already"):
            engine.tasks.retry(1, last.key)
    other.close()


def test_a_run_that_its_process_dies_of_is_given_up(tmp_path: Path) -> None:
    dies_between_row_and_queue(tmp_path)
    store = Store(tmp_path / "espdeck.db")
    for _ in range(MAX_DEATHS):
        runs.start_run(store, 1)
        runs.put_back_running(store, died=True)
    runs.start_run(store, 1)
    runs.put_back_running(store, died=False)
    assert runs.get_run(store, 1).deaths == MAX_DEATHS
    store.close()

    with Engine(Settings(workspace=tmp_path)) as engine:
        given_up = engine.tasks.wait(1, timeout=30)
        again = engine.tasks.wait(engine.tasks.retry(1).number, timeout=30)

    assert given_up.status is RunStatus.FAILED
    assert given_up.error.startswith(f"given up: espdeck died {MAX_DEATHS} times")
    assert (again.status, again.deaths) == (RunStatus.SUCCESS, 0)


def test_a_run_that_was_cancelled_and_never_asked_for_is_cancelled(tmp_path: Path) -> None:
    dies_between_row_and_queue(tmp_path)
    store = Store(tmp_path / "espdeck.db")
    runs.request_cancel(store, 1)
    store.close()
    with Engine(Settings(workspace=tmp_path)) as engine:
        assert engine.tasks.wait(1, timeout=30).status is RunStatus.CANCELLED


@pytest.mark.parametrize("gone", ["folder", "artifacts", "taken"])
def test_what_was_compiled_and_is_gone_is_compiled_again(tmp_path: Path, gone: str) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    workspace = tmp_path / "workspace"
    with Engine(Settings(workspace=workspace)) as engine:
        project = engine.projects.find_or_add(str(source))
        asked = engine.builds.start(project.id, board="none", simulator="none")
        first = engine.builds.wait(asked.number, timeout=90)
        image = engine.builds.image(1)
        program = image.elf.read_bytes()
        if gone == "artifacts":
            image.elf.unlink()
        elif gone == "folder":
            for folder in (workspace / "worktrees").glob("*/0/build-*/"):
                shutil.rmtree(folder)
        else:
            text = (source / "main" / "main.c").read_text()
            other = text.replace("Hello", "Other") + "const char *other = __FILE__;\n"
            commit(source, {"main/main.c": other})
            second = engine.builds.start(project.id, board="none", simulator="none")
            engine.builds.wait(second.number, timeout=90)
        engine.builds.retry(1, "judge")
        done = engine.builds.wait(1, timeout=90)
        said = engine.builds.search(1, "what was compiled is gone")
        makers = {each.path: each.stage for each in engine.builds.artifacts(1)}

    assert first.status is RunStatus.SUCCESS
    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert [match.key.attempt for match in said] == [2]
    assert image.elf.read_bytes() == program
    assert (makers["image.json"], makers[image.elf.name]) == ("build", "build")


class Stubborn:
    """A stage that does not look whether it is to stop, and fails in the end."""

    def __init__(self, problem: Exception) -> None:
        self.begun, self.go_on, self.ended = (threading.Event() for _ in range(3))
        self._problem = problem

    def __call__(self, _context: TaskContext) -> StageResult:
        self.begun.set()
        self.go_on.wait(30)
        self.ended.set()
        raise self._problem


@pytest.fixture(params=[EspdeckError("gone"), RuntimeError("gone")], ids=["told", "bug"])
def stubborn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stubborn:
    stage = Stubborn(request.param)
    monkeypatch.setattr(step, "run", stage)
    return stage


def test_what_fails_when_its_run_is_cancelled_is_cancelled(
    tmp_path: Path, stubborn: Stubborn
) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        number = engine.tasks.start(ORDER).number
        assert stubborn.begun.wait(30)
        engine.tasks.cancel(number)
        stubborn.go_on.set()
        done = engine.tasks.wait(number, timeout=30)
        rows = [row.status for row in engine.tasks.stages(number)]

    assert (done.status, done.error) == (RunStatus.CANCELLED, "cancelled")
    assert set(rows) == {StageStatus.CANCELLED}


def test_what_fails_after_its_process_closed_writes_nothing_and_is_done_again(
    tmp_path: Path, stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "STOP_WITHIN", 0.1)
    with Engine(Settings(workspace=tmp_path)) as engine:
        number = engine.tasks.start(ORDER).number
        assert stubborn.begun.wait(30)
    stubborn.go_on.set()
    assert stubborn.ended.wait(30)
    for thread in threading.enumerate():
        if thread.name.startswith("stage"):
            thread.join(30)
    store = Store(tmp_path / "espdeck.db")
    left = runs.get_run(store, number)
    store.close()
    assert (left.status, left.error, left.deaths) == (RunStatus.PENDING, "", 0)

    monkeypatch.undo()
    with Engine(Settings(workspace=tmp_path)) as engine:
        assert engine.tasks.wait(number, timeout=30).status is RunStatus.SUCCESS
