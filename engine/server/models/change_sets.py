"""What runs change, as the HTTP API tells it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine import ChangeSet


class ChangeSetAnswer(BaseModel):
    """What a run changes."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    state: str = Field(examples=["open"])
    proved: bool
    """Whether the run succeeded with it."""

    files: list[str]
    message: str
    branch: str
    fetch: str = ""
    """The command that fetches the branch on the lab machine, once it is committed."""

    diff: str
    """Against the run's commit. The artifact with it has it byte for byte."""


class TaskChangesAnswer(ChangeSetAnswer):
    """What a task changes; the artifact is `changes.patch`."""

    task_id: str = Field(examples=["14"])

    @classmethod
    def of(cls, found: ChangeSet) -> TaskChangesAnswer:
        """What a task of the engine changes."""
        return cls(task_id=str(found.run), **fields_of(found))


def fields_of(found: ChangeSet) -> dict[str, Any]:
    """The fields of :class:`ChangeSetAnswer`; UTF-8 has no lone surrogates."""
    return {
        "state": found.state,
        "proved": found.proved,
        "files": [_unicode(name) for name in found.files],
        "message": _unicode(found.message),
        "branch": found.branch,
        "fetch": found.fetch,
        "diff": _unicode(found.diff),
    }


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
