"""Whether a program looks at the length of a text before it copies it.

It does where it makes room for it, where it goes on only if the text is short enough, and where it
keeps the length and does so later. To write the length to a log, to walk over the text, or to ask
whether it is too short, is none of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.quality.c.names import Size
from engine.quality.c.scope import Scope
from engine.quality.c.source import Function, Source, spelled
from engine.quality.c.tokens import Token, TokenKind

_LENGTHS = ("strlen", "strnlen", "wcslen")
_MAX_LENGTHS = 50
_MAX_USES = 50
_MAX_STATEMENT_TOKENS = 60  # tokens
_MAX_BLOCK_TOKENS = 400
_MAKES_ROOM = frozenset({"new", "resize", "reserve", "memcpy", "min", "MIN"})
_SMALLER, _GREATER = frozenset({"<", "<="}), frozenset({">", ">="})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EXITS = frozenset({"return", "break", "continue", "goto", "throw", "abort", "exit"})
_LOOPS = frozenset({"for", "while"})
_ENDS = frozenset({";", "{", "}", ""})
_NULL_TARGETS = [[each, "0"] for each in ("NULL", "nullptr", "0")]
_NEXT = frozenset({"&&", "||", "?", ",", ":"})


def is_length_checked(scope: Scope, source: Sequence[Token], room: Size | None = None) -> bool:
    """Whether the function looks at the length of a text before.

    Args:
        scope: where the text is copied.
        source: the text.
        room: of what it is copied to, None where it is not known.
    """
    function = scope.function
    if function is None:
        return False
    wanted = spelled(source)
    for name in _LENGTHS:
        before = [each for each in scope.source.within(name, function) if each < scope.index]
        for index in before[-_MAX_LENGTHS:]:
            arguments = scope.source.arguments(index) or [[]]
            if spelled(arguments[0]) != wanted:
                continue
            end = index + 2 + sum(map(len, arguments)) + len(arguments) - 1
            if _decides(scope, function, index, end, room):
                return True
    return False


def is_length_asked_before(scope: Scope) -> bool:
    """Whether the function asks before how long a printed text will be:
    ``vsnprintf(NULL, 0, …)``."""
    function = scope.function
    if function is None:
        return False
    for name in ("snprintf", "vsnprintf"):
        for index in scope.source.within(name, function)[:_MAX_LENGTHS]:
            arguments = scope.source.arguments(index) if index < scope.index else None
            if arguments and [spelled(each) for each in arguments[:2]] in _NULL_TARGETS:
                return True
    return False


def _decides(scope: Scope, function: Function, start: int, end: int, room: Size | None) -> bool:
    """Whether a length, which stands from a token to another, decides what is copied."""
    source = scope.source
    has_end = source.text_at(end + 1) != ")" or not _makes_room(source.text_at(start - 2))
    if has_end and _bounds(scope, start, end, room):
        return True
    name = _kept_as(source, start)
    if not name:
        return False
    if source.text_at(start - 1) == "=" and source.text_at(end + 1) == ";":
        exact = f"alloc ( {name} )"  # without room for its end
    else:
        exact = ""
    later = [each for each in source.within(name, function) if end < each < scope.index]
    return any(
        _bounds(scope, each, each, room)
        for each in later[:_MAX_USES]
        if not exact or not spelled(source.tokens[each - 2 : each + 2]).endswith(exact)
    )


def _kept_as(source: Source, start: int) -> str:
    """The variable that is given a length, empty where none is."""
    for at in range(start - 1, start - _MAX_STATEMENT_TOKENS, -1):
        text = source.text_at(at)
        if text == "=":
            at -= source.text_at(at - 1) == "+"
            before = source.tokens[at - 1] if at > 0 else None
            return before.text if before is not None and before.kind is TokenKind.WORD else ""
        if text in _ENDS:
            return ""
    return ""


def _bounds(scope: Scope, start: int, end: int, room: Size | None) -> bool:
    """Whether room is made for a length, or the copy is only reached if it is small enough."""
    source = scope.source
    inside = [source.text_at(at) for at in _statement(source, start)]
    if any(map(_makes_room, inside)) or (
        source.text_at(start - 1) == "[" and source.text_at(start - 2) not in ("", "]")
    ):
        return True
    sign, other = _compared(source, start, end)
    if not sign or not _may_suffice(scope, sign, other, room):
        return False
    return _is_guard(scope, start, sign)


def _makes_room(name: str) -> bool:
    """Whether a function of this name does: malloc, or one of an operating system or library."""
    return name in _MAKES_ROOM or "alloc" in name.lower()


def _statement(source: Source, start: int) -> Iterator[int]:
    """Tokens of the statement around a place."""
    for step in (-1, 1):
        for at in range(start + step, start + _MAX_STATEMENT_TOKENS * step, step):
            if source.text_at(at) in _ENDS and (source.text_at(at) or _is_out(source, at)):
                break
            yield at


def _is_out(source: Source, at: int) -> bool:
    return not 0 <= at < len(source.tokens)


def _compared(source: Source, start: int, end: int) -> tuple[str, list[Token]]:
    """How a length is compared, as if it stood on the left, and with what."""
    # A sum on its side is compared as a whole, of which nothing more is known here.
    for at in range(end + 1, end + _MAX_STATEMENT_TOKENS):
        text = source.text_at(at)
        if text in _MIRRORED:
            other = _operand(source, at + 1, 1)
            return text, other if at == end + 1 else []
        if text in _ENDS or text in _NEXT:
            break
    for at in range(start - 1, start - _MAX_STATEMENT_TOKENS, -1):
        text = source.text_at(at)
        if text in _MIRRORED:
            other = _operand(source, at - 1, -1)
            return _MIRRORED[text], other if at == start - 1 else []
        if text in _ENDS or text in _NEXT:
            break
    return "", []


def _operand(source: Source, start: int, step: int) -> list[Token]:
    """What a length is compared with, up to where the comparison ends."""
    found: list[Token] = []
    depth = 0
    for at in range(start, start + _MAX_STATEMENT_TOKENS * step, step):
        text = source.text_at(at)
        depth += (text == "(") - (text == ")")
        if depth * step < 0 or text in _ENDS or (depth == 0 and text in _NEXT):
            break
        found.append(source.tokens[at])
    return found[::step]


def _may_suffice(scope: Scope, sign: str, other: Sequence[Token], room: Size | None) -> bool:
    """Whether a bound leaves room for the end of the text, as far as it is known."""
    words = [each.text for each in other]
    arguments = scope.source.arguments(scope.index) or [[]]
    target = spelled(arguments[0])
    bound = scope.names.number(other) if other else None
    if words[:1] == ["sizeof"]:
        inner = spelled(other[1:])
        if inner in (target, f"( {target} )"):
            return sign in ("<", ">=")
    if bound is None:
        return True
    longest = bound - 1 if sign in ("<", ">=") else bound
    if longest < 1:
        return False  # only whether there is a text at all
    return room is None or room.elements is None or longest < room.elements


def _is_guard(scope: Scope, start: int, sign: str) -> bool:
    """Whether a comparison keeps long texts away from the copy."""
    source = scope.source
    opened, word = _condition(source, start)
    if word in _LOOPS and sign in _GREATER:
        return False  # it walks over the text
    if word not in ("if", *_LOOPS):
        return True  # an assertion, a choice, a variable that says so
    body, last = _controlled(source, opened)
    inside = body <= scope.index <= last
    if sign in _GREATER:
        return not inside
    if inside:
        return True
    if source.text_at(last + 1) != "else":
        return any(source.text_at(at) == "!" for at in range(opened + 1, start))
    first, last = _statement_at(source, last + 2)
    return any(source.text_at(at) in _EXITS for at in range(first, last + 1))


def _condition(source: Source, start: int) -> tuple[int, str]:
    """Where the parenthesis is opened whose condition a place is in, and the word before it."""
    depth = 0
    for at in range(start - 1, max(-1, start - _MAX_BLOCK_TOKENS), -1):
        text = source.text_at(at)
        depth += (text == ")") - (text == "(")
        word = source.text_at(at - 1)
        if depth < 0:
            if word == "if" or word in _LOOPS:
                return at, word
            depth = 0
        if text in ("{", "}") or (text == ";" and depth == 0 and not _in_for(source, at)):
            break
    return start, ""


def _in_for(source: Source, at: int) -> bool:
    """Whether a semicolon stands in the head of a loop."""
    depth = 0
    for back in range(at - 1, max(-1, at - _MAX_STATEMENT_TOKENS), -1):
        text = source.text_at(back)
        depth += (text == ")") - (text == "(")
        if depth < 0:
            return source.text_at(back - 1) == "for"
        if text in ("{", "}"):
            return False
    return False


def _controlled(source: Source, opened: int) -> tuple[int, int]:
    """First and last token of what a condition decides."""
    depth = 0
    for at in range(opened, opened + _MAX_BLOCK_TOKENS):
        text = source.text_at(at)
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return _statement_at(source, at + 1)
    return opened, opened


def _statement_at(source: Source, start: int) -> tuple[int, int]:
    """First and last token of a statement, or of a block."""
    depth = 0
    for at in range(start, min(len(source.tokens), start + _MAX_BLOCK_TOKENS * 5)):
        text = source.text_at(at)
        depth += (text in ("{", "(")) - (text in ("}", ")"))
        if depth == 0 and text in (";", "}"):
            return start, at
    return start, start
