"""A case: an input as it comes in the field, and the values that espdeck must find in it."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"
_EXPECTED = ".expect.yaml"
_KEYS = {"source", "with", "expect"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast


@dataclass(frozen=True, slots=True)
class Case:
    """One input and its right values.

    Args:
        kind: folder in ``cases/``, and module in ``readers/``.
        name: of the case, unique within its kind.
        path: the input, a file or a folder.
        options: what the reader is told beside the input, such as ``target``.
        expected: values by name.
        source: where input and values come from: a report, a specification, a tool's source.
    """

    kind: str
    name: str
    path: Path
    options: Mapping[str, Any]
    expected: Mapping[str, Any]
    source: str

    @property
    def data(self) -> bytes:
        """The input's bytes."""
        return self.path.read_bytes()

    @property
    def text(self) -> str:
        """The input as text, its line ends untouched."""
        return self.data.decode("utf-8", "replace")

    def read(self) -> dict[str, object]:
        """What espdeck makes of the input."""
        reader = importlib.import_module(f"tests.field.readers.{self.kind}")
        found: dict[str, object] = reader.read(self)
        return found


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every case, by kind and name; read once.

    Raises:
        ValueError: a file of expected values is not as the README here says.
    """
    return tuple(_read(file) for file in sorted(CASES.glob(f"*/*{_EXPECTED}")))


@functools.cache
def _inputs(folder: Path) -> Mapping[str, list[Path]]:
    """What lies in a folder beside the expected values, by the name before the first dot."""
    found: dict[str, list[Path]] = {}
    for each in folder.iterdir():
        if not each.name.endswith(_EXPECTED):
            found.setdefault(each.name.partition(".")[0], []).append(each)
    return found


def _read(file: Path) -> Case:
    name = file.name.removesuffix(_EXPECTED)
    found = yaml.load(file.read_bytes(), _LOADER)  # a safe one
    unknown = set(found) - _KEYS
    if unknown or not found.get("source") or not found.get("expect"):
        raise ValueError(f"{file}: has source, expect and maybe with; not {sorted(unknown)}")
    inputs = _inputs(file.parent).get(name, [])
    if len(inputs) != 1:
        raise ValueError(f"{file}: belongs to one input, found {len(inputs)}")
    return Case(
        kind=file.parent.name,
        name=name,
        path=inputs[0],
        options=found.get("with") or {},
        expected=found["expect"],
        source=found["source"],
    )


def plain(value: object) -> Any:
    """Dataclasses, enums, tuples and paths as YAML has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def differences(expected: object, found: object, where: str = "") -> Iterator[str]:
    """What is not as expected, a line each.

    A mapping has at least the expected keys; a list has as many items as expected; text that is
    expected as ``/.../`` is found anywhere in what is there (no pattern: the words between the
    slashes), and everything else is equal.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            if key not in found:
                yield f"{where}.{key}: no such value; there are {', '.join(sorted(found))}"
            else:
                yield from differences(value, found[key], f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{where}: {len(expected)} expected, {len(found)} found: {found!r}"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from differences(one, other, f"{where}[{index}]")
    elif (
        isinstance(expected, str)
        and isinstance(found, str)
        and len(expected) > 2
        and expected[0] == expected[-1] == "/"
    ):
        if expected[1:-1] not in found:
            yield f"{where}: {expected[1:-1]!r} expected in {found!r}"
    elif expected != found or type(expected) is not type(found):
        yield f"{where}: {expected!r} expected, {found!r} found"
