"""Slots: each of one run at a time, and of an interrupted one until that has ended."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Interrupted, ToolError
from engine.projects.slots import Slots
from tests.engine.git_repos import commit


class Lab:
    """A repository, and slots of runs of which some have not ended."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        self.sha = commit(self.clone, {"a.c": "int a;\n"})
        self.unfinished = {1, 2}
        self.slots = Slots(folder / "worktrees", self.unfinished.__contains__)

    def number_of(self, run: int | None) -> str:
        """The slot that a run is given."""
        with self.slots.take(self.clone, self.sha, run=run, cancel=CancelToken()) as slot:
            return slot.folder.name

    def interrupt(self, run: int) -> str:
        """The slot of a run that was interrupted."""
        with (
            contextlib.suppress(Interrupted),
            self.slots.take(self.clone, self.sha, run=run, cancel=CancelToken()) as slot,
        ):
            (slot.folder / "build").mkdir()
            raise Interrupted
        return slot.folder.name


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_an_interrupted_run_finds_its_slot_and_nobody_else_gets_it(lab: Lab) -> None:
    assert lab.interrupt(1) == "0"
    assert lab.number_of(2) == "1"
    assert lab.number_of(None) == "1"
    assert lab.number_of(1) == "0"


def test_a_slot_is_free_when_its_run_has_ended_elsewhere(lab: Lab) -> None:
    lab.interrupt(1)
    lab.unfinished.remove(1)
    assert lab.number_of(2) == "0"


@pytest.mark.parametrize("problem", [ToolError, KeyError, None])
def test_a_run_that_ends_gives_its_slot_back(lab: Lab, problem: type[Exception] | None) -> None:
    with (
        contextlib.suppress(ToolError, KeyError),
        lab.slots.take(lab.clone, lab.sha, run=1, cancel=CancelToken()),
    ):
        if problem is not None:
            raise problem
    assert lab.number_of(2) == "0"


def test_a_slot_that_waits_for_its_run_is_not_tidied_away(lab: Lab) -> None:
    lab.interrupt(1)
    assert lab.slots.remove_unused(0) == 0
    lab.unfinished.clear()
    assert lab.slots.remove_unused(0) == 1


@pytest.mark.parametrize("text", ["", "x", "-1", "1" * 50, "¹"])
def test_a_damaged_note_holds_nothing(lab: Lab, text: str) -> None:
    lab.interrupt(1)
    (note,) = lab.slots.folders(lab.clone)[0].glob("run")
    note.write_text(text)
    assert lab.number_of(2) == "0"
