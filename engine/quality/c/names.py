"""What names of a source tree stand for: constant texts, numbers, sizes of arrays.

Nothing is compiled here: a name is looked for where it is used, then in its file, then in the tree.
What is not found is unknown, but a name in capitals, which by custom is a macro or a constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.quality.c.source import CHARACTERS, spelled
from engine.quality.c.tokens import Token, tokens_of

_KNOWN_NUMBERS: Mapping[str, int] = {
    "IP4ADDR_STRLEN_MAX": 16,
    "IP6ADDR_STRLEN_MAX": 46,
    "INET_ADDRSTRLEN": 16,
    "INET6_ADDRSTRLEN": 46,
}
"""Of lwip/ip4_addr.h, ip6_addr.h and inet.h."""

_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w{0,127})(?![\w(])", re.M)
_DEFINE_CALL = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w{0,127})\(", re.M)
_DECLARED = re.compile(
    rf"\b(?:{'|'.join(sorted(CHARACTERS))})[ \t]{{0,20}}(?:[ \t*]|const){{1,20}}"
    r"\b([A-Za-z_]\w{0,127})[ \t]{0,20}(?:\[([^\]\n]{1,100})\])?"
)
_BRACE = re.compile(r"\}|\{[ \t\n\r]{0,80}(?P<before>[^\s]?)")
"""In a text that is read backwards: a brace, and what stands before the opening one."""

_MAX_BACK = 2000
_MAX_SUM = 40
_MAX_BODY = 4000

OPAQUE = "\ue000"
"""Stands in a constant text for a part whose words are not known."""

MAX_ALTERNATIVES = 32
"""Definitions of a name that are looked at."""

Texts = tuple[str, ...]
"""What a constant expression may be: one text, or one of several."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of an array of characters.

    Args:
        elements: None where it cannot be counted.
        spelling: as its declaration has it; the same spelling is the same size.
    """

    elements: int | None
    spelling: str

    def holds(self, other: Size) -> bool:
        """Whether whatever fits into the other array fits into this one."""
        if self.elements is not None and other.elements is not None:
            return other.elements <= self.elements
        return self.spelling == other.spelling


class Names:
    """Names of a tree.

    Args:
        files: names of its C and C++ files.
        text: of a file, by its name. Untrusted.
    """

    def __init__(self, files: Sequence[str], text: Callable[[str], str]) -> None:
        self._files = files
        self._text = text
        self._bodies: dict[str, list[list[Token]]] = {}
        self._arrays: dict[str, tuple[Size, ...] | None] = {}
        self._numbers: dict[str, int | None] = {}
        self.macros: dict[str, Texts | None] = {}
        """What macros were found to be; None while they are looked at."""

    @cached_property
    def _all(self) -> tuple[str, ...]:
        return tuple(self._text(name) for name in self._files)

    @cached_property
    def _defined(self) -> dict[str, list[tuple[int, int]]]:
        """Where macros without parameters are defined: number of the file, and where the body
        begins."""
        found: dict[str, list[tuple[int, int]]] = {}
        for number, text in enumerate(self._all):
            for match in _DEFINE.finditer(text):
                found.setdefault(match[1], []).append((number, match.end()))
        return found

    @cached_property
    def _with_parameters(self) -> frozenset[str]:
        return frozenset(name for text in self._all for name in _DEFINE_CALL.findall(text))

    def is_macro(self, name: str) -> bool:
        """Whether a macro with parameters has this name."""
        return name in self._with_parameters

    def bodies(self, name: str) -> list[list[Token]]:
        """What a macro without parameters stands for, one for each of its definitions."""
        if name not in self._bodies:
            found = []
            for number, start in self._defined.get(name, ())[:MAX_ALTERNATIVES]:
                body = self._all[number][start : start + _MAX_BODY].replace("\r\n", "\n")
                end = re.search(r"(?<!\\)\n", body)
                found.append(tokens_of(body[: end.start()] if end else body))
            self._bodies[name] = found
        return self._bodies[name]

    def arrays(self, name: str) -> tuple[Size, ...] | None:
        """Sizes of all arrays of characters of a name in the tree; None where it is something else
        somewhere, such as a pointer."""
        if name not in self._arrays:
            self._arrays[name] = self._array_sizes(name)
        return self._arrays[name]

    @cached_property
    def _declared(self) -> dict[str, list[str]]:
        """Every text that others may see, with its size as it is spelled; empty for a pointer.
        An array within a function is its own."""
        found: dict[str, list[str]] = {}
        for text in self._all:
            for match in _DECLARED.finditer(text):
                size = match[2] or ""
                if not size or not _is_local(text, match.start()):
                    found.setdefault(match[1], []).append(size)
        return found

    def _array_sizes(self, name: str) -> tuple[Size, ...] | None:
        found = dict.fromkeys(self._declared.get(name, ()))
        if "" in found or len(found) > MAX_ALTERNATIVES:
            return None
        return tuple(self.size(tokens_of(each)) for each in found)

    def size(self, tokens: Sequence[Token]) -> Size:
        """An array's size, as it stands between its brackets."""
        return Size(self.number(tokens), spelled(tokens))

    def number(self, tokens: Sequence[Token]) -> int | None:
        """The value of a constant expression of numbers and macros, None where not known."""
        return _Sum(self, tokens).value()

    def number_of(self, name: str) -> int | None:
        """The number that a macro is, None where it is none, or one of several."""
        if name not in self._numbers:
            self._numbers[name] = None  # while it is looked at: it may lead to itself
            found = {self.number(each) for each in self.bodies(name)}
            known = next(iter(found)) if found else _KNOWN_NUMBERS.get(name)
            self._numbers[name] = known if len(found) < 2 else None
        return self._numbers[name]


def _is_local(text: str, start: int) -> bool:
    """Whether what begins at a place stands within a function; near its beginning, this is sure."""
    depth = 0
    for match in _BRACE.finditer(text[max(0, start - _MAX_BACK) : start][::-1]):
        depth += 1 if match[0][0] == "}" else -1
        if depth < 0:
            return match["before"] == ")"
    return False


class _Sum:
    """Reads an expression: sums of products of numbers, macros and parentheses."""

    def __init__(self, names: Names, tokens: Sequence[Token]) -> None:
        self._names, self._tokens, self._at = names, tokens, 0

    def value(self) -> int | None:
        if not self._tokens or len(self._tokens) > _MAX_SUM:
            return None
        try:
            value = self._sum()
        except (ValueError, RecursionError):
            return None
        return value if self._at == len(self._tokens) and abs(value) < 1 << 31 else None

    def _sum(self) -> int:
        value = self._product()
        while self._peek() in ("+", "-"):
            value += self._product() if self._next() == "+" else -self._product()
        return value

    def _product(self) -> int:
        value = self._factor()
        while self._peek() in ("*", "/"):
            if self._next() == "*":
                value = min(value * self._factor(), 1 << 40)
            else:
                value //= self._factor() or 1
        return value

    def _factor(self) -> int:
        text = self._next()
        if text == "(":
            value = self._sum()
            if self._next() != ")":
                raise ValueError
            return value
        if text[:1].isdigit():
            digits = text.rstrip("uUlL")
            return int(digits, 8) if re.fullmatch("0[0-7]+", digits) else int(digits, 0)
        known = self._names.number_of(text)
        if known is None:
            raise ValueError
        return known

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        if self._at > len(self._tokens):
            raise ValueError
        return self._tokens[self._at - 1].text
