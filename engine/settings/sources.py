"""Where values of settings come from, lowest first: file, profile, aliases, variables, flags.

Variables are read here and not by pydantic-settings: it takes lists as JSON alone, leaves settings
of checks as texts, and says of a mistake neither the variable nor what was wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import BaseModel

from engine.errors import MistakeError, UsageError
from engine.files import explain, read_file
from engine.formats.toml import Document
from engine.settings.keys import (
    PROFILES,
    KeyPath,
    find_key,
    is_list,
    is_table,
    plain_type,
    read_text,
)

PREFIX = "ESPDECK_"
DELIMITER = "__"
"""Between the names of a key in a variable: ``ESPDECK_QUALITY__COVERAGE``."""

MAX_FILE_BYTES = 1 << 20

ALIASES: Mapping[str, tuple[KeyPath, Any]] = {
    "AUTOCODE_DOC_CHECK_INTERVAL": (("checks", "doc_check", "interval"), float),
    "AUTOCODE_GIT_CHECK_INTERVAL": (("checks", "git_check", "interval"), float),
    "AUTOCODE_TEST_CHECK_INTERVAL": (("checks", "test_check", "interval"), float),
    "AUTOCODE_TOKEN_THRESHOLD": (("checks", "git_check", "token_threshold"), Any),
    "AUTOCODE_TOKEN_MODEL": (("checks", "git_check", "token_model"), str),
    "AUTOCODE_DOC_INDEX_ENABLED": (("doc_index", "enabled"), bool),
    "AUTOCODE_DOC_INDEX_AUTO_GENERATE": (("doc_index", "auto_generate"), bool),
    "AUTOCODE_DOC_INDEX_PATH": (("doc_index", "output_path"), str),
    "AUTOCODE_TESTS_ENABLED": (("checks", "test_check", "enabled"), bool),
    "AUTOCODE_TESTS_AUTO_EXECUTE": (("checks", "test_check", "auto_execute"), Any),
}
"""Variables of the older daemon: the setting that each means, and its type."""


class Source(StrEnum):
    """What gave a setting its value."""

    DEFAULT = "default"
    FILE = "file"
    PROFILE = "profile"
    ALIAS = "alias"
    VARIABLE = "variable"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    Args:
        source: what gave it.
        name: of the file, the variable or the flag; empty for a default.
        line: of the file, from 1; None where it is not known.
        profile: that the file has it for.
    """

    source: Source
    name: str = ""
    line: int | None = None
    profile: str = ""

    def __str__(self) -> str:
        """As ``config show`` prints it."""
        place = f"{self.name}:{self.line}" if self.line else self.name
        match self.source:
            case Source.DEFAULT:
                return "default"
            case Source.PROFILE:
                return f"profile {self.profile}, {place}"
            case Source.ALIAS:
                return f"{self.name}, an alias of the older daemon"
            case _:
                return place

    @property
    def is_over_file(self) -> bool:
        """Whether the settings file cannot change it: what wins over the file says it."""
        return self.source not in (Source.DEFAULT, Source.FILE)

    @property
    def place(self) -> str:
        """How a message of a mistake begins."""
        return f"{self.name}:{self.line}" if self.line else self.name


def config_file() -> Path:
    """The settings file: ``ESPDECK_CONFIG``, else ``espdeck/config.toml`` in the user's config."""
    named = os.environ.get("ESPDECK_CONFIG")
    return Path(named) if named else user_config_path("espdeck") / "config.toml"


def read_document(path: Path) -> Document | None:
    """Read a settings file; None where there is none.

    Raises:
        UsageError: it cannot be read, or is no TOML; one line that names file and line.
    """
    try:
        text = decode(read_file(path, MAX_FILE_BYTES), path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(explain(error, path)) from error
    return Document(text.replace("\r\n", "\n"), str(path))


def decode(data: bytes, path: Path) -> str:
    """The text of a settings file, without the byte order mark that some editors write.

    Raises:
        UsageError: it is not UTF-8; names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MistakeError(
            str(path), line, "is not UTF-8: save the file in that encoding"
        ) from None


class Layers:
    """Values of every source, each over those before it."""

    def __init__(
        self,
        model: type[BaseModel],
        path: Path,
        environ: Mapping[str, str],
        flags: Mapping[str, Any],
    ) -> None:
        """Read them.

        Raises:
            UsageError: the file cannot be read, or has no such profile.
        """
        self.path = path
        self._document = read_document(path)
        data = dict(self._document.data) if self._document is not None else {}
        profiles = data.pop(PROFILES, {})
        variables, self._names = read_variables(model, environ)
        aliases, self._alias_names = _read_aliases(environ)
        self.profile = str(flags.get(PROFILES, variables.get(PROFILES, "")))
        self._values: tuple[tuple[Source, Mapping[str, Any]], ...] = (
            (Source.FILE, data),
            (Source.PROFILE, self._chosen(profiles, given="profile" in flags)),
            (Source.ALIAS, aliases),
            (Source.VARIABLE, variables),
            (Source.FLAG, flags),
        )

    def merged(self) -> dict[str, Any]:
        """Values as the model takes them."""
        merged: dict[str, Any] = {}
        for _, values in self._values:
            merged = merge(merged, values)
        return merged

    def origin(self, path: KeyPath) -> Origin:
        """Where the value of a key comes from."""
        for source, values in reversed(self._values):
            if _has(values, path):
                return self._origin_in(source, path)
        return Origin(Source.DEFAULT)

    def _origin_in(self, source: Source, path: KeyPath) -> Origin:
        match source:
            case Source.FLAG:
                return Origin(source, f"--{path[0].replace('_', '-')}")
            case Source.VARIABLE | Source.ALIAS:
                names = self._names if source is Source.VARIABLE else self._alias_names
                above = [path[:end] for end in range(len(path), 0, -1)]
                # What is wrong with a table as a whole is said of the first that is in it.
                below = [each for each in names if each[: len(path)] == path]
                return Origin(
                    source, next(names[each] for each in (*above, *below) if each in names)
                )
            case _:
                profile = self.profile if source is Source.PROFILE else ""
                place: KeyPath = (PROFILES, profile, *path) if profile else path
                line = None
                while place and line is None and self._document is not None:
                    line = self._document.line_of(place)
                    place = place[:-1]
                return Origin(source, str(self.path), line, profile)

    def _chosen(self, profiles: object, *, given: bool) -> Mapping[str, Any]:
        """The tables of the profile in force."""
        if not isinstance(profiles, Mapping):
            assert self._document is not None
            raise self._document.wrong(
                (PROFILES,), "profile is a table of tables: [profile.production]"
            )
        if not self.profile:
            return {}
        chosen = profiles.get(self.profile)
        if isinstance(chosen, Mapping):
            return chosen
        where = "--profile" if given else f"{PREFIX}PROFILE"
        known = ", ".join(sorted(profiles))
        has = f"has {known}" if known else "has none"
        raise UsageError(f"{where}: no profile is called {self.profile} ({self.path} {has})")


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables with those that win over them; lists and values are replaced as a whole."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[name] = merge(under, value)
        else:
            merged[name] = value
    return merged


def read_variables(
    model: type[BaseModel], environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """What ``ESPDECK_*`` variables say.

    An empty one means nothing, but for a text or a list, which it empties: systemd and containers
    set variables to nothing. One that is no setting is left alone, see
    :func:`engine.settings.file_check.strange_variables`.

    Returns:
        Values, and the name of the variable that has each key.
    """
    values: dict[str, Any] = {}
    names: dict[KeyPath, str] = {}
    # A whole table as JSON comes first: variables of its keys win over it.
    for name in sorted(environ, key=lambda each: (each.count(DELIMITER), each)):
        path = path_of_variable(name)
        if path is None or path[0] not in model.model_fields:
            continue
        key = find_key(model, path)
        kind = plain_type(key.type) if key is not None else str
        text = environ[name]
        if not text.strip() and kind is not str and not is_list(kind):
            continue
        value = read_text(kind, text)
        if is_table(kind) and not isinstance(value, Mapping):
            value = text
        nested: Any = value
        for part in reversed(path):
            nested = {part: nested}
        values = merge(values, nested)
        names[path] = name
    return values, names


def path_of_variable(name: str) -> KeyPath | None:
    """The key that a variable would be of; None for one that is not named as ours are."""
    if not name.upper().startswith(PREFIX):
        return None
    parts = tuple(name[len(PREFIX) :].lower().split(DELIMITER))
    return parts if all(parts) else None


def _read_aliases(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    values: dict[str, Any] = {}
    names: dict[KeyPath, str] = {}
    for name, (path, kind) in ALIASES.items():
        if not (text := environ.get(name, "").strip()):
            continue
        nested: Any = read_text(kind, text)
        for part in reversed(path):
            nested = {part: nested}
        values = merge(values, nested)
        names[path] = name
    return values, names


def _has(values: Mapping[str, Any], path: KeyPath) -> bool:
    """Whether tables say something of a key; a whole table that a caller made does of all in it."""
    found: object = values
    for part in path:
        if not isinstance(found, Mapping):
            return True
        if part not in found:
            return False
        found = found[part]
    return True
