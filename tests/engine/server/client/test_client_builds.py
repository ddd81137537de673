"""Projects and builds by both clients, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine import (
    ApiError,
    Client,
    Engine,
    LabEvent,
    LogText,
    Project,
    Resync,
    Run,
    Settings,
)
from engine.enums import RunStatus, Scope, StageStatus
from engine.errors import UsageError
from engine.events import Event, Log, Problem, RunChanged, RunProgress, StageChanged
from engine.server.client.messages import StreamItem
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from engine.store import runs
from engine.store.database import Store
from tests.engine.server.client.conftest import Connect
from tests.engine.server.test_artifact_routes import keep
from tests.engine.server.test_build_routes import AddBuild
from tests.nginx import free_port


def test_projects_are_listed_and_found(client: Client, project: Project) -> None:
    assert [each.name for each in client.projects()] == ["fw"]
    assert list(client.projects(text="other")) == []
    assert client.project("fw").id == project.id
    assert client.stats("fw").total_builds == 0
    assert client.url.startswith("http://127.0.0.1:")


def test_what_is_not_there_is_an_error_with_the_status_and_the_line_of_the_server(
    client: Client,
) -> None:
    with pytest.raises(ApiError, match="no build 7") as caught:
        client.build(7)
    assert caught.value.status == 404
    assert str(caught.value) == caught.value.detail
    with pytest.raises(ApiError) as caught:
        client.project("a b?c#d%2F")
    assert (caught.value.status, "a b?c#d%2F" in caught.value.detail) == (404, True)
    with pytest.raises(ApiError, match="no such path") as caught:
        client.project("a/b")
    assert caught.value.status == 404


def test_builds_are_listed_whatever_the_number_of_pages(
    client: Client, add_build: AddBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.server.client.connection.PAGE_ENTRIES", 3)
    made = [add_build(branch="main") for _ in range(7)]
    add_build(RunStatus.FAILED, branch="a&b=c")

    found = [each.id for each in client.builds(status="success", branch="main")]

    assert found == [build.number for build in reversed(made)]
    assert [each.status for each in client.builds(branch="a&b=c")] == ["failed"]


def test_a_build_that_cannot_be_started_says_why(client: Client, project: Project) -> None:
    with pytest.raises(ApiError) as caught:
        client.start_build("fw", "nosuchbranch")
    assert caught.value.status in (404, 409, 422)
    assert "nosuchbranch" in caught.value.detail


def test_a_build_is_cancelled_and_retried_by_who_may(
    client: Client,
    connect: Connect,
    engine: Engine,
    server: HttpServer,
    add_build: AddBuild,
) -> None:
    number = add_build(RunStatus.SUCCESS).number
    reader = connect(server.url, token=engine.access.create_token("r", Scope.READ)[0])

    with pytest.raises(ApiError, match="must be 'failed' or 'cancelled'") as caught:
        client.retry(number)
    assert caught.value.status == 409
    with pytest.raises(ApiError, match="ended already"):
        client.cancel(number)
    with pytest.raises(ApiError, match="scope read") as caught:
        reader.cancel(number)
    assert caught.value.status == 403
    with pytest.raises(ApiError) as caught:
        list(connect(server.url).builds())
    assert caught.value.status == 401


def test_a_build_is_waited_for(
    client: Client, engine: Engine, add_build: AddBuild, store: Store
) -> None:
    build = add_build(RunStatus.RUNNING)
    with pytest.raises(ApiError, match=f"build {build.number} has not ended after 0 s"):
        client.wait_for_completion(build.number, timeout=0)

    def end() -> None:
        ended(store, build.number, RunStatus.CANCELLED)
        engine.events.publish(
            RunChanged(run_id=build.number, project_id="", status=RunStatus.CANCELLED)
        )

    timer = threading.Timer(0.1, end)
    timer.start()
    assert client.wait_for_completion(build.number, timeout=20).status is RunStatus.CANCELLED
    timer.join()


def test_an_event_comes_as_what_the_engine_published(
    client: Client, engine: Engine, add_build: AddBuild
) -> None:
    number = add_build(RunStatus.RUNNING).number
    after = client.last_event_id()
    told = [
        RunProgress(run_id=number, phase="build", percent=12.5, message="compiling"),
        StageChanged(
            run_id=number,
            stage="test.board",
            agent="TESTER",
            phase="test",
            attempt=2,
            status=StageStatus.SKIPPED,
            summary="no board",
        ),
        Log(
            run_id=number,
            stage="build",
            attempt=1,
            agent="BUILDER",
            first_line=0,
            text="a\nb\u2028c\n",
        ),
        RunChanged(run_id=number, project_id="", status=RunStatus.SUCCESS),
    ]  # fmt: skip
    published = [engine.events.publish(each) for each in told]
    engine.events.publish(Problem(message="of no build"))

    events = lab_events(client.events(build=number, logs=True, after=after))
    found = [next(events) for _ in told]
    behind = lab_events(client.events(build=number, after=found[0].id))

    assert [stripped(each.event) for each in found] == [stripped(each) for each in published]
    assert [each.seq for each in found] == [each.seq for each in published]
    assert (found[0].job_id, found[0].body["progress"]) == (str(number), 12.5)
    assert next(behind).id == found[1].id


def test_what_is_missing_is_told(client: Client) -> None:
    first = next(iter(client.events(after="deadbeef-12")))

    assert isinstance(first, Resync)
    assert (first.reason, first.runs) == ("unknown", [])


def test_a_wrong_choice_of_events_is_refused_at_once(client: Client) -> None:
    with pytest.raises(ApiError, match="no type 'nosuch'"):
        next(iter(client.events(types=["nosuch"])))


def test_a_log_is_followed_to_its_end(
    client: Client, engine: Engine, add_build: AddBuild, store: Store
) -> None:
    number = add_build(RunStatus.RUNNING).number

    def say(line: int, text: str) -> None:
        engine.events.publish(
            Log(
                run_id=number, stage="build", attempt=1, agent="BUILDER", first_line=line, text=text
            )
        )

    say(0, "one\ntwo\n")
    lines = iter(client.follow_log(number))
    assert next(lines) == LogText("build", 1, "log", 0, ("one", "two"))
    say(2, "three\n")
    ended(store, number, RunStatus.SUCCESS)
    engine.events.publish(RunChanged(run_id=number, project_id="", status=RunStatus.SUCCESS))

    assert list(lines) == [LogText("build", 1, "log", 2, ("three",))]
    assert list(client.log_lines(number, "build")) == ["one", "two", "three"]
    assert [log.stage for log in client.logs(number)] == ["build"]
    with pytest.raises(ApiError, match="no build 99"):
        list(client.follow_log(99))


@pytest.mark.slow  # two engines
def test_the_server_is_started_again_while_somebody_waits_and_follows(
    connect: Connect, tmp_path: Path
) -> None:
    port = free_port()
    with at_port(tmp_path, port) as engine:
        token, _ = engine.access.create_token("ci", Scope.READ)
        number = running_build(tmp_path)
        client = connect(f"http://127.0.0.1:{port}", token=token, patience=20.0)
        events = lab_events(client.events(types=["problem"], after=client.last_event_id()))
        engine.events.publish(Problem(message="before"))
        assert next(events).body["message"] == "before"

    def start_again() -> None:
        with at_port(tmp_path, port) as engine:
            engine.events.publish(Problem(message="between"))
            with closing(Store(tmp_path / "espdeck.db")) as store:
                ended(store, number, RunStatus.FAILED)
            done.wait(30)

    done = threading.Event()
    timer = threading.Timer(0.3, start_again)
    timer.start()
    try:
        assert client.wait_for_completion(number, timeout=30).status is RunStatus.FAILED
        assert next(events).body["message"] == "between"
    finally:
        done.set()
        timer.join()
    with pytest.raises(ApiError, match="nothing listens there"):
        connect(f"http://127.0.0.1:{port}", token=token, patience=0.0).wait_for_completion(number)


def test_a_file_is_downloaded_gone_on_with_and_compared(
    client: Client, engine: Engine, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 40
    number = running_build(engine.settings.workspace)
    keep(engine, "a b/fw.elf", content, number)
    with closing(Store(engine.settings.workspace / "espdeck.db")) as store:
        folder = engine.settings.workspace / "artifacts" / str(number)
        runs.set_artifacts_path(store, number, str(folder))

    (found,) = client.artifacts(number)
    file = client.download(number, found.path, tmp_path)
    (tmp_path / "x.part").write_bytes(content[:1000])
    resumed = client.download(number, found.path, tmp_path / "x")
    (tmp_path / "y.part").write_bytes(b"?" * 1000)
    wrong = client.download(number, found.path, tmp_path / "y")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "z.part").write_bytes(content + b"more than all")
    longer = client.download(number, found.path, tmp_path / "new" / "z")
    (tmp_path / "all.part").write_bytes(content)
    all_there = client.download(number, found.path, tmp_path / "all")

    assert file == tmp_path / "fw.elf"
    assert found.size == len(content)
    for each in (file, resumed, wrong, longer, all_there):
        assert each.read_bytes() == content
    assert not list(tmp_path.rglob("*.part"))
    with pytest.raises(ApiError, match="kept no") as caught:
        client.download(number, "nosuch", tmp_path)
    assert caught.value.status == 404
    with pytest.raises(UsageError, match="File exists"):
        client.download(number, found.path, tmp_path / "x" / "y")


def ended(store: Store, number: int, status: RunStatus) -> None:
    runs.finish_run(store, number, status=status)


@contextmanager
def at_port(folder: Path, port: int) -> Iterator[Engine]:
    """An engine on a workspace that is served at a port, while the block runs."""
    engine = Engine(Settings(workspace=folder, server=ServerSettings(port=port)))
    engine.open(execute=False)
    server = HttpServer(engine)
    server.start()
    try:
        yield engine
    finally:
        server.stop()
        engine.close()


def running_build(folder: Path) -> int:
    with closing(Store(folder / "espdeck.db")) as store:
        return runs.add_run(store, Run(status=RunStatus.RUNNING)).number


def lab_events(items: Iterator[StreamItem]) -> Iterator[LabEvent]:
    for item in items:
        assert isinstance(item, LabEvent), item
        yield item


def stripped(event: Event | None) -> Event:
    """An event with the time that the wire keeps."""
    assert event is not None
    at = event.at
    return replace(event, at=at.replace(microsecond=at.microsecond // 1000 * 1000))
