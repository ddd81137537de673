"""Every mistake of a settings file with its line; variables that look like ours and are none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import MistakeError, UsageError
from engine.files import explain as explain_os_error
from engine.files import read_file
from engine.formats.toml import Document
from engine.settings.keys import NAME, PROFILES, KeyPath, Options, find_key, join_key, known_keys
from engine.settings.load import explain
from engine.settings.models import CheckSchedule, CheckSettings, SettingsFile
from engine.settings.sources import (
    ALIASES,
    DELIMITER,
    MAX_FILE_BYTES,
    PREFIX,
    decode,
    path_of_variable,
)
from engine.text import near
from engine.validation import explain_error

_MAX_MISTAKES = 50
_OLDER_PREFIX = "AUTOCODE_"

OTHER_VARIABLES: Mapping[str, str] = {
    "ESPDECK_CONFIG": "the settings file",
    "ESPDECK_LLM_API_KEY": "key of the model server llm.openai",
    "ESPDECK_REMOTE": "the lab of espdeck --remote",
    "ESPDECK_TOKEN": "token for the lab of espdeck --remote",
    "ESPDECK_URL": "the server, in examples of the manual",
    "ESPDECK_GROUP": "marks processes that espdeck started",
    "ESPDECK_GIT_USER": "given to Git by espdeck itself",
    "ESPDECK_GIT_PASSWORD": "given to Git by espdeck itself",
    "ESPDECK_TARGET": "given to CMake by espdeck itself",
    "ESPDECK_PYTHON": "given to CMake by espdeck itself",
    "ESPDECK_ZIG": "given to CMake by espdeck itself",
}
"""Variables that are named as settings are and mean something else."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a settings file, or looks so.

    Args:
        file: which.
        line: from 1, None where it is not known.
        text: what is wrong; one line, untrusted.
        is_error: whether espdeck does not start with it; else it is only noted.
        is_syntax: whether it is no TOML.
    """

    file: str
    line: int | None
    text: str
    is_error: bool = True
    is_syntax: bool = False

    def __str__(self) -> str:
        """With its place, as compilers write it."""
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


def check_settings_file(path: Path, options: Options | None = None) -> tuple[Mistake, ...]:
    """Find every mistake of a settings file, also of profiles that are not in force.

    Args:
        path: the file.
        options: own settings of each check with their defaults, by its name; None: not known.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = read_file(path, MAX_FILE_BYTES)
    except OSError as error:
        raise UsageError(explain_os_error(error, path)) from error
    try:
        text = decode(data, path)
    except MistakeError as error:
        return (Mistake(error.file, error.line, error.what, is_syntax=True),)
    return check_text(text, path, options)


def check_text(text: str, path: Path, options: Options | None = None) -> tuple[Mistake, ...]:
    """Find every mistake of the text of a settings file; see :func:`check_settings_file`."""
    document, mistakes = _read(text.replace("\r\n", "\n"), str(path))
    if document is not None:
        mistakes += _check_data(document, options)
    return tuple(sorted(mistakes[:_MAX_MISTAKES], key=lambda each: each.line or 0))


def _read(text: str, file: str) -> tuple[Document | None, list[Mistake]]:
    """Read a text line by line wrong: each line that is no TOML is named and left out.

    Returns:
        What is left; None where a table cannot be told from another any more.
    """
    lines = text.split("\n")
    mistakes: list[Mistake] = []
    while len(mistakes) < _MAX_MISTAKES:
        try:
            return Document("\n".join(lines), file), mistakes
        except MistakeError as error:
            mistakes.append(Mistake(file, error.line, error.what, is_syntax=True))
            at = (error.line or 0) - 1
            if not 0 <= at < len(lines) or not lines[at].strip():
                break  # it ends in the midst of something that began before
            if lines[at].lstrip().startswith("["):
                break  # keys below would be taken for those of the table before
            lines[at] = ""
    return None, mistakes


def _check_data(document: Document, options: Options | None) -> list[Mistake]:
    data = dict(document.data)
    profiles = data.pop(PROFILES, {})
    mistakes = list(_check_values(document, data, (), options))
    if not isinstance(profiles, Mapping):
        what = "profile must be a table of tables: [profile.production]"
        return [*mistakes, _mistake(document, (PROFILES,), what)]
    for name, values in profiles.items():
        if not isinstance(values, Mapping):
            what = f"profile.{name} must be a table: [profile.{name}]"
            mistakes.append(_mistake(document, (PROFILES, name), what))
        elif PROFILES in values:
            what = "a profile cannot choose another"
            mistakes.append(_mistake(document, (PROFILES, name, PROFILES), what))
        else:
            mistakes += _check_values(document, values, (PROFILES, name), options)
    return mistakes


def _check_values(
    document: Document,
    values: Mapping[str, Any],
    above: KeyPath,
    options: Options | None,
) -> Iterator[Mistake]:
    try:
        SettingsFile.model_validate(values)
    except ValidationError as error:
        for each in error.errors():
            yield _mistake(document, (*above, *map(str, each["loc"])), explain(each))
    checks = values.get("checks", {})
    if options is None or not isinstance(checks, Mapping):
        return
    for name, table in checks.items():
        place = (*above, "checks", name)
        if name not in options:
            advice = near(name, options) or f" (there are {', '.join(options)})"
            what = f"no check is called {name}{advice}"
            yield _mistake(document, place, what, is_error=False)
        elif isinstance(table, Mapping) and (declared := options[name]) is not None:
            yield from _check_options(document, place, table, declared)


def _check_options(
    document: Document, place: KeyPath, table: Mapping[str, Any], declared: Mapping[str, Any]
) -> Iterator[Mistake]:
    """Own settings of a check, against their defaults."""
    tables = [(place, table, set(CheckSettings.model_fields))]
    projects = table.get("projects", {})
    for name, values in projects.items() if isinstance(projects, Mapping) else ():
        if isinstance(values, Mapping):
            common = set(CheckSchedule.model_fields)
            tables.append(((*place, "projects", name), values, common))
    for where, values, common in tables:
        for name, value in values.items():
            if name in common:
                continue
            if name not in declared:
                what = f"{place[-1]} has no setting {name}{near(name, (*declared, *common))}"
                yield _mistake(document, (*where, name), what, is_error=False)
            elif wrong := wrong_option(join_key((*where, name)), declared[name], value):
                yield _mistake(document, (*where, name), wrong)


def wrong_option(name: str, default: object, value: object) -> str:
    """What is wrong with a value of a check's own setting; empty where it is fine.

    Args:
        name: how the message calls it.
        default: the declared one, whose type is the setting's.
    """
    kind: Any = list[Any] if isinstance(default, tuple | list) else type(default)
    if default is None:
        return ""
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        return explain_error(name, error.errors()[0])
    return ""


def _mistake(document: Document, place: KeyPath, what: str, *, is_error: bool = True) -> Mistake:
    found = document.wrong(place, what)
    return Mistake(found.file, found.line, what, is_error)


def strange_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that look like ours and are none, a line each with the one that may be meant."""
    found = []
    for name in sorted(environ):
        upper = name.upper()
        is_ours = upper.startswith(PREFIX) and upper not in OTHER_VARIABLES
        is_alias = upper.startswith(_OLDER_PREFIX) and upper not in ALIASES
        if not (is_ours or is_alias):
            continue
        path = path_of_variable(name)
        if is_ours and path is not None and find_key(SettingsFile, path) is not None:
            continue
        meant = _near_variable(upper, ALIASES if is_alias else _variables())
        found.append(f"{name} is not a setting" + (f" (did you mean {meant}?)" if meant else ""))
    return tuple(found)


def _near_variable(name: str, known: Iterable[str]) -> str:
    """The variable that may be meant, of those of the same table if there are any."""
    table = name[: name.rindex(DELIMITER) + len(DELIMITER)] if DELIMITER in name else ""
    begin = table if any(each.startswith(table) for each in known) else ""
    begin = begin or name[: name.index("_") + 1]
    rest = [each.removeprefix(begin) for each in known if each.startswith(begin)]
    meant = difflib.get_close_matches(name.removeprefix(begin), rest, 1, cutoff=0.7)
    return f"{begin}{meant[0]}" if meant else ""


def _variables() -> list[str]:
    keys = (key.path for key in known_keys(SettingsFile) if NAME not in key.path)
    return [*(variable_of(path) for path in keys), "ESPDECK_CONFIG", "ESPDECK_LLM_API_KEY"]


def variable_of(path: KeyPath) -> str:
    """The variable of a key."""
    return PREFIX + DELIMITER.join(path).upper()
