"""Tokens of C and C++: words, strings, numbers and signs with their places, without comments.

Preprocessor lines are marked as what they are, and what stands in ``#if 0`` as dead. The lexers of
Pygments give a whole preprocessor line as one token, know no raw string of C++, and backtrack; what
is needed of C here is little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple


class TokenKind(Enum):
    """What a token is; a character constant is a number."""

    WORD = auto()
    STRING = auto()
    NUMBER = auto()
    PUNCTUATOR = auto()


class Token(NamedTuple):
    """One token.

    Args:
        kind: what it is.
        text: as it is spelled; of a string what is between its quotes, its escapes untouched.
        line: from 1.
        column: from 1.
        directive: of the preprocessor line it stands in (``define``), empty elsewhere.
        disabled: whether ``#if 0`` keeps it from the compiler.
    """

    kind: TokenKind
    text: str
    line: int
    column: int
    directive: str
    disabled: bool


# Each alternative is linear: whatever is not closed ends where its line or the text does.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f\v]+|\\\n)
  | (?P<newline>\n)
  | (?P<comment>//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s"]{0,16})\()
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z))
  | (?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\\n])*(?:'|(?=\n)|\Z))
  | (?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)
  | (?P<word>[^\W\d][\w$]*|\$[\w$]*)
  | (?P<sign>->|::|\.\.\.|[=!<>]=|&&|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "word": TokenKind.WORD,
    "number": TokenKind.NUMBER,
    "char": TokenKind.NUMBER,
    "sign": TokenKind.PUNCTUATOR,
}
_QUOTE = '"'


def tokens_of(text: str) -> list[Token]:
    """Every token of a source, in order.

    Args:
        text: of any length. Untrusted.
    """
    return list(_marked(text.replace("\r\n", "\n").replace("\r", "\n")))


def _marked(text: str) -> Iterator[Token]:
    directive, disabled = _Directive(), _DisabledCode()
    for kind, spelled, line, column in _pieces(text):
        if kind is None:
            if directive.name:
                disabled.take(directive.words)
            directive = _Directive()
            continue
        directive.take(kind, spelled)
        yield Token(kind, spelled, line, column, directive.name, disabled.is_dead)


class _Directive:
    """The preprocessor line that is being read, if it is one."""

    def __init__(self) -> None:
        self.name = ""
        self.words: list[str] = []
        self._seen = 0

    def take(self, kind: TokenKind, text: str) -> None:
        self._seen += 1
        if self._seen == 1:
            self.name = "#" if kind is TokenKind.PUNCTUATOR and text == "#" else ""
        elif self._seen == 2 and self.name:
            self.name = text
        if self.name and len(self.words) < 4:
            self.words.append(text)


class _DisabledCode:
    """Which lines ``#if 0`` keeps from the compiler."""

    def __init__(self) -> None:
        self.is_dead = False
        self._depth = 0  # of conditions within the dead one

    def take(self, words: list[str]) -> None:
        """See a preprocessor line, the first words of it."""
        name = words[1] if len(words) > 1 else ""
        if not self.is_dead:
            self.is_dead = words[1:] == ["if", "0"]
        elif name in ("if", "ifdef", "ifndef"):
            self._depth += 1
        elif name == "endif" and self._depth:
            self._depth -= 1
        elif name in ("endif", "else", "elif") and not self._depth:
            self.is_dead = False


def _pieces(text: str) -> Iterator[tuple[TokenKind | None, str, int, int]]:
    """Tokens with their lines and columns; None at the end of each line."""
    at, line, begin = 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None  # the last alternative takes anything
        group, end = match.lastgroup or "", match.end()
        first, column = line, at - begin + 1
        if group == "delimiter":
            group = "raw"
        if group == "newline":
            yield None, "", line, column
        elif group == "raw":
            close = f"){match['delimiter']}{_QUOTE}"
            stop = text.find(close, end)
            inner = text[end : stop if stop >= 0 else len(text)]
            end = stop + len(close) if stop >= 0 else len(text)
            yield TokenKind.STRING, inner, first, column
        elif group == "string":
            spelled = match[0]
            inner = spelled[spelled.index(_QUOTE) + 1 :]
            yield TokenKind.STRING, inner.removesuffix(_QUOTE), first, column
        elif group in _KINDS:
            yield _KINDS[group], match[0], first, column
        breaks = text.count("\n", at, end)
        if breaks:
            line += breaks
            begin = text.rindex("\n", at, end) + 1
        at = end
    yield None, "", line, at - begin + 1
