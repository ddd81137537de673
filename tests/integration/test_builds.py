"""A commit goes in, a flashed and judged firmware comes out: real compiler, esptool, simulator."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from git import Repo
from junitparser import JUnitXml

from engine import Engine, LogKey, Settings
from engine.boards import pytest_suites
from engine.boards.board_files import Flashed
from engine.enums import Role, RunStatus, Severity, StageStatus, VerdictWord
from engine.errors import BoardError, UsageError
from engine.events import (
    Event,
    Log,
    Partial,
    RunCompleted,
    RunProgress,
    Serial,
    StageChanged,
)
from engine.monitor.sessions import sessions
from engine.samples import demo
from engine.store.tables import Run, StageRow
from tests.engine.git_repos import commit

pytestmark = [pytest.mark.xdist_group("first-light"), pytest.mark.slow]

STAGES = ["plan", "build", "test.board", "test.simulator", "diagnose", "judge"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings = Settings(workspace=tmp_path_factory.mktemp("workspace"), boards=(demo.DEMO_BOARD,))
    with Engine(settings) as engine:
        demo.prepare_demo(engine)
        yield engine


@pytest.fixture
def seen(engine: Engine) -> Iterator[list[Event]]:
    events: list[Event] = []
    unsubscribe = engine.events.subscribe(events.append)
    yield events
    unsubscribe()


def build(engine: Engine, project: str, **choices: Any) -> Run:
    started = engine.builds.start(engine.projects.get(project).id, **choices)
    return engine.builds.wait(started.number, timeout=120)


def stages(engine: Engine, number: int) -> dict[tuple[str, int], StageRow]:
    return {(row.key, row.attempt): row for row in engine.builds.stages(number)}


def test_hello_is_built_flashed_simulated_and_accepted(engine: Engine, seen: list[Event]) -> None:
    done = build(engine, "hello")

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert done.duration is not None
    rows = stages(engine, done.number)
    assert [rows[key, 1].status for key in STAGES] == [StageStatus.SUCCESS] * 6
    assert rows["repair", 1].status is StageStatus.SKIPPED
    for stage in ("test.board", "test.simulator"):
        assert done.test_results is not None
        assert done.test_results[stage]["report"]["failures"] == 0
        assert done.test_results[stage]["report"]["tests"] > 0
    assert engine.boards.board_files("virtual:esp32c3").flashed == Flashed(done.number, 921600)
    kinds = {artifact.kind for artifact in engine.builds.artifacts(done.number)}
    assert {"elf", "app"} <= kinds
    for artifact in engine.builds.artifacts(done.number):
        assert engine.builds.artifact_file(artifact).stat().st_size == artifact.size
    # A line that was not whole yet when it was shown has no number of its own.
    mine = [x for x in seen if x.run_id == done.number and not isinstance(x, Partial)]
    assert [event.seq for event in mine] == list(range(1, len(mine) + 1))
    board = "".join(e.text for e in mine if isinstance(e, Serial) and e.stage == "test.board")
    simulated = "".join(
        e.text for e in mine if isinstance(e, Serial) and e.stage == "test.simulator"
    )
    assert "0 Failures" in board
    assert board == simulated
    kept = sessions(engine.boards.sessions_folder, board=f"labwired.{done.number}")
    assert [each.raw.read_text() for each in kept] == [simulated]
    changes = [e for e in mine if isinstance(e, StageChanged)]
    assert {e.agent for e in changes} == set(Role)
    assert [e.status for e in changes if e.agent == Role.DEVELOPER] == [StageStatus.SKIPPED]
    percents = [e.percent for e in mine if isinstance(e, RunProgress)]
    assert percents == sorted(percents)
    (end,) = [e for e in mine if isinstance(e, RunCompleted)]
    assert end.success
    assert (end.verdict, done.verdict) == (VerdictWord.ACCEPTED, VerdictWord.ACCEPTED)
    assert end.result == ("firmware built, tested on virtual:esp32c3 and in labwired and accepted")


def test_a_second_build_compiles_nothing_anew(engine: Engine) -> None:
    build(engine, "hello", board="none", simulator="none")
    done = build(engine, "hello", board="none", simulator="none")

    assert done.status is RunStatus.SUCCESS
    assert "no work to do" in done.build_output
    assert any(row.code == "qa.untested" for row in engine.builds.findings(done.number))


def test_what_was_only_built_is_untested(engine: Engine, seen: list[Event]) -> None:
    done = build(engine, "hello", board="none", simulator="none")

    assert (done.status, done.verdict) == (RunStatus.SUCCESS, VerdictWord.UNTESTED)
    (end,) = [e for e in seen if isinstance(e, RunCompleted) and e.run_id == done.number]
    assert end.result == "firmware built, not run"
    assert stages(engine, done.number)["judge", 1].summary.startswith("untested: built, not run")
    (report,) = [a for a in engine.builds.artifacts(done.number) if a.path == "junit.xml"]
    (suite,) = JUnitXml.fromfile(str(engine.builds.artifact_file(report)))
    assert (suite.tests, suite.skipped) == (1, 1)


def test_firmware_that_prints_nothing_is_silent(engine: Engine, tmp_path: Path) -> None:
    demo.make_repository("hello", tmp_path / "quiet")
    main = '#include "console.h"\nint run_tests(void);\nint main(void) { for (;;) {} }\n'
    commit(tmp_path / "quiet", {"main/main.c": main, "espdeck.toml": "timeout = 1\n"})

    done = build(
        engine, engine.projects.find_or_add(str(tmp_path / "quiet")).name, simulator="none"
    )

    assert (done.status, done.verdict) == (RunStatus.SUCCESS, VerdictWord.SILENT)
    (finding,) = [row for row in engine.builds.findings(done.number) if row.code == "test.silent"]
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("virtual:esp32c3 printed nothing")
    assert stages(engine, done.number)["judge", 1].summary.startswith("silent: it printed nothing")


def test_what_the_simulator_lacks_is_never_a_success_and_nothing_is_repaired_for_it(
    engine: Engine, tmp_path: Path
) -> None:
    demo.make_repository("hello", tmp_path / "rom")
    main = (
        '#include "console.h"\nint run_tests(void);\n'
        "__attribute__((noinline)) void delay(void) { ((void (*)(int))0x40000050)(1); }\n"
        'int main(void) { LOGI("main", "up"); delay(); for (;;) {} }\n'
    )
    commit(tmp_path / "rom", {"main/main.c": main, "espdeck.toml": "timeout = 1\n"})

    done = build(engine, engine.projects.find_or_add(str(tmp_path / "rom")).name, board="none")

    assert (done.status, done.verdict) == (RunStatus.FAILED, VerdictWord.BLOCKED)
    rows = stages(engine, done.number)
    assert rows["test.simulator", 1].status is StageStatus.FAILED
    assert "LabWired has no ROM: call of 0x40000050" in rows["test.simulator", 1].summary
    assert rows["diagnose", 1].summary.startswith("labwired stopped: LabWired has no ROM")
    assert rows["repair", 1].summary == (
        "nothing to repair: the simulator could not go on, where a chip could"
    )
    found = [row for row in engine.builds.findings(done.number) if row.code == "simulator.limit"]
    assert {(row.severity, row.file) for row in found} == {
        (Severity.ERROR, None),
        (Severity.WARNING, "main/main.c"),
    }
    assert all("no fault of the firmware" in (row.hint or "") for row in found)


def test_a_virtual_board_that_cannot_go_on_is_no_success(engine: Engine, tmp_path: Path) -> None:
    demo.make_repository("hello", tmp_path / "jump")
    main = (
        '#include "console.h"\nint run_tests(void);\nstatic void (*volatile next)(void);\n'
        'int main(void) { __asm__ volatile("csrw mtvec, zero"); next(); for (;;) {} }\n'
    )
    commit(tmp_path / "jump", {"main/main.c": main, "espdeck.toml": "timeout = 1\n"})

    name = engine.projects.find_or_add(str(tmp_path / "jump")).name
    done = build(engine, name, simulator="none")

    assert (done.status, done.verdict) == (RunStatus.FAILED, VerdictWord.BLOCKED)
    rows = stages(engine, done.number)
    assert "jump to 0x00000000, which is not code" in rows["test.board", 1].summary
    assert "(main())" in rows["test.board", 1].summary


def test_broken_is_repaired_and_succeeds_in_the_second_round(engine: Engine) -> None:
    done = build(engine, "broken")

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    rows = stages(engine, done.number)
    assert rows["build", 1].status is StageStatus.FAILED
    assert rows["repair", 1].status is StageStatus.SUCCESS
    assert rows["build", 2].status is StageStatus.SUCCESS
    assert rows["judge", 2].status is StageStatus.SUCCESS
    (error,) = [
        row
        for row in engine.builds.findings(done.number)
        if row.severity is Severity.ERROR and row.stage == "build"
    ]
    assert error.file is not None
    assert error.file.endswith(".c")
    assert error.line
    (patch,) = [a for a in engine.builds.artifacts(done.number) if a.path == "repair-1.patch"]
    text = engine.builds.artifact_file(patch).read_text()
    assert f"--- a/{error.file}" in text
    # The project itself is untouched: the repair is the worktree's, and fits the source.
    source = engine.projects.get("broken").source
    with Repo(source) as repository:
        assert not repository.is_dirty()
        repository.git.apply("--check", str(engine.builds.artifact_file(patch)))


def test_crash_fails_with_the_decoded_panic(engine: Engine) -> None:
    done = build(engine, "crash")

    assert done.status is RunStatus.FAILED
    panics = [row for row in engine.builds.findings(done.number) if row.code.startswith("panic.")]
    assert panics
    assert panics[0].file is not None
    assert panics[0].file.endswith("main.c")
    source = (Path(engine.projects.get("crash").source) / panics[0].file).read_text().split("\n")
    assert panics[0].line is not None
    assert "=" in source[panics[0].line - 1]
    assert stages(engine, done.number)["diagnose", 1].status is StageStatus.FAILED
    (log,) = [key for key in engine.builds.logs(done.number) if key.stage == "repair"]
    assert any("[llm.models.developer]" in line for line in engine.builds.lines(log))


def test_console_answers_what_its_tests_type_on_a_board_and_in_a_simulator(
    engine: Engine,
) -> None:
    done = build(engine, "console")

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert done.test_results is not None
    for stage in ("test.board", "test.simulator"):
        report = done.test_results[stage]["report"]
        assert (report["tests"], report["failures"], report["complete"]) == (3, 0, True)
        assert [case["outcome"] for case in report["cases"]] == ["PASS"] * 3


def with_suite(engine: Engine, folder: Path, suite: str) -> str:
    """A project with a pytest suite for the firmware that answers on its console; its name."""
    demo.make_repository("console", folder)
    commit(folder, {"pytest_console.py": suite})
    project = engine.projects.find_or_add(str(folder))
    return project.name


def test_a_pytest_suite_is_run_on_the_board_and_judged(engine: Engine, tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_serial")
    suite = 'def test_boots(dut):\n    dut.expect("ready")\n\ndef test_no():\n    assert 1 == 2\n'

    done = build(engine, with_suite(engine, tmp_path / "suited", suite), simulator="none")

    assert done.status is RunStatus.FAILED
    (finding,) = [row for row in engine.builds.findings(done.number) if row.code == "test.failed"]
    assert (finding.file, finding.line) == ("pytest_console.py", 4)
    assert finding.message == "test_no: assert 1 == 2"
    (report,) = [a for a in engine.builds.artifacts(done.number) if a.path == "junit.xml"]
    (suite_results,) = JUnitXml.fromfile(str(engine.builds.artifact_file(report)))
    assert (suite_results.failures, suite_results.tests) == (1, 3 + 2 + 1)


def test_a_suite_without_pytest_embedded_is_a_warning(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest_suites, "find_spec", lambda name: None)
    monkeypatch.delenv("IDF_PYTHON_ENV_PATH", raising=False)

    name = with_suite(engine, tmp_path / "unsuited", "def test_a(dut): pass\n")
    done = build(engine, name, simulator="none")

    assert done.status is RunStatus.SUCCESS
    (warning,) = [row for row in engine.builds.findings(done.number) if row.code == "test.suite"]
    assert warning.severity is Severity.WARNING
    assert "pytest_console.py was not run: pytest-embedded: pip install" in warning.message


def test_flaky_tests_are_blocked_by_qa(engine: Engine) -> None:
    done = build(engine, "flaky-tests")
    (report,) = [each for each in engine.builds.artifacts(done.number) if each.path == "junit.xml"]
    suites = list(JUnitXml.fromfile(str(engine.builds.artifact_file(report))))
    assert {suite.name for suite in suites} == {"test.board", "test.simulator"}
    assert all(suite.failures == 1 and suite.tests >= 3 for suite in suites)

    assert (done.status, done.verdict) == (RunStatus.FAILED, VerdictWord.BLOCKED)
    assert "blocked" in done.error
    assert stages(engine, done.number)["judge", 1].status is StageStatus.FAILED
    assert any(row.code == "test.failed" for row in engine.builds.findings(done.number))


def test_logs_are_read_back_whole_and_searched(engine: Engine) -> None:
    done = build(engine, "hello", board="none")
    keys = engine.builds.logs(done.number)
    (serial,) = [key for key in keys if key.stream == "serial"]

    lines = engine.builds.lines(serial)

    assert engine.builds.line_count(serial) == len(lines) > 5
    assert engine.builds.lines(serial, 2, 3) == lines[2:5]
    (match, *_) = engine.builds.search(done.number, lines[3].upper())
    assert (match.key, match.line) == (serial, 3)


def test_what_happened_can_be_replayed(engine: Engine, seen: list[Event]) -> None:
    done = build(engine, "hello", board="none", simulator="none")

    replayed = list(engine.replay(done.number))

    live = [event for event in seen if event.run_id == done.number]
    assert [e for e in replayed if not isinstance(e, Log)] == [
        e for e in live if not isinstance(e, Log)
    ]
    assert "".join(e.text for e in replayed if isinstance(e, Log) and e.stage == "build") == (
        "".join(e.text for e in live if isinstance(e, Log) and e.stage == "build")
    )


def commands_below() -> Iterator[list[str]]:
    """Command lines of what this process has started and what still runs."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # or its zombie: it ended meanwhile
            yield child.cmdline() or [""]


@pytest.mark.parametrize("stage", ["build", "test.board", "test.simulator"])
def test_cancel_ends_the_running_stage_within_a_second(engine: Engine, stage: str) -> None:
    working = threading.Event()
    ended: list[float] = []
    stood: list[StageStatus] = []

    def watch(event: Event) -> None:
        if isinstance(event, Log) and event.stage == stage:
            working.set()
        if isinstance(event, StageChanged) and event.stage == stage:
            stood.append(event.status)
        if isinstance(event, RunCompleted):
            ended.append(event.at.timestamp())

    unsubscribe = engine.events.subscribe(watch)
    started = engine.builds.start(engine.projects.get("crash").id)
    assert working.wait(60)
    asked_at = time.time()
    asked = engine.builds.cancel(started.number)
    done = engine.builds.wait(started.number, timeout=30)
    unsubscribe()

    assert asked.cancel_requested
    assert done.status is RunStatus.CANCELLED
    assert stood[-1] is stages(engine, started.number)[stage, 1].status
    assert ended[-1] - asked_at < 10.0  # a promise of one second, on a machine as busy as may be
    # A board may be asked at the same time what it is: that is no part of the build.
    assert not [argv for argv in commands_below() if "cmake" in argv or "write-flash" in argv[-1]]
    assert build(engine, "hello").status is RunStatus.SUCCESS


def test_a_retry_from_a_stage_repeats_only_what_follows(engine: Engine) -> None:
    done = build(engine, "flaky-tests")
    before = stages(engine, done.number)

    engine.builds.retry(done.number, "diagnose")
    again = engine.builds.wait(done.number, timeout=60)

    after = stages(engine, done.number)
    assert again.status is RunStatus.FAILED
    last = max(attempt for _, attempt in before)
    for key, row in before.items():
        assert after[key].completed_at == row.completed_at  # all of it stays to be read
    assert {key for key, attempt in after if attempt > last} >= {"diagnose", "judge", "repair"}
    assert ("build", last + 1) not in after


def test_three_retries_from_the_start_leave_four_passes_to_be_read(engine: Engine) -> None:
    done = build(engine, "flaky-tests", board="none")
    passes = [stages(engine, done.number)]
    with pytest.raises(UsageError, match=r"^stage 'test.board' did not run in build \d+$"):
        engine.builds.retry(done.number, "test.board")
    for _ in range(3):
        engine.builds.retry(done.number)
        again = engine.builds.wait(done.number, timeout=60)
        assert (again.status, again.error) == (done.status, done.error)
        passes.append(stages(engine, done.number))

    for earlier, later in pairwise(passes):
        assert later.items() > earlier.items() or set(later) > set(earlier)
        assert all(later[key].completed_at == row.completed_at for key, row in earlier.items())
    plans = [attempt for key, attempt in passes[-1] if key == "plan"]
    assert len(plans) == 4
    for attempt in plans:
        log = LogKey(done.number, "plan", attempt, "log")
        assert engine.builds.lines(log) == engine.builds.lines(replace(log, attempt=1))
    retries = engine.builds.retries(done.number)
    assert [each.error for each in retries] == [done.error] * 3
    assert [each.duration is not None for each in retries] == [True] * 3
    (junit,) = [each for each in engine.builds.artifacts(done.number) if each.path == "junit.xml"]
    kept = engine.builds.artifacts(done.number, superseded=True)
    files = {engine.builds.artifact_file(each) for each in kept if each.path == "junit.xml"}
    assert len(files) >= 4
    assert all(file.is_file() for file in files)
    assert junit.attempt > plans[-2]


def test_what_makes_no_sense_is_refused_at_once(engine: Engine) -> None:
    project = engine.projects.get("hello").id

    with pytest.raises(UsageError, match="nonsense"):
        engine.builds.start(project, commit="nonsense")
    with pytest.raises(UsageError, match="esp32s3"):
        engine.builds.start(project, board="virtual:esp32s3")
    with pytest.raises(UsageError, match="no build 4711"):
        engine.builds.get(4711)
    with pytest.raises(UsageError, match="has ended"):
        engine.builds.cancel(build(engine, "hello", board="none", simulator="none").number)


def test_a_port_that_is_absent_is_told_before_anything_is_built(engine: Engine) -> None:
    with pytest.raises(BoardError, match=r"^/dev/ttyNOPE: no such port") as caught:
        build(engine, "hello", board="/dev/ttyNOPE", simulator="none")
    assert "\n" not in str(caught.value)


def test_a_board_that_does_not_answer_fails_the_stage_with_one_clear_line(engine: Engine) -> None:
    done = build(engine, "hello", board="socket://127.0.0.1:1", simulator="none")

    assert done.status is RunStatus.FAILED
    assert "socket://127.0.0.1:1: nothing answers there" in done.error
    assert "\n" not in done.error


def test_nothing_of_the_run_before_a_retry_counts(engine: Engine) -> None:
    done = build(engine, "broken", board="none", simulator="none")
    assert ("build", 2) in stages(engine, done.number)
    engine.builds.cancel(engine.builds.retry(done.number).number)
    cancelled = engine.builds.wait(done.number, timeout=60)

    assert cancelled.status is RunStatus.CANCELLED
    assert stages(engine, done.number)["build", 2].superseded
    assert cancelled.test_results is None
    left = {artifact.path for artifact in engine.builds.artifacts(done.number)}
    assert left.isdisjoint({"fix.patch", "quality.json", "junit.xml", "repair-1.md"})
    engine.builds.retry(done.number)
    assert engine.builds.wait(done.number, timeout=60).status is RunStatus.SUCCESS


def test_a_retry_from_a_stage_keeps_what_came_before_it(engine: Engine) -> None:
    done = build(engine, "broken", board="none")
    kept = {artifact.path for artifact in engine.builds.artifacts(done.number)}
    assert {"fix.patch", "repair-1.md", "quality.json", "junit.xml"} < kept

    engine.builds.cancel(engine.builds.retry(done.number, "judge").number)
    engine.builds.wait(done.number, timeout=60)

    left = {artifact.path for artifact in engine.builds.artifacts(done.number)}
    assert kept - left <= {"quality.json", "junit.xml"}
    assert {"fix.patch", "repair-1.md", "image.json"} < left


def test_names_that_are_no_text_end_no_build(engine: Engine, tmp_path: Path) -> None:
    from engine import samples

    source = tmp_path / "odd"
    samples.write("hello", source)
    (source / "idf_component.yml").write_text('dependencies:\n  "\\uD800odd": "*"\n')
    (source / "espdeck.toml").write_text('expect = ["("]\n')
    commit(source, {})

    project = engine.projects.find_or_add(str(source))
    done = engine.builds.wait(engine.builds.start(project.id).number, timeout=60)

    assert done.status is RunStatus.FAILED
    assert "espdeck.toml" in done.error
    assert build(engine, "hello", board="none").status is RunStatus.SUCCESS
