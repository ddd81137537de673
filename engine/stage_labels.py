"""What stages of a build are called wherever people read of them; programs get their keys."""

from __future__ import annotations

_LABELS = {"test.board": "board", "test.simulator": "simulator"}


def stage_label(key: str) -> str:
    """The word for a stage; one that is no test, and a step of a task, is named by its key.

    A stage that proves a step of a task is named behind that: ``fix.simulator``.
    """
    return _renamed(key, _LABELS)


def stage_key(word: str) -> str:
    """The key of the stage that a person names, by its word or by its key."""
    if stage_label(word) != word:
        return word  # it is a key
    return _renamed(word, {label: key for key, label in _LABELS.items()})


def _renamed(name: str, names: dict[str, str]) -> str:
    """A name, or the end of it behind a step's key, by another."""
    for one, other in names.items():
        if name == one or name.endswith(f".{one}"):
            return f"{name.removesuffix(one)}{other}"
    return name
