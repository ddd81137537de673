"""What becomes of a call in C, by what its arguments are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.quality.c import formats
from engine.quality.c.length_checks import is_measured, is_printed_before
from engine.quality.c.names import Size, Texts
from engine.quality.c.place import Place
from engine.quality.c.source import Function, Source, Use, spelled, split
from engine.quality.c.tokens import Token
from engine.quality.security_levels import BLOCKS, NOTHING, Verdict, Word


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what is known where it stands."""

    place: Place
    name: str
    arguments: tuple[tuple[Token, ...], ...]

    def argument(self, position: int) -> Sequence[Token]:
        """An argument, from 1; empty where there are not so many."""
        return self.arguments[position - 1] if position <= len(self.arguments) else ()


Judge = Callable[[Call], Verdict]


def always(word: Word) -> Judge:
    """The same for every call."""
    return lambda call: Verdict(word)


def constant_format(position: int) -> Judge:
    """A format that is not constant, but the one that a function of the same kind was given."""

    def judge(call: Call) -> Verdict:
        tokens = call.argument(position)
        if not tokens or _format_texts(call, tokens) is not None or _is_handed_on(call, tokens):
            return NOTHING
        return BLOCKS

    return judge


def _format_texts(call: Call, tokens: Sequence[Token]) -> Texts | None:
    """The texts that a format may be; None where somebody else may choose it."""
    texts = call.place.texts(tokens)
    if texts is not None or len(tokens) != 1:
        return texts
    return _of_callers(call.place, tokens[0].text)


def _of_callers(place: Place, name: str) -> Texts | None:
    """What a static function is given as a parameter by all who call it: they are in its file."""
    function = place.function
    position = function.position(name) if function is not None else None
    if function is None or position is None or not function.is_static:
        return None
    key = "callers", function.first, name
    if key not in place.source.memo:
        place.source.memo[key] = _given_by_all(place, function, position)
    texts: Texts | None = place.source.memo[key]
    return texts


def _given_by_all(place: Place, function: Function, position: int) -> Texts | None:
    """What every caller of a function gives as a parameter, where that is constant."""
    found: list[str] = []
    for index in place.source.within(function.name, None):
        if _is_handed_out(place.source, index):
            return None
        if place.source.use(index) is not Use.CALL or place.source.function_at(index) is function:
            continue
        arguments = place.source.arguments(index) or []
        given = arguments[position] if position < len(arguments) else []
        texts = Place(place.names, place.source, index).texts(given)
        if texts is None:
            return None
        found += texts
    return tuple(dict.fromkeys(found)) or None


def _is_handed_out(source: Source, index: int) -> bool:
    """Whether a function is named without being called: others may call it then."""
    token = source.tokens[index]
    return not (token.dead or token.directive or source.text_at(index + 1) == "(")


def _is_handed_on(call: Call, tokens: Sequence[Token]) -> bool:
    """Whether it is the format of the function around it, whose callers choose it: a wrapper of
    printf. A compiler looks at those callers (``-Wformat-security``)."""
    function = call.place.function
    if [each.text for each in tokens[-4:]] == [".", "c_str", "(", ")"]:
        tokens = tokens[:-4]
    if function is None or not function.is_variadic or len(tokens) != 1:
        return False
    return function.position(tokens[0].text) is not None


def copy(call: Call) -> Verdict:
    """strcpy, strcat: the length is the source's."""
    target, source = call.argument(1), call.argument(2)
    place = call.place
    texts = place.texts(source)
    room = place.size_of(target)
    appends = "cat" in call.name.lower()
    if texts is not None:
        lengths = [formats.length_of(each) for each in texts]
        known = [each for each in lengths if each is not None]
        if room is not None and room.elements is not None and known and len(known) == len(lengths):
            if max(known) >= room.elements:
                return Verdict(Word.BLOCKS, f"{max(known)} characters do not fit")
            return NOTHING
        literal = len(known) == len(lengths)
        return NOTHING if literal else Verdict(Word.WARNS, "the source is a constant")
    begun = _begun(place, target) if appends else None
    if begun is not None:
        room, length = begun
        size = place.size_of(source, of_source=True)
        added = size.elements if size is not None else None
        if added and room.elements and length + added <= room.elements:
            return Verdict(Word.WARNS, "both parts have no more room than the target")
    if not appends and _fits(room, place.size_of(source, of_source=True)):
        return Verdict(Word.WARNS, "the source has no more room than the target")
    if is_measured(place, source, room):
        return Verdict(Word.WARNS, "the source's length is looked at before")
    return BLOCKS


def _begun(place: Place, target: Sequence[Token]) -> tuple[Size, int] | None:
    """The room of a target that ``strcpy(target, "x")`` has begun, and how much is in it."""
    if len(target) < 4 or target[0].text != "strcpy":
        return None
    arguments = split(target[2:]) or []
    if len(arguments) != 2:
        return None
    room, texts = place.size_of(arguments[0]), place.texts(arguments[1])
    lengths = [formats.length_of(each) for each in texts or ()]
    if room is None or not lengths or None in lengths:
        return None
    return room, max(each or 0 for each in lengths)


def _fits(target: Size | None, source: Size | None) -> bool:
    return target is not None and source is not None and target.holds(source)


def sprintf(call: Call) -> Verdict:
    """sprintf: a constant format says how much it writes at most."""
    tokens = call.argument(2)
    if is_printed_before(call.place):
        return Verdict(Word.WARNS, "the length is asked for before")
    if call.name.startswith("v") or call.name.startswith("_v"):
        return BLOCKS
    texts = _format_texts(call, tokens) if tokens else None
    if texts is None:
        return BLOCKS
    place = call.place
    room = place.size_of(call.argument(1))
    verdicts = [_printed(call, each, room) for each in texts]
    order = list(Word)
    return min(verdicts, key=lambda each: order.index(each.word))


def _printed(call: Call, text: str, room: Size | None) -> Verdict:
    found = formats.printed(text)
    least: int | None = found.least
    total, is_constant = found.length, True
    for value in found.texts:
        tokens = call.argument(3 + value)
        if spelled(tokens) == spelled(call.argument(1)):
            return Verdict(Word.BLOCKS, "it reads what it writes over")
        known = call.place.texts(tokens)
        if known is not None:
            lengths = [formats.length_of(each) for each in known]
            longest = None if None in lengths else max(each or 0 for each in lengths)
        else:
            size = call.place.size_of(tokens, of_source=True)
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
            return Verdict(Word.WARNS, "it fits if its numbers are short")
        return Verdict(Word.BLOCKS, f"up to {least} characters do not fit")
    measured = all(
        call.place.texts(call.argument(3 + each)) is not None
        or is_measured(call.place, call.argument(3 + each))
        for each in found.texts
    )
    return Verdict(Word.WARNS, "the texts' lengths are looked at before") if measured else BLOCKS


def scanf(position: int) -> Judge:
    """scanf: each text that is read needs a width, and room for it."""

    def judge(call: Call) -> Verdict:
        tokens = call.argument(position)
        texts = _format_texts(call, tokens) if tokens else None
        if texts is None:
            return BLOCKS
        read = call.place.size_of(call.argument(1), of_source=True) if position == 2 else None
        for text in texts:
            for value, width in formats.bounds(text):
                room = call.place.size_of(call.argument(position + 1 + value))
                if room is not None and room.elements and width and width >= room.elements:
                    return Verdict(Word.BLOCKS, f"%{width}s needs {width + 1} characters of room")
            for value in formats.unbounded(text):
                room = call.place.size_of(call.argument(position + 1 + value))
                if not _fits(room, read):
                    return Verdict(Word.BLOCKS, "a text is read without a width")
                return Verdict(Word.WARNS, "what is read is no longer than its room")
        return NOTHING

    return judge


def strncat(call: Call) -> Verdict:
    """strncat: its bound is for what is added, not for the whole."""
    texts = call.place.texts(call.argument(2))
    if texts is not None and all(formats.length_of(each) is not None for each in texts):
        return NOTHING
    words = [each.text for each in call.argument(3)]
    target = spelled(call.argument(1))
    inner = " ".join(word for word in words if word not in ("sizeof", "(", ")", "-", "1"))
    room, bound = call.place.size_of(call.argument(1)), call.place.names.number(call.argument(3))
    is_whole = room is not None and bound is not None and bound >= (room.elements or bound + 1)
    if is_whole or ("sizeof" in words and inner == target):
        return Verdict(Word.BLOCKS, "the bound is of what is added, not of the whole")
    return Verdict(Word.WARNS, "the bound is of what is added, not of the whole")


def command(call: Call) -> Verdict:
    """system, popen, exec: a constant command is what its author wrote."""
    given = call.argument(2) if call.name == "ShellExecute" else call.argument(1)
    if call.place.texts(given) is None:
        return BLOCKS
    for option, text in itertools.pairwise(call.arguments[1:]):
        if call.place.texts(option) == ("-c",) and call.place.texts(text) is None:
            return Verdict(Word.BLOCKS, "a shell is given a text that is not constant")
    return Verdict(Word.WARNS, "the command is constant")


def random(call: Call) -> Verdict:
    """random() of POSIX takes nothing; Arduino's takes bounds and asks the chip's generator."""
    return NOTHING if call.name == "random" and call.arguments else Verdict(Word.WARNS)
