"""XML of others, read as a stream of elements: nothing is built of it, and nothing expands.

Accepted are UTF-8 and a document type that only names itself, as Cobertura's does. Another encoding
could hide one that declares more from whoever looks at the bytes; what one declares inside the
document (entities, default values) can grow for ever or name files. expat itself is asked, which
every Python brings and which reads in linear time; defusedxml refuses the same, but builds the
whole document and bounds neither its depth nor its elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

from engine.errors import ToolError

MAX_ELEMENTS = 1 << 21
"""Elements of a document; a report of 32 MiB has a third of them."""

_MAX_DEPTH = 1000
_ENCODINGS = ("", "utf-8", "utf8", "us-ascii", "ascii")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}\?>")


def read(
    data: bytes,
    name: str,
    on_element: Callable[[str, Mapping[str, str], str], None],
    most: int = MAX_ELEMENTS,
) -> None:
    """Go through a document.

    Args:
        data: the document. Untrusted.
        name: how it is called, for messages.
        on_element: called at the end of each element with its name, attributes and own text.
        most: elements that it may have.

    Raises:
        ToolError: it makes no sense, or has what is not accepted.
    """
    parser = expat.ParserCreate("utf-8")
    opened: list[Mapping[str, str]] = []
    text: list[str] = []
    elements = 0

    def start(_: str, attributes: dict[str, str]) -> None:
        nonlocal elements
        elements += 1
        if len(opened) >= _MAX_DEPTH:
            raise ToolError(f"{name}: more than {_MAX_DEPTH} elements in each other")
        if elements > most:
            raise ToolError(f"{name}: more than {most} elements")
        opened.append(attributes)
        text.clear()

    def end(tag: str) -> None:
        on_element(tag, opened.pop(), "".join(text).strip())
        text.clear()

    def declared(_version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "").lower() not in _ENCODINGS:
            raise ToolError(f"{name}: unknown encoding {encoding!r}: only UTF-8 is read")

    def typed(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
        if has_subset:
            raise ToolError(f"{name}: its document type declares entities or other things")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = typed
    if b"\0" in data:
        raise ToolError(f"{name}: is not UTF-8")
    try:
        # Told or not, expat takes zeros and the mark of a byte order for those of UTF-16.
        parser.Parse(data.decode("utf-8-sig"), True)
    except UnicodeDecodeError as error:
        raise ToolError(f"{name}: is not UTF-8") from error
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ToolError(f"{name}: {error}") from error


def text_of(data: bytes, name: str, most: int) -> str:
    """A document as text for a library that builds all of it: without its declaration, and checked.

    Args:
        data, name, most: as for :func:`read`.

    Raises:
        ToolError: as :func:`read`.
    """
    read(data, name, lambda _tag, _attributes, _text: None, most)
    return _DECLARATION.sub("", data.decode("utf-8-sig"), count=1)
