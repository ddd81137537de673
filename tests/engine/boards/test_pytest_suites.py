"""pytest suites of a project: found, run on a board by pytest-embedded, their report read."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.boards import pytest_suites
from engine.boards.pytest_suites import Suite, find, play, read_report
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.images.image import Image
from engine.testing.results import Outcome, TestCase

SUITE = """\
import os
import pytest

def test_boots(dut):
    dut.expect_exact("console ready", timeout=20)
    dut.expect_exact("> ", timeout=20)
    dut.write("led on")
    dut.expect_exact("led: switched", timeout=20)

def test_is_reset_before_each_test(dut):
    dut.expect_exact("> ", timeout=20)
    dut.write("led")
    dut.expect(r"the led is (?=off)", timeout=20)
    dut.expect(r"the led is on", timeout=0.1)

@pytest.mark.skip(reason="no sensor on this board")
def test_sensor(dut):
    dut.expect("sensor")

def test_sees_no_secrets():
    assert "SECRET_TOKEN" not in os.environ
"""


def suite_of(tree: Path, port: str = "socket://127.0.0.1:1", *, by_idf: bool = False) -> Suite:
    return Suite(
        files=find(tree),
        source=tree,
        build_dir=tree,
        target="esp32c3",
        port=port,
        baud=921600,
        by_idf=by_idf,
        virtual=True,
    )


def run_suite(suite: Suite) -> tuple[TestCase, ...]:
    return play(suite, cancel=CancelToken(), on_output=lambda _data: None)


def test_files_of_a_suite_are_at_the_root_or_in_its_folders_for_tests(tmp_path: Path) -> None:
    for name in (
        *("pytest_b.py", "pytest_a.py", "test/pytest_c.py"),
        *("managed_components/x/pytest_d.py", "test_e.py", "conftest.py"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert find(tmp_path) == ("pytest_a.py", "pytest_b.py", "test/pytest_c.py")


@pytest.mark.slow
def test_a_suite_runs_on_a_board_that_is_reset_before_each_test(
    virtual_board: VirtualBoard,
    built_sample: Callable[[str], Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("pytest_embedded_serial")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    (tmp_path / "pytest_console.py").write_text(SUITE)
    app = built_sample("console").parts[0].path
    command = [sys.executable, "-m", "esptool", "--port", virtual_board.url]
    subprocess.run([*command, "write-flash", "0x0", app], check=True, capture_output=True)

    boots, reset, sensor, secrets = run_suite(suite_of(tmp_path, virtual_board.url))

    assert (boots.name, boots.outcome, boots.message) == ("test_boots", Outcome.PASS, "")
    assert (boots.file, boots.line) == ("pytest_console.py", 4)
    assert boots.seconds is not None
    assert reset.outcome is Outcome.FAIL
    assert 'Not found "the led is on"' in reset.message
    assert "off" in reset.message
    assert (sensor.outcome, sensor.message) == (Outcome.IGNORE, "no sensor on this board")
    assert secrets.outcome is Outcome.PASS


UNITY = b"""\
TEST(ring, empty) PASS
IGNORE_TEST(ring, full)
TEST(ring, wraps)./main/test_ring.c:31::IGNORE: no memory
TEST(ring, grows)./main/test_ring.c:44::FAIL: Expected 2 Was 3

-----------------------
4 Tests 1 Failures 2 Ignored
FAIL
"""

TARGETS = """\
import pytest

@pytest.mark.parametrize("target", ["esp32", "esp32c3", "esp32c3|esp32c3"], indirect=True)
def test_by_parameter(target):
    assert target == "esp32c3"

@pytest.mark.esp32
@pytest.mark.esp32s3
def test_marked_for_others():
    assert False

@pytest.mark.esp32
@pytest.mark.esp32c3
def test_marked():
    pass

@pytest.mark.qemu
@pytest.mark.esp32c3
def test_for_an_emulator():
    assert False

@pytest.mark.temp_skip(targets=["esp32c3"], reason="not yet")
def test_skipped():
    assert False
"""


@pytest.fixture
def console() -> Iterator[str]:
    """A console behind a socket that says :data:`UNITY` to everyone who connects; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    held[-1].sendall(UNITY)

        held: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        for each in held:
            each.close()


@pytest.mark.slow
def test_what_unity_says_in_a_suite_is_told_as_the_board_said_it(
    tmp_path: Path, console: str
) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_ring.py").write_text(
        "def test_ring(dut):\n    dut.expect_unity_test_output(timeout=20)\n\n"
        "def test_more(dut):\n    dut.expect_unity_test_output(timeout=20)\n    assert 1 == 2\n"
    )

    cases = run_suite(replace(suite_of(tmp_path, console), virtual=False))

    more, *ring = cases
    assert (more.name, more.outcome, more.message) == ("test_more", Outcome.FAIL, "assert 1 == 2")
    assert sorted(set(ring), key=lambda case: (case.line, case.name)) == [
        TestCase("TEST(ring, empty)", Outcome.PASS, "", 0),
        TestCase("TEST(ring, full)", Outcome.IGNORE, "", 0),
        TestCase("TEST(ring, wraps)", Outcome.IGNORE, "./main/test_ring.c", 31, "no memory"),
        TestCase("TEST(ring, grows)", Outcome.FAIL, "./main/test_ring.c", 44, "Expected 2 Was 3"),
    ]


@pytest.mark.slow
def test_a_suite_is_run_for_the_chip_of_the_board_only(tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_targets.py").write_text(TARGETS)

    cases = run_suite(suite_of(tmp_path))

    assert [(case.name, case.outcome, case.message) for case in cases] == [
        ("test_by_parameter[esp32c3]", Outcome.PASS, ""),
        ("test_marked", Outcome.PASS, ""),
        ("test_skipped", Outcome.IGNORE, "not yet"),
    ]


@pytest.mark.slow
def test_a_suite_for_the_supported_targets_is_run_without_esp_idf(tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_idf")
    (tmp_path / "pytest_all.py").write_text(
        "from pytest_embedded_idf.utils import idf_parametrize\n\n"
        "@idf_parametrize('target', ['supported_targets'], indirect=['target'])\n"
        "def test_all(target):\n    pass\n"
    )

    cases = run_suite(suite_of(tmp_path))

    assert [case.name for case in cases] == ["test_all[esp32c3]"]


@pytest.mark.slow
def test_a_suite_that_cannot_be_read_by_pytest_is_a_failure_with_its_reason(
    tmp_path: Path,
) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_bad.py").write_text("def test_(:\n")

    (case,) = run_suite(suite_of(tmp_path))

    assert case.outcome is Outcome.FAIL
    assert case.message == "pytest cannot load it: SyntaxError: invalid syntax"


@pytest.mark.slow
def test_a_suite_that_needs_a_plugin_that_is_not_there_says_which(tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_simulated.py").write_text("from no_such_plugin.app import App\n")

    (case,) = run_suite(suite_of(tmp_path))

    assert case.message == (
        "pytest cannot load it: ModuleNotFoundError: No module named 'no_such_plugin'"
    )


@pytest.mark.slow
def test_a_suite_that_upsets_pytest_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_a.py").write_text("def test_a(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")

    with pytest.raises(ToolError, match=r"pytest: exit code 4: .*--no-such-option") as raised:
        run_suite(suite_of(tmp_path))

    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_a_suite_that_is_cancelled_is_ended(tmp_path: Path) -> None:
    pytest.importorskip("pytest_embedded_serial")
    (tmp_path / "pytest_a.py").write_text("import time\ndef test_a(): time.sleep(60)\n")
    cancel = CancelToken()

    def end(data: bytes) -> None:
        if b"collected" in data:
            cancel.cancel()

    with pytest.raises(CancelledError):
        play(suite_of(tmp_path), cancel=cancel, on_output=end)


def test_without_pytest_embedded_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest_suites, "find_spec", lambda name: None)
    monkeypatch.setenv("IDF_PYTHON_ENV_PATH", str(tmp_path / "nothing"))

    with pytest.raises(MissingToolError, match=r"pip install 'espdeck\[embedded\]'"):
        run_suite(suite_of(tmp_path))


@pytest.mark.slow
def test_the_environment_of_esp_idf_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytest_embedded_serial")
    python = tmp_path / "idf" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "pytest_a.py").write_text("def test_a(): pass\n")
    monkeypatch.setattr(pytest_suites, "find_spec", lambda name: None)
    monkeypatch.setenv("IDF_PYTHON_ENV_PATH", str(tmp_path / "idf"))

    assert [case.name for case in run_suite(suite_of(tmp_path))] == ["test_a"]


def test_services_fit_the_board_and_what_built_its_firmware(tmp_path: Path) -> None:
    assert suite_of(tmp_path, "socket://127.0.0.1:1", by_idf=True).services == ("serial",)
    assert suite_of(tmp_path, "/dev/ttyUSB0", by_idf=True).services == ("esp", "idf")
    assert suite_of(tmp_path, "/dev/ttyUSB0").services == ("esp",)


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"<testsuites>",
        b"<html/>",
        b'<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites/>',
        b'<testsuite name="a"><testcase name="b" time="soon"/></testsuite>',
        "<testsuites/>".encode("utf-16"),
    ],
)
def test_a_report_that_pytest_did_not_write_is_one_line(tmp_path: Path, report: bytes) -> None:
    path = tmp_path / "pytest.xml"
    path.write_bytes(report)

    with pytest.raises(ToolError, match=r"^pytest: its report .*$"):
        read_report(path)


words = st.sampled_from(
    [
        *("<testsuites>", "<testsuite name='a'>", "<testcase name='b'", "<failure", "<skipped/>"),
        *(" message='a&#10;b'", " time='1'", " line='x'", " line='2'", ">", "/>", "\x1b[2J"),
        *("</testcase>", "</testsuite>", "</testsuites>", "text"),
    ]
)


@pytest.mark.slow
@given(report=st.binary(max_size=200) | st.lists(words, max_size=30).map("".join).map(str.encode))
def test_no_report_does_more_than_raise_a_tool_error(
    report: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("report") / "pytest.xml"
    path.write_bytes(report)

    try:
        assert isinstance(read_report(path), tuple)
    except ToolError as error:
        assert "\n" not in str(error)


def test_a_report_of_pytest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pytest.xml"
    path.write_text(
        '<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" tests="2">'
        '<testcase classname="a" name="test_a" file="a.py" line="3" time="0.5" />'
        '<testcase classname="a" name="test_b[&#10;]" file="a.py" line="7" time="0.1">'
        '<error message="failed on setup with &quot;no port&quot;&#10;at b&#10;at c">E</error>'
        "</testcase></testsuite></testsuites>"
    )

    assert read_report(path) == (
        TestCase("test_a", Outcome.PASS, "a.py", 4, "", 0.5),
        TestCase(
            "test_b[, ]", Outcome.FAIL, "a.py", 8, 'failed on setup with "no port", at b', 0.1
        ),
    )


def test_results_of_unity_count_their_lines_from_one_and_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "pytest.xml"
    path.write_text(
        '<testsuites><testsuite name="pytest">'
        '<testcase name="test_good" file="a.py" line="3" is_unity_case="0" />'
        '<testcase name="adds" file="./main/a.c" line="12" is_unity_case="1" />'
        '<testcase name="test_bad" file="a.py" line="8" is_unity_case="0">'
        '<failure message="AssertionError: Unity test failed" /></testcase>'
        '<testcase name="wraps" group="ring" file="./main/a.c" line="9" is_unity_case="1">'
        '<failure message="Expected 1 Was 2" /></testcase>'
        "</testsuite></testsuites>"
    )

    assert read_report(path) == (
        TestCase("adds", Outcome.PASS, "./main/a.c", 12),
        TestCase("TEST(ring, wraps)", Outcome.FAIL, "./main/a.c", 9, "Expected 1 Was 2"),
    )


def test_a_failure_that_no_result_of_unity_shows_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "pytest.xml"
    path.write_text(
        '<testsuite name="pytest">'
        '<testcase name="test_bad" file="a.py" line="8" is_unity_case="0">'
        '<failure message="AssertionError: Unity test failed" /></testcase>'
        '<testcase name="adds" file="./main/a.c" line="12" is_unity_case="1" /></testsuite>'
    )

    assert [case.outcome for case in read_report(path)] == [Outcome.FAIL, Outcome.PASS]


CASE = '<testsuites><testsuite><testcase name="a" line="{}" time="{}"/></testsuite></testsuites>'


@pytest.mark.parametrize("time", ["nan", "inf", "1e999", "-1"])
@pytest.mark.parametrize("line", ["-5", "9" * 4300, "10000000"])
def test_a_time_or_a_line_that_is_none_is_not_known(tmp_path: Path, line: str, time: str) -> None:
    (tmp_path / "r.xml").write_text(CASE.format(line, time))

    (case,) = read_report(tmp_path / "r.xml")

    assert (case.name, case.line, case.seconds) == ("a", 0, None)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_report_is_in_utf_8(tmp_path: Path, quote: str) -> None:
    head = '<?xml version="1.0" encoding="utf-8"?>'.replace('"', quote)
    (tmp_path / "r.xml").write_text(head + CASE.format(3, 0.5))

    (case,) = read_report(tmp_path / "r.xml")

    assert (case.line, case.seconds) == (4, 0.5)


@pytest.mark.parametrize("declared", ["UTF-7", "utf-16", "latin-1"])
def test_a_report_in_another_encoding_hides_no_entities(tmp_path: Path, declared: str) -> None:
    text = '<!DOCTYPE x [<!ENTITY a "31337">]>' + CASE.format(3, 0.5).replace('"a"', '"&a;"')
    hidden = text.replace("<!", "+ADwAIQ-")
    (tmp_path / "r.xml").write_text(f'<?xml version="1.0" encoding="{declared}"?>{hidden}')

    with pytest.raises(ToolError, match="not what pytest writes"):
        read_report(tmp_path / "r.xml")


def test_a_report_in_ebcdic_hides_no_entities(tmp_path: Path) -> None:
    text = '<!DOCTYPE x [<!ENTITY a "31337">]>' + CASE.format(3, 0.5).replace('"a"', '"&a;"')
    declared = '<?xml version="1.0" encoding="ebcdic-cp-us"?>'
    (tmp_path / "r.xml").write_bytes((declared + text).encode("cp037"))

    with pytest.raises(ToolError, match="not what pytest writes"):
        read_report(tmp_path / "r.xml")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (b"<a>" * 100_000, "elements in each other"),
        (b"<testsuites>" + b"<a/>" * 300_000 + b"</testsuites>", "elements"),
        (b"<testsuites>&#x41;&a;</testsuites>", "undefined entity"),
    ],
    ids=["deep", "many", "entity"],
)
def test_a_report_that_would_fill_the_memory_is_one_line(
    tmp_path: Path, report: bytes, said: str
) -> None:
    (tmp_path / "r.xml").write_bytes(report)

    with pytest.raises(ToolError, match=said):
        read_report(tmp_path / "r.xml")
