"""Words for stages: tests of a build, and of a step of a task, by where they run."""

from __future__ import annotations

import pytest

from engine import stage_key, stage_label


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("test.simulator", "simulator"),
        ("test.board", "board"),
        ("fix.test.simulator", "fix.simulator"),
        ("fix.build", "fix.build"),
        ("plan", "plan"),
    ],
)
def test_a_stage_is_found_by_its_word(key: str, word: str) -> None:
    assert stage_label(key) == word
    assert stage_key(word) == stage_key(key) == key
