"""What a program gives a task as context, any JSON, as text that a model reads well.

An object becomes a list: ``- key: value``, a line for each plain value; a text of several lines and
what is nested stand in a fenced block below their key. Anything else is a block, a text itself.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from engine.errors import UsageError
from engine.llm.fences import fenced

# As pydantic has it, which a mere annotation does not need.
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def render_context(value: Json) -> str:
    """Context as text; empty where there is none.

    Raises:
        UsageError: it is nested too deeply.
    """
    if value is None or value in ("", {}, []):
        return ""
    if isinstance(value, str):
        return _readable(value).strip()
    if not isinstance(value, dict):
        return _block(value)
    return "\n".join(_member(key, each) for key, each in value.items())


def _member(key: str, value: Json) -> str:
    head = f"- {' '.join(_readable(key).split())}:"
    if isinstance(value, str):
        text = _readable(value)
        return f"{head}\n\n{fenced(text.rstrip(), '')}\n" if "\n" in text else f"{head} {text}"
    if isinstance(value, dict | list) and value:
        return f"{head}\n\n{_block(value)}\n"
    return f"{head} {_dumped(value)}"


def _block(value: Json) -> str:
    return fenced(_dumped(value, indent=2), "json")


def _dumped(value: Json, indent: int | None = None) -> str:
    try:
        return _readable(json.dumps(value, ensure_ascii=False, indent=indent))
    except RecursionError:
        raise UsageError("the context is nested too deeply") from None


def _readable(text: str) -> str:
    """A text that UTF-8 has a form for."""
    return text.encode("utf-8", "replace").decode()
