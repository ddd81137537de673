"""JSON of the command line: one object a line, the same for every command.

Names of fields stay what they are from one version to the next. A time is UTC as ISO 8601 with
``Z``, a state is the word that tables show, a duration is in seconds, and what is not known is
``null``. Nothing else is on standard output.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any
from uuid import UUID

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
"""The option ``--json`` of a command."""


def print_json(value: Any, **more: Any) -> None:
    """Print an object as one line.

    Args:
        value: a mapping, a dataclass, or a row of the store.
        more: fields that are added, or replace some of it.
    """
    typer.echo(json.dumps(_fields(value) | more, default=_plain))


def utc_text(at: datetime) -> str:
    """A time as JSON has it, to the millisecond."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _fields(value: Any) -> dict[str, Any]:
    """The fields of what has some."""
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    # Rows of the store give their fields in another order each time that they are dumped.
    return {name: getattr(value, name) for name in type(value).model_fields}


def _plain(value: Any) -> Any:
    """What JSON has no word for, as something that it has."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath | UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return _fields(value)
