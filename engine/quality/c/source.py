"""One C or C++ source as far as it must be understood to judge a call in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from typing import Any

from engine.quality.c.tokens import Token, TokenKind, tokens_of

MAX_CALL = 2000
"""Tokens of a call that are looked at."""

CHARACTERS = frozenset({"char", "uint8_t", "int8_t", "byte", "u8", "u8_t", "wchar_t", "TCHAR"})
"""Types of what strings are kept in."""

_STATEMENT = frozenset({"return", "else", "do", "case", "goto", "sizeof", "throw", "co_return"})
_STATEMENT |= frozenset({"co_await", "co_yield", "and", "or", "not", "delete", "new", "typeof"})
_BOUNDS = frozenset({";", "{", "}"})
_IN_TYPE = frozenset({"*", "&", "&&", "::", "<", ">", "]", "["})
_GLOBAL_SPACES = frozenset({"std"})
_MAX_BACK = 400
_OPEN, _CLOSE = "([{", ")]}"


class NameUse(Enum):
    """What a name is where it stands."""

    CALL = auto()
    MACRO = auto()  # in the definition of a macro
    OTHER = auto()  # a declaration, a member, a word, in a comment or in what is not compiled


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a source defines.

    Args:
        name: as it is spelled before its parameters.
        parameters: tokens of each, the names among them.
        first: index of the token where its parameters begin.
        last: index of its last token.
        is_static: whether nobody else can call it.
    """

    name: str
    parameters: tuple[tuple[Token, ...], ...]
    first: int
    last: int
    is_static: bool

    def position(self, name: str) -> int | None:
        """Which parameter has this name, None where none has."""
        for index, parameter in enumerate(self.parameters):
            words = [each.text for each in parameter if each.kind is TokenKind.WORD]
            if name in words[1:]:
                return index
        return None

    @property
    def is_variadic(self) -> bool:
        """Whether its last parameters are the values of a format, as ``...`` or a va_list."""
        last = self.parameters[-1] if self.parameters else ()
        return any(each.text in ("...", "va_list", "__VALIST", "Args") for each in last)


class Source:
    """Tokens of one source, and what stands around them.

    Args:
        text: of the file. Untrusted.
    """

    def __init__(self, text: str) -> None:
        self.tokens: Sequence[Token] = tokens_of(text)
        self.memo: dict[tuple[str, int, str], Any] = {}
        """What its names stand for, as far as that was asked; of those who ask."""

    def find(self, name: str, line: int, column: int) -> int | None:
        """Index of the name that a tool saw at a place; the line may be counted wrongly.

        Args:
            name: as it is spelled.
            line: from 1; a tool that skips lines counts too few.
            column: from 1.
        """
        for index in self._places.get((name, column), ()):
            if self.tokens[index].line >= line:
                return index
        return None

    @cached_property
    def _places(self) -> dict[tuple[str, int], list[int]]:
        places: dict[tuple[str, int], list[int]] = {}
        for index, token in enumerate(self.tokens):
            if token.kind is TokenKind.WORD:
                places.setdefault((token.text, token.column), []).append(index)
        return places

    @cached_property
    def words(self) -> dict[str, list[int]]:
        """Indexes of every word."""
        found: dict[str, list[int]] = {}
        for index, token in enumerate(self.tokens):
            if token.kind is TokenKind.WORD:
                found.setdefault(token.text, []).append(index)
        return found

    def text_at(self, index: int) -> str:
        """A token's text, empty outside of the source and for a string."""
        if 0 <= index < len(self.tokens) and self.tokens[index].kind is not TokenKind.STRING:
            return self.tokens[index].text
        return ""

    def use(self, index: int) -> NameUse:
        """What the name at a place is."""
        token = self.tokens[index]
        before = self.text_at(index - 1)
        if token.disabled or self.text_at(index + 1) != "(" or before in (".", "->"):
            return NameUse.OTHER
        if token.directive:
            return NameUse.MACRO if token.directive == "define" else NameUse.OTHER
        if before == "::" and not self._is_global(index - 2):
            return NameUse.OTHER
        if self._is_declared(index) or self._is_initialised(index):
            return NameUse.OTHER
        return NameUse.CALL

    def _is_global(self, index: int) -> bool:
        """Whether what stands before ``::`` leads to the C library."""
        before = self.tokens[index] if index >= 0 else None
        is_name = before is not None and before.kind is TokenKind.WORD
        return not is_name or self.text_at(index) in (_GLOBAL_SPACES | _STATEMENT)

    def _is_declared(self, index: int) -> bool:
        """Whether a type stands before the name: ``int (name)(…)``, ``char *name(…)``."""
        words = 0
        for at in range(index - 1, max(-1, index - _MAX_BACK), -1):
            token, text = self.tokens[at], self.text_at(at)
            if token.directive or text in _BOUNDS or text in (":", ")"):
                break
            if token.kind is TokenKind.STRING:
                break  # extern "C"
            if token.kind is TokenKind.WORD:
                if text in _STATEMENT:
                    return False
                words += text not in _GLOBAL_SPACES
            elif text not in _IN_TYPE:
                return False
        return words > 0

    def _is_initialised(self, index: int) -> bool:
        """Whether the name is a member in a constructor's list: ``: name(…), other(…) {``."""
        depth = 0
        for at in range(index - 1, max(-1, index - _MAX_BACK), -1):
            text = self.text_at(at)
            if text and text in _CLOSE:
                depth += 1
            elif text and text in _OPEN:
                depth -= 1
                if depth < 0:
                    return False
            elif depth == 0 and text in (";", "?", "case", "=", "return", "public", "private"):
                return False
            elif depth == 0 and text == ":":
                return self.text_at(at - 1) == "noexcept" or self._ends_parameters(at - 1)
        return False

    def _ends_parameters(self, index: int) -> bool:
        """Whether a token closes what may be parameters; ``case (A)`` has none."""
        depth = 0
        for at in range(index, max(-1, index - _MAX_BACK), -1):
            depth += (self.text_at(at) == ")") - (self.text_at(at) == "(")
            if depth <= 0:
                return at < index and self.text_at(at - 1) != "case"
        return False

    def arguments(self, index: int) -> list[list[Token]] | None:
        """Arguments of the call whose name stands at a place; None where it does not end."""
        tokens = self.tokens[index + 2 : index + 2 + MAX_CALL]
        if not self.tokens[index].directive:  # which may choose between arguments
            tokens = [each for each in tokens if not each.directive]
        return split(tokens)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function that is defined, in order."""
        return tuple(self._functions())

    @cached_property
    def _firsts(self) -> list[int]:
        return [each.first for each in self.functions]

    def within(self, name: str, function: Function | None) -> Sequence[int]:
        """Indexes of a word: in a function, or in all of the source."""
        found = self.words.get(name, [])
        if function is None:
            return found
        return found[bisect_left(found, function.first) : bisect_right(found, function.last)]

    def function_at(self, index: int) -> Function | None:
        """The function in whose definition a token stands."""
        scope = bisect_right(self._firsts, index) - 1
        if scope < 0 or self.functions[scope].last < index:
            return None
        return self.functions[scope]

    def _functions(self) -> Iterator[Function]:
        opened: list[int] = []  # parentheses
        closed: tuple[int, int] | None = None  # the last pair of them at this level
        inside: Function | None = None
        depth, is_listing = 0, False
        for index, token in enumerate(self.tokens):
            text = self.text_at(index)
            if token.directive or token.disabled or not text:
                continue
            if inside is not None:
                depth += (text == "{") - (text == "}")
                # A brace at the left edge ends it, whatever the preprocessor did to the others.
                if text == "}" and (depth == 0 or token.column == 1):
                    yield replace(inside, last=index)
                    inside, closed, opened, is_listing = None, None, [], False
            elif text == "(":
                opened.append(index)
            elif text == ")" and opened:
                first = opened.pop()
                closed = closed if is_listing else (first, index)
            elif text == ":" and closed is not None and not opened:
                is_listing = True  # what a constructor initialises
            elif text == "{" and closed is not None and not opened:
                inside, depth = self._function(*closed), 1
            elif text in (";", "}", "="):
                closed, opened, is_listing = None, [], False
        if inside is not None:
            yield replace(inside, last=len(self.tokens) - 1)

    def _function(self, first: int, last: int) -> Function:
        name = self.text_at(first - 1)
        back = range(first - 1, max(-1, first - 20), -1)
        words: list[str] = []
        for at in back:
            if self.text_at(at) in _BOUNDS or self.tokens[at].directive:
                break
            words.append(self.text_at(at))
        parameters = split(self.tokens[first + 1 : last + 1]) or []
        return Function(name, tuple(map(tuple, parameters)), first, last, "static" in words)


def split(tokens: Sequence[Token]) -> list[list[Token]] | None:
    """Tokens behind an opening parenthesis as arguments, up to where it is closed."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        text = token.text if token.kind is TokenKind.PUNCTUATOR else ""
        if text and text in _CLOSE:
            if depth == 0:
                return parts if parts[0] or len(parts) > 1 else []
            depth -= 1
        elif text and text in _OPEN:
            depth += 1
        elif text == "," and depth == 0:
            parts.append([])
            continue
        parts[-1].append(token)
    return None


def spelled(tokens: Sequence[Token]) -> str:
    """Tokens as text, to compare them."""
    return " ".join(
        f'"{each.text}"' if each.kind is TokenKind.STRING else each.text for each in tokens
    )
