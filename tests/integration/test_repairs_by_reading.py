"""DEVELOPER with a model that knows only what it is shown: each failure is mended at its cause.

The server changes the lines that must change where they stand in the question, below the name of
their file. Where they do not, it has no answer, and the test says which lines were missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, StageStatus
from engine.samples import demo
from tests.engine.git_repos import commit
from tests.engine.repairs import Reader
from tests.integration.repair_cases import CASES, RepairCase, unrelated_files

pytestmark = [pytest.mark.xdist_group("repairing"), pytest.mark.slow]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Iterator[Engine]:
    llm: Any = {"ollama": reader.url, "models": {"developer": {"name": "m"}}}
    settings = Settings(workspace=tmp_path_factory.mktemp("workspace"), llm=llm, max_iterations=1)
    with Engine(settings) as engine:
        yield engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_must_change_is_shown_and_the_firmware_passes(
    engine: Engine, reader: Reader, tmp_path: Path, case: RepairCase
) -> None:
    source = tmp_path / case.name
    demo.make_repository("hello", source)
    (source / "test/test_math.c").unlink()
    commit(source, {**unrelated_files(), **case.files})
    project = engine.projects.find_or_add(str(source))
    reader.knows(case.edits)

    started = engine.builds.start(project.id, board="none", simulator="labwired")
    done = engine.builds.wait(started.number, timeout=120)

    rows = {(row.key, row.attempt): row for row in engine.builds.stages(done.number)}
    failed = [key for (key, n), row in rows.items() if n == 1 and row.status is StageStatus.FAILED]
    assert failed[0] == case.fails
    assert any(case.says in row.message for row in engine.builds.findings(done.number))
    assert reader.missing == []
    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    found = engine.fixes.of(done.number)
    assert found is not None
    assert set(found.files) == {edit.file for edit in case.edits}
    assert not [file for file in found.files if re.search(r"test|espdeck\.toml", file)]
