"""What stages of a build are called wherever people read of them; programs get their keys."""

from __future__ import annotations

_LABELS = {"test.board": "board", "test.simulator": "simulator"}


def stage_label(key: str) -> str:
    """The word for a stage; one that is no test, and one of a task, is named by its key."""
    return _LABELS.get(key, key)


def stage_key(word: str) -> str:
    """The key of the stage that a person names, by its word or by its key."""
    return next((key for key, label in _LABELS.items() if label == word), word)
