"""Changes of a TOML text that leave every other byte as it is, comments above all.

Values that are there are replaced by tomlkit. A new key goes below its commented default, else
below the last key of its table, else into a new table at the end: tomlkit would put it below a
comment that is about the next table. Whatever was done is read again by Python's own reader, and
must say what was wanted and nothing else: tomlkit has written files that it could not read (its
issues 145, 440 and 476).
"""

from __future__ import annotations

import copy
import functools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.errors import UsageError
from engine.settings.keys import KeyPath, join_key, only_path, value_at

_HEADER = re.compile(r"\s*\[")
_COMMENTED_HEADER = re.compile(r"[ \t]*#[ \t]?\[")
_MAX_STATEMENT_LINES = 500


def set_in(text: str, path: KeyPath, value: object) -> str:
    """A text in which a key has a value.

    Args:
        text: TOML, with LF or CRLF.
        path: of the key; tables that it needs are made.
        value: what TOML can hold.

    Raises:
        UsageError: the text is such that no way keeps all else as it is.
    """
    plain, restore = _with_plain_lines(text)
    data = tomllib.loads(plain)
    wanted = _put(data, path, value)
    ways: tuple[Callable[[str, KeyPath, object], str | None], ...] = (
        (_replace,) if _has(data, path) else (_insert_in_table, _append_table, _replace)
    )
    tried = [functools.partial(way, plain, path, value) for way in ways]
    return restore(_first_right(plain, path, wanted, tried))


def unset_in(text: str, path: KeyPath) -> str:
    """A text without a key; what is not there stays away.

    Raises:
        UsageError: it is a table, or the text is such that no way keeps all else as it is.
    """
    plain, restore = _with_plain_lines(text)
    data = tomllib.loads(plain)
    if not _has(data, path):
        return text
    if isinstance(found := value_at(data, path), Mapping):
        names = ", ".join(found) or "it has none"
        raise UsageError(f"{join_key(path)} is a table: unset its keys ({names})")
    ways = (_remove_statement, _remove)
    tried = [functools.partial(way, plain, path) for way in ways]
    return restore(_first_right(plain, path, _put(data, path, None), tried))


def _with_plain_lines(text: str) -> tuple[str, Callable[[str], str]]:
    """A text with LF at the end of each line, and what brings its own ends back."""
    is_crlf = text.count("\n") == text.count("\r\n") > 0
    plain = text.replace("\r\n", "\n") if is_crlf else text
    has_end = plain.endswith("\n") or not plain
    plain = plain if has_end else plain + "\n"

    def restore(changed: str) -> str:
        changed = changed if has_end else changed.removesuffix("\n")
        return changed.replace("\n", "\r\n") if is_crlf else changed

    return plain, restore


def _first_right(
    text: str, path: KeyPath, wanted: Mapping[str, Any], ways: Sequence[Callable[[], str | None]]
) -> str:
    from tomlkit.exceptions import TOMLKitError

    aim = _without_empty(wanted, path)
    for way in ways:
        try:
            changed = way()
            if changed is not None and _without_empty(tomllib.loads(changed), path) == aim:
                return changed
        except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            continue  # the next one; of tomlkit each of these is known
    raise UsageError(f"{join_key(path)} cannot be changed without changing more: edit the file")


def _replace(text: str, path: KeyPath, value: object) -> str:
    """Let tomlkit set a key."""
    import tomlkit
    from tomlkit.items import InlineTable

    document: Any = tomlkit.parse(text)
    table = document
    for part in path[:-1]:
        if part not in table:
            table[part] = tomlkit.inline_table() if isinstance(table, InlineTable) else {}
        table = table[part]
    table[path[-1]] = value
    return tomlkit.dumps(document)


def _remove_statement(text: str, path: KeyPath) -> str | None:
    """Take the lines of a key out; None where they are not to be found.

    tomlkit, asked to, takes empty tables of the same name along.
    """
    lines = text.split("\n")
    for end in range(len(path) - 1, -1, -1):
        begin = _line_after_header(lines, path[:end])
        if begin is None:
            continue
        for first, last in _statements(lines, begin)[0]:
            if _key(lines[first]) == path[end:]:
                return "\n".join((*lines[:first], *lines[last + 1 :]))
    return None


def _remove(text: str, path: KeyPath) -> str:
    """Let tomlkit take a key out, as of a table in one line."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    table = document
    for part in path[:-1]:
        table = table[part]
    del table[path[-1]]
    return tomlkit.dumps(document)


def _insert_in_table(text: str, path: KeyPath, value: object) -> str | None:
    """Put a new key into a table that has a header, or before the first one; else None."""
    lines = text.split("\n")
    begin = _line_after_header(lines, path[:-1])
    if begin is None:
        return None
    statements, end = _statements(lines, begin)
    taken = {number for first, last in statements for number in range(first, last + 1)}
    commented = re.compile(rf"#[ \t]?{re.escape(join_key(path[-1:]))}[ \t]*=")
    # What stands below the commented header of another table is that one's.
    commented_tables = (
        number
        for number in range(begin, end)
        if number not in taken and _COMMENTED_HEADER.match(lines[number])
    )
    defaults = [
        number
        for number in range(begin, next(commented_tables, end))
        if number not in taken and commented.match(lines[number].lstrip())
    ]
    new = _statement(path[-1:], value)
    if defaults:
        at = defaults[0] + 1
    elif statements:
        at = statements[-1][1] + 1
    elif len(path) > 1:
        at = begin
    else:
        return _insert_first(lines, end, new)
    indent = re.match(r"[ \t]*", lines[at - 1])
    return "\n".join(
        (*lines[:at], f"{indent[0] if indent and len(path) > 1 else ''}{new}", *lines[at:])
    )


def _insert_first(lines: list[str], end: int, new: str) -> str:
    """Put the first key of a file before its first table, and before the comment about that."""
    at = end
    while at > 0 and lines[at - 1].strip():
        at -= 1
    if end == len(lines):  # there are no tables
        return "\n".join((*lines[: end - 1], new, *lines[end - 1 :]))
    return "\n".join((*lines[:at], new, "", *lines[at:]))


def _append_table(text: str, path: KeyPath, value: object) -> str | None:
    """Put a new key into a new table at the end."""
    if len(path) == 1:
        return None
    gap = "\n" if text.strip() else ""
    return f"{text}{gap}[{join_key(path[:-1])}]\n{_statement(path[-1:], value)}\n"


def _statement(path: KeyPath, value: object) -> str:
    import tomlkit

    return f"{join_key(path)} = {tomlkit.item(value).as_string()}"


def _line_after_header(lines: list[str], table: KeyPath) -> int | None:
    """Index of the line below a table's header; 0 for the keys before the first table."""
    if not table:
        return 0
    begin = 0
    while True:
        _, header = _statements(lines, begin)
        if header >= len(lines):
            return None
        if not lines[header].lstrip().startswith("[[") and _header(lines[header]) == table:
            return header + 1
        begin = header + 1


def _key(line: str) -> KeyPath:
    """The key of a statement, by the first line of it."""
    for at, character in enumerate(line):
        if character == "=":
            try:
                return only_path(tomllib.loads(f"{line[:at]}= 0"))
            except ValueError:
                continue  # it stands in a quoted name
    return ()


def _header(line: str) -> KeyPath:
    return only_path(tomllib.loads(line))


def _statements(lines: list[str], begin: int) -> tuple[list[tuple[int, int]], int]:
    """First and last line of each key from a line on, and the line of the next header."""
    found: list[tuple[int, int]] = []
    at = begin
    while at < len(lines):
        line = lines[at].strip()
        if _HEADER.match(line):
            break
        if line and not line.startswith("#"):
            last = _last_line(lines, at)
            found.append((at, last))
            at = last
        at += 1
    return found, at


def _last_line(lines: list[str], first: int) -> int:
    """Where a statement ends: it is the shortest text from its first line on that makes sense."""
    for last in range(first, min(len(lines), first + _MAX_STATEMENT_LINES)):
        try:
            tomllib.loads("\n".join(lines[first : last + 1]))
        except ValueError:
            continue
        return last
    raise ValueError(f"no statement begins at line {first + 1}")


def _has(data: Mapping[str, Any], path: KeyPath) -> bool:
    table: object = data
    for part in path:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True


def _put(data: Mapping[str, Any], path: KeyPath, value: object) -> dict[str, Any]:
    """Data in which a key has a value, None for none."""
    changed = copy.deepcopy(dict(data))
    table = changed
    for part in path[:-1]:
        below = table.setdefault(part, {})
        if not isinstance(below, dict):
            raise UsageError(f"{join_key(path)}: {part} is not a table")
        table = below
    if value is None:
        table.pop(path[-1], None)
    else:
        table[path[-1]] = value
    return changed


def _without_empty(data: Mapping[str, Any], path: KeyPath) -> dict[str, Any]:
    """Data without tables of a key that are empty: how it was written says if they are there."""
    kept = dict(data)
    below = kept.get(path[0]) if path else None
    if isinstance(below, Mapping):
        kept[path[0]] = _without_empty(below, path[1:])
        if not kept[path[0]]:
            del kept[path[0]]
    return kept
