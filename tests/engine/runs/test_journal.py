"""The journal: raw bytes become whole lines, kept, and seen by other processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.enums import Role, RunStatus
from engine.events import Bus, Event, Log, Partial, RunChanged, Serial
from engine.runs.journal import Journal
from engine.runs.line_writer import LineWriter
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import EventRow, LogChunk, Project, Run

KEY = logs.LogKey(1, "build", 1, "log")


class Desk:
    """A journal on a store with one build."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        if not runs.list_runs(self.store):
            project = projects.add_project(
                self.store, Project(name="p", source="/p", target="esp32c3")
            )
            runs.add_run(self.store, Run(project_id=project.id, commit_sha="0", target="esp32c3"))
        self.bus = Bus(lambda build: logs.last_seq(self.store, build))
        self.journal = Journal(self.store, self.bus)

    def writer(self, key: logs.LogKey = KEY) -> LineWriter:
        return LineWriter(
            self.journal,
            self.bus,
            key,
            Role.BUILDER,
            line=logs.line_count(self.store, key),
            stopped=lambda: False,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.journal.close()


def test_bytes_become_whole_lines_however_they_are_cut(desk: Desk) -> None:
    writer = desk.writer()
    for piece in (b"one\r", b"\ntw", b"o\nthr\xc3", b"\xa9e\n50%\r60%\rdone\nno end"):
        writer.feed(piece)
    writer.close()
    desk.journal.flush()

    assert logs.read_lines(desk.store, KEY) == [
        "one",
        "two",
        "thr\u00e9e",
        "50%",
        "60%",
        "done",
        "no end",
    ]


def test_a_stage_that_goes_on_appends_to_its_log(desk: Desk) -> None:
    desk.writer().write("before")
    desk.journal.flush()
    desk.writer().write("after")
    desk.journal.flush()

    assert logs.read_lines(desk.store, KEY) == ["before", "after"]


def test_serial_text_is_a_serial_event(desk: Desk) -> None:
    seen: list[Event] = []
    desk.bus.subscribe(seen.append)

    desk.writer(logs.LogKey(1, "test.board", 1, "serial")).write("I (1) main: up")

    assert [type(event) for event in seen] == [Serial]


@pytest.mark.slow
@settings(max_examples=40)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), max_size=20))
def test_no_bytes_are_lost_and_lines_are_bounded(
    data: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    bus = Bus()
    seen: list[Log] = []
    bus.subscribe(lambda event: seen.append(event) if isinstance(event, Log) else None)
    folder = tmp_path_factory.mktemp("store")
    journal = Journal(Store(folder / "espdeck.db"), Bus())
    writer = LineWriter(journal, bus, KEY, Role.BUILDER, line=0, stopped=lambda: False)
    rest = data
    for cut in cuts:
        writer.feed(rest[:cut])
        rest = rest[cut:]
    writer.feed(rest)
    writer.close()

    lines = [line for event in seen for line in event.text.removesuffix("\n").split("\n")]
    whole = data.decode("utf-8", "replace").replace("\0", "\ufffd")
    expected = whole.replace("\r\n", "\n").replace("\r", "\n")
    assert "\n".join(lines) == expected.removesuffix("\n")
    assert [event.first_line for event in seen] == _starts(seen)


def _starts(seen: list[Log]) -> list[int]:
    starts, line = [], 0
    for event in seen:
        starts.append(line)
        line += event.text.count("\n")
    return starts


def test_a_line_that_is_being_written_is_seen_and_not_stored(desk: Desk) -> None:
    seen: list[Partial] = []
    desk.bus.subscribe(lambda event: seen.append(event) if isinstance(event, Partial) else None)
    writer = desk.writer()
    writer.feed(b"one\ntw")
    writer.feed(b"o\n")
    writer.close()
    desk.journal.flush()

    assert [(event.line, event.text) for event in seen] == [(1, "tw")]
    assert logs.read_lines(desk.store, KEY) == ["one", "two"]
    assert [type(row) for row in logs.replay(desk.store, 1)] == [LogChunk]


def test_a_line_without_an_end_is_cut(desk: Desk) -> None:
    writer = desk.writer()
    writer.feed(b"x" * 10_000)
    writer.close()
    desk.journal.flush()

    assert [len(line) for line in logs.read_lines(desk.store, KEY)] == [4096, 4096, 1808]


def test_another_process_sees_what_is_published(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path)
    heard = threading.Event()
    seen: list[Event] = []

    def hear(event: Event) -> None:
        seen.append(event)
        heard.set()

    other.bus.subscribe(hear)
    other.journal.start()
    desk.journal.start()
    try:
        desk.writer().write("news")
        assert heard.wait(10)
    finally:
        other.journal.close()

    (event,) = seen
    assert isinstance(event, Log)
    assert (event.text, event.stage, event.agent, event.seq) == ("news\n", "build", "BUILDER", 1)


def test_what_is_relayed_is_not_written_again(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path)
    heard = threading.Event()
    other.bus.subscribe(lambda _event: heard.set())
    other.journal.start()
    desk.writer().write("news")
    desk.journal.flush()
    assert heard.wait(10)
    other.journal.close()

    assert logs.read_lines(desk.store, KEY) == ["news"]


def test_a_row_that_cannot_be_kept_takes_no_other_with_it(desk: Desk) -> None:
    gone = logs.LogKey(99, "build", 1, "log")  # of a build that was removed meanwhile
    desk.writer(gone).write("lost")
    desk.writer().write("kept")

    desk.journal.flush()

    assert logs.read_lines(desk.store, KEY) == ["kept"]
    desk.writer().write("kept too")
    desk.journal.flush()
    assert logs.read_lines(desk.store, KEY) == ["kept", "kept too"]


def test_what_is_no_unicode_is_kept_as_a_question_mark(desk: Desk) -> None:
    desk.writer().write("a name with \udcff in it")
    desk.journal.flush()

    assert logs.read_lines(desk.store, KEY) == ["a name with ? in it"]


def test_an_event_of_a_newer_version_is_passed_over(desk: Desk, tmp_path: Path) -> None:
    seen: list[Event] = []
    relayed = threading.Event()
    desk.bus.subscribe(seen.append)
    desk.bus.subscribe(lambda event: relayed.set() if isinstance(event, Log) else None)
    desk.journal.start()
    row = EventRow(run_id=1, seq=1, kind="check.done", body={"new": 1}, writer="other")
    logs.append(desk.store, [row])
    other = Desk(tmp_path)
    other.writer().write("after it")
    other.journal.flush()
    other.journal.close()

    assert relayed.wait(10)
    assert [event.kind for event in seen] == ["log"]


def test_a_process_that_saw_events_goes_on_counting_behind_them(desk: Desk) -> None:
    first = desk.bus.publish(RunChanged(run_id=1, project_id="p", status=RunStatus.PENDING))
    desk.bus.relay(replace(first, seq=7))

    last = desk.bus.publish(RunChanged(run_id=1, project_id="p", status=RunStatus.RUNNING))

    assert last.seq == 8
