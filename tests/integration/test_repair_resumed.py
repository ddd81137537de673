"""A repair that the end of the process interrupts is gone on with at the next start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, StageStatus
from tests.engine.repairs import BROKEN, MENDED, Answers, block, broken

pytestmark = [pytest.mark.xdist_group("repair-resumed"), pytest.mark.slow]


def test_what_was_repaired_before_is_there_again(tmp_path: Path) -> None:
    other = "    int other = ;\n"
    answers = Answers()
    llm: Any = {"ollama": answers.url, "models": {"developer": {"name": "m"}}}
    settings = Settings(workspace=tmp_path / "ws", llm=llm)
    answers.texts += [block("main/main.c", BROKEN, MENDED), None]
    with Engine(settings) as engine:
        project = engine.projects.get(broken(engine, tmp_path, f"{BROKEN}{other}"))
        number = engine.builds.start(project.id, board="none", simulator="none").number
        assert answers.stalled.wait(60)
    answers.texts.append(block("main/main.c", other, other.replace("= ", "= 1")))

    with Engine(settings) as engine:
        done = engine.builds.wait(number, timeout=60)
        rows = {(row.key, row.attempt): row.status for row in engine.builds.stages(number)}
        found = engine.fixes.of(number)
    answers.close()

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert rows["repair", 2] is StageStatus.SUCCESS
    assert rows["build", 3] is StageStatus.SUCCESS
    assert len(answers.asked()) == 3
    assert found is not None
    assert found.diff.count("\n+ ") == 2
