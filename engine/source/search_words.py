"""Words of a task, and whether texts have them; places of files that a text names."""

from __future__ import annotations

import bisect
import functools
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME = re.compile(r"\b(?=[A-Za-z_])\w{4,80}\b")
_PART = re.compile(r"\b(?=[A-Za-z]{1,8}[0-9])[A-Za-z0-9]{4,16}\b")
_PLACE = re.compile(
    r"(?<![\w./+-])([\w./+-]{1,200}\.[A-Za-z]\w{0,5})(?:(?::|\"?,? line )(\d{1,7}))?"
)
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """the and for with that this from into are not but has have when then than its was were
        does please should would could must can will make use used all any which what where how
        why file files code function add new get set int void char static const return include
        been being also only just after before again still even because while there they their
        them though although however very more most some such other same each both now once here
        did doing done shows shown seems happens instead without""",
    )
)
_AS_NAME = 3.0  # what an identifier is worth more than a word
_MAX_PLACES = 200  # places of files that are looked for
_LOOKED_AT = 200  # places of a text at which one word is looked for


def words_of(text: str) -> frozenset[str]:
    """The words of a text that tell something; ``readADC_raw`` has ``read``, ``adc``, ``raw``."""
    found = (match[0].lower() for match in _WORD.finditer(text))
    return frozenset(word for word in found if 2 < len(word) < 40 and word not in _COMMON)


def search_words_of(text: str) -> frozenset[str]:
    """What a task's text wants: its words, its identifiers as they are spelled, names of parts.

    A part is called ``LM75`` or ``bmp280``: its name is one word, whatever its case.
    """
    names = {each for each in _NAME.findall(text) if is_identifier(each)}
    parts = {each.lower() for each in _PART.findall(text)} - {"esp32", "esp8266"}
    return words_of(text) | names | parts


def words_in(text: str, words: Collection[str]) -> frozenset[str]:
    """Those of some words and identifiers that a text has.

    Words are found as :func:`words_of` would find them, and much quicker; identifiers as they are.
    """
    data = text.encode("utf-8", "replace")
    lower = data.lower()
    return frozenset(
        word
        for word in words
        if (
            _has_name(data, word.encode())
            if is_identifier(word)
            else _has(data, lower, word.encode())
        )
    )


def lines_with(text: str, words: Collection[str]) -> dict[int, int]:
    """How many of some words and identifiers lines have, from 1; lines with none are left out."""
    data = text.encode("utf-8", "replace")
    lower = data.lower()
    starts = [0, *(match.end() for match in re.finditer(b"\n", data))]
    found: dict[int, int] = {}
    for word in words:
        cased, wanted = is_identifier(word), word.encode()
        is_word = _is_spelled if cased else _is_word
        at, before = -1, 0
        for _ in range(_LOOKED_AT):
            at = (data if cased else lower).find(wanted, at + 1)
            if at < 0:
                break
            line = bisect.bisect_right(starts, at)
            if line != before and is_word(data, at, at + len(wanted)):
                found[line] = found.get(line, 0) + 1
                before = line
    return found


def rarity(wanted: Collection[str], texts: Sequence[Collection[str]]) -> Mapping[str, float]:
    """What a word is worth: the fewer texts have it, the more (inverse document frequency)."""
    return {
        word: math.log(1 + len(texts) / (1 + sum(word in words for words in texts)))
        * (_AS_NAME if is_identifier(word) else 1.0)
        for word in wanted
    }


def defined_in(text: str, words: Collection[str]) -> frozenset[str]:
    """Those of some identifiers that a text seems to define, as C, C++, Python and Rust do."""
    return frozenset(
        word for word in words if is_identifier(word) and word in text and _defines(text, word)
    )


def places_in(text: str) -> Iterator[tuple[str, int]]:
    """Files that a text names, as ``a.c``, ``main/a.c:3`` or ``"a.py", line 3``.

    Args:
        text: of a person, a compiler or a log. Untrusted.

    Returns:
        Each with its line, 0 where it has none.
    """
    for match in _PLACE.finditer(text):
        yield match[1].removeprefix("./"), int(match[2] or 0)


def lines_named(text: str, tracked: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """The tracked files that a text names, each with the lines that it names.

    Args:
        text: as :func:`places_in` has it.
        tracked: paths from the root of the repository.
    """
    by_name: dict[str, list[tuple[str, int]]] = {}
    for name, line in islice(places_in(text), _MAX_PLACES):
        by_name.setdefault(name.rpartition("/")[2], []).append((name, line))
    found: dict[str, set[int]] = {}
    for path in tracked if by_name else ():
        for name, line in by_name.get(path.rpartition("/")[2], ()):
            # A log names a file from where it was built, a person by its last folders.
            if f"/{path}".endswith(f"/{name}") or f"/{name}".endswith(f"/{path}"):
                found.setdefault(path, set()).update({line} - {0})
    return {path: frozenset(lines) for path, lines in found.items()}


@functools.lru_cache(maxsize=1024)
def is_identifier(word: str) -> bool:
    """Whether it is spelled as identifiers are, and words are not."""
    cased = word != word.lower() and not word.isupper() and not word[1:].islower()
    return "_" in word[1:-1] or cased


def _defines(text: str, name: str) -> bool:
    spelled = re.escape(name)
    head = rf"^(?:\w[^\n;{{}}()=]{{0,200}})?\b{spelled}[ \t]*\([^;\n]*$"
    other = rf"\b(?:def|fn|define)[ \t]+{spelled}\b"
    return re.search(f"{head}|{other}", text, re.MULTILINE) is not None


def _has_name(data: bytes, name: bytes) -> bool:
    return _occurs(data, name, lambda start, end: _is_spelled(data, start, end))


def _occurs(text: bytes, piece: bytes, is_whole: Callable[[int, int], bool]) -> bool:
    """Whether one of the first places of a piece is whole, as somebody judges its ends."""
    at = text.find(piece)
    for _ in range(_LOOKED_AT):
        if at < 0:
            return False
        if is_whole(at, at + len(piece)):
            return True
        at = text.find(piece, at + 1)
    return False


def _is_spelled(data: bytes, start: int, end: int) -> bool:
    """Whether a piece is a whole identifier."""
    around = data[start - 1 : start] if start else b"", data[end : end + 1]
    return not any(each.isalnum() or each == b"_" for each in around)


def _has(data: bytes, lower: bytes, word: bytes) -> bool:
    return _occurs(lower, word, lambda start, end: _is_word(data, start, end))


def _is_word(data: bytes, start: int, end: int) -> bool:
    """Whether a piece is a word as ``_WORD`` cuts them."""
    piece, before = data[start:end], data[start - 1 : start] if start else b""
    after, second = data[end : end + 1], data[end + 1 : end + 2]
    if piece.isdigit():
        return not before.isdigit() and not after.isdigit()
    if piece.islower():
        return not before.isalpha() and not after.islower()
    if piece[1:].islower():
        return not after.islower()
    if not piece.isupper() or before.isupper() or after.islower():
        return False
    return not after.isupper() or second.islower()
