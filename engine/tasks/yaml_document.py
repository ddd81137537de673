"""YAML files that people write, read with bounds; every error names its line.

What comes of a file goes into a pydantic model, so a mistake is found once: here, as
``FILE:LINE: what``. Aliases are refused, as a few lines of them grow without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import UsageError
from engine.text import clean, near

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_CHARACTERS = 128 << 10
"""The longest file that is read."""

MAX_DEPTH = 12
"""Lists and mappings in each other."""

MAX_NODES = 5000
"""Keys, values and items of a file."""

MAX_TEXT = 20_000
"""Characters of one text."""

# libyaml's parser is some ten times as fast; both take the same language.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML = "tag:yaml.org,2002:"
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_PLAIN: Mapping[str, Callable[[str], Any]] = {
    f"{_YAML}str": str,
    f"{_YAML}timestamp": str,
    f"{_YAML}int": lambda text: int(text.replace("_", ""), 0),
    f"{_YAML}float": lambda text: float(text.replace("_", "")),
    f"{_YAML}bool": lambda text: _WORDS[text.lower()],
    f"{_YAML}null": lambda _text: None,
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

Place = tuple[str | int, ...]


class YamlModel(BaseModel):
    """A part of such a file: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=MAX_TEXT)


M = TypeVar("M", bound=YamlModel)


class YamlDocument:
    """The data of a file, and the line on which each part of it stands."""

    def __init__(self, text: str, file: str) -> None:
        """Read a file's text.

        Args:
            text: untrusted.
            file: how errors call it.

        Raises:
            UsageError: it is no YAML, too large, or has what is not accepted; one line.
        """
        self._file = file
        self._lines: dict[Place, int] = {}
        if len(text) > MAX_CHARACTERS:
            raise UsageError(f"{file}: longer than {MAX_CHARACTERS >> 10} KiB")
        try:
            self._check(text)
            node = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise self._wrong(line, f"no valid YAML: {error.problem or error}") from error
        except yaml.YAMLError as error:  # of the reader, which knows a position at the most
            at = getattr(error, "position", None)
            line = text.count("\n", 0, at) + 1 if isinstance(at, int) else 1
            raise self._wrong(line, "a character that YAML does not take") from error
        if node is None:
            raise self._wrong(1, "the file is empty")
        self._data = self._value(node, ())

    def as_model(self, kind: type[M]) -> M:
        """The data as a model.

        Raises:
            UsageError: it does not fit; the first mistake, in one line.
        """
        try:
            return kind.model_validate(self._data)
        except ValidationError as error:
            found = error.errors()
            # A key that is misspelled is missing too: what is there tells more.
            odd = [each for each in found if each["type"] == "extra_forbidden"]
            first = (odd or found)[0]
            where = tuple(first["loc"])
            raise self.wrong(where, explain(first, kind)) from error

    def wrong(self, place: Place, what: str) -> UsageError:
        """The error of a part of the file, which is to be raised.

        Args:
            place: keys and numbers that lead to it; one that is not there stands where the part
                around it begins.
        """
        while place and place not in self._lines:
            place = place[:-1]
        return self._wrong(self._lines.get(place, 1), what)

    def _wrong(self, line: int, what: str) -> UsageError:
        return UsageError(clean(f"{self._file}:{line}: {' '.join(what.split())}"[:500]))

    def _check(self, text: str) -> None:
        """Look for aliases and bounds before anything is made of the file."""
        depth = nodes = 0
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent):
                raise self._wrong(line, "aliases are not accepted: write it out")
            if isinstance(event, yaml.NodeEvent):
                nodes += 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise self._wrong(line, f"more than {MAX_DEPTH} levels")
            if nodes > MAX_NODES:
                raise self._wrong(line, f"more than {MAX_NODES} keys and values")

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, (*place, index)) for index, each in enumerate(node.value)]
        if node.tag not in _PLAIN:
            raise self._wrong(line, f"the tag {node.tag} is not accepted")
        text = str(node.value)
        if _CONTROL.search(text):
            raise self._wrong(line, "a control character in a text")
        try:
            return _PLAIN[node.tag](text)
        except (LookupError, ValueError) as error:
            raise self._wrong(
                line, f"{text[:40]!r} is not a plain number, true or false"
            ) from error

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._wrong(line, "a key must be a word")
            name = str(key.value)
            if name in found:
                raise self._wrong(line, f"{name[:60]} is given twice")
            self._lines[(*place, name)] = line
            found[name] = self._value(value, (*place, name))
        return found


def explain(error: ErrorDetails, kind: type[YamlModel]) -> str:
    """What is wrong with a part of a model, in a line; the part's own name is in it."""
    *above, last = error["loc"] or ("",)
    name = f"item {last + 1}" if isinstance(last, int) else str(last)[:60]
    match error["type"]:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return f"no key is called {name}{near(name, _keys(kind, above))}"
        case "string_type":
            return f"{name} must be a text"
        case "string_too_long":
            return f"{name} has more than {error['ctx']['max_length']} characters"
        case "tuple_type" | "list_type":
            return f"{name} must be a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{name or 'the file'} must have its own keys"
        case "value_error":
            return f"{name}: {error['ctx']['error']}" if name else str(error["ctx"]["error"])
    message = error["msg"]
    return f"{name}: {message[:1].lower()}{message[1:]}"


def _keys(kind: type[YamlModel], above: list[int | str]) -> list[str]:
    """The keys that the model has there."""
    for step in above:
        if isinstance(step, int):
            continue
        field = kind.model_fields.get(step)
        inner = [each for each in _types(field.annotation) if field] if field else []
        if not inner:
            return []
        kind = inner[0]
    return list(kind.model_fields)


def _types(annotation: Any) -> list[type[YamlModel]]:
    """The models in a type such as ``tuple[Step, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, YamlModel):
        return [annotation]
    return [kind for each in getattr(annotation, "__args__", ()) for kind in _types(each)]
