"""The event stream: everything once and in order, for readers however slow, however they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.enums import RunStatus
from engine.events import BoardTaken, Bus, Log, Problem, RunChanged, RunProgress, RunStarted
from engine.runs import event_blocks, event_stream
from engine.runs.event_stream import EventStream
from engine.runs.journal import Journal
from engine.runs.stream_events import Notice, StreamEvent, StreamFilter, sse_message
from engine.store import logs, positions, projects, retention, runs
from engine.store.database import Store, StoreError
from engine.store.tables import EventRow, LogChunk, Project, Run
from tests.waits import wait_for

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ALL = StreamFilter(logs=True)


class Process:
    """What one process has of a workspace: a bus, a journal that is flushed by hand, a stream."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        self.bus = Bus(lambda run: logs.last_seq(self.store, run))
        self.stream = EventStream(self.store, lambda: NOW)
        self.journal = Journal(self.store, self.bus, on_rows=self.stream.wake)

    def add_run(self, name: str = "p", board: str = "auto") -> int:
        project = projects.find_project(self.store, name) or projects.add_project(
            self.store, Project(name=name, source=f"/{name}", target="esp32c3")
        )
        run = Run(project_id=project.id, commit_sha="0", target="esp32c3", board=board)
        return runs.add_run(self.store, run).number

    def say(self, *messages: str, run: int = 0) -> None:
        for message in messages:
            self.bus.publish(Problem(run_id=run, message=message))
        self.journal.flush()

    def log(self, text: str, run: int) -> None:
        self.bus.publish(
            Log(run_id=run, stage="build", attempt=1, agent="BUILDER", first_line=0, text=text)
        )
        self.journal.flush()

    def close(self) -> None:
        self.journal.close()
        self.stream.close()
        self.store.close()


class Reader:
    """A reader that takes what there is whenever it is asked."""

    def __init__(self, process: Process, chosen: StreamFilter = ALL, after: str = ""):
        self.told = 0
        self.subscription = process.stream.subscribe(chosen, self._tell, after)
        self.last_id = self.subscription.id
        self.items: list[StreamEvent | Notice] = []
        self.take()

    def _tell(self, _readers: object) -> None:
        self.told += 1

    def take(self) -> list[StreamEvent | Notice]:
        """Everything that is there for it by now."""
        new: list[StreamEvent | Notice] = []
        while (some := self.subscription.read()) or self.subscription.reads_store:
            new += some
        self.items += new
        self.last_id = next((each.id for each in reversed(new) if each.id), self.last_id)
        return new

    def take_until(self, count: int) -> list[str]:
        """Wait for that many in all; what they say."""

        def is_there() -> bool:
            self.take()
            return len(self.items) >= count

        wait_for(is_there, 10)
        return [said(each) for each in self.items]


def said(item: StreamEvent | Notice) -> str:
    body = json.loads(item.text)
    return str(body.get("message") or body.get("text") or body["type"])


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.close()


def test_a_reader_gets_what_comes_from_now_on(process: Process) -> None:
    process.say("before")
    reader = Reader(process)

    process.say("one", "two")

    assert reader.take_until(2) == ["one", "two"]
    assert reader.told >= 1
    assert [each.id for each in reader.items] == [
        f"{process.stream.name}-2",
        f"{process.stream.name}-3",
    ]


def test_who_comes_back_gets_what_came_meanwhile(process: Process) -> None:
    first = Reader(process)
    process.say("one", "two")
    first.take_until(2)
    first.subscription.close()
    process.say("three")

    again = Reader(process, after=first.items[0].id)
    process.say("four")

    assert again.take_until(3) == ["two", "three", "four"]


def test_zero_gives_all_that_are_kept(process: Process) -> None:
    process.say("one", "two")

    assert Reader(process, after="0").take_until(2) == ["one", "two"]


def test_an_event_is_as_the_wire_has_it(process: Process) -> None:
    run = process.add_run()
    reader = Reader(process)
    process.bus.publish(
        RunStarted(
            run_id=run, at=NOW, project="p", commit="c", target="esp32c3", project_path="/clone"
        )
    )
    process.bus.publish(
        RunProgress(run_id=run, at=NOW, phase="build", percent=12.5, message="compiling")
    )
    process.bus.publish(Problem(at=NOW, message="a disk is full"))
    process.journal.flush()
    reader.take_until(3)

    started, progress, problem = [json.loads(each.text) for each in reader.items]

    assert started == {
        "id": f"{process.stream.name}-1",
        "type": "workflow.started",
        "job_id": str(run),
        "timestamp": "2026-01-02T03:04:05.678Z",
        "seq": 1,
        "project": "p",
        "commit": "c",
        "target": "esp32c3",
        "pipeline": "firmware",
        "resumed": False,
        "run": "firmware",
        "project_path": "/clone",
    }
    assert (progress["phase"], progress["progress"], progress["message"]) == (
        "build",
        12.5,
        "compiling",
    )
    assert problem["job_id"] is None


def test_a_message_of_an_event_stream_is_lines_in_ascii() -> None:
    assert sse_message('{"a": 1}', "s-1") == b'id: s-1\ndata: {"a": 1}\n\n'
    assert sse_message("{}", "s-2", "progress") == b"id: s-2\nevent: progress\ndata: {}\n\n"
    assert sse_message("{}") == b"data: {}\n\n"


def test_what_is_read_is_made_text_once_for_all_readers(process: Process) -> None:
    readers = [Reader(process), Reader(process)]
    process.say("one")
    for reader in readers:
        reader.take_until(1)

    (one,), (other,) = (reader.items for reader in readers)
    assert one.text is other.text
    assert isinstance(one, StreamEvent) and one.sse is other.sse


def test_readers_choose(process: Process) -> None:
    first, second = process.add_run("p"), process.add_run("q", board="/dev/ttyUSB1")
    projects_of = {run: str(runs.get_run(process.store, run).project_id) for run in (first, second)}
    chosen = {
        "everything": ALL,
        "no logs": StreamFilter(),
        "run": StreamFilter(run_id=first),
        "project": StreamFilter(project_id=projects_of[second]),
        "board": StreamFilter(board="/dev/ttyUSB1", logs=True),
        "type": StreamFilter(types=frozenset({"build.status"})),
        "nothing": StreamFilter(run_id=99),
    }
    readers = {name: Reader(process, each) for name, each in chosen.items()}
    replayed = {name: Reader(process, each, after="0") for name, each in chosen.items()}

    process.say("of none")
    process.say("of first", run=first)
    process.say("of second", run=second)
    process.log("text\n", run=second)
    process.bus.publish(
        RunChanged(run_id=first, project_id=projects_of[first], status=RunStatus.RUNNING)
    )
    process.journal.flush()
    expected = {
        "everything": ["of none", "of first", "of second", "text\n", "build.status"],
        "no logs": ["of none", "of first", "of second", "build.status"],
        "run": ["of first", "build.status"],
        "project": ["of second"],
        "board": ["of second", "text\n"],
        "type": ["build.status"],
        "nothing": [],
    }
    for each in (readers, replayed):
        each["everything"].take_until(5)
        got = {name: reader.take_until(len(expected[name])) for name, reader in each.items()}
        assert got == expected
    later = {name: Reader(process, each, after="0") for name, each in chosen.items()}
    assert {name: reader.take_until(0) for name, reader in later.items()} == expected


def test_a_reader_of_a_board_gets_the_builds_that_it_is_used_by(process: Process) -> None:
    run, other = process.add_run(), process.add_run()
    reader = Reader(process, StreamFilter(board="virtual:esp32c3"))
    for number, board in ((run, "virtual:esp32c3"), (other, "/dev/ttyUSB0")):
        process.bus.publish(BoardTaken(run_id=number, board=board, stage="test.board", attempt=1))
    process.journal.flush()
    process.say("flashed", run=run)
    process.say("flashed", run=other)

    assert reader.take_until(2) == ["board.taken", "flashed"]
    assert len({json.loads(each.text)["job_id"] for each in reader.items}) == 1
    resync = process.stream.resync(reader.subscription.filter, 0, "lagged")
    assert [each["job_id"] for each in json.loads(resync.text)["runs"]] == [str(run)]


def test_readers_that_are_behind_read_the_store_once_for_all(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.say(*map(str, range(600)))
    read: list[int] = []
    real = positions.rows_between

    def counted(store: Store, after: int, last: int, *, with_logs: bool) -> Any:
        read.append(after)
        return real(store, after, last, with_logs=with_logs)

    monkeypatch.setattr(positions, "rows_between", counted)

    readers = [Reader(process, StreamFilter(), after="0") for _ in range(5)]

    assert all(
        [said(each) for each in reader.items] == [*map(str, range(600))] for reader in readers
    )
    assert read == [0, 256, 512]
    one, other, *_ = readers
    assert one.items[0] is other.items[0]


def test_rows_that_were_removed_cost_a_reader_nothing(process: Process) -> None:
    process.say(*map(str, range(700)))
    while retention.remove_old_events(process.store, datetime(2999, 1, 1, tzinfo=UTC)):
        pass
    process.say("left")

    assert Reader(process, after="0").take_until(1) == ["left"]


def test_a_slow_reader_is_told_once_what_it_missed_and_how_runs_stand(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MAX_WAITING_EVENTS", 3)
    run = process.add_run()
    slow, quick = Reader(process), Reader(process)
    process.say(*"abcdefg")
    wait_for(lambda: len(quick.items) == 7 or not quick.take(), 10)
    wait_for(lambda: slow.subscription.reads_store, 10)
    process.say("h")
    wait_for(lambda: slow.told == 2, 10)

    slow.take()
    process.say("i")
    slow.take_until(3)

    lagged, resync, event = [json.loads(each.text) for each in slow.items]
    name = process.stream.name
    assert lagged == {
        "type": "lagged",
        "job_id": None,
        "timestamp": "2026-01-02T03:04:05.678Z",
        "missed": 8,
        "from_id": f"{name}-1",
        "to_id": f"{name}-8",
    }
    assert (resync["type"], resync["reason"], resync["id"]) == ("resync", "lagged", f"{name}-8")
    assert [(each["job_id"], each["status"]) for each in resync["runs"]] == [(str(run), "pending")]
    assert event["message"] == "i"


@pytest.mark.parametrize("after", ["{}-99", "deadbeef-1", "99", "-1", "x", "{}-", "9" * 40, "²"])
def test_an_id_that_is_not_of_this_stream_gives_a_resync_and_then_what_comes(
    process: Process, after: str
) -> None:
    process.say("one")
    process.stream.head()
    reader = Reader(process, after=after.format(process.stream.name))
    process.say("two")

    assert reader.take_until(2) == ["resync", "two"]
    assert json.loads(reader.items[0].text)["reason"] == "unknown"


def test_an_id_that_is_older_than_what_is_kept_gives_a_resync(process: Process) -> None:
    run = process.add_run()
    process.say("one", "two", run=run)
    process.say("three")
    name = process.stream.head().stream
    runs.start_run(process.store, run)
    runs.finish_run(process.store, run, status=RunStatus.SUCCESS, error="")
    while retention.remove_some(process.store, run):
        pass

    assert Reader(process, after=f"{name}-1").take_until(1) == ["resync"]
    assert Reader(process, after=f"{name}-2").take_until(1) == ["three"]
    assert Reader(process, after="0").take_until(1) == ["three"]


def test_what_another_version_wrote_is_passed_over(process: Process) -> None:
    reader = Reader(process)
    rows: list[LogChunk | EventRow] = [
        EventRow(seq=1, kind="build.status", body={"project_id": "p", "status": "new"}, writer="w"),
        EventRow(seq=2, kind="problem", body={}, writer="w"),
        EventRow(seq=3, kind="a.new.one", body={}, writer="w"),
    ]
    logs.append(process.store, rows)
    process.say("known")

    assert reader.take_until(1) == ["known"]
    assert Reader(process, after="0").take_until(1) == ["known"]


def test_a_resync_that_the_store_has_no_answer_for_is_told_later(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MAX_WAITING_EVENTS", 3)
    reader = Reader(process)
    process.say(*"abcde")
    wait_for(lambda: reader.subscription.reads_store, 10)
    with monkeypatch.context() as broken:
        broken.setattr(runs, "list_runs", _no_answer)
        with pytest.raises(StoreError):
            reader.take()
    process.say("f")

    assert reader.take_until(2)[:2] == ["lagged", "resync"]
    assert json.loads(reader.items[0].text)["from_id"] == f"{process.stream.name}-1"


def _no_answer(*_given: object, **_more: object) -> None:
    raise StoreError("held by another")


def test_a_run_that_was_removed_is_in_no_resync(process: Process) -> None:
    reader = Reader(process, StreamFilter(run_id=99), after="x")

    assert json.loads(reader.items[0].text)["runs"] == []


def test_a_place_is_given_once_though_its_row_is_removed(process: Process) -> None:
    process.say("one", "two")
    while retention.remove_old_events(process.store, datetime(2999, 1, 1, tzinfo=UTC)):
        pass
    process.say("three")

    assert Reader(process, after="0").items[0].id == f"{process.stream.name}-3"


def test_what_other_processes_write_is_read_too(process: Process, tmp_path: Path) -> None:
    other = Process(tmp_path)
    process.journal.start()
    reader = Reader(process)
    try:
        other.say("of another")
        assert reader.take_until(1) == ["of another"]
    finally:
        other.close()


def test_nothing_is_read_while_nobody_reads(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(process)
    process.say("one")
    reader.take_until(1)
    reader.subscription.close()
    process.say("two")  # the stream sees that nobody is there
    read: list[int] = []
    real = positions.rows_behind

    def counted(*given: Any, **more: Any) -> Any:
        read.append(1)
        return real(*given, **more)

    monkeypatch.setattr(positions, "rows_behind", counted)
    process.say("three")
    again = Reader(process, after=reader.last_id)

    assert again.take_until(2) == ["two", "three"]
    assert len(read) <= 3


def test_a_resync_says_how_far_a_run_is(process: Process) -> None:
    run = process.add_run()
    runs.start_run(process.store, run)
    process.bus.publish(RunProgress(run_id=run, phase="test", percent=60.0, message="m"))
    process.journal.flush()

    reader = Reader(process, StreamFilter(run_id=run), after="0-0")

    (state,) = json.loads(reader.items[0].text)["runs"]
    assert (state["status"], state["progress"], state["phase"]) == ("running", 60.0, "test")


def test_a_chunk_keeps_its_time(process: Process) -> None:
    run = process.add_run()
    process.bus.publish(
        Log(run_id=run, at=NOW, stage="s", attempt=1, agent="a", first_line=0, text="x\n")
    )
    process.journal.flush()

    (item,) = Reader(process, after="0").items
    assert json.loads(item.text)["timestamp"] == "2026-01-02T03:04:05.678Z"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(st.just("read"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("reconnect"), st.integers(0, 2), st.integers(0, 1)),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def small_pages() -> Iterator[None]:
    """Ends of pages and blocks within few events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_blocks, "BLOCK", 4)
        patch.setattr(event_stream, "PAGE_ROWS", 3)
        patch.setattr(event_blocks, "MAX_KEPT_BYTES", 3000)
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("small_pages")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_each_event_comes_once_and_in_order_however_writers_and_readers_take_turns(
    steps: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Readers reconnect with any id that they had, to either process; two processes write."""
    folder = tmp_path_factory.mktemp("workspace")
    processes = [Process(folder), Process(folder)]
    for each in processes:
        each.journal.start()
    run = processes[0].add_run()
    written: list[str] = []
    readers = [Reader(processes[number % 2]) for number in range(3)]
    got: list[list[str]] = [[] for _ in readers]

    def take(number: int) -> None:
        got[number] += [said(each) for each in readers[number].take()]

    for what, number, count in steps:
        if what == "write":
            for _ in range(count):
                message = str(len(written))
                written.append(message)
                if len(written) % 3:
                    processes[number].bus.publish(Problem(run_id=run, message=message))
                else:
                    processes[number].bus.publish(
                        Log(
                            run_id=run,
                            stage=message,
                            attempt=1,
                            agent="a",
                            first_line=0,
                            text=message,
                        )
                    )
            processes[number].journal.flush()
        elif what == "read":
            take(number)
        elif what == "reconnect":
            take(number)
            readers[number].subscription.close()
            readers[number] = Reader(processes[count], after=readers[number].last_id)
            got[number] += [said(each) for each in readers[number].items]
    for number, reader in enumerate(readers):

        def has_all(number: int = number) -> bool:
            take(number)
            return len(got[number]) >= len(written)

        wait_for(has_all, 10)
        assert got[number] == written
        reader.subscription.close()
    for each in processes:
        each.close()
