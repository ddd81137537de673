"""What tests of tasks share: a pipeline, its answers, settings with a server of recorded ones."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from engine import Engine, Settings
from engine.store.artifacts import FIRMWARE
from engine.store.tables import Run, StageRow
from engine.tasks.pipeline_file import StepPipeline, load
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Oracle

WITHIN = 60.0
KINDS = ("codellama", "codegemma", "t5gemma", "assembler")
PIPELINE = """\
name: Two files
global_context: Everything in C11.
steps:
  - step_name: header
    model_type: codellama
    prompt: Write the header.
    context: It guards itself.
    parameters: {temperature: 0.1, max_tokens: 700}
  - step_name: source
    role: firmware_engineer
    prompt: Write the source.
"""
HEADER = "The header.\n\n```c led.h\n#pragma once\nvoid led_on(void);\n```\n"
SOURCE = "The source.\n\n```c led.c\nvoid led_on(void) {}\n```\n"
MAIN = "int answer(void) {\n    return 41;\n}\n"
MENDED = 'The include was missing.\n\n```c led.c\n#include "led.h"\nvoid led_on(void) {}\n```\n'


def block(file: str, search: str, replace: str) -> str:
    return f"I change it.\n\n{file}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def settings(workspace: Path, oracle: Oracle) -> Settings:
    models = {kind: {"name": kind} for kind in KINDS}
    llm: Any = {"ollama": oracle.url, "ollama_requests": 4, "models": models}
    quality: Any = {"documentation": 0}
    return Settings(workspace=workspace, llm=llm, quality=quality, max_concurrent_tasks=1)


def pipeline(text: str = PIPELINE) -> StepPipeline:
    return load(text, "test.yaml")


def done(engine: Engine, order: TaskRequest) -> Run:
    return engine.tasks.wait(engine.tasks.start(order).number, timeout=WITHIN)


def stages(engine: Engine, number: int) -> dict[str, StageRow]:
    return {f"{row.key}#{row.attempt}": row for row in engine.tasks.stages(number)}


def files(engine: Engine, number: int) -> dict[str, str]:
    """The texts among the artifacts of a task."""
    return {
        each.path: engine.tasks.artifact_file(each).read_text()
        for each in engine.tasks.artifacts(number)
        if each.kind not in FIRMWARE
    }


def project(engine: Engine, folder: Path, sources: dict[str, str]) -> uuid.UUID:
    commit(folder, sources)
    added = engine.projects.add(str(folder), name=f"node-{uuid.uuid4()}", targets=["esp32c3"])
    engine.projects.wait(added.id)
    return added.id
