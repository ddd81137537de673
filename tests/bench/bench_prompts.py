"""Prompt tokens that a model server evaluates per task, with the prompt cache of llama.cpp.

Every workflow runs on a project, asked of a server that keeps the prompts and answers reports that
name a file of the project, and changes of that file. The prompts then go, in the order in which
they came, to a real llama.cpp (:mod:`tests.bench.tiny_llama`), which tells how many tokens of each
it had to evaluate. ``python -m tests.bench prompts --project FOLDER`` takes any Git repository;
without, it is the first sample.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import Engine, Settings, samples
from engine.samples.demo import make_repository
from engine.settings import LlmSettings, ModelSettings
from engine.source.file_kinds import FileKind, kind_of
from engine.tasks.request import TaskRequest
from engine.tasks.workflow import Workflow, workflows
from tests.bench.table import show
from tests.bench.tiny_llama import TinyLlama
from tests.engine.llm.servers import Oracle

CONTEXT = 32_768
"""Tokens that question and answer may have together."""

TASK = "The device stops to answer after some hours, and its log shows that memory runs out."

REPORT_PARAGRAPHS = 6
"""Paragraphs of a report: some 1200 characters, as models answer."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench prompts")
    parser.add_argument("--project", type=Path)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--workflow", action="append")
    parser.add_argument("--keep", type=Path, help="folder that the prompts are written to")
    wanted = parser.parse_args(sys.argv[1:])
    if importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("gguf") is None:
        print("prompts: not measured without llama.cpp: pip install xllamacpp gguf")
        return
    server = Oracle()
    rows: list[tuple[str, int, int, int, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        source = wanted.project or make_repository(samples.names()[0], Path(folder) / "sample")
        with _engine(server, Path(folder)) as engine:
            project = engine.projects.add(str(source), name="bench", targets=["esp32c3"])
            engine.projects.wait(project.id)
            file = _largest_source(source)
            for name, workflow in workflows().items():
                if name == "free_task" or (wanted.workflow and name not in wanted.workflow):
                    continue
                server.requests.clear()
                server.replies = {
                    step.name: [_answer(workflow, number, *file)]
                    for number, step in enumerate(workflow.steps)
                }
                order = TaskRequest(workflow=name, description=TASK, project_id=project.id)
                run = engine.tasks.wait(engine.tasks.start(order).number, timeout=600)
                asked = [body["messages"] for _line, _head, body in server.requests if body]
                rows.append((name, *_evaluated(asked, wanted.slots), str(run.status)))
                if wanted.keep:
                    _keep(wanted.keep / name, asked)
    server.close()
    prompts, tokens, evaluated = (
        sum(part) for part in zip(*(row[1:4] for row in rows), strict=True)
    )
    rows.append(("all", prompts, tokens, evaluated, f"{100 * evaluated / tokens:.0f} %", ""))
    show(
        f"prompt tokens per workflow on {source.name}, llama.cpp with {wanted.slots} slots",
        ("workflow", "prompts", "tokens", "evaluated", "share", "status"),
        rows,
    )


def _engine(server: Oracle, folder: Path) -> Engine:
    model = ModelSettings(server="ollama", name="m", context=CONTEXT)
    kinds = ("codellama", "codegemma", "t5gemma", "assembler")
    llm = LlmSettings(ollama=server.url, models=dict.fromkeys(kinds, model))
    return Engine(Settings(workspace=folder / "workspace", llm=llm))


def _largest_source(source: Path) -> tuple[str, str]:
    """The product source with most lines, and a line that it has once."""
    named = subprocess.run(["git", "ls-files"], cwd=source, capture_output=True, check=True)
    paths = [
        path
        for path in named.stdout.decode().split("\n")
        if path.endswith(".c") and kind_of(path) is FileKind.SOURCE and "test" not in path
    ]
    own = [path for path in paths if path.startswith(("main/", "src/"))] or paths
    texts = {path: (source / path).read_text("utf-8", "replace") for path in own}
    path = max(texts, key=lambda path: len(texts[path]))
    rows = texts[path].split("\n")
    return path, next(row for row in rows if len(row) > 20 and rows.count(row) == 1)


def _answer(workflow: Workflow, number: int, path: str, line: str) -> str:
    step = workflow.steps[number]
    if not step.changes:
        return "\n\n".join(
            f"{part}. The reason for {step.name} is found at `{path}:{20 * part}`, where what is "
            "taken is not given back on the path of an error; a caller cannot see that from here."
            for part in range(1, REPORT_PARAGRAPHS + 1)
        )
    if "test" in step.name.lower():
        path, search, replace = f"test/test_bench_{number}.c", "", "void test_it(void) {}\n"
    else:
        search, replace = f"{line}\n", f"{line}\n/* step {number} */\n"
    block = f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"
    return f"I free what was taken.\n\n{block}"


def _evaluated(prompts: Sequence[list[Any]], slots: int) -> tuple[int, int, int, str]:
    """How many prompts, their tokens, those evaluated, and the share of these."""
    llama = TinyLlama(CONTEXT + CONTEXT // 2, slots)
    found = [llama.evaluate(prompt) for prompt in prompts]
    llama.close()
    tokens, evaluated = sum(each.tokens for each in found), sum(each.evaluated for each in found)
    return len(prompts), tokens, evaluated, f"{100 * evaluated / tokens:.0f} %"


def _keep(folder: Path, prompts: Sequence[list[Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, prompt in enumerate(prompts, 1):
        text = "\n".join(f"=== {each['role']}\n{each['content']}" for each in prompt)
        (folder / f"{number}.txt").write_text(text)
