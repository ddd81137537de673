"""What pydantic finds wrong with a value, in the words of who wrote the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_unicode": "a text in UTF-8",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
"""What a value must be, by pydantic's name of the mistake."""

_NUMBERS = ("a whole number", "a number")
_BOUNDS = {"ge": "from {} on", "gt": "above {}", "le": "up to {}", "lt": "below {}"}
_SUBJECT = re.compile(r"^[A-Z][a-z]+ should ")
_HOW_IT_CAME = (", unable to ", ", got ")


def explain_error(name: str, error: ErrorDetails, reach: str = "") -> str:
    """A mistake as a sentence: ``max_iterations must be a whole number from 0 to 10``.

    Args:
        name: how the sentence calls the value.
        error: one of :meth:`pydantic.ValidationError.errors`.
        reach: which numbers are allowed, as :func:`reach_of` says it, where that is known.
    """
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return f"{name}: {context.get('error', error['msg'])}"
    if kind == "missing":
        return f"{name} is missing"
    bounds = [text.format(context[each]) for each, text in _BOUNDS.items() if each in context]
    if bounds:
        return f"{name} must be a number {reach or ' and '.join(bounds)}"
    wanted = _WANTED.get(kind)
    if wanted is not None:
        more = f" {reach}" if reach and wanted in _NUMBERS else ""
        return f"{name} must be {wanted}{more}"
    message = error["msg"].removeprefix("Value error, ")
    for each in _HOW_IT_CAME:
        message = message.partition(each)[0]
    said, changed = _SUBJECT.subn("must ", message)
    return f"{name} {said}" if changed else f"{name}: {message[:1].lower()}{message[1:]}"


def reach_of(field: FieldInfo | None) -> str:
    """Which numbers a field takes, as ``from 0 to 10``; empty for all of them."""
    found: dict[str, Any] = {}
    for each in field.metadata if field is not None else ():
        for bound in _BOUNDS:
            if (value := getattr(each, bound, None)) is not None:
                found[bound] = value
    if {"ge", "le"} <= found.keys():
        return f"from {found['ge']} to {found['le']}"
    return " and ".join(text.format(found[each]) for each, text in _BOUNDS.items() if each in found)
