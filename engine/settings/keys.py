"""Dotted keys of settings: how they are written, what the model says of each, texts as values."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from engine.errors import UsageError
from engine.settings.models import AT_START, NEVER_SHOWN, SettingsFile, has_note

KeyPath = tuple[str, ...]
"""Names of tables, and that of a setting in the last one."""

Options = Mapping[str, Mapping[str, Any] | None]
"""Own settings of each check with their defaults, by its name; None where it cannot be asked."""

PROFILES = "profile"
"""Key of the profiles in the file, and of the name of the one in force everywhere else."""

NAME = "NAME"
"""Stands for the free name of a table in the paths of :func:`known_keys`."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\x00-\x1f]|\\.)*"|'[^'\x00-\x1f]*')"""
_KEY = re.compile(rf"\s*{_PART}(?:\s*\.\s*{_PART})*\s*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAX_KEY_CHARACTERS = 1000

_SECRET_NAME = re.compile(r"(?:^|_)(?:password|passphrase|secret|token|api_key|webhook)$")
"""Names of own settings of checks and the like that no screen shows."""


@dataclass(frozen=True, slots=True)
class Key:
    """What the model says of a key.

    Args:
        path: where it stands.
        type: its annotation; Any for a setting that a check brings.
        field: of the model; None for a free name or a setting that a check brings.
        model: whose field it is.
        at_start: whether it takes effect at the next start only.
        secret: whether it is never shown.
    """

    path: KeyPath
    type: Any
    field: FieldInfo | None = None
    model: type[BaseModel] | None = None
    at_start: bool = False
    secret: bool = False

    @property
    def explanation(self) -> str:
        """Its docstring, as plain text of one line; empty where it has none."""
        if self.field is None or self.model is None:
            return ""
        return explanations(self.model).get(self.path[-1], "")


def split_key(text: str) -> KeyPath:
    """Read a dotted key as TOML has them, such as ``board."/dev/ttyUSB0".power_command``.

    Raises:
        UsageError: it is none.
    """
    if len(text) <= _MAX_KEY_CHARACTERS and _KEY.fullmatch(text):
        try:
            return only_path(tomllib.loads(f"{text.strip()} = 0"))
        except (ValueError, RecursionError):
            pass
    raise UsageError(
        f"{text[:80]!r} is not a key: names joined by dots; in quotes where they have "
        'other characters than letters, digits, _ and -, such as board."/dev/ttyUSB0".power_command'
    )


def join_key(path: KeyPath) -> str:
    """Write a dotted key, with quotes around names that need them."""
    return ".".join(part if _BARE.fullmatch(part) else quote(part) for part in path)


def quote(text: str) -> str:
    """A basic string of TOML; JSON's are all but the same."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def find_key(model: type[BaseModel], path: KeyPath) -> Key | None:
    """What a model says of a key; None where there can be none of that name."""
    found = Key((), model)
    for part in path:
        kind = plain_type(found.type)
        if is_model(kind):
            field = kind.model_fields.get(part)
            if field is not None:
                found = _field_key(found, part, kind, field)
                continue
            if kind.model_config.get("extra") != "allow":
                return None
            found = _free_key(found, part, Any)
        elif get_origin(kind) is dict:
            found = _free_key(found, part, get_args(kind)[1])
        elif kind is Any and found.path:
            found = _free_key(found, part, Any)
        else:
            return None
    return found


def find_file_key(model: type[BaseModel], path: KeyPath) -> Key | None:
    """What a model says of a key of the file, where tables of profiles repeat it."""
    if path[:1] == (PROFILES,):
        return find_key(model, path[2:]) if len(path) > 2 else None
    return find_key(model, path)


def known_keys(model: type[BaseModel]) -> Iterator[Key]:
    """Every key that a model has by name, tables before what is in them.

    A table whose name is free stands once, as :data:`NAME`.
    """
    yield from _keys_below(Key((), model))


def _keys_below(key: Key) -> Iterator[Key]:
    kind = plain_type(key.type)
    if is_model(kind):
        for name, field in kind.model_fields.items():
            below = _field_key(key, name, kind, field)
            yield below
            yield from _keys_below(below)
    elif get_origin(kind) is dict:
        below = _free_key(key, NAME, get_args(kind)[1])
        yield below
        yield from _keys_below(below)


def _field_key(above: Key, name: str, model: type[BaseModel], field: FieldInfo) -> Key:
    return Key(
        (*above.path, name),
        field.annotation,
        field,
        model,
        at_start=above.at_start or has_note(field, AT_START),
        secret=above.secret or has_note(field, NEVER_SHOWN) or _is_secret(name, field.annotation),
    )


def _free_key(above: Key, name: str, kind: Any) -> Key:
    secret = above.secret or _is_secret(name if kind is Any else "", kind)
    return Key((*above.path, name), kind, at_start=above.at_start, secret=secret)


def _is_secret(name: str, kind: Any) -> bool:
    return plain_type(kind) is SecretStr or has_secret_name(name)


def has_secret_name(name: str) -> bool:
    """Whether a name is that of a secret."""
    return _SECRET_NAME.search(name) is not None


def plain_type(annotation: Any) -> Any:
    """An annotation without its ``| None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not types.NoneType]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def is_model(kind: Any) -> bool:
    """Whether a type is a table of settings."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def is_list(kind: Any) -> bool:
    """Whether a type is a list of values."""
    return get_origin(kind) in (tuple, list)


def is_table(kind: Any) -> bool:
    """Whether a type is a table, of settings or with free names."""
    return is_model(kind) or get_origin(kind) is dict


def choices_of(key: str) -> tuple[str, ...]:
    """The values that a key of the file can have, where they are few; empty where they are not."""
    found = find_file_key(SettingsFile, split_key(key))
    kind = plain_type(found.type) if found is not None else None
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    return ("true", "false") if kind is bool else ()


def read_text(kind: Any, text: str) -> object:
    """The value that a text means for a type, as a variable or an argument has it.

    Lists are TOML or JSON, or words between commas; tables are TOML or JSON; what has no declared
    type is a number, ``true``, ``false``, a list or a text. What cannot be read so stays a text:
    the model says what is wrong with it. So do numbers, which the model reads.
    """
    kind = plain_type(kind)
    if is_list(kind):
        stripped = text.strip()
        if stripped.startswith("["):
            return _read_structure(stripped, text)
        return [word for each in stripped.split(",") if (word := each.strip())]
    if is_table(kind):
        return _read_structure(text.strip(), text)
    if kind is Any:
        return _read_any(text)
    return text


def _read_structure(stripped: str, text: str) -> object:
    for read in (json.loads, _read_toml):
        try:
            value: object = read(stripped)
        except (ValueError, RecursionError):
            continue
        return value
    return text


def _read_any(text: str) -> object:
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    try:
        value = _read_toml(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | list | str) else text


def _read_toml(text: str) -> object:
    if "\n" in text:
        raise ValueError("a value of one line is wanted")
    return tomllib.loads(f"value = {text}")["value"]


def leaves(values: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value in tables of tables, with its key; an empty table is a value, too."""
    for name, value in values.items():
        path = (*above, name)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        else:
            yield path, value


def only_path(values: Mapping[str, Any]) -> KeyPath:
    """The names of tables in tables, of which each has one thing."""
    names: list[str] = []
    while values:
        name, below = next(iter(values.items()))
        names.append(name)
        values = below if isinstance(below, Mapping) else {}
    return tuple(names)


def value_at(values: Mapping[str, Any], path: KeyPath) -> object:
    """A value in tables of tables; None where there is none."""
    found: object = values
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


_explanations: dict[type[BaseModel], Mapping[str, str]] = {}


def explanations(model: type[BaseModel]) -> Mapping[str, str]:
    """The docstring below each field of a model, as plain text of one line.

    Python keeps none of them: they are read from the source.
    """
    if model not in _explanations:
        found: dict[str, str] = {}
        for each in reversed(model.__mro__):
            if is_model(each) and each is not BaseModel:
                found |= _docstrings(each)
        _explanations[model] = found
    return _explanations[model]


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    import ast
    import inspect
    import textwrap

    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, SyntaxError):  # an installation without its sources
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: " ".join(below.value.value.replace("``", "").split())
        for field, below in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def toml_text(value: object) -> str:
    """A value as TOML writes it, and as people do: whole numbers plain; a dash for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Path):
        return quote(_shorten_home(value))
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{join_key((k,))} = {toml_text(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    return str(value)


def _shorten_home(path: Path) -> str:
    """A path as people write it: ``~`` for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
