"""XML of others, read as a stream of elements: nothing is built of it, and nothing expands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.parsers import expat

from engine.errors import ToolError

_MAX_DEPTH = 1000


def read(data: bytes, name: str, on_element: Callable[[str, Mapping[str, str], str], None]) -> None:
    """Go through a document.

    Args:
        data: the document. One that declares entities is refused: they could grow for ever.
        name: how it is called, for messages.
        on_element: called at the end of each element with its name, attributes and own text.

    Raises:
        ToolError: it makes no sense.
    """
    parser = expat.ParserCreate()
    opened: list[Mapping[str, str]] = []
    text: list[str] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        if len(opened) >= _MAX_DEPTH:
            raise ToolError(f"{name}: more than {_MAX_DEPTH} elements in each other")
        opened.append(attributes)
        text.clear()

    def end(tag: str) -> None:
        on_element(tag, opened.pop(), "".join(text).strip())
        text.clear()

    def refuse(*_: object) -> None:
        raise ToolError(f"{name}: declares entities")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ToolError(f"{name}: {error}") from error
