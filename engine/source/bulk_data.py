"""What no model needs to see of a text: tables of numbers, certificates, lines without end.

Fonts, images, web pages as arrays and look-up tables fill whole files, and parts of others. They
are found by content: lines in a row that are mostly number literals, PEM blocks (RFC 7468) as they
are and as C strings, and lines that no person reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.source.functions import functions_of
from engine.text import count

MIN_TABLE_NUMBERS = 120
"""Numbers in a row that are a table, if they have lines or characters enough."""

MIN_TABLE_LINES = 24
"""Lines of them."""

MIN_TABLE_CHARACTERS = 2000
"""Characters of them, however few their lines are."""

MAX_LINE_CHARACTERS = 2000
"""Characters of the longest line that is shown."""

_TABLE_FRACTION = 0.7  # part of a file that tables and certificates have when it is one
_MIN_FILE_CHARACTERS = 1500  # characters: a smaller file is no table, whatever it has
_SUSPECT_FRACTION = (
    0.42  # part that is left of a text without numbers, above which no table can be most
)
_MINIFIED_LINE_CHARACTERS = 400  # characters of a mean line that no person wrote
_HEAD_CHARACTERS, _HEAD_LINES = 2000, 15
_MAX_GAP_LINES = 2  # lines without numbers that a table may have between those that have some
_NUMBER = re.compile(
    r"(?<![\w.])-?(?:0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+(?:\.[0-9]*)?)[uUlLfF]{0,3}(?![\w.])"
)
_ESCAPE = re.compile(r"\\x[0-9A-Fa-f]{2}|\\[0-7]{3}")
_WORD = re.compile(r"(?<![\w\\])[A-Za-z_]\w*")
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|//.*")
_DIGITS = b"0123456789abcdefABCDEFxXuUlL\\,.{}()-+ \t\r\n"
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")
_MADE = re.compile(
    r"""\bdo\ not\ (?:edit|modify)\b(?!\s+(?:below|above|beyond|after|anything|between|propert))
    | @generated\b
    | \b(?:this|the)\ (?:\w+\ )?(?:file|code|header|source|font|image|table|module)\b
      \ (?:(?:is|was|were|has\ been)\ )?(?:auto(?:matically)?[-\ ]?)?generated\b
    | ^\W*(?:auto(?:matically)?[-\ ]?generated|generated\ (?:by|from|using|with|on))\b""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_COMMENTED = re.compile(r"^\s*(?:/[/*]|\*|#(?!\s*(?:include|define|if|pragma))|;|--|<!--|\"\"\")")


class BulkKind(StrEnum):
    """What is not shown, spelled as people see it."""

    NUMBERS = "numbers"
    CERTIFICATE = "a certificate or key"
    LONG = "a very long line"


@dataclass(frozen=True, slots=True)
class Table:
    """Lines that are not shown, from 1.

    Args:
        first, last: of them.
        what: they are.
        numbers: how many they have.
    """

    first: int
    last: int
    what: BulkKind
    numbers: int = 0

    @property
    def description(self) -> str:
        """What it is, in a few words."""
        if self.what is BulkKind.NUMBERS:
            return count(self.numbers, "number")
        return str(self.what)


def tables_of(text: str) -> tuple[Table, ...]:
    """The lines of a text that are tables, certificates and endless, in order. Linear."""
    rows = text.split("\n")
    found = list(_certificates(rows))
    for look_for in (_long, _numbers):
        taken = {line for each in found for line in range(each.first, each.last + 1)}
        found += look_for(rows, taken)
    return tuple(sorted(found, key=lambda each: each.first))


def is_numbers(text: str) -> bool:
    """Whether most of a text's lines are numbers, such as those of a change of a font."""
    return _most(text, [each for each in tables_of(text) if each.what is BulkKind.NUMBERS])


def exposure_refusal(path: str, text: str) -> str | None:
    """Why a file is nothing that a person wrote, None when nothing in it says so.

    What has functions beside its tables is a source with tables in it.
    """
    head = "\n".join(
        line for line in text[:_HEAD_CHARACTERS].split("\n")[:_HEAD_LINES] if _COMMENTED.match(line)
    )
    if _MADE.search(head):
        return "generated, as its head says"
    if not _may_be_table(text):
        return None
    tables = tables_of(text)
    if not _most(text, tables) or functions_of(path, text):
        return None
    numbers = sum(each.numbers for each in tables)
    kinds = {each.what for each in tables}
    if BulkKind.NUMBERS in kinds or numbers:
        return f"a table of {count(numbers, 'number')}"
    return "certificates or keys" if BulkKind.CERTIFICATE in kinds else "minified"


def _may_be_table(text: str) -> bool:
    """Whether a text has what a table has; quick, as every file is asked."""
    if len(text) < _MIN_FILE_CHARACTERS:
        return "-----BEGIN " in text
    if "-----BEGIN " in text or len(text) > _MINIFIED_LINE_CHARACTERS * (text.count("\n") + 1):
        return True
    data = text.encode("utf-8", "replace")
    return len(data.translate(None, _DIGITS)) < _SUSPECT_FRACTION * len(data)


def _most(text: str, tables: list[Table] | tuple[Table, ...]) -> bool:
    rows = text.split("\n")
    size = sum(len(row) + 1 for each in tables for row in rows[each.first - 1 : each.last])
    return bool(tables) and size >= _TABLE_FRACTION * len(text)


def _certificates(rows: list[str]) -> Iterator[Table]:
    first = 0
    for line, row in enumerate(rows, 1):
        if not first and "-----BEGIN " in row and _BEGIN.search(row):
            first = line
        if first and "-----END " in row and _END.search(row):
            yield Table(first, line, BulkKind.CERTIFICATE)
            first = 0


def _long(rows: list[str], taken: set[int]) -> Iterator[Table]:
    for line, row in enumerate(rows, 1):
        if len(row) > MAX_LINE_CHARACTERS and line not in taken:
            numbers, words = _counts(row)
            many = numbers > words
            yield Table(
                line, line, BulkKind.NUMBERS if many else BulkKind.LONG, numbers if many else 0
            )


def _numbers(rows: list[str], taken: set[int]) -> Iterator[Table]:
    """Runs of lines with numbers that are long enough."""
    first = last = numbers = size = 0

    def run() -> Iterator[Table]:
        if numbers >= MIN_TABLE_NUMBERS and (
            last - first + 1 >= MIN_TABLE_LINES or size >= MIN_TABLE_CHARACTERS
        ):
            yield Table(first, last, BulkKind.NUMBERS, numbers)

    for line, row in enumerate(rows, 1):
        found, words = (0, 1) if line in taken else _counts(row)
        inside = bool(first) and line not in taken
        if (found >= 4 and words <= found) or (inside and found and not words):
            if not first:
                first, numbers, size = line, 0, 0
            last, numbers, size = line, numbers + found, size + len(row) + 1
        elif first and (line in taken or line - last > _MAX_GAP_LINES):
            yield from run()
            first = 0
    if first:
        yield from run()


def _counts(row: str) -> tuple[int, int]:
    """How many numbers a line has, and how many words that are no comment's."""
    if not any(map(str.isdigit, row[:MAX_LINE_CHARACTERS])) and "\\x" not in row:
        return 0, 1
    code = _COMMENT.sub(" ", row) if "/" in row else row
    escapes = len(_ESCAPE.findall(code)) if "\\" in code else 0
    if escapes:
        return escapes, len(_WORD.findall(_ESCAPE.sub(" ", code)))
    return len(_NUMBER.findall(code)), len(_WORD.findall(code))
