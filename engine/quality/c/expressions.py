"""Expressions of C as tokens: what stands in them, as far as it can be told without a compiler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.quality.c.source import CHARACTERS, split
from engine.quality.c.tokens import Token, TokenKind

_MAX_DEPTH = 8


def is_punctuator(token: Token, text: str) -> bool:
    """Whether a token is this sign, rather than a string that says the same."""
    return token.kind is TokenKind.PUNCTUATOR and token.text == text


def has_literal(tokens: Sequence[Token]) -> bool:
    """Whether there is a string among the tokens."""
    return any(each.kind is TokenKind.STRING for each in tokens)


def without_parentheses(tokens: Sequence[Token]) -> Sequence[Token]:
    """An expression without parentheses around it and casts before it."""
    for _ in range(_MAX_DEPTH):
        if not tokens or tokens[0].text != "(" or tokens[0].kind is not TokenKind.PUNCTUATOR:
            if len(tokens) > 4 and tokens[0].text in ("static_cast", "reinterpret_cast"):
                close = next((at for at, each in enumerate(tokens) if each.text == ">"), 0)
                tokens = tokens[close + 1 :]
                continue
            return tokens
        at = _closed(tokens)
        inner = tokens[1:at]
        if at == len(tokens) - 1:
            tokens = inner
        elif (
            inner
            and all(each.kind is TokenKind.WORD or each.text == "*" for each in inner)
            and (inner[-1].text == "*" or inner[0].text in CHARACTERS)
        ):
            tokens = tokens[at + 1 :]
        else:
            return tokens
    return tokens


def _closed(tokens: Sequence[Token]) -> int:
    """Where the parenthesis that the tokens begin with is closed."""
    depth = 0
    for at, token in enumerate(tokens):
        if token.kind is TokenKind.PUNCTUATOR:
            depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return at
    return len(tokens) - 1


def conditional_operands(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]] | None:
    """Both sides of ``condition ? one : other``."""
    depth, question, nested = 0, -1, 0
    for at, token in enumerate(tokens):
        if token.kind is not TokenKind.PUNCTUATOR:
            continue
        depth += (token.text in "([{") - (token.text in ")]}") if len(token.text) == 1 else 0
        if depth:
            continue
        if token.text == "?":
            nested += 1
            question = at if question < 0 else question
        elif token.text == ":" and question >= 0:
            nested -= 1
            if nested == 0:
                return tokens[question + 1 : at], tokens[at + 1 :]
    return None


def adjacent_parts(tokens: Sequence[Token]) -> Iterator[Sequence[Token] | None]:
    """Literals and macros side by side; None for anything else."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = at + 1
        if token.kind is TokenKind.WORD and end < len(tokens) and is_punctuator(tokens[end], "("):
            arguments = split(tokens[end + 1 :])
            if arguments is None:
                yield None
                return
            end += sum(map(len, arguments)) + max(0, len(arguments) - 1) + 2
        elif token.kind not in (TokenKind.WORD, TokenKind.STRING):
            yield None
            return
        yield tokens[at:end]
        at = end


def assigned_value(tokens: Sequence[Token]) -> Sequence[Token]:
    """What is assigned, up to where it ends."""
    depth = 0
    for at, token in enumerate(tokens):
        if token.kind is not TokenKind.PUNCTUATOR:
            continue
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
        if depth < 0 or (depth == 0 and token.text in (";", ",")):
            return tokens[:at]
    return tokens
