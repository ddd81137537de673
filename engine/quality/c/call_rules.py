"""Rules that rate a call in C by its arguments."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.quality.c import formats
from engine.quality.c.length_checks import is_length_asked_before, is_length_checked
from engine.quality.c.names import Size, Texts
from engine.quality.c.scope import Scope
from engine.quality.c.source import Function, NameUse, Source, spelled, split
from engine.quality.c.tokens import Token
from engine.quality.security_ratings import BLOCKS, NOTHING, Rating, SecurityLevel


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what is known where it stands."""

    scope: Scope
    name: str
    arguments: tuple[tuple[Token, ...], ...]

    def argument(self, position: int) -> Sequence[Token]:
        """An argument, from 1; empty where there are not so many."""
        return self.arguments[position - 1] if position <= len(self.arguments) else ()


CallRule = Callable[[Call], Rating]


def always(word: SecurityLevel) -> CallRule:
    """The same for every call."""
    return lambda call: Rating(word)


def constant_format(position: int) -> CallRule:
    """A format that is not constant, but the one that a function of the same kind was given."""

    def judge(call: Call) -> Rating:
        tokens = call.argument(position)
        if not tokens or _format_texts(call, tokens) is not None or _is_handed_on(call, tokens):
            return NOTHING
        return BLOCKS

    return judge


def _format_texts(call: Call, tokens: Sequence[Token]) -> Texts | None:
    """The texts that a format may be; None where somebody else may choose it."""
    texts = call.scope.texts(tokens)
    if texts is not None or len(tokens) != 1:
        return texts
    return _of_callers(call.scope, tokens[0].text)


def _of_callers(scope: Scope, name: str) -> Texts | None:
    """What a static function is given as a parameter by all who call it: they are in its file."""
    function = scope.function
    position = function.position(name) if function is not None else None
    if function is None or position is None or not function.is_static:
        return None
    key = "callers", function.first, name
    if key not in scope.source.memo:
        scope.source.memo[key] = _given_by_all(scope, function, position)
    texts: Texts | None = scope.source.memo[key]
    return texts


def _given_by_all(scope: Scope, function: Function, position: int) -> Texts | None:
    """What every caller of a function gives as a parameter, where that is constant."""
    found: list[str] = []
    for index in scope.source.within(function.name, None):
        if _is_handed_out(scope.source, index):
            return None
        if (
            scope.source.use(index) is not NameUse.CALL
            or scope.source.function_at(index) is function
        ):
            continue
        arguments = scope.source.arguments(index) or []
        given = arguments[position] if position < len(arguments) else []
        texts = Scope(scope.names, scope.source, index).texts(given)
        if texts is None:
            return None
        found += texts
    return tuple(dict.fromkeys(found)) or None


def _is_handed_out(source: Source, index: int) -> bool:
    """Whether a function is named without being called: others may call it then."""
    token = source.tokens[index]
    return not (token.disabled or token.directive or source.text_at(index + 1) == "(")


def _is_handed_on(call: Call, tokens: Sequence[Token]) -> bool:
    """Whether it is the format of the function around it, whose callers choose it: a wrapper of
    printf. A compiler looks at those callers (``-Wformat-security``)."""
    function = call.scope.function
    if [each.text for each in tokens[-4:]] == [".", "c_str", "(", ")"]:
        tokens = tokens[:-4]
    if function is None or not function.is_variadic or len(tokens) != 1:
        return False
    return function.position(tokens[0].text) is not None


def copy(call: Call) -> Rating:
    """strcpy, strcat: the length is the source's."""
    target, source = call.argument(1), call.argument(2)
    scope = call.scope
    texts = scope.texts(source)
    room = scope.size_of(target)
    appends = "cat" in call.name.lower()
    if texts is not None:
        lengths = [formats.length_of(each) for each in texts]
        known = [each for each in lengths if each is not None]
        if room is not None and room.elements is not None and known and len(known) == len(lengths):
            if max(known) >= room.elements:
                return Rating(SecurityLevel.BLOCKS, f"{max(known)} characters do not fit")
            return NOTHING
        literal = len(known) == len(lengths)
        return NOTHING if literal else Rating(SecurityLevel.WARNS, "the source is a constant")
    begun = _begun(scope, target) if appends else None
    if begun is not None:
        room, length = begun
        size = scope.size_of(source, of_source=True)
        added = size.elements if size is not None else None
        if added and room.elements and length + added <= room.elements:
            return Rating(SecurityLevel.WARNS, "both parts have no more room than the target")
    if not appends and _fits(room, scope.size_of(source, of_source=True)):
        return Rating(SecurityLevel.WARNS, "the source has no more room than the target")
    if is_length_checked(scope, source, room):
        return Rating(SecurityLevel.WARNS, "the source's length is looked at before")
    return BLOCKS


def _begun(scope: Scope, target: Sequence[Token]) -> tuple[Size, int] | None:
    """The room of a target that ``strcpy(target, "x")`` has begun, and how much is in it."""
    if len(target) < 4 or target[0].text != "strcpy":
        return None
    arguments = split(target[2:]) or []
    if len(arguments) != 2:
        return None
    room, texts = scope.size_of(arguments[0]), scope.texts(arguments[1])
    lengths = [formats.length_of(each) for each in texts or ()]
    if room is None or not lengths or None in lengths:
        return None
    return room, max(each or 0 for each in lengths)


def _fits(target: Size | None, source: Size | None) -> bool:
    return target is not None and source is not None and target.holds(source)


def sprintf(call: Call) -> Rating:
    """sprintf: a constant format says how much it writes at most."""
    tokens = call.argument(2)
    if is_length_asked_before(call.scope):
        return Rating(SecurityLevel.WARNS, "the length is asked for before")
    if call.name.startswith("v") or call.name.startswith("_v"):
        return BLOCKS
    texts = _format_texts(call, tokens) if tokens else None
    if texts is None:
        return BLOCKS
    scope = call.scope
    room = scope.size_of(call.argument(1))
    ratings = [_printed(call, each, room) for each in texts]
    order = list(SecurityLevel)
    return min(ratings, key=lambda each: order.index(each.level))


def _printed(call: Call, text: str, room: Size | None) -> Rating:
    found = formats.printed(text)
    least: int | None = found.least
    total, is_constant = found.length, True
    for value in found.texts:
        tokens = call.argument(3 + value)
        if spelled(tokens) == spelled(call.argument(1)):
            return Rating(SecurityLevel.BLOCKS, "it reads what it writes over")
        known = call.scope.texts(tokens)
        if known is not None:
            lengths = [formats.length_of(each) for each in known]
            longest = None if None in lengths else max(each or 0 for each in lengths)
        else:
            size = call.scope.size_of(tokens, of_source=True)
            longest = size.elements - 1 if size is not None and size.elements else None
            is_constant = False
        total = total + longest if total is not None and longest is not None else None
        least = least + longest if least is not None and longest is not None else None
    if is_constant:
        return NOTHING
    if room is not None and room.elements is not None and least is not None:
        if total is not None and total < room.elements:
            return NOTHING
        if least < room.elements:
            return Rating(SecurityLevel.WARNS, "it fits if its numbers are short")
        return Rating(SecurityLevel.BLOCKS, f"up to {least} characters do not fit")
    measured = all(
        call.scope.texts(call.argument(3 + each)) is not None
        or is_length_checked(call.scope, call.argument(3 + each))
        for each in found.texts
    )
    return (
        Rating(SecurityLevel.WARNS, "the texts' lengths are looked at before")
        if measured
        else BLOCKS
    )


def scanf(position: int) -> CallRule:
    """scanf: each text that is read needs a width, and room for it."""

    def judge(call: Call) -> Rating:
        tokens = call.argument(position)
        texts = _format_texts(call, tokens) if tokens else None
        if texts is None:
            return BLOCKS
        read = call.scope.size_of(call.argument(1), of_source=True) if position == 2 else None
        for text in texts:
            for value, width in formats.bounds(text):
                room = call.scope.size_of(call.argument(position + 1 + value))
                if room is not None and room.elements and width and width >= room.elements:
                    return Rating(
                        SecurityLevel.BLOCKS, f"%{width}s needs {width + 1} characters of room"
                    )
            for value in formats.unbounded(text):
                room = call.scope.size_of(call.argument(position + 1 + value))
                if not _fits(room, read):
                    return Rating(SecurityLevel.BLOCKS, "a text is read without a width")
                return Rating(SecurityLevel.WARNS, "what is read is no longer than its room")
        return NOTHING

    return judge


def strncat(call: Call) -> Rating:
    """strncat: its bound is for what is added, not for the whole."""
    texts = call.scope.texts(call.argument(2))
    if texts is not None and all(formats.length_of(each) is not None for each in texts):
        return NOTHING
    words = [each.text for each in call.argument(3)]
    target = spelled(call.argument(1))
    inner = " ".join(word for word in words if word not in ("sizeof", "(", ")", "-", "1"))
    room, bound = call.scope.size_of(call.argument(1)), call.scope.names.number(call.argument(3))
    is_whole = room is not None and bound is not None and bound >= (room.elements or bound + 1)
    if is_whole or ("sizeof" in words and inner == target):
        return Rating(SecurityLevel.BLOCKS, "the bound is of what is added, not of the whole")
    return Rating(SecurityLevel.WARNS, "the bound is of what is added, not of the whole")


def command(call: Call) -> Rating:
    """system, popen, exec: a constant command is what its author wrote."""
    given = call.argument(2) if call.name == "ShellExecute" else call.argument(1)
    if call.scope.texts(given) is None:
        return BLOCKS
    for option, text in itertools.pairwise(call.arguments[1:]):
        if call.scope.texts(option) == ("-c",) and call.scope.texts(text) is None:
            return Rating(SecurityLevel.BLOCKS, "a shell is given a text that is not constant")
    return Rating(SecurityLevel.WARNS, "the command is constant")


def random(call: Call) -> Rating:
    """random() of POSIX takes nothing; Arduino's takes bounds and asks the chip's generator."""
    return NOTHING if call.name == "random" and call.arguments else Rating(SecurityLevel.WARNS)
