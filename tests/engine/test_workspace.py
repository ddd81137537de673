"""A workspace has an id that stays, whoever asks first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.engine import Engine
from engine.errors import UsageError
from engine.settings import Settings
from engine.workspace import workspace_id


def test_it_stays_and_another_workspace_has_another(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    known = workspace_id(here)
    assert workspace_id(here) == known
    assert workspace_id(there) != known
    here.rename(tmp_path / "moved")
    assert workspace_id(tmp_path / "moved") == known


def test_all_who_ask_at_once_are_told_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(workspace_id, [tmp_path] * 32))
    assert len(told) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["id"]


@pytest.mark.parametrize("damaged", [b"", b"\0" * 33, b"x" * 50, b"x" * 5000])
def test_a_damaged_one_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "id").write_bytes(damaged)
    known = workspace_id(tmp_path)
    assert workspace_id(tmp_path) == known


@pytest.mark.parametrize("name", ["id", "executor.lock"])
def test_a_workspace_that_cannot_be_opened_is_one_line_and_can_be_closed(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    engine = Engine(Settings(workspace=tmp_path))

    with pytest.raises(UsageError, match=name):
        engine.open(execute=False)
    engine.close()
