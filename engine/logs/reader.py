"""Reads the log of a workspace back: its last records over all of its files, and what comes.

Both forms of :mod:`engine.logs.formats` are read, in any mixture, and the form of versions before.
What is in a log is untrusted: builds can write into the workspace. Lines of no form, as of a
traceback, belong to the record before them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from engine.cancel import CancelToken
from engine.errors import CancelledError, UsageError
from engine.files import explain, open_file
from engine.logs.formats import INDENT
from engine.logs.log_file import older_files

FOLLOW_SECONDS = 0.5
"""Seconds between two looks for new records."""

_BLOCK_BYTES = 1 << 16
_MAX_LINE_BYTES = 1 << 20
_MAX_TRACEBACK_LINES = 1000
_MAX_FIELDS = 64
_LEVELS = logging.getLevelNamesMapping()
_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([A-Z]+) ([^\[\]\s]*)\[(\d{1,10})\]: (.*)"
)
_EARLIER_TEXT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) ([A-Z]+) ([^\s:]+): (.*)")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of a log. All texts are untrusted.

    Args:
        time: when, in UTC.
        level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        logger: the part of espdeck, or the library, that says it.
        message: one line; of a log of text, with the values of ``extra`` at its end.
        pid: the process that says it, 0 where the log does not tell.
        extra: what else is known of it, as ``run``; of a log of JSON.
        traceback: lines of what was raised, empty for nothing.
    """

    time: datetime
    level: str
    logger: str
    message: str
    pid: int
    extra: dict[str, Any] = field(default_factory=dict)
    traceback: str = ""

    def json(self) -> str:
        """The record as one line of JSON, whatever form it was written in."""
        time = self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields: dict[str, Any] = {"time": time, "level": self.level, "logger": self.logger}
        fields |= {"message": self.message, "pid": self.pid} | self.extra
        if self.traceback:
            fields["traceback"] = self.traceback
        return json.dumps(fields)


@dataclass(frozen=True, slots=True)
class LogSelection:
    """Which records are wanted.

    Args:
        since: none that is older; None for any.
        level: none that is less, as ``warning``.
    """

    since: datetime | None = None
    level: str = "debug"

    def has(self, record: LogRecord) -> bool:
        """Whether a record is wanted."""
        is_late = self.since is None or record.time >= self.since
        return is_late and _LEVELS.get(record.level, 0) >= _LEVELS[self.level.upper()]


ALL_RECORDS = LogSelection()


def read_logs(path: Path, last: int, selection: LogSelection = ALL_RECORDS) -> list[LogRecord]:
    """The last records of a log, oldest first; none where there is no log.

    Args:
        path: the newest file of the log.
        last: how many at the most.

    Raises:
        UsageError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(file) for file in _open_all(path)]
        return _last_records(files, [_whole_size(file) for file in files], last, selection)


def follow_logs(
    path: Path,
    last: int,
    selection: LogSelection = ALL_RECORDS,
    *,
    cancel: CancelToken,
    interval: float = FOLLOW_SECONDS,
) -> Iterator[LogRecord]:
    """The last records of a log, and then each new one as it comes, whatever file it comes in.

    Args:
        path: the newest file of the log; it may be absent as yet.
        last: how many of those that are there, at the most.
        cancel: ends it; that is no error.
        interval: seconds between two looks.

    Raises:
        UsageError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        tail = stack.enter_context(_Tail(path))
        files = _open_all(path)
        for file in files:
            stack.callback(file.close)
        ends = [_whole_size(file) for file in files]
        yield from _last_records(files, ends, last, selection)
        if files:
            files[0].seek(ends[0])
            tail.add(files[0])
        while not cancel.stopped:
            for record in _records(tail.read()):
                if selection.has(record):
                    yield record
            with contextlib.suppress(CancelledError):
                cancel.wait(interval)


class _Tail:
    """What is written to a log from now on, by whole lines.

    The last two files stay open: a process may write to one that was renamed a moment ago.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: list[BinaryIO] = []
        self._parts: dict[BinaryIO, bytes] = {}

    def __enter__(self) -> _Tail:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def add(self, file: BinaryIO) -> None:
        """Read on in a newer file, and close it in the end."""
        self._files.append(file)
        self._parts[file] = b""

    def read(self) -> list[bytes]:
        """Lines that are new."""
        known = [os.fstat(file.fileno()) for file in self._files]
        newer = []
        for file in _open_all(self._path):
            if any(os.path.samestat(os.fstat(file.fileno()), each) for each in known):
                file.close()
                break
            newer.append(file)
        for file in reversed(newer):
            self.add(file)
        lines = [line for file in self._files for line in self._lines(file)]
        for file in self._files[:-2]:
            file.close()
            del self._parts[file]
        del self._files[:-2]
        return lines

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)  # somebody emptied it
        while block := file.read(_BLOCK_BYTES):
            *lines, rest = (self._parts[file] + block).split(b"\n")
            self._parts[file] = rest[:_MAX_LINE_BYTES]
            yield from lines


def _open_all(path: Path) -> list[BinaryIO]:
    """All files of a log, the newest first. It may be renamed meanwhile: each is there once.

    Raises:
        UsageError: one cannot be read.
    """
    files: list[BinaryIO] = []
    try:
        with contextlib.suppress(FileNotFoundError):
            files.append(open_file(path))
        with contextlib.suppress(FileNotFoundError):
            for _, older in reversed(older_files(path)):
                with contextlib.suppress(FileNotFoundError):
                    file = open_file(older)
                    own = os.fstat(file.fileno())
                    if any(os.path.samestat(own, os.fstat(each.fileno())) for each in files):
                        file.close()
                    else:
                        files.append(file)
    except OSError as error:
        for each in files:
            each.close()
        raise UsageError(explain(error, path)) from error
    return files


def _last_records(
    files: list[BinaryIO], ends: list[int], last: int, selection: LogSelection
) -> list[LogRecord]:
    """The last records of files, newest first, each read up to its end; oldest first."""
    found: list[LogRecord] = []
    for file, end in zip(files, ends, strict=True):
        written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        if len(found) >= last or (selection.since is not None and written < selection.since):
            break
        for record in _records_backwards(file, end):
            if selection.has(record):
                found.append(record)
                if len(found) >= last:
                    break
    return found[::-1]


def _records(lines: Iterable[bytes]) -> Iterator[LogRecord]:
    """Records of lines in the order in which they were written."""
    record: LogRecord | None = None
    more: list[str] = []
    for line in lines:
        new = parse_line(line)
        if new is None:
            more.append(_text_of(line))
            continue
        if record is not None:
            yield _with_traceback(record, more)
        record, more = new, []
    if record is not None:
        yield _with_traceback(record, more)


def _records_backwards(file: BinaryIO, end: int) -> Iterator[LogRecord]:
    more: list[str] = []
    for line in _lines_backwards(file, end):
        record = parse_line(line)
        if record is None:
            more.append(_text_of(line))
            continue
        yield _with_traceback(record, more[::-1])
        more = []


def _with_traceback(record: LogRecord, lines: list[str]) -> LogRecord:
    lines = [line for line in lines if line][:_MAX_TRACEBACK_LINES]
    if not lines:
        return record
    below = "\n".join(lines)
    return replace(record, traceback=f"{record.traceback}\n{below}".lstrip("\n"))


def _text_of(line: bytes) -> str:
    return line.decode("utf-8", "replace").removeprefix(INDENT)


def _whole_size(file: BinaryIO) -> int:
    """Bytes up to the end of the last line that is whole."""
    end = size = file.seek(0, os.SEEK_END)
    while end > max(0, size - _MAX_LINE_BYTES):
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return end


def _lines_backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    rest = b""
    while end > 0:
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        rest, *lines = (file.read(end - begin) + rest).split(b"\n")
        rest = rest[:_MAX_LINE_BYTES]
        end = begin
        yield from reversed(lines)
    yield rest


def parse_line(line: bytes) -> LogRecord | None:
    """The record that a line of a log begins; None where it begins none."""
    text = line.decode("utf-8", "replace")
    try:
        if text.startswith("{"):
            return _from_json(json.loads(text))
        if found := _TEXT.fullmatch(text):
            time, level, logger, pid, message = found.groups()
            return LogRecord(datetime.fromisoformat(time), level, logger, message, int(pid))
        if found := _EARLIER_TEXT.fullmatch(text):
            time, millis, level, logger, message = found.groups()
            at = datetime.fromisoformat(f"{time}.{millis}").astimezone(UTC)
            return LogRecord(at, level, logger, message, 0)
    except (ValueError, OverflowError, RecursionError, OSError):
        pass  # no date, no JSON, or JSON that is too deep
    return None


def _from_json(fields: dict[str, Any]) -> LogRecord | None:
    texts = [fields.pop(name, None) for name in ("time", "level", "logger", "message")]
    time, level, logger, message = (each if isinstance(each, str) else "" for each in texts)
    pid, traceback = fields.pop("pid", 0), fields.pop("traceback", "")
    if not time or not level:
        return None
    at = datetime.fromisoformat(time)
    return LogRecord(
        at.astimezone(UTC),
        level,
        logger,
        message,
        pid if isinstance(pid, int) else 0,
        dict(list(fields.items())[:_MAX_FIELDS]),
        traceback if isinstance(traceback, str) else "",
    )
