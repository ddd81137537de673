"""What a task changes: committed on a branch of its own, exported or discarded."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from git import Repo

from engine import Engine
from engine.enums import RunStatus
from engine.errors import AccessError, UsageError
from engine.runs.changes import ChangeSetState
from engine.store.tables import Run
from engine.tasks.request import TaskRequest
from tests.engine import git_repos
from tests.engine.llm.servers import Oracle, ollama, stall, status
from tests.engine.tasks.tasks import MAIN, WITHIN, block, done, pipeline, project

pytestmark = [pytest.mark.xdist_group("tasks"), pytest.mark.slow]

FIX = block("main/main.c", "    return 41;\n", "    return 42;\n")
TEST = block("test/test_main.c", "", "void test(void) {}\n")
ASKED = "The answer is wrong.\n\nIt should be 42, \x1b[31mnot 41, whoever asks and however often.\n"


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Fixed:
    """A project that a task has changed."""

    def __init__(self, engine: Engine, oracle: Oracle, folder: Path, source: str = MAIN) -> None:
        oracle.replies = {"Fix": [FIX], "Regression test": [TEST]}
        self.engine = engine
        self.id = project(engine, folder, {"main/main.c": source})
        self.clone = Path(engine.projects.get(str(self.id)).clone_path)
        self.number = self.run("bug_fix").number

    def run(self, workflow: str) -> Run:
        order = TaskRequest(workflow=workflow, description=ASKED, project_id=self.id)
        return done(self.engine, order)


@pytest.fixture
def fixed(engine: Engine, oracle: Oracle, tmp_path: Path) -> Iterator[Fixed]:
    yield Fixed(engine, oracle, tmp_path / "node")


def test_it_is_committed_on_a_branch_of_its_own(engine: Engine, fixed: Fixed) -> None:
    changes, branch = engine.task_changes, f"espdeck/task-{fixed.number}"
    found = changes.existing(fixed.number)
    assert (found.state, found.proved, found.branch) == (ChangeSetState.OPEN, True, branch)
    assert found.files == ("main/main.c", "test/test_main.c")
    with Repo(fixed.clone) as clone:
        before = {head.name: head.commit.hexsha for head in clone.heads}

    done = changes.commit(fixed.number)

    assert done.fetch.endswith(f"{branch}:{branch}")
    with Repo(fixed.clone) as clone:
        after = {head.name: head.commit.hexsha for head in clone.heads}
        made = clone.commit(after.pop(branch))
        assert after == before
        assert made.parents[0].hexsha == engine.tasks.get(fixed.number).commit_sha
        assert made.author.name == "Ada"
        assert b"return 42;" in (made.tree / "main" / "main.c").data_stream.read()
        text = str(made.message)
    subject, empty, *lines = text.splitlines()
    assert (subject, empty) == ("Bug fix: The answer is wrong.", "")
    assert "* It should be 42, not 41, whoever asks and however often." in lines
    assert lines[-1].startswith(f"Task {fixed.number} of espdeck succeeded with it: ")
    with pytest.raises(UsageError, match=f"task {fixed.number}'s patch is committed already: git "):
        changes.discard(fixed.number)


def test_it_is_exported_and_put_aside(engine: Engine, fixed: Fixed, tmp_path: Path) -> None:
    changes = engine.task_changes
    path = changes.export(fixed.number, tmp_path)
    assert path == tmp_path / f"task-{fixed.number}.patch"
    subprocess.run(["git", "-C", str(tmp_path / "node"), "apply", "--check", path], check=True)

    assert changes.discard(fixed.number).state is ChangeSetState.DISCARDED
    with pytest.raises(UsageError, match=r"patch was discarded; changes\.patch still has it"):
        changes.commit(fixed.number)
    assert changes.existing(fixed.number).fetch == ""


def test_a_task_that_failed_says_so_in_the_commit(
    engine: Engine, oracle: Oracle, fixed: Fixed
) -> None:
    oracle.replies["Review"] = [status(400, "no")]
    run = fixed.run("bug_fix")
    assert run.status is RunStatus.FAILED
    found = engine.task_changes.existing(run.number)
    assert not found.proved
    said = f"Task {run.number} of espdeck did not succeed with it (failed): Pipeline stopped at"
    assert found.message.splitlines()[-1].startswith(said)


def test_where_nothing_is_changed_there_is_nothing(engine: Engine, fixed: Fixed) -> None:
    changes = engine.task_changes
    review = fixed.run("code_review").number
    free = done(engine, TaskRequest(pipeline=pipeline())).number
    for number in (review, free):
        assert changes.of(number) is None
        with pytest.raises(UsageError, match=f"task {number} has no patch"):
            changes.commit(number)
    with pytest.raises(UsageError, match=f"no build {free}: that is a task"):
        engine.fixes.of(free)


def test_of_a_task_that_runs_it_is_said_that_it_has_not_ended(
    engine: Engine, oracle: Oracle, fixed: Fixed
) -> None:
    reached = threading.Event()

    def hold(client: socket.socket) -> None:
        reached.set()
        stall(next(ollama("I think")))(client)

    oracle.replies["Review"] = [hold]
    number = engine.tasks.start(
        TaskRequest(workflow="bug_fix", description=ASKED, project_id=fixed.id)
    ).number
    assert reached.wait(WITHIN)
    with pytest.raises(UsageError, match=rf"task {number} has no patch yet: .* \(running\)"):
        engine.task_changes.commit(number)
    engine.tasks.cancel(number)
    engine.tasks.wait(number, timeout=WITHIN)
    assert engine.task_changes.of(number) is not None


def test_a_commit_that_is_on_no_branch_of_the_project_is_not_made_its_own(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    folder, bare = tmp_path / "node", tmp_path / "node.git"
    Fixed(engine, oracle, folder)
    with Repo(folder) as source:
        source.git.clone("-q", "--bare", str(folder), str(bare))
        sha = git_repos.commit(folder, {"main/other.c": "int other;\n"}, "Theirs")
        source.git.push("-q", str(bare), f"{sha}:refs/pull/7/head")
    added = engine.projects.add(str(bare), name="bare", targets=["esp32c3"])
    engine.projects.wait(added.id)
    order = TaskRequest(
        workflow="bug_fix", description="x", project_id=added.id, commit="refs/pull/7/head"
    )
    run = done(engine, order)
    assert run.commit_sha == sha
    with pytest.raises(AccessError, match=f"task {run.number} is about a commit of .* nobody app"):
        engine.task_changes.commit(run.number)
    assert engine.task_changes.existing(run.number).state is ChangeSetState.OPEN
