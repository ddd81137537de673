"""A person at work with models: workflows, their form, tasks while they run and afterwards."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from git import Repo

from engine.samples import demo
from engine.settings import LlmSettings, ModelSettings
from engine.store import runs
from engine.store.database import Store
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm import servers
from tests.tui.task_workspaces import PATCH, fill_tasks
from tests.tui.workspaces import Story, fill, running
from tui.screens.task_form import TaskForm

pytestmark = [pytest.mark.xdist_group("stories"), pytest.mark.slow]

MODEL_FIELD = 8
"""Presses of tab from the first field of a workflow's form to the model's."""

FREE_TASK = 8
"""Its row among what can be asked for."""


class Writer:
    """A server whose model writes the beginning of a line, and the rest when it is told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.server = servers.Server(self._reply)

    @property
    def settings(self) -> LlmSettings:
        model = ModelSettings(server="ollama", name="m")
        return LlmSettings(ollama=self.server.url, models={"any": model})

    def _reply(self, client: socket.socket) -> None:
        begun, *rest = servers.ollama(
            "## Findings\n\nThe que", "ue is **too small**.\n", prompt_eval_count=1207, eval_count=9
        )
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"%x\r\n%s\r\n" % (len(begun), begun))
        assert self.go_on.wait(30)
        for piece in rest:
            client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.sendall(b"0\r\n\r\n")


@pytest.fixture
def writer() -> Iterator[Writer]:
    found = Writer()
    yield found
    found.go_on.set()
    found.server.close()


def changed_clone(workspace: Path, number: int) -> Path:
    """Have a task be of a commit that its patch fits; the project's clone."""
    clone = workspace / "clone"
    sha = commit(clone, {"main/main.c": '#include "queue.h"\nstatic int depth = 4;\n'})
    store = Store(workspace / "espdeck.db")
    with store.write() as session:
        run = runs.get_run(store, number)
        run.commit_sha = sha
        session.merge(run)
    store.close()
    return clone


async def fill_form(story: Story, *, row: int, wanted: str, text: str = "", model: str) -> None:
    """Open the form of what stands in a row, and type."""
    await story.press("w")
    await story.sees("Code review", "no tasks yet")
    await story.press("g", *["j"] * row, "enter")
    await story.sees("input text", "default of each role")
    await story.until(lambda: bool(cast("TaskForm", story.screen).rows["model"].choices))
    await story.type(wanted)
    await story.press("tab")
    await story.type(text)
    await story.press(*["tab"] * (MODEL_FIELD - 1))
    await story.type(model)


async def open_task(story: Story, row: int) -> None:
    await story.sees("sensor-hub")
    await story.press("w")
    await story.sees("#4", "#5", "#6")
    await story.press("l", "g", *["j"] * row, "enter")


async def test_a_task_is_asked_for_in_a_form_and_says_that_it_asked_no_model(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as story:
        await story.sees("press a to add one")
        await fill_form(story, row=0, wanted="Look at the queue.", text="int depth;", model="")
        await story.press("enter")
        await story.sees("no model for", "placeholder")
        await story.type("placeholder")
        await story.press("tab")
        await story.type("soon")
        await story.press("enter")
        await story.sees("priority soon is not one of low, medium, high, critical")
        await story.press(*["backspace"] * 4, "ctrl+s")
        await story.sees("✓ success", "PLACEHOLDER: no model was asked", timeout=30)
        await story.press("q")
        await story.sees("tasks 1", "placeholder Code revi")
        await story.press("l")
        await story.sees("asked   Look at the queue.", "PLACEHOLDER")


async def test_what_makes_no_sense_is_said_in_the_form(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        await story.sees("press a to add one")
        await fill_form(story, row=FREE_TASK, wanted="", model="placeholder")
        await story.press("enter")
        await story.until(lambda: "description" in story.text())
        await story.press(*["shift+tab"] * (MODEL_FIELD - 2))
        await story.type("nowhere")
        await story.press("enter")
        await story.sees("no project nowhere (there are: none)")
        await story.press("escape", "i")
        await story.sees("j k scroll")
        await story.press("escape", "tab", "r")
        await story.sees("no tasks yet: press enter")


async def test_an_answer_is_seen_as_it_is_written_and_laid_out_when_it_has_ended(
    tmp_path: Path, writer: Writer
) -> None:
    async with running(tmp_path, llm=writer.settings) as story:
        await story.sees("press a to add one")
        await fill_form(story, row=FREE_TASK, wanted="Is it large enough?", model="any")
        await story.press("enter")
        await story.sees("● running", "## Findings", "The que")
        assert "The queue" not in story.text()
        writer.go_on.set()
        await story.sees("✓ success", "The queue is too small.", timeout=30)
        assert "## Findings" not in story.text()
        await story.press("f")
        await story.sees("what is laid out has ended")
        await story.press("m")
        await story.sees("## Findings", "The queue is **too small**.")
        await story.press("m", "slash")
        await story.type("TOO SMALL")
        await story.press("enter")
        await story.sees("match 1 of 1", "The queue is **too small**.")
        await story.press("z")
        await story.until(lambda: "ARTIFACTS" not in story.text())


async def test_a_task_is_cancelled_in_the_midst_and_run_again_from_a_step(
    tmp_path: Path, writer: Writer
) -> None:
    async with running(tmp_path, llm=writer.settings) as story:
        engine = story.app.engine
        assert engine is not None
        await story.sees("press a to add one")
        engine.tasks.start(TaskRequest(workflow="free_task", description="Write it", model="any"))
        await story.press("w")
        await story.sees("● running", "#1")
        await story.press("l", "r")
        await story.sees("task 1 has not ended")
        await story.press("enter")
        await story.sees("## Findings", "c cancel")
        assert "r retry" not in story.text()
        await story.press("c")
        await story.sees("⊘ cancelled", "0/1", "r retry")
        writer.go_on.set()
        await story.press("r")
        await story.sees("Run task 1 again", "from the start")
        await story.press("end", "enter")
        await story.sees("✓ success", "The queue is too small.", timeout=30)


async def test_a_task_that_runs_again_begins_another_attempt(
    tmp_path: Path, writer: Writer
) -> None:
    writer.go_on.set()
    async with running(tmp_path, llm=writer.settings) as story:
        engine = story.app.engine
        assert engine is not None
        await story.sees("press a to add one")
        await fill_form(story, row=FREE_TASK, wanted="Is it large enough?", model="any")
        await story.press("enter")
        await story.sees("✓ success", "The queue is too small.", timeout=30)
        writer.go_on.clear()
        await story.press("r")
        await story.sees("from the start")
        await story.press("enter")
        await story.sees("● running attempt 2 (retry)", "0/1 Answer", "attempt 2 of 2 (retry)")
        await story.press("q")
        await story.sees("tasks 1")
        again = TaskRequest(workflow="free_task", description="And now?", model="any")
        engine.tasks.start(again)
        await story.sees("tasks 2")
        await story.press("l")
        await story.sees("asked   Is it large enough?")
        writer.go_on.set()


async def test_the_task_that_was_begun_is_the_chosen_one_and_the_form_has_room(
    tmp_path: Path,
) -> None:
    fill(tmp_path)
    fill_tasks(tmp_path)
    async with running(tmp_path, size=(40, 12)) as story:
        await story.press("w")
        await story.sees("#6")
        await story.press("g", *["j"] * FREE_TASK, "enter")
        await story.sees("Free task", "ctrl+s start")
        await story.type("Why?")
        await story.press("ctrl+s")
        await story.sees("no model for codegemma")
        await story.press(*["tab"] * MODEL_FIELD)
        await story.type("placeholder")
        await story.press("enter")
        await story.sees("#7 ✓ success", timeout=30)
        await story.press("q", "l", "enter")
        await story.sees("#7 ✓ success")


async def test_what_a_task_left_is_read_previewed_and_saved(tmp_path: Path) -> None:
    fill(tmp_path)
    fill_tasks(tmp_path)
    async with running(tmp_path, size=(110, 30)) as story:
        await open_task(story, 2)
        await story.sees("#4 ✓ success", "4 answers, 1 finding", "The datasheet says otherwise.")
        await story.press("tab")
        await story.sees(" FINDINGS 1")
        await story.press("w")
        await story.sees("no artifact chosen")
        await story.press("enter")
        await story.sees("test coverage 61.2 %", "no source:")
        await story.press("escape", "tab", "g", "enter")
        await story.sees("+static int depth = 16; /* items */", "w save as")
        await story.press("w")
        await story.sees("Save changes.patch")
        await story.press("ctrl+u")
        await story.type(str(tmp_path / "mine.patch"))
        await story.press("enter")
        await story.sees("saved as")
        assert (tmp_path / "mine.patch").read_text() == PATCH
        await story.press("escape", "j", "enter")
        await story.sees("correctness.md", "1 main/main.c:21 blocker: the pointer")


async def test_what_a_task_changed_is_looked_at_committed_and_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    workspace = tmp_path / "ws"
    fill(workspace)
    fill_tasks(workspace)
    clone = changed_clone(workspace, 4)
    async with running(workspace, size=(110, 30)) as story:
        await open_task(story, 2)
        await story.sees("#4 ✓ success", "changes 1 file: d shows them")
        await story.press("d")
        await story.sees("PATCH of task 4: 1 file, open", "Code review: Look at it", "+static int")
        await story.press("a")
        await story.sees("PATCH of task 4: 1 file, committed", "git fetch ", "Y copy git command")
        await story.press("Y")
        await story.until(lambda: story.app.clipboard.endswith("espdeck/task-4:espdeck/task-4"))
        await story.press("escape")
        await story.sees("patch committed on espdeck/task-4")
        await story.press("x")
        await story.sees("the patch is committed already")
    with Repo(clone) as repository:
        made = repository.commit("espdeck/task-4")
        assert "depth = 16" in repository.git.show(f"{made.hexsha}:main/main.c")
        assert made.parents[0] == repository.head.commit


async def test_what_a_task_changed_is_exported_and_put_aside(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    fill(workspace)
    fill_tasks(workspace)
    changed_clone(workspace, 6)
    async with running(workspace, size=(110, 30)) as story:
        await open_task(story, 0)
        await story.sees("#6 ✗ failed", "changes 1 file: d shows them")
        await story.press("e")
        await story.sees("Export the patch of task 6", "task-6.patch")
        await story.press("ctrl+u")
        await story.type(str(tmp_path / "mine.patch"))
        await story.press("enter")
        await story.until(lambda: (tmp_path / "mine.patch").exists())
        await story.press("x")
        await story.sees("Discard the patch of task 6?")
        await story.press("y")
        await story.sees("patch discarded")
        await story.press("a")
        await story.sees("the patch is discarded already")


async def test_the_gate_is_a_table_and_tasks_are_filtered(tmp_path: Path) -> None:
    fill(tmp_path)
    fill_tasks(tmp_path)
    async with running(tmp_path, size=(120, 30)) as story:
        await open_task(story, 0)
        await story.sees("#6 ✗ failed", "quality gate failed")
        await story.sees("QUALITY GATE failed, score 94, 1 blocking", "61.2 %  >= 80 %")
        await story.press("y", "m")
        await story.sees("gate begins")
        await story.press(*["tab"] * 7, "g", *["j"] * 4, "enter")
        await story.sees("QUALITY GATE failed", "61.2 %  >= 80 %", "j k scroll")
        await story.press("y", "escape")
        await story.press("q", "slash")
        await story.type("documentation")
        await story.sees("tasks 1", "placeholder Documentation")
        await story.until(lambda: "#6" not in story.text())
        await story.press("escape")
        await story.sees("#6")


async def test_a_projects_own_pipelines_are_offered_and_run(tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    ours = (
        "name: Ours\ndescription: Two of them.\nsteps:\n"
        "  - {step_name: first, model_type: codellama, prompt: Say it.}\n"
        "  - {step_name: second, model_type: codellama, prompt: Say it again.}\n"
    )
    folder = ".espdeck/pipelines"
    commit(source, {f"{folder}/ours.yaml": ours, f"{folder}/wrong.yaml": "name: W\nstep: []\n"})
    async with running(tmp_path / "ws", size=(110, 40)) as story:
        engine = story.app.engine
        assert engine is not None
        engine.projects.add(str(source))
        await story.sees("hello  esp32c3", "never built")
        await story.press("w")
        await story.sees("› Ours", "✗ wrong.yaml")
        await story.press("G", "enter")
        await story.sees("it cannot be read: .espdeck/pipelines/wrong.yaml:2:")
        await story.press("k")
        await story.sees("about   Two of them.", "steps   first, second", "from    project")
        await story.press("i")
        await story.sees("1. first", "codellama", "Say it again.")
        await story.press("escape", "enter")
        await story.sees("input text", "default of each role", "hello")
        await story.press(*["tab"] * (MODEL_FIELD - 1))
        await story.type("placeholder")
        await story.press("enter")
        await story.sees("✓ success", "PLACEHOLDER", "Librarian", "Assembler", timeout=30)
