"""Reading what a build or a repository wrote, by someone who does not trust it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import ToolError
from engine.files import read_file

MAX_JSON_BYTES = 32 << 20
"""Bytes of a JSON file that a build may hand over."""

MAX_FILE_BYTES = 256 << 20
"""Bytes of a file that a project may name: more than any flash has, and any program. A file with
holes may say that it has a million times as much, and be copied."""

MAX_VALUES = 1 << 20
"""Values of a JSON text: each may cost twenty times the bytes that it has there."""


class Fields:
    """A JSON object whose fields are asked for by type.

    Args:
        name: how the file is called in errors.
        data: the object.
    """

    def __init__(self, name: str, data: object) -> None:
        if not isinstance(data, dict):
            raise ToolError(f"{name}: not a JSON object where one is expected")
        self.name = name
        self._data = data

    @classmethod
    def read(cls, path: Path) -> Fields:
        """Read a file.

        Raises:
            ToolError: it is absent, too large, or no JSON object.
        """
        try:
            text = read_file(path, MAX_JSON_BYTES).decode("utf-8")
            data = json_of(text)
            if "\\ud" in text or "\\uD" in text:
                # Half of a pair is no text: neither a database nor a terminal takes it.
                json.dumps(data, ensure_ascii=False).encode("utf-8")
        except OSError as error:
            raise ToolError(f"{path.name}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ToolError(f"{path.name}: {error}") from error
        return cls(path.name, data)

    def text(self, key: str) -> str:
        """A string, empty where there is none."""
        value = self._data.get(key, "")
        if not isinstance(value, str):
            raise ToolError(f"{self.name}: {key} is not a string")
        return value

    def object(self, key: str) -> Fields:
        """An object, empty where there is none."""
        return Fields(self.name, self._data.get(key, {}))

    def objects(self, key: str) -> list[Fields]:
        """A list of objects, empty where there is none."""
        value = self._data.get(key, [])
        if not isinstance(value, list):
            raise ToolError(f"{self.name}: {key} is not a list")
        return [Fields(self.name, item) for item in value]

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where there is none."""
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ToolError(f"{self.name}: {key} is not a list of strings")
        return tuple(value)

    def records(self, key: str) -> list[Fields]:
        """Objects in a list, or in an object by a name that does not matter."""
        value = self._data.get(key, [])
        found = value.values() if isinstance(value, dict) else value
        if not isinstance(found, Iterable) or isinstance(found, str):
            raise ToolError(f"{self.name}: {key} is not a table or list")
        return [Fields(self.name, item) for item in found if isinstance(item, dict)]

    def entries(self) -> list[tuple[str, Fields]]:
        """Every field that is an object, by its name."""
        items = self._data.items()
        return [
            (str(key), Fields(self.name, item)) for key, item in items if isinstance(item, dict)
        ]

    def values(self) -> dict[str, str]:
        """Every plain value as ``sdkconfig`` writes it: ``y`` and ``n``, numbers, strings."""
        found = {}
        for key, value in self._data.items():
            if isinstance(value, bool):
                found[str(key)] = "y" if value else "n"
            elif isinstance(value, int | str):
                found[str(key)] = str(value)
        return found

    def flag(self, key: str, *, default: bool) -> bool:
        """A truth value; ESP-IDF writes some of them as strings."""
        value = self._data.get(key, default)
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise ToolError(f"{self.name}: {key} is neither true nor false")
        return value

    def texts(self) -> dict[str, str]:
        """Every field, all of them strings."""
        return {str(key): self.text(key) for key in self._data}


def json_of(text: str | bytes) -> Any:
    """What a JSON text says.

    Args:
        text: untrusted; its size is bounded by whoever read it.

    Raises:
        ValueError: it is no JSON, has more than :data:`MAX_VALUES` values, or a number that is
            none (``NaN``).
        RecursionError: it is nested too deeply.
    """
    signs = (",", "[", "{") if isinstance(text, str) else (b",", b"[", b"{")
    # Each value stands behind one of these; those inside texts are few.
    if sum(map(text.count, signs)) > MAX_VALUES:  # type: ignore[arg-type] # of the same kind
        raise ValueError(f"more than {MAX_VALUES} values")
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def yaml_mapping(text: str, most: int) -> Mapping[object, object]:
    """The mapping that a YAML text is; empty for what is none, or longer than ``most``."""
    if not text or len(text) > most:
        return {}
    import yaml  # few programs read any

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is built
    try:
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    # The loader raises the last three for numbers, dates and nesting that are out of range.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def is_plain(path: Path) -> bool:
    """Whether a file that a tool writes beside others is one, not a link, and not too large."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_BYTES


def file_inside(folder: Path, name: str, said_by: str, called: str = "build folder") -> Path:
    """An existing file that a project named, which must lie inside ``folder``, links followed.

    Args:
        called: what people call the folder.

    Raises:
        ToolError: it does not, is not there, or is larger than :data:`MAX_FILE_BYTES`; names
            ``said_by``, the file that named it.
    """
    try:
        path = (folder / name).resolve(strict=True)
        if path.is_relative_to(folder.resolve()) and path.is_file():
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ToolError(f"{said_by}: {name!r} is larger than {MAX_FILE_BYTES >> 20} MiB")
            return path
    except (OSError, ValueError, RuntimeError):
        pass
    raise ToolError(f"{said_by}: {name!r} is not a file in the {called}")
