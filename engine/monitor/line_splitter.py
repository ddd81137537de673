r"""What ends a line of a console: one rule for all who read one.

``\n``, ``\r\n``, ``\r\r\n`` and ``\n\r`` end a line. ``\r`` followed by other text either ends a
line as well, of firmware that ends them so (``CONFIG_LIBC_STDOUT_LINE_ENDING_CR``), or goes back
to draw over it, as a progress bar does. What stood there when a ``\r`` came is a *state* of the
line:

- Who looks for words (expectations, panics, resets, test results) gets every state as soon as it is
  over: :class:`StateCutter`. So does a session's log: :class:`RowCutter`.
- Who shows or filters lines gets the last state: :class:`LineCutter`. A state is drawn over when an
  erase sequence of ECMA-48 (``EL``, ``ED``) says so, or when the next has the same words and only
  other numbers, bars or dots. A log line of ESP-IDF, and other words, begin a line of their own.

Lines come as a person reads them, without control sequences (:func:`engine.text.plain`); bytes that
are not UTF-8 become U+FFFD. However the bytes are cut into chunks, the lines are the same.
"""

from __future__ import annotations

import codecs
import re

from engine.monitor.log_lines import parse_log_line
from engine.text import plain

MAX_LINE_BYTES = 4096
"""Bytes of a line without an end after which it is cut."""

_MAX_CHARACTER_BYTES = 4  # bytes of one in UTF-8
_END = re.compile(rb"[\r\n]")
_ERASES = re.compile(rb"(?:\x1b\[|\xc2\x9b)[0-2]?[KJ]")
_BEGUN = re.compile(
    rb"""
    (?P<csi>\x1b\[|\xc2\x9b)[0-?]*[ -/]*$
  | (?P<string>\x1b[\]PX^_]|\xc2[\x90\x98\x9d-\x9f])(?:(?!\xc2\x9c)[^\x07\x1b])*$
  | (?P<escape>\x1b)[ -/]*$
    """,
    re.VERBOSE,
)
_SGR = re.compile(rb"\x1b\[([0-9;]{0,32})m")
_WORD = re.compile(r"[^\W\d_]+")


class ColouredLine(str):
    """A line of which firmware wrote something in a colour."""

    colour = ""
    """Parameter of ECMA-48's SGR for the first foreground colour that something is written in."""


class StateCutter:
    """Every text that stood on a line of a console, as soon as it is over; none is empty."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def rest(self) -> str:
        """The text that has begun and is not over, such as a prompt."""
        return _begun(self._rest)

    @property
    def is_between(self) -> bool:
        """Whether no line has begun."""
        return not self._rest

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes; what they ended."""
        whole = (self._rest + data).splitlines()
        rest = whole.pop() if whole and not data.endswith((b"\r", b"\n")) else b""
        states: list[str] = []
        for row in whole:
            if len(row) > MAX_LINE_BYTES:
                pieces, row = _cut_long(row)
                states += map(_text, pieces)
            states.append(_text(row))
        pieces, self._rest = _cut_long(rest)
        states += map(_text, pieces)
        return list(filter(None, states))

    def flush(self) -> list[str]:
        """Nothing more comes: what has begun is over."""
        text, self._rest = _text(self._rest), b""
        return [text] if text else []


class RowCutter:
    r"""The states of lines as bytes, a ``\r`` that ended one with it, and empty lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_after_return = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; the rows that they ended."""
        data = self._rest + data
        if not self._is_after_return and data.count(b"\r") == data.count(b"\r\n"):
            *found, rest = data.split(b"\n")
        else:
            found, rest = self._pieces(data)
        last = max(0, len(rest) - 1) // MAX_LINE_BYTES * MAX_LINE_BYTES
        found += (rest[at : at + MAX_LINE_BYTES] for at in range(0, last, MAX_LINE_BYTES))
        self._rest = rest[last:]
        return found

    @property
    def is_between(self) -> bool:
        """Whether no row has begun."""
        return not self._rest

    def flush(self) -> list[bytes]:
        """Nothing more comes: what has begun is a row."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []

    def _pieces(self, data: bytes) -> tuple[list[bytes], bytes]:
        found, at = [], 0
        for ended in _END.finditer(data):
            row, end, at = data[at : ended.start()], ended[0], ended.end()
            if end == b"\r":
                if row:
                    found.append(row + end)
                    self._is_after_return = True
            elif row or not self._is_after_return:
                found.append(row)
                self._is_after_return = False
            else:
                self._is_after_return = False
        return found, data[at:]


class LineCutter:
    """The lines of a console as a person reads them, each as soon as it is known to be whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._state: str | None = None  # a \r ended it; what comes next may draw over it
        self._is_erased = False
        self._return_ends = False  # whether a \r ended a line the last time
        self._was_early = False  # settle gave a line whose \n may yet come

    @property
    def rest(self) -> str:
        """The line that has begun and is not known to be whole, such as a prompt."""
        return _begun(self._rest) or self._state or ""

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes; the lines that are whole now."""
        data = self._rest + data
        lines: list[str] = []
        if self._state is None and not self._was_early and _has_no_lone_return(data):
            *whole, rest = data.split(b"\n")
            for row in whole:
                row = row.removesuffix(b"\r")
                if len(row) > MAX_LINE_BYTES:
                    row = self._cut(row, lines)
                lines.append(_line(row))
        else:
            at = 0
            for ended in _END.finditer(data):
                self._take(data[at : ended.start()], ended[0], lines)
                at = ended.end()
            rest = data[at:]
        self._rest = self._cut(rest, lines)
        return lines

    @property
    def is_redrawn(self) -> bool:
        r"""Whether a ``\r`` ended the line that has begun, so that it may be drawn over."""
        return self._state is not None

    def settle(self) -> list[str]:
        r"""Nothing came for a while: the lines that are whole as things stand.

        A ``\r`` ends a line at once where it did so the last time; else it may be a progress bar's.
        """
        if self._state is None:
            return []
        begun = _begun(self._rest)
        if begun and self._draws_over(begun, self._rest):
            return []
        if not begun and not self._return_ends:
            return []
        self._was_early = not begun
        line, self._state = self._state, None
        return [line]

    def flush(self) -> list[str]:
        """Nothing more comes: what has begun is whole."""
        lines: list[str] = []
        rest, self._rest = self._rest, b""
        if _text(rest) or self._state is not None:
            self._take(rest, b"\n", lines)
        return lines

    def _cut(self, row: bytes, lines: list[str]) -> bytes:
        pieces, row = _cut_long(row)
        for piece in pieces:
            if text := _line(piece):
                self._end_state(text, piece, lines)
                lines.append(text)
        return row

    def _take(self, row: bytes, end: bytes, lines: list[str]) -> None:
        row = self._cut(row, lines)
        text = _line(row)
        if text:
            self._was_early = False
            self._end_state(text, row, lines)
            if end == b"\n":
                lines.append(text)
            else:
                self._state, self._is_erased = text, _ERASES.search(row) is not None
        elif end == b"\r":
            self._is_erased |= _ERASES.search(row) is not None
        elif self._state is not None:
            lines.append(self._state)
            self._state = None
        elif self._was_early:
            self._was_early = False
        else:
            lines.append("")

    def _end_state(self, text: str, row: bytes, lines: list[str]) -> None:
        """Other text comes to stand where a state stands."""
        if self._state is None:
            return
        self._return_ends = not self._draws_over(text, row)
        if self._return_ends:
            lines.append(self._state)
        self._state = None

    def _draws_over(self, text: str, row: bytes) -> bool:
        before = self._state or ""
        if self._is_erased or _ERASES.search(row):
            return True
        if parse_log_line(before) is not None or parse_log_line(text) is not None:
            return False
        words = _words(before)
        if words != _words(text):
            return False
        return bool(words) or (_is_bar(before) and _is_bar(text))


def _cut_long(row: bytes) -> tuple[list[bytes], bytes]:
    """Cut a row into pieces of at most :data:`MAX_LINE_BYTES` bytes.

    A control sequence that is cut goes on in the next piece, so that none of it is taken for text.

    Returns:
        The pieces before the last, and the last.
    """
    pieces = []
    at, lead = 0, b""  # what was cut off already; what the next piece begins with instead
    while len(lead) + len(row) - at > MAX_LINE_BYTES:
        piece = lead + row[at : at + MAX_LINE_BYTES + 1 - len(lead)]
        end = MAX_LINE_BYTES
        while end > MAX_LINE_BYTES - _MAX_CHARACTER_BYTES and 0x80 <= piece[end] < 0xC0:
            end -= 1
        at += end - len(lead)
        begun = _begun_sequence(piece[:end])
        if begun is None:
            pieces.append(piece[:end])
            lead = b""
        else:
            pieces.append(piece[: begun.start()])
            lead = begun["csi"] or begun["string"] or begun["escape"]
    return pieces, lead + row[at:]


def _begun_sequence(piece: bytes) -> re.Match[bytes] | None:
    """The control sequence in which a piece ends."""
    for introducer in (b"\x1b", b"\xc2"):
        at = piece.rfind(introducer)
        if at >= 0 and (found := _BEGUN.match(piece, at)):
            return found
    return None


def _has_no_lone_return(data: bytes) -> bool:
    return data.count(b"\r") == data.count(b"\r\n")


def _text(row: bytes) -> str:
    return plain(row.decode("utf-8", "replace"))


def _line(row: bytes) -> str:
    """The line of a row, with its colour where it has one."""
    text = _text(row)
    colour = _colour(row) if b"\x1b[" in row else ""
    if not colour:
        return text
    line = ColouredLine(text)
    line.colour = colour
    return line


def _colour(row: bytes) -> str:
    colour, ends = "", 0
    for found in _SGR.finditer(row):
        if colour and found.start() > ends:
            return colour
        ends = found.end()
        numbers = found[1].split(b";")
        if numbers[0] in (b"", b"0", b"39"):
            colour = ""
        # 38 and 48 begin a colour by number, which says nothing to a terminal of 16 colours.
        for number in () if {b"38", b"48"} & {*numbers} else numbers:
            if len(number) == 2 and number[:1] in b"39" and number[1:] in b"01234567":
                colour = number.decode()
    return colour if ends < len(row.rstrip()) else ""


def _begun(row: bytes) -> str:
    return plain(codecs.utf_8_decode(row, "replace", False)[0]) if row else ""


def _words(text: str) -> list[str]:
    """The words of a text, without those that have a number in them."""
    return [
        word
        for part in text.split()
        if not any(character.isdigit() for character in part)
        for word in _WORD.findall(part)
    ]


def _is_bar(text: str) -> bool:
    """Whether a text without words looks like a progress bar or a spinner."""
    return "%" in text or not any(character.isdigit() for character in text)
