"""A store with projects, and a repository of three commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path / "workspace")
    yield yard
    yard.projects.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number in range(1, 4):
        commit(tmp_path / "fw", {"main.c": f"int x{number};\n"}, f"Commit {number}")
    return tmp_path / "fw"
