"""Parameters that several routes take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

_MAX_NUMBER = 10**18 - 1  # what SQLite can count to

RunNumber = Annotated[int, Path(ge=1, le=_MAX_NUMBER, description="Number of a build or a task.")]
ProjectName = Annotated[
    str, Path(min_length=1, max_length=200, description="Id of a project, or its name.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries at the most.")]
Before = Annotated[
    int | None,
    Query(ge=1, le=_MAX_NUMBER, description="Only what has a smaller number: the next page."),
]
