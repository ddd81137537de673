"""A place in a source, and what expressions mean there: constant texts, sizes of arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from engine.quality.c.expressions import (
    adjacent_parts,
    assigned_value,
    conditional_operands,
    has_literal,
    is_punctuator,
    without_parentheses,
)
from engine.quality.c.formats import length_of
from engine.quality.c.names import MAX_ALTERNATIVES, OPAQUE, Names, Size, Texts
from engine.quality.c.source import CHARACTERS, Function, Source, split
from engine.quality.c.tokens import Token, TokenKind

_KNOWN_TEXTS: Mapping[str, str] = {
    "IPSTR": "%d.%d.%d.%d",
    "MACSTR": "%02x:%02x:%02x:%02x:%02x:%02x",
    "__DATE__": "Mmm dd yyyy",
    "__TIME__": "hh:mm:ss",
    "__func__": OPAQUE,
    "__FUNCTION__": OPAQUE,
    "__PRETTY_FUNCTION__": OPAQUE,
    "IPV6STR": "%04x:%04x:%04x:%04x:%04x:%04x:%04x:%04x",
}
"""Of esp_netif_ip_addr.h, esp_mac.h and the compiler; a date always has so many characters."""

_KNOWN_LENGTHS: Mapping[str, int] = {
    **dict.fromkeys(("inet_ntoa", "ip4addr_ntoa"), 16),
    **dict.fromkeys(("ipaddr_ntoa", "ip6addr_ntoa", "inet6_ntoa"), 46),
}
"""Room for what functions of lwIP give back: ``IP4ADDR_STRLEN_MAX``, ``IP6ADDR_STRLEN_MAX``."""

_FORMAT_NAME = re.compile(r"(?:PRI|SCN)([diouxX])(8|16|32|64|PTR|MAX|(?:FAST|LEAST)\d+)")
_CAPITALS = re.compile(r"_*[A-Z][A-Z0-9_$]+")
_WRAPPERS = frozenset({"_", "N_", "F", "PSTR", "FPSTR", "gettext", "TEXT", "_T", "_TEXT"})
"""Macros and functions that give back the text they are given, or its translation."""

_MAX_USES = 2000
_MAX_DEPTH = 8
_MAX_TYPE = 200
_MAX_TOKENS = 2000
_MAX_TEXT = 4096

_T = TypeVar("_T")


class Scope:
    """A place in a source, from which names are understood.

    Args:
        names: of the tree.
        source: the file.
        index: the token.
    """

    def __init__(self, names: Names, source: Source, index: int) -> None:
        self.names, self.source, self.index = names, source, index

    @cached_property
    def function(self) -> Function | None:
        """The function around it."""
        return self.source.function_at(self.index)

    def texts(self, tokens: Sequence[Token], depth: int = 0) -> Texts | None:
        """What an expression may be, where that is known when it is compiled; None where it is not.

        Args:
            tokens: of the expression.
            depth: of names within names.
        """
        tokens = without_parentheses(tokens)
        if not tokens or len(tokens) > _MAX_TOKENS or depth > _MAX_DEPTH:
            return None
        sides = conditional_operands(tokens)
        if sides is not None:
            found = [self.texts(each, depth + 1) for each in sides]
            return None if None in found else _united(each for each in found if each is not None)
        if tokens[0].kind is TokenKind.WORD:
            alone = self._word(tokens, depth)
            if alone is not None or not has_literal(tokens):
                return alone
        return self._joined(tokens, depth)

    def _joined(self, tokens: Sequence[Token], depth: int) -> Texts | None:
        """Literals side by side. What stands beside a literal can only be one."""
        pieces = list(adjacent_parts(tokens))
        if not any(part is not None and part[0].kind is TokenKind.STRING for part in pieces):
            return None
        found: Texts = ("",)
        for part in pieces:
            if part is None:
                return None
            if part[0].kind is TokenKind.STRING:
                texts: Texts = (part[0].text,)
            else:
                texts = self._macro(part, depth) or (OPAQUE,)
            found = _united(one + other for one in found for other in texts)
        return found

    def _word(self, tokens: Sequence[Token], depth: int) -> Texts | None:
        """An expression that begins with a name."""
        name = tokens[0].text
        if len(tokens) == 1:
            return (
                self._variable(name, depth)
                if self._is_variable(name)
                else self._macro(tokens, depth)
            )
        if is_punctuator(tokens[1], "(") and is_punctuator(tokens[-1], ")"):
            arguments = split(tokens[2:])
            if arguments is None or sum(map(len, arguments)) + len(arguments) + 2 < len(tokens):
                return None  # there is more behind it
            if name in _WRAPPERS or _CAPITALS.fullmatch(name) or self.names.is_macro(name):
                literals_first = sorted(arguments, key=lambda each: not has_literal(each))
                known = (self.texts(each, depth + 1) for each in literals_first)
                return next((each for each in known if each is not None), None)
            return None
        # An element of a table, or a member of one: constant as the table is.
        if is_punctuator(tokens[1], "[") and self._is_constant_table(name):
            return (OPAQUE,)
        return None

    def _macro(self, tokens: Sequence[Token], depth: int) -> Texts | None:
        """A macro, perhaps with arguments."""
        name = tokens[0].text
        known = _KNOWN_TEXTS.get(name)
        match = _FORMAT_NAME.fullmatch(name)
        if match:
            known = ("ll" if match[2] in ("64", "MAX") else "") + match[1]
        if self.names.bodies(name):
            if name not in self.names.macros:
                self.names.macros[name] = None  # while it is looked at: it may lead to itself
                self.names.macros[name] = self._body(name, depth)
            texts = self.names.macros[name]
            return (known,) if texts is None and known is not None else texts
        if known is not None:
            return (known,)
        return (OPAQUE,) if _CAPITALS.fullmatch(name) else None

    def _body(self, name: str, depth: int) -> Texts | None:
        """What a macro of the tree stands for."""
        found = [self.texts(each, depth + 1) for each in self.names.bodies(name)]
        return None if None in found else _united(each for each in found if each is not None)

    def _is_variable(self, name: str) -> bool:
        """Whether a name is a variable, rather than a macro."""
        return bool(
            self._once("is variable", name, lambda: self._assigned(name) or self._declared(name))
        )

    def _once(self, what: str, name: str, find: Callable[[], _T]) -> _T | None:
        """What is found of a name in this function, looked for once; None while it is."""
        key = what, self.function.first if self.function else -1, name
        if key not in self.source.memo:
            self.source.memo[key] = None  # it may lead to itself
            self.source.memo[key] = find()
        found: _T | None = self.source.memo[key]
        return found

    def _variable(self, name: str, depth: int) -> Texts | None:
        """A variable that is only ever given constants."""
        return self._once("variable", name, lambda: self._given(name, depth))

    def _given(self, name: str, depth: int) -> Texts | None:
        if self.function is not None and self.function.position(name) is not None:
            return None
        declared = self._declared(name)
        if not declared or any(self.source.text_at(each - 1) == "&" for each in self._uses(name)):
            return None
        for each in declared:
            is_array = self.source.text_at(each + 1) == "["
            if is_array and not self._is_const(each):
                return None
        values = [self.texts(each, depth + 1) for each in self._assigned(name)]
        if not values or None in values:
            return None
        return _united(each for each in values if each is not None)

    def _uses(self, name: str) -> list[int]:
        """Where a name stands that is the one meant here: in this function, else in the file."""
        here = self._plain_uses(name, self.function)
        if self.function is None or any(map(self._is_declaration, here)):
            return here
        return self._plain_uses(name, None)

    def _plain_uses(self, name: str, function: Function | None) -> list[int]:
        return [
            each
            for each in self.source.within(name, function)[:_MAX_USES]
            if not self.source.tokens[each].directive
            and self.source.text_at(each - 1) not in (".", "->")
        ]

    def _is_declaration(self, index: int) -> bool:
        before = self.source.text_at(index - 1)
        return (
            before in CHARACTERS
            or before in ("*", "auto")
            or (before == "const" and self.source.text_at(index - 2) in (*CHARACTERS, "*"))
        )

    def _declared(self, name: str) -> list[int]:
        """Where a name is declared as text: ``char *name``, ``char name[]``."""
        return [
            each for each in self._uses(name) if self._is_declaration(each) and self._is_text(each)
        ]

    def _is_text(self, index: int) -> bool:
        words = [self.source.text_at(each) for each in range(index - 1, max(-1, index - 6), -1)]
        return any(each in CHARACTERS or each == "auto" for each in words)

    def _is_const(self, index: int) -> bool:
        """Whether ``const`` stands before a name that is declared, or before its structure."""
        depth = 0
        for at in range(index - 1, max(-1, index - _MAX_TYPE), -1):
            text = self.source.text_at(at)
            if text in ("{", "}"):
                depth += (text == "}") - (text == "{")
                if depth < 0:
                    return False
            elif depth == 0 and text in (";", ",", ")", "="):
                return False
            elif depth == 0 and text in ("const", "constexpr"):
                return True
        return False

    def _assigned(self, name: str) -> list[Sequence[Token]]:
        """What is assigned to a name, each as its tokens."""
        found: list[Sequence[Token]] = []
        tokens = self.source.tokens
        for each in self._uses(name):
            at = each + 1
            if self.source.text_at(at) == "[":
                while at < len(tokens) and self.source.text_at(at) != "]" and at - each < 40:
                    at += 1
                at += 1
            while self.source.text_at(at) in ("PROGMEM", "ICACHE_RODATA_ATTR"):
                at += 1
            if self.source.text_at(at) == "=":
                found.append(assigned_value(tokens[at + 1 : at + 1 + _MAX_TOKENS]))
            elif self.source.text_at(at) == "+":
                found.append(())  # it becomes something else
        return found

    def _is_constant_table(self, name: str) -> bool:
        """Whether a name is an array of texts, or of structures, that nothing changes."""
        for each in self._uses(name):
            if self.source.text_at(each + 1) != "[" or not self._is_const(each):
                continue
            behind = (self.source.text_at(at) for at in range(each + 1, each + 40))
            if "=" in behind:
                return True
        return False

    def size_of(self, tokens: Sequence[Token], *, of_source: bool = False) -> Size | None:
        """The size of the array of characters that an expression names, None where not known.

        Args:
            tokens: a name, or a member of one.
            of_source: whether the largest of several is meant, else the smallest.
        """
        tokens = without_parentheses(tokens)
        sides = conditional_operands(tokens) if of_source else None
        if sides is not None:
            return self._largest(sides)
        if len(tokens) > 2 and tokens[1].text == "(" and tokens[-1].text == ")":
            known = _KNOWN_LENGTHS.get(tokens[0].text)
            return Size(known, str(known)) if known and of_source else None
        if (
            tokens
            and tokens[0].text == "&"
            and [each.text for each in tokens[-3:]] == ["[", "0", "]"]
        ):
            tokens = tokens[1:-3]
        if not tokens or any(
            each.kind is not TokenKind.WORD and each.text not in (".", "->", "[", "]")
            for each in tokens[:-1]
        ):
            return None
        if tokens[-1].kind is not TokenKind.WORD:
            return None
        name = tokens[-1].text
        sizes = self.names.arrays(name)
        if len(tokens) == 1:
            sizes = self._once("sizes", name, lambda: self._sizes(name))
        if not sizes:
            return None
        copy = [each for each in sizes if each.elements is not None]
        if len(copy) < len(sizes):
            return sizes[0] if len({each.spelling for each in sizes}) == 1 else None
        return (max if of_source else min)(copy, key=lambda each: each.elements or 0)

    def _largest(self, sides: Sequence[Sequence[Token]]) -> Size | None:
        """The size of the larger of two sources, None where one is not known."""
        sizes: list[Size] = []
        for side in sides:
            texts = self.texts(side)
            lengths = [length_of(each) for each in texts or ()]
            if lengths and None not in lengths:
                size: Size | None = Size(1 + max(each or 0 for each in lengths), "")
            else:
                size = self.size_of(side, of_source=True)
            if size is None or size.elements is None:
                return None
            sizes.append(size)
        return max(sizes, key=lambda each: each.elements or 0)

    def _sizes(self, name: str) -> tuple[Size, ...] | None:
        """Sizes of the arrays that a name may be: of this function, else of this file, else of
        the tree; None or none where it is something else."""
        function = self.function
        if function is not None:
            here = self.source.within(name, function)[:_MAX_USES]
            declared = [each for each in here if self._declares(each)]
            if declared or function.position(name) is not None:
                return self._sizes_at(declared)
        everywhere = self.source.within(name, None)[:_MAX_USES]
        declared = [each for each in everywhere if self._declares(each)]
        outside = [each for each in declared if self.source.function_at(each) is None]
        return self._sizes_at(outside) if outside else self.names.arrays(name)

    def _sizes_at(self, declared: Sequence[int]) -> tuple[Size, ...]:
        """Sizes of arrays at their declarations; none where one is no array."""
        sizes = []
        for each in declared:
            inner = []
            if self.source.text_at(each + 1) == "[" and self.source.text_at(each - 1) != "*":
                for token in self.source.tokens[each + 2 : each + 42]:
                    if token.text == "]":
                        break
                    inner.append(token)
            if not inner:
                return ()
            sizes.append(self.names.size(inner))
        return tuple(sizes)

    def _declares(self, index: int) -> bool:
        """Whether a name is declared here: behind a type, or behind a type and other names."""
        before = self.source.text_at(index - 1)
        if before in CHARACTERS or (before == "*" and self.source.text_at(index - 2) in CHARACTERS):
            return True
        if before not in (",", "*"):
            return False
        for at in range(index - 1, max(-1, index - 60), -1):
            text = self.source.text_at(at)
            if text in (";", "{", "}", "(", ")"):
                first = self.source.text_at(at + 1)
                second = self.source.text_at(at + 2)
                return bool({first, second} & CHARACTERS)
        return False


def _united(texts: Iterator[Texts] | Iterator[str]) -> Texts:
    """Alternatives together, not more than a few."""
    found: list[str] = []
    for each in texts:
        found += (each,) if isinstance(each, str) else each
    return tuple(each[:_MAX_TEXT] for each in dict.fromkeys(found[:MAX_ALTERNATIVES]))
