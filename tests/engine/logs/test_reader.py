"""The log of a workspace read back: both forms, all files, and what comes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import UsageError
from engine.logs.formats import JsonFormat, TextFormat
from engine.logs.log_file import LogFileHandler
from engine.logs.reader import (
    LogRecord,
    LogSelection,
    follow_logs,
    parse_line,
    read_logs,
)
from engine.logs.secrets import SecretFilter

AT = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def line(number: int, level: str = "INFO", *, minutes: int = 0) -> str:
    at = (AT + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"{at} {level} espdeck.daemon[7]: line {number}\n"


def messages(records: list[LogRecord]) -> list[str]:
    return [each.message for each in records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "espdeck.log"


def writer(path: Path, *, max_bytes: int = 1 << 20) -> LogFileHandler:
    made = LogFileHandler(path, max_bytes=max_bytes, files=50)
    made.setFormatter(JsonFormat(SecretFilter(())))
    return made


def write(handler: LogFileHandler, message: str) -> None:
    handler.handle(logging.makeLogRecord({"msg": message, "levelname": "INFO"}))


def test_no_log_has_no_records(path: Path) -> None:
    assert read_logs(path, 50) == []


def test_both_forms_and_that_of_before_are_read(path: Path) -> None:
    path.write_text(
        "2026-11-28 09:00:00,250 WARNING espdeck.runner: of before\n"
        "Traceback (most recent call last):\n"
        "ValueError: x\n"
        "2026-11-28T10:00:00.500Z ERROR espdeck.runner[42]: of text (run=3)\n"
        "    Traceback (most recent call last):\n"
        "      File f.py\n"
        '{"time": "2026-11-28T11:00:00.000Z", "level": "INFO", "logger": "espdeck.daemon", '
        '"message": "of JSON", "pid": 7, "run": 12, "traceback": "T\\nE"}\n'
    )
    before = datetime(2026, 11, 28, 9, 0, 0, 250_000).astimezone(UTC)
    trace = "Traceback (most recent call last):"

    first, second, third = read_logs(path, 50)
    assert first == LogRecord(
        before, "WARNING", "espdeck.runner", "of before", 0, {}, f"{trace}\nValueError: x"
    )
    at = AT + timedelta(milliseconds=500)
    assert second == LogRecord(
        at, "ERROR", "espdeck.runner", "of text (run=3)", 42, {}, f"{trace}\n  File f.py"
    )
    at = AT + timedelta(hours=1)
    assert third == LogRecord(at, "INFO", "espdeck.daemon", "of JSON", 7, {"run": 12}, "T\nE")


def test_the_last_records_come_from_older_files_too(path: Path) -> None:
    path.with_name("espdeck.log.2").write_text("".join(line(each) for each in (1, 2)))
    path.with_name("espdeck.log.1").write_text("".join(line(each) for each in (3, 4)))
    path.write_text(line(5))

    assert messages(read_logs(path, 4)) == ["line 2", "line 3", "line 4", "line 5"]
    path.unlink()
    assert messages(read_logs(path, 3)) == ["line 2", "line 3", "line 4"]


def test_a_level_and_an_age_select(path: Path) -> None:
    path.write_text(line(1, "ERROR") + line(2, minutes=1) + line(3, "WARNING", minutes=2))

    def read(**how: object) -> list[str]:
        return messages(read_logs(path, 50, LogSelection(**how)))  # type: ignore[arg-type]

    assert read(level="warning") == ["line 1", "line 3"]
    assert read(since=AT + timedelta(minutes=1)) == ["line 2", "line 3"]
    assert read(level="error", since=AT + timedelta(minutes=1)) == []


def test_what_is_cut_off_or_no_record_is_no_reason_to_stop(path: Path) -> None:
    path.write_bytes(
        line(1).encode()
        + b'{"time": "2026-11-28T10:0\n'
        + b"\xff\xfe\x00\n\n"
        + b"{" * 100_000
        + b"\n"
        + b'{"time": "when", "level": "INFO"}\n{"time": 1, "level": 2}\n[]\n'
        + line(2).encode()
        + b"2026-11-28T10:00:00.000Z INFO x[1]: not yet who"
    )
    first, second = read_logs(path, 50)

    assert (first.message, second.message) == ("line 1", "line 2")
    assert first.traceback.startswith('{"time": "2026-11-28T10:0\n')


def test_a_line_without_end_is_read_in_bounded_memory(path: Path) -> None:
    with path.open("wb") as file:
        file.write(line(1).encode())
        file.truncate(64 << 20)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(2).encode())

    assert messages(read_logs(path, 1)) == ["line 2"]


@pytest.mark.parametrize("kind", [JsonFormat, TextFormat])
@settings(max_examples=50)
@given(texts=st.lists(st.text(max_size=60), max_size=5))
def test_every_record_is_read_as_it_was_written(
    kind: type[JsonFormat | TextFormat], texts: list[str]
) -> None:
    written = [
        logging.makeLogRecord({"msg": text, "name": "espdeck.x", "levelname": "INFO"})
        for text in texts
    ]
    lines = [kind(SecretFilter(())).format(each).encode() for each in written]
    found = [parse_line(each) for each in lines]

    assert all(found)
    if kind is JsonFormat:
        hide = SecretFilter(())
        assert [each.message for each in found if each] == [hide(text) for text in texts]


@settings(max_examples=200)
@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: b"{" + text.encode("utf-8", "replace"))
)
def test_any_line_is_a_record_or_none(data: bytes) -> None:
    parse_line(data)


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=10,
    )
)
def test_json_of_any_shape_is_a_record_or_none(value: object) -> None:
    fields = {"time": value, "level": value, "message": value, "pid": value, "traceback": value}
    for each in (value, fields, {**fields, "time": "2026-11-28T10:00:00.000Z", "level": "INFO"}):
        record = parse_line(json.dumps(each).encode())
        if record is not None:
            json.loads(record.json())


def test_a_log_that_is_no_file_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UsageError, match=r"espdeck\.log: not a file"):
        read_logs(path, 50)


def follow(path: Path, last: int) -> tuple[Iterator[LogRecord], CancelToken]:
    cancel = CancelToken()
    return follow_logs(path, last, cancel=cancel, interval=0.001), cancel


def take(records: Iterator[LogRecord], number: int) -> list[str]:
    return [next(records).message for _ in range(number)]


def test_following_goes_on_over_files(path: Path) -> None:
    handler = writer(path, max_bytes=300)
    for number in range(5):
        write(handler, f"{number}")
    records, cancel = follow(path, 2)
    assert take(records, 2) == ["3", "4"]

    for number in range(5, 40):
        write(handler, f"{number}")
    assert take(records, 35) == [str(each) for each in range(5, 40)]
    write(handler, "40")
    assert take(records, 1) == ["40"]
    cancel.cancel()
    assert list(records) == []


class WritesMeanwhile(CancelToken):
    """Whoever waits with it finds a new record then."""

    def __init__(self, handler: LogFileHandler) -> None:
        super().__init__()
        self._handler = handler

    def wait(self, seconds: float) -> None:
        write(self._handler, f"after {seconds} s")


def test_following_begins_before_there_is_a_log(path: Path) -> None:
    records = follow_logs(path, 10, cancel=WritesMeanwhile(writer(path)))
    assert take(records, 2) == ["after 0.5 s", "after 0.5 s"]


def test_what_a_slow_process_writes_to_the_file_before_is_followed(path: Path) -> None:
    write(writer(path), "1")
    slow = path.open("ab")
    records, _ = follow(path, 10)
    assert take(records, 1) == ["1"]
    path.rename(path.with_name("espdeck.log.1"))
    write(writer(path), "2")
    assert take(records, 1) == ["2"]
    slow.write(line(3).encode())
    slow.close()
    assert take(records, 1) == ["line 3"]


def test_a_log_that_somebody_empties_is_followed_on(path: Path) -> None:
    handler = writer(path)
    write(handler, "1" * 100)
    records, _ = follow(path, 1)
    take(records, 1)
    path.write_text("")
    write(handler, "2")
    assert take(records, 1) == ["2"]


def test_a_record_comes_whole(path: Path) -> None:
    path.write_text(line(1))
    records, _ = follow(path, 1)
    take(records, 1)
    with path.open("ab", buffering=0) as file:
        file.write(line(2).encode()[:-5])
    tail = follow_logs(path, 5, cancel=CancelToken(), interval=0.001)
    assert take(tail, 1) == ["line 1"]
    with path.open("ab", buffering=0) as file:
        file.write(line(2).encode()[-5:])
    assert take(tail, 1) == ["line 2"]
    assert take(records, 1) == ["line 2"]
