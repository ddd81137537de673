"""How the durable engine keeps what stages came to: JSON of typed data that names no module.

What a stage hands on is told by a word (``compiled``, ``verdict``), so that classes and modules
can be renamed and moved while runs wait. Fields may be added with a default. A change that cannot
be read back so raises :data:`FORMAT`; what was kept in another format is refused in a line.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dbos import Serializer
from pydantic import TypeAdapter, ValidationError

from engine.enums import StageStatus
from engine.errors import CancelledError, EspdeckError
from engine.findings import Finding
from engine.llm.chat import Usage
from engine.runs.pipeline import StageResult

FORMAT = 1
"""Version of what is kept."""

_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    "status": TypeAdapter(StageStatus),
    "summary": TypeAdapter(str),
    "findings": TypeAdapter(tuple[Finding, ...]),
    "patch": TypeAdapter(str),
    "usage": TypeAdapter(tuple[Usage, ...]),
}
_RESULT = "stage-result"
_ERROR = "error"
_VALUE = "value"


class UnreadableResultError(EspdeckError):
    """What a stage came to was kept by an espdeck whose results this one cannot read.

    ``steps`` are the names of the steps of its wave; () where nothing kept can be taken over.
    """

    steps: tuple[str, ...] = ()


class ResultSerializer(Serializer):
    """Keeps results of stages, errors, and plain JSON values such as numbers of runs.

    Args:
        outputs: what stages hand on: each class by the word that it is kept under. A client that
            only asks for runs needs none: to it a result is plain JSON.
    """

    def __init__(self, outputs: Mapping[str, type] | None = None) -> None:
        self._outputs = outputs
        self._words = {kind: word for word, kind in (outputs or {}).items()}

    def name(self) -> str:
        """What DBOS writes beside what is kept."""
        return "espdeck_json"

    def serialize(self, data: Any) -> str:
        """A value as JSON.

        Raises:
            TypeError: it is none of those (a mistake in a stage's code).
        """
        if isinstance(data, StageResult):
            return json.dumps({"kind": _RESULT, "format": FORMAT, **self._dump(data)})
        if isinstance(data, BaseException):
            kept = {"kind": _ERROR, "type": type(data).__name__, "message": str(data)}
            return json.dumps(kept)
        return json.dumps({"kind": _VALUE, "value": data}, default=_time)

    def deserialize(self, serialized_data: str) -> Any:
        """The value again; an error as :class:`CancelledError` or :class:`EspdeckError`.

        Raises:
            UnreadableResultError: it was kept in a form that this version cannot read.
        """
        kept = json.loads(serialized_data)
        if kept["kind"] == _RESULT:
            return kept if self._outputs is None else self._load(kept, self._outputs)
        if kept["kind"] == _ERROR:
            is_cancelled = kept["type"] == CancelledError.__name__
            return (CancelledError if is_cancelled else EspdeckError)(kept["message"])
        return kept["value"]

    def _dump(self, result: StageResult) -> dict[str, Any]:
        kept = {
            name: adapter.dump_python(getattr(result, name), mode="json", warnings="none")
            for name, adapter in _FIELDS.items()
        }
        output = result.output
        if output is not None:
            word = self._words.get(type(output))
            if word is None:
                raise TypeError(f"{type(output).__name__} is not among the outputs of stages")
            value = _adapter(type(output)).dump_python(output, mode="json", warnings="none")
            kept["output"] = {"kind": word, "value": value}
        return kept

    def _load(self, kept: dict[str, Any], outputs: Mapping[str, type]) -> StageResult:
        if kept["format"] != FORMAT:
            raise _unreadable(f"format {kept['format']}, this one reads {FORMAT}")
        try:
            values = {
                name: adapter.validate_python(kept[name])
                for name, adapter in _FIELDS.items()
                if name in kept
            }
            if output := kept.get("output"):
                kind = outputs[output["kind"]]
                values["output"] = _adapter(kind).validate_python(output["value"])
            return StageResult(**values)
        except KeyError as error:
            raise _unreadable(f"unknown output {error}") from error
        except (ValidationError, TypeError) as error:
            place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
            what = ".".join(map(str, place)) or kept.get("output", {}).get("kind", "its fields")
            raise _unreadable(f"{what} is not as this one has it") from error


def _time(value: object) -> str:
    """A time, which DBOS hands to what it starts by the clock, as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be kept")


@functools.cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _unreadable(what: str) -> UnreadableResultError:
    return UnreadableResultError(
        f"what its earlier stages came to was kept by another version of espdeck ({what})"
    )
