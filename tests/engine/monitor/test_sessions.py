"""Sessions: every byte kept, lines with their times, found and searched again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SessionError
from engine.monitor.sessions import Recorder, search, sessions

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_bytes_and_lines_are_kept_with_their_times(tmp_path: Path) -> None:
    moments = iter([BEGAN + timedelta(seconds=n) for n in range(10)])
    with Recorder(tmp_path, "/dev/ttyUSB0", now=lambda: next(moments)) as recorder:
        recorder.feed(b"one\r\ntw")
        recorder.feed(b"o\n\xff\x00no end")

    assert recorder.info.raw.read_bytes() == b"one\r\ntwo\n\xff\x00no end"
    assert recorder.info.log.read_bytes().split(b"\n") == [
        b"2026-01-02T03:04:07.678Z one\r",
        b"2026-01-02T03:04:07.678Z two",
        b"2026-01-02T03:04:08.678Z \xff\x00no end",
        b"",
    ]


@pytest.mark.slow
@given(st.lists(st.binary(max_size=6000), max_size=8))
def test_no_byte_is_lost_however_they_come(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    with Recorder(tmp_path_factory.mktemp("s"), "b") as recorder:
        for piece in pieces:
            recorder.feed(piece)
    assert recorder.info.raw.read_bytes() == b"".join(pieces)


def test_sessions_are_found_by_board_newest_first_and_searched(tmp_path: Path) -> None:
    for hours, board in enumerate(("/dev/ttyUSB0", "virtual:esp32c3", "/dev/ttyUSB0")):
        at = BEGAN + timedelta(hours=hours)
        with Recorder(tmp_path, board, now=lambda at=at: at) as recorder:  # type: ignore[misc]
            recorder.feed(f"I (1) main: Boot {hours}\n".encode())
    (tmp_path / "strange.raw").write_bytes(b"not ours")

    assert [each.began.hour for each in sessions(tmp_path)] == [5, 4, 3]
    assert [each.began.hour for each in sessions(tmp_path, board="/dev/ttyUSB0")] == [5, 3]
    found = [line for _session, line in search(tmp_path, "bOOt", board="/dev/ttyUSB0")]
    assert [line.partition(" ")[2] for line in found] == [
        "I (1) main: Boot 2",
        "I (1) main: Boot 0",
    ]
    assert list(search(tmp_path, "2026")) == []  # times are not searched


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SessionError, match="file"):
        Recorder(tmp_path / "file" / "sessions", "b")


@pytest.mark.slow
def test_lines_are_found_in_big_logs_whatever_the_letters(tmp_path: Path) -> None:
    with Recorder(tmp_path, "b") as recorder:
        for number in range(20_000):
            recorder.feed(b"I (%d) main: nothing of interest, but a lot of it\n" % number)
            if number % 9_999 == 5_000:
                recorder.feed("W: Stra\u00dfe \u00c4 BROWNOUT\r\n".encode())
    assert recorder.info.log.stat().st_size > 1 << 20
    for text in ("brownout", "stra\u00dfe", "\u00e4 b"):
        lines = [line for _session, line in search(tmp_path, text)]
        assert len(lines) == 2, text
        assert lines[0].endswith("BROWNOUT")


def test_each_state_of_a_line_is_kept_with_its_time(tmp_path: Path) -> None:
    moments = iter([BEGAN + timedelta(seconds=n) for n in range(10)])
    with Recorder(tmp_path, "b", now=lambda: next(moments)) as recorder:
        recorder.feed(b"ota  10 %\r")
        recorder.feed(b"ota 100 %\r\n")
    assert [line[14:] for line in recorder.info.log.read_bytes().split(b"\n")] == [
        b"04:07.678Z ota  10 %\r",
        b"04:08.678Z ota 100 %\r",
        b"",
    ]
    assert [line[-9:] for _session, line in search(tmp_path, "10 %")] == ["ota  10 %"]


def test_two_of_one_board_at_one_time_are_two(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # twice: the clock was set back in between

    for said in (b"first", b"second"):
        with Recorder(tmp_path, "board", now=lambda: at) as recorder:
            recorder.feed(said)

    assert [session.raw.read_bytes() for session in sessions(tmp_path)] == [b"second", b"first"]
