"""A lab that takes webhooks, and a repository that is pushed to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.git_repos import commit
from tests.engine.webhooks.lab import HookYard


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[HookYard]:
    yard = HookYard(tmp_path / "workspace")
    yield yard
    yard.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    commit(tmp_path / "fw", {"main.c": "int x;\n"})
    return tmp_path / "fw"
