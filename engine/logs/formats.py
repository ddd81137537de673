"""How a record of :mod:`logging` is written: as a line of text, or as a line of JSON.

A record is one line, whatever is in it, so that none can be forged; only the traceback of a text
record takes lines of its own, each of them indented. Neither form holds a control character: a
log can be printed on a terminal. Secrets are hidden (:mod:`engine.logs.secrets`).

Times are UTC, ISO 8601. JSON has ``time``, ``level``, ``logger``, ``message``, ``pid``, then
what the caller gave as ``extra`` (``run``, ``project``, ``check`` ...), and ``traceback`` for what
was raised.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime

from engine.text import escape

INDENT = "    "
"""What each line of a traceback begins with in a log of text."""

MAX_MESSAGE_CHARACTERS = 8192
MAX_EXTRA_CHARACTERS = 1024
MAX_TRACEBACK_CHARACTERS = 16384

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OWN = ("time", "level", "logger", "message", "pid", "traceback")
_MAX_EXTRAS = 32

Extra = str | int | float | bool | None


class JsonFormat(logging.Formatter):
    """One object a line, in ASCII.

    Args:
        hide: takes secrets out of a text.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        super().__init__()
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        fields: dict[str, Extra] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record, self._hide),
            "pid": record.process,
        }
        fields |= _extras(record, self._hide)
        if trace := _traceback(record, self._hide):
            fields["traceback"] = trace
        return json.dumps(fields).replace("\x7f", "\\u007f")


class TextFormat(logging.Formatter):
    """``TIME LEVEL LOGGER[PID]: MESSAGE (NAME=VALUE ...)``, and a traceback below it.

    Args:
        hide: takes secrets out of a text.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        super().__init__()
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of text; lines of a traceback follow, indented."""
        head = f"{_time(record)} {record.levelname} {escape(record.name)}[{record.process}]: "
        line = head + escape(_message(record, self._hide))
        extras = [f"{name}={value}" for name, value in _extras(record, self._hide).items()]
        if extras:
            line += f" ({escape(' '.join(extras))})"
        below = _traceback(record, self._hide).splitlines()
        return "\n".join([line, *(INDENT + escape(each) for each in below)])


def _time(record: logging.LogRecord) -> str:
    try:
        at = datetime.fromtimestamp(record.created, UTC)
    except (OverflowError, ValueError, OSError):  # a clock that nobody can have
        at = datetime.fromtimestamp(0, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord, hide: Callable[[str], str]) -> str:
    try:
        text = record.getMessage()
    except Exception:  # arguments that do not fit: the record is worth more than its form
        text = f"{record.msg!s} {record.args!r}"
    return _cut(hide(text), MAX_MESSAGE_CHARACTERS)


def _extras(record: logging.LogRecord, hide: Callable[[str], str]) -> dict[str, Extra]:
    """What the caller gave as ``extra``, as far as it is a plain value."""
    found: dict[str, Extra] = {}
    for name, value in vars(record).items():
        if name in _STANDARD or name in _OWN or name.startswith("_"):
            continue
        if isinstance(value, str):
            found[name] = _cut(hide(str(value)), MAX_EXTRA_CHARACTERS)
        elif isinstance(value, float) and not math.isfinite(value):
            found[name] = str(value)
        elif value is None or isinstance(value, int | float):
            found[name] = value
        if len(found) == _MAX_EXTRAS:
            break
    return found


def _traceback(record: logging.LogRecord, hide: Callable[[str], str]) -> str:
    text = record.exc_text or ""
    if record.exc_info and not text:
        text = logging.Formatter().formatException(record.exc_info)
    if record.stack_info:
        text = f"{text}\n{record.stack_info}" if text else record.stack_info
    text = hide(text)
    if len(text) <= MAX_TRACEBACK_CHARACTERS:
        return text
    head = MAX_TRACEBACK_CHARACTERS // 4  # the end says more: what was raised, and where
    return f"{text[:head]}\n...\n{text[head - MAX_TRACEBACK_CHARACTERS :]}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
