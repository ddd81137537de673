"""The commented default file: every key with its explanation, made from the models themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.settings.keys import (
    NAME,
    PROFILES,
    KeyPath,
    Options,
    explanations,
    is_list,
    is_model,
    is_table,
    join_key,
    plain_type,
    toml_text,
)
from engine.settings.models import AT_START, CheckSchedule, SettingsFile, has_note

_WIDTH = 98

_HEAD = """\
# Settings of espdeck. A line that begins with # says nothing: it shows a key with its default.
# espdeck config set KEY VALUE changes a key and leaves comments; espdeck config check checks all.
# Each key is an environment variable, too: ESPDECK_MAX_ITERATIONS, ESPDECK_QUALITY__COVERAGE.
"""

_PROFILE = """\
# What is different in a profile: espdeck --profile production, or ESPDECK_PROFILE=production.
#[profile.production]
#max_concurrent_builds = 4
#[profile.production.quality]
#coverage = 90
"""

_EXAMPLE_NAMES: Mapping[KeyPath, str] = {
    ("board",): "/dev/ttyUSB0",
    ("llm", "models"): "codellama",
    ("llm", "models", "codellama", "extra"): "keep_alive",
    ("projects",): "sensor-hub",
    ("keys",): "build",
    ("checks",): "doc_check",
}
"""A name for each table whose names are free."""

_EXAMPLE_VALUES: Mapping[KeyPath, str] = {
    ("keys",): '"ctrl+b"',
    ("llm", "models", "codellama", "extra"): '"1h"',
}


def template(options: Options) -> str:
    """The commented default file.

    Args:
        options: own settings of each check with their defaults, by its name.
    """
    parts = [_HEAD, *_table(SettingsFile, (), options), _PROFILE]
    return "\n".join(parts)


def _table(
    model: type[BaseModel], path: KeyPath, options: Options, *, is_free: bool = False
) -> Iterator[str]:
    """Keys of a table, then the tables in it.

    Args:
        is_free: whether it stands for one of any name: its header is commented as its keys are.
    """
    texts = explanations(model)
    tables = []
    for name, field in model.model_fields.items():
        if (*path, name) == (PROFILES,):
            continue
        if is_table(plain_type(field.annotation)):
            tables.append((name, field))
        else:
            yield f"{_comment(texts.get(name, ''), field)}#{name} = {_shown_default(field)}\n"
    for name, field in tables:
        about = _comment(texts.get(name, ""), field)
        yield from _below(field, (*path, name), about, options, is_free=is_free)


def _below(
    field: FieldInfo, path: KeyPath, about: str, options: Options, *, is_free: bool
) -> Iterator[str]:
    """A table in a table, or an example of those with free names."""
    kind = plain_type(field.annotation)
    mark = "#" if is_free else ""
    if is_model(kind):
        yield f"{about}{mark}[{join_key(path)}]\n"
        yield from _table(kind, path, options, is_free=is_free)
        return
    inner = plain_type(get_args(kind)[1])
    example = _EXAMPLE_NAMES.get(path, NAME)
    if not is_model(inner):
        value = _EXAMPLE_VALUES.get(path, '""')
        yield f"{about}{mark}[{join_key(path)}]\n#{join_key((example,))} = {value}\n"
    elif path == ("checks",):
        yield about.rstrip("\n")
        yield from _checks(options or {example: {}})
    elif not issubclass(inner, CheckSchedule):
        yield f"{about}#[{join_key((*path, example))}]\n"
        yield from _table(inner, (*path, example), options, is_free=True)


def _checks(options: Options) -> Iterator[str]:
    """A table for each check; what it brings itself has no explanation but its name."""
    texts = explanations(CheckSchedule)
    for name, known in options.items():
        declared = dict(known or {})
        lines = [f"#[checks.{join_key((name,))}]\n"]
        for key, field in CheckSchedule.model_fields.items():
            about = _comment(texts.get(key, ""), field)
            value = toml_text(declared.pop(key)) if key in declared else _placeholder(field)
            lines.append(f"{about}#{key} = {value}\n")
        lines += [f"#{join_key((key,))} = {toml_text(value)}\n" for key, value in declared.items()]
        yield "".join(lines)
    first = next(iter(options))
    yield (
        f"# What holds for one project only.\n#[checks.{join_key((first,))}.projects.sensor-hub]\n"
        "#interval = 60\n"
    )


def _comment(text: str, field: FieldInfo) -> str:
    kind = plain_type(field.annotation)
    if get_origin(kind) is Literal:
        text = f"{text} One of {', '.join(filter(None, get_args(kind)))}."
    if has_note(field, AT_START):
        text = f"{text} Takes effect at the next start."
    lines = textwrap.wrap(text.strip(), _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _shown_default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None or default is PydanticUndefined:
        return _placeholder(field)
    if isinstance(default, SecretStr):
        default = default.get_secret_value()  # what everybody has is no secret
    return toml_text(default)


def _placeholder(field: FieldInfo) -> str:
    """An example for a key that has no default."""
    if field.examples:
        return toml_text(field.examples[0])
    kind = plain_type(field.annotation)
    for types, value in (((bool,), True), ((int, float), 10), ((str, Path, NoneType), "")):
        if kind in types:
            return toml_text(value)
    return "[]" if is_list(kind) else '""'
