"""Details of a check's result as lines: whatever a check says, none looks like a program's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_ROWS = 20
"""Lines of one list that are shown."""

_MAX_NESTED_ROWS = 5  # of a list that is in a row of another
_COMMIT_CHARACTERS = 10
_DATE_CHARACTERS = 10
_PLACE = ("path", "file")
_FIRST = ("severity", "state", "status", "kind")


def detail_lines(details: Mapping[str, Any], *, most: int = MAX_ROWS) -> Iterator[str]:
    """What details say: a heading for each list with its rows below, a line for anything else.

    What is empty, no, none or zero is left out; names are those of the JSON, with blanks.

    Args:
        details: of a result. Untrusted, so are the lines.
        most: lines of one list.
    """
    for name, value in details.items():
        if not _says_something(value):
            continue
        if _is_list(value):
            yield f"{_words(name)}:"
            yield from _rows(value, "  ", most)
        else:
            yield f"{_words(name)}: {_short(name, value)}"


def _rows(
    values: Sequence[Any], indent: str, most: int, *, is_nested: bool = False
) -> Iterator[str]:
    values = [each for each in values if _says_something(each)]
    for value in values[:most]:
        if not isinstance(value, Mapping):
            yield f"{indent}{_short('', value)}"
            continue
        nested = {key: each for key, each in value.items() if _holds_objects(each)}
        flat = {key: each for key, each in value.items() if key not in nested}
        if line := _row(flat, is_nested=is_nested):
            yield f"{indent}{line}"
        for key, each in nested.items():
            if _says_something(each):
                yield f"{indent}  {_words(key)}:"
                yield from _rows(each, f"{indent}    ", _MAX_NESTED_ROWS, is_nested=True)
    if len(values) > most:
        yield f"{indent}and {len(values) - most} more (--json)"


def _row(row: Mapping[str, Any], *, is_nested: bool) -> str:
    """An object as a line: where, what it is, and the rest; texts need no name, numbers do.

    Args:
        is_nested: whether it is in a row of a list: then its line is one of that row's file.
    """
    left = {key: each for key, each in row.items() if _says_something(each)}
    line = left.pop("line", None)
    place = next((str(left.pop(key)) for key in _PLACE if isinstance(left.get(key), str)), "")
    if line is None:
        parts = [place] if place else []
    elif place and not is_nested:
        parts = [f"{place}:{line}"]
    else:
        parts = [f"line {line}", *([place] if place else [])]
    parts += [str(left.pop(key)) for key in _FIRST if isinstance(left.get(key), str)]
    for key, each in left.items():
        if each is True:
            parts.append(_words(key))
        elif isinstance(each, str):
            text = _short(key, each)
            parts += [text] if text not in parts else []
        else:
            parts.append(f"{_words(key)} {_short(key, each)}")
    return "  ".join(each for each in parts if each.strip())


def _short(name: str, value: Any) -> str:
    """Anything within a line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case str() if name == "commit":
            return value[:_COMMIT_CHARACTERS]
        case str() if name == "date":
            return value[:_DATE_CHARACTERS]
        case Mapping():
            said = {key: each for key, each in value.items() if _says_something(each)}
            return ", ".join(
                f"{_words(key)} {_short(str(key), each)}" for key, each in said.items()
            )
        case _ if _is_list(value):
            return ", ".join(_short("", each) for each in value if _says_something(each))
        case _:
            return " ".join(str(value).split())


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _holds_objects(value: Any) -> bool:
    return _is_list(value) and any(isinstance(each, Mapping) for each in value)


def _says_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_says_something(each) for each in value.values())
    if _is_list(value):
        return any(_says_something(each) for each in value)
    return bool(value.strip() if isinstance(value, str) else value)
