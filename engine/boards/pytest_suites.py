"""pytest suites of a project (``pytest_*.py``), run on a board by pytest-embedded.

pytest-embedded is Espressif's plugin for pytest: its fixture ``dut`` is the board, to write to and
to expect from (pytest-embedded's documentation, "Services", "pytest-embedded-serial"). A suite is
the project's own code, as untrusted as its build: it runs in a process group of its own, without
this process's environment, and its report is read with care.

What firmware says of its own tests is in that report as well: pytest-embedded copies Unity's
results into it (its ``unity.py``), ignored ones as passed, and some of a fixture's under the names
of others. They are read again in its log of the board.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from junitparser import Attr, Error, Failure, IntAttr, JUnitXml, JUnitXmlError, Skipped, TestSuite
from junitparser import TestCase as XmlCase

from engine.boards import ports
from engine.boards.virtual import pty_bridge
from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.formats import xml
from engine.monitor import interruptions
from engine.process import run
from engine.testing import unity
from engine.testing.results import Outcome, TestCase
from engine.text import clean

SUITE_SECONDS = 900.0
"""How long a suite may take."""

_PLUGIN = "espdeck_target"
_LOGS = "pytest-logs"
_UNITY_FAILED = "AssertionError: Unity test failed"
_NOT_COLLECTED = "collection failure"  # pytest's junitxml.py, append_collect_error
_FOLDERS = ("", "test/", "tests/")
_MODULES = {
    "serial": "pytest_embedded_serial",
    "esp": "pytest_embedded_serial_esp",
    "idf": "pytest_embedded_idf",
}
_CHECK_SECONDS = 60.0
_PASSED, _FAILED, _NOTHING = 0, 1, 5  # pytest's exit codes ("Exit codes" in its documentation)
_MAX_REPORT_BYTES = 8 << 20
_MAX_CASES = 10_000
_MAX_ELEMENTS = 20 * _MAX_CASES
_MAX_LOGS = 200
_MAX_LOG_BYTES = 4 * _MAX_REPORT_BYTES  # bytes of all logs together
_MAX_MESSAGE_CHARACTERS = 500
_MAX_LINE = 10_000_000
_MAX_TRACEBACK_LINES = 1000  # lines, from its end
_ENV = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "120"}


@dataclass(frozen=True, slots=True)
class Suite:
    """What is to be run.

    Args:
        files: of the suite, from :func:`find`.
        source: the project's tree.
        build_dir: where it was built; the report and pytest-embedded's logs go there too.
        target: the chip.
        port: the board's port or URL. The board is flashed already.
        baud: speed of its console.
        by_idf: whether ESP-IDF built it.
        virtual: whether it is a virtual board.
        lock: the descriptor that keeps the board ours as long as the suite runs, None for none.
    """

    files: tuple[str, ...]
    source: Path
    build_dir: Path
    target: str
    port: str
    baud: int
    by_idf: bool
    virtual: bool = False
    lock: int | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """Services of pytest-embedded that the tests get.

        What is behind a URL is not asked for by esptool: it may have no reset line, without which
        pytest-embedded would leave the board in its bootloader.
        """
        if ports.is_url(self.port):
            return ("serial",)
        return ("esp", "idf") if self.by_idf else ("esp",)


def find(source: Path) -> tuple[str, ...]:
    """Files of a suite: ``pytest_*.py`` at the root of the tree, in ``test`` and in ``tests``."""
    return tuple(
        path.relative_to(source).as_posix()
        for folder in _FOLDERS
        for path in sorted(source.glob(f"{folder}pytest_*.py"))
        if path.is_file()
    )


def play(
    suite: Suite, *, cancel: CancelToken, on_output: Callable[[bytes], None]
) -> tuple[TestCase, ...]:
    """Run a suite.

    Args:
        suite: what to run.
        cancel: ends it, and whatever it started.
        on_output: called with what pytest prints, as it comes.

    Returns:
        A result for each test that is for the target, and for each of Unity that it had run.

    Raises:
        MissingToolError: pytest-embedded is not installed; one line.
        ToolError: pytest itself failed, or its report makes no sense.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    python = _python(suite.services, cancel)
    report, logs = suite.build_dir / "pytest.xml", suite.build_dir / _LOGS
    report.unlink(missing_ok=True)
    shutil.rmtree(logs, ignore_errors=True)
    options = {
        "rootdir": suite.source,
        "tb": "short",
        "junitxml": report,
        "override-ini": "junit_family=xunit1",
        "embedded-services": ",".join(suite.services),
        "target": suite.target,
        "baud": suite.baud,
        "app-path": suite.source,
        "build-dir": suite.build_dir,
        "skip-autoflash": "y",
        "root-logdir": logs,
        "with-timestamp": "n",
    }
    with _device(suite) as device:
        done = run(
            [
                *(
                    python,
                    "-P",
                    "-m",
                    "pytest",
                    *suite.files,
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    _PLUGIN,
                ),
                # With "=": pytest takes a path on its own for one of tests, and looks there for the
                # project's settings.
                *(f"--{name}={value}" for name, value in options.items()),
                f"--port={device}",
            ],
            timeout=SUITE_SECONDS,
            cancel=cancel,
            on_output=on_output,
            cwd=suite.source,
            env={**_ENV, "PYTHONPATH": str(Path(__file__).with_name("pytest_plugin"))},
            clean_env=True,
            pass_fds=() if suite.lock is None else (suite.lock,),
        )
    cases = read_report(report, logs) if done.returncode >= 0 and report.is_file() else ()
    if done.returncode == _NOTHING:
        return ()
    if done.returncode == _PASSED or any(case.failed for case in cases):
        return cases
    said = [line for line in map(clean, done.tail.splitlines()) if line.strip()]
    last = next((line for line in said if "rror" in line), said[-1] if said else "")
    raise ToolError(
        f"pytest: exit code {done.returncode}: {last.strip()[:_MAX_MESSAGE_CHARACTERS]}"
    )


def _device(suite: Suite) -> contextlib.AbstractContextManager[str]:
    """What pytest-embedded opens."""
    if suite.port.startswith("socket://"):
        return pty_bridge.terminal(suite.port, reset=suite.virtual)
    return contextlib.nullcontext(suite.port)


def _python(services: tuple[str, ...], cancel: CancelToken) -> str:
    """An interpreter that has the services: this one, or that of ESP-IDF's environment."""
    modules = [_MODULES[service] for service in services]
    if all(find_spec(module) for module in modules):
        return sys.executable
    environment = os.environ.get("IDF_PYTHON_ENV_PATH")
    if environment:
        python = str(Path(environment) / "bin" / "python")
        argv = [python, "-P", "-c", f"import {', '.join(modules)}"]
        try:
            if run(argv, timeout=_CHECK_SECONDS, cancel=cancel).returncode == 0:
                return python
        except MissingToolError:
            pass  # as good as not set
    raise MissingToolError("pytest-embedded: pip install 'espdeck[embedded]'")


class _Located(XmlCase):
    """A test case with its place, as pytest's ``xunit1`` has it.

    Lines count from 0; those of a case of Unity's, which pytest-embedded marks, from 1.
    """

    file = Attr("file")
    line = IntAttr("line")
    group = Attr("group")
    is_unity_case = Attr("is_unity_case")


def read_report(path: Path, logs: Path | None = None) -> tuple[TestCase, ...]:
    """Read pytest's JUnit XML.

    Args:
        path: the report. Untrusted: the suite could have written it.
        logs: pytest-embedded's folder of logs, for what Unity said; None for none. As untrusted.

    Raises:
        ToolError: it makes no sense.
    """
    try:
        # As text, so that no parser looks for another encoding in its bytes.
        text = xml.text_of(read_file(path, _MAX_REPORT_BYTES), "it", _MAX_ELEMENTS)
        tree = JUnitXml.fromstring(text)
        suites = [tree] if isinstance(tree, TestSuite) else list(tree)
        cases = [
            _Located.fromelem(case)  # type: ignore[no-untyped-call] # the library's
            for suite in suites
            for case in suite
        ]
        return _told(cases[:_MAX_CASES], _heard(logs) if logs else ())
    except ToolError as error:
        said = clean(str(error))
        raise ToolError(f"pytest: its report is not what pytest writes: {said}") from error
    # A parse error of either parser that junitparser uses is a SyntaxError.
    except (OSError, SyntaxError, JUnitXmlError, ValueError, TypeError) as error:
        raise ToolError(f"pytest: its report cannot be read: {clean(str(error))}") from error


def _heard(logs: Path) -> tuple[TestCase, ...]:
    """Unity's results in the logs of boards of which pytest-embedded reports some."""
    found: list[TestCase] = []
    left = _MAX_LOG_BYTES
    for report in sorted(logs.glob("*/*/*/dut*.xml"))[:_MAX_LOGS]:
        with contextlib.suppress(OSError):
            said = read_file(report.with_suffix(".log"), min(_MAX_REPORT_BYTES, left))
            left -= len(said)
            found += unity.parse(said.decode("utf-8", "replace"), interruptions.interruption).cases
    return tuple(found[:_MAX_CASES])


def _told(cases: Iterable[_Located], heard: Iterable[TestCase]) -> tuple[TestCase, ...]:
    """The tests of pytest and those of Unity; of the latter what the board said, or worse."""
    waiting: dict[str, list[TestCase]] = {}
    for each in heard:
        waiting.setdefault(each.name, []).append(each)
    ran: list[TestCase] = []
    own: list[tuple[TestCase, bool]] = []
    for case in cases:
        mine = _case(case)
        if case.is_unity_case != "1":
            own.append((mine, case.is_unity_case == "0"))
            continue
        if waiting.get(mine.name):
            board = waiting[mine.name].pop(0)
            mine = mine if mine.failed and not board.failed else board
        ran.append(mine)
    ran += (each for rest in waiting.values() for each in rest)
    failed = any(each.failed for each in ran)
    # A test of pytest that says no more than what it had Unity run is no test of its own.
    told = (
        each
        for each, of_unity in own
        if not of_unity or (each.failed and not (failed and each.message == _UNITY_FAILED))
    )
    return (*told, *ran)


def _case(case: _Located) -> TestCase:
    outcome, message = Outcome.PASS, ""
    for result in case.result:
        if isinstance(result, Skipped) and outcome is Outcome.PASS:
            outcome, message = Outcome.IGNORE, _one_line(result.message)
        elif isinstance(result, Failure | Error) and outcome is not Outcome.FAIL:
            outcome, message = Outcome.FAIL, _one_line(result.message)
            if message == _NOT_COLLECTED:
                message = _why_not_collected(result.text) or message
    line, seconds = case.line or 0, case.time
    name, of_unity = _one_line(case.name) or "unnamed", case.is_unity_case == "1"
    return TestCase(
        name=f"TEST({_one_line(case.group)}, {name})" if case.group else name,
        outcome=outcome,
        file=_one_line(case.file),
        line=line + (not of_unity) if 0 <= line < _MAX_LINE else 0,
        message=message,
        seconds=seconds if seconds is not None and 0 <= seconds < math.inf else None,
    )


def _why_not_collected(text: str | None) -> str:
    """The error that kept pytest from loading a file: the last of its lines that begin with E."""
    lines = (text or "").splitlines()[-_MAX_TRACEBACK_LINES:]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return f"pytest cannot load it: {_one_line(errors[-1])}" if errors else ""


def _one_line(text: str | None) -> str:
    """The first lines of a text as one; pytest-embedded says on the second what came instead."""
    lines = [clean(line).strip() for line in (text or "").splitlines()[:2]]
    return ", ".join(line for line in lines if line)[:_MAX_MESSAGE_CHARACTERS]
