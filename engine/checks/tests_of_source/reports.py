"""Reports of test runners: JUnit XML as pytest and CTest write it, and CTest's own ``Test.xml``.

Read as a stream (:mod:`engine.formats.xml`), so that of a report of any size only what is kept
takes memory. Sources: pytest's ``junitxml.py`` (``xunit1``), CTest's ``cmCTestTestHandler``
(``WriteJUnitXML`` and ``GenerateDartOutput``), whose words are checked against CMake 3.25 and 4.4.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import ToolError
from engine.files import explain, read_file
from engine.formats import xml
from engine.testing import unity
from engine.testing.results import Outcome
from engine.text import clean

MAX_REPORT_BYTES = 32 << 20
"""Bytes of the largest report that is read."""

MAX_CASES = 20_000
"""Results of one report that are kept."""

_MAX_ELEMENTS = 20 * MAX_CASES
_MAX_NAME_CHARACTERS = 300
_MAX_MESSAGE_CHARACTERS = 300
_MAX_OUTPUT_CHARACTERS = 200_000
_MAX_LINE = 10_000_000
_MAX_SECONDS = 1e7

_NOT_XML = re.compile(r"\[NON-(?:XML|UTF-8|ASCII)[-\w]*-0x[0-9A-Fa-f]+\]")
_PYTHON_PLACE = re.compile(r"^(\S[^\n:]{0,300}\.py):(\d{1,7}): ?(\w*)", re.MULTILINE)
_C_PLACE = re.compile(
    r"([\w./+-]{1,300}\.(?:c|cc|cpp|cxx|ino|h|hpp|hh)):(\d{1,7})(?=[:\s)])", re.IGNORECASE
)
_GTEST_FAILED = re.compile(r"^\[  FAILED  \] ([\w./]{1,200})", re.MULTILINE)
_GTEST_OK = re.compile(r"^\[       OK \] ([\w./]{1,200})", re.MULTILINE)
_SKIPPED_BY_CTEST = ("SKIP_", "Disabled", "Insufficient resources", "Fixture dependency")
_NOT_COLLECTED = "collection failure"
_IN_SETUP = "failed on setup with"


@dataclass(frozen=True, slots=True)
class Result:
    """What one test came to.

    Args:
        id: names it among all tests of the project, the same in every run.
        outcome: how it ended.
        test_file: file of the test relative to the project, empty where it is not known.
        seconds: how long it took, None where nobody measured.
        file, line: where it failed; empty and 0 where that is not known.
        message: why it failed or did not run; one line.
        names: what it is called in sources: functions, ``Suite.Test``, descriptions.
    """

    id: str
    outcome: Outcome
    test_file: str = ""
    seconds: float | None = None
    file: str = ""
    line: int = 0
    message: str = ""
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class _Case:
    """A test case while its elements are read."""

    outcome: Outcome = Outcome.PASS
    message: str = ""
    text: str = ""
    output: str = ""
    values: dict[str, str] = field(default_factory=dict)


def read_junit(path: Path) -> tuple[Result, ...]:
    """Results of a JUnit report.

    Args:
        path: the report. Untrusted: the tests could have written it.

    Raises:
        ToolError: it is not there, too large, or makes no sense; one line.
    """
    return parse_junit(_read(path))


def parse_junit(data: bytes) -> tuple[Result, ...]:
    """:func:`read_junit` of what is in the file."""
    found: list[Result] = []
    case = _Case()

    def element(tag: str, attributes: Mapping[str, str], text: str) -> None:
        nonlocal case
        if tag in ("failure", "error"):
            if case.outcome is not Outcome.FAIL:
                case.outcome, case.message = Outcome.FAIL, attributes.get("message", "")
                case.text = text[-_MAX_OUTPUT_CHARACTERS:]
        elif tag == "skipped":
            if case.outcome is Outcome.PASS:
                case.outcome, case.message = Outcome.IGNORE, attributes.get("message", "")
        elif tag == "system-out":
            case.output = text[:_MAX_OUTPUT_CHARACTERS]
        elif tag == "testcase":
            if len(found) < MAX_CASES:
                found.append(_of_junit(case, attributes))
            case = _Case()

    xml.read(data, "JUnit report", element, _MAX_ELEMENTS)
    return tuple(found)


def parse_lines(data: bytes) -> tuple[tuple[Result, ...], str]:
    """What the plugin ``espdeck_results`` wrote: results, and the test that is on.

    Args:
        data: lines of JSON, of which the last may be cut off. Untrusted.

    Returns:
        A result for each test that ended, and the id of the one that did not, empty for none.
    """
    found: dict[str, Result] = {}
    began = ""
    for line in data.split(b"\n"):
        try:
            said = json.loads(line)
            if "began" in said:
                began = _one_line(str(said["began"]))
                continue
            result = _of_line(said)
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        known = found.get(result.id)
        if known is None or known.outcome is not Outcome.FAIL:
            found[result.id] = result
        began = "" if began == result.id else began
        if len(found) >= MAX_CASES:
            break
    return tuple(found.values()), began


def _of_line(said: Mapping[str, Any]) -> Result:
    node, message = _one_line(str(said["id"])), str(said["message"])
    outcome = {"passed": Outcome.PASS, "failed": Outcome.FAIL}.get(said["outcome"], Outcome.IGNORE)
    file, line = _one_line(str(said["file"]), 400), int(said["line"])
    return Result(
        id=node,
        outcome=outcome,
        test_file=node.partition("::")[0],
        seconds=_seconds(str(said["seconds"])),
        file=file if outcome is Outcome.FAIL else "",
        line=line if 0 <= line < _MAX_LINE else 0,
        message=_one_line(_last_error(message) or message),
        names=(node.rpartition("::")[2],),
    )


def read_ctest(build: Path) -> tuple[Result, ...]:
    """Results of the last ``ctest -T Test`` in a build folder, as ``Testing/TAG`` names it.

    Raises:
        ToolError: there is none, or it makes no sense; one line.
    """
    tag = _read(build / "Testing" / "TAG", 200).decode("ascii", "replace").split("\n")[0].strip()
    if not re.fullmatch(r"\d{8}-\d{4}", tag):
        raise ToolError("CTest: Testing/TAG names no run")
    return parse_ctest(_read(build / "Testing" / tag / "Test.xml"))


def parse_ctest(data: bytes) -> tuple[Result, ...]:
    """Results in a ``Test.xml`` of CTest."""
    found: list[Result] = []
    case = _Case()
    value = ""

    def element(tag: str, attributes: Mapping[str, str], text: str) -> None:
        nonlocal case, value
        if tag == "Value":
            value = text[:_MAX_OUTPUT_CHARACTERS]
        elif tag == "NamedMeasurement":
            case.values[attributes.get("name", "")[:100]] = value[:1000]
        elif tag == "Measurement":
            case.output = value
        elif tag == "Name":
            case.values["name"] = text
        elif tag == "Test" and "Status" in attributes:
            if len(found) < MAX_CASES:
                found.append(_of_ctest(case, attributes["Status"]))
            case = _Case()

    xml.read(data, "Test.xml of CTest", element, _MAX_ELEMENTS)
    return tuple(found)


def _of_junit(case: _Case, attributes: Mapping[str, str]) -> Result:
    name = _one_line(attributes.get("name", ""), _MAX_NAME_CHARACTERS) or "unnamed"
    status, seconds = attributes.get("status"), _seconds(attributes.get("time"))
    if attributes.get("result") == "skipped" or status == "disabled":  # GoogleTest, CTest
        case.outcome = Outcome.IGNORE
    if status in ("run", "fail", "notrun", "disabled"):
        reason = case.message
        # What CTest could not start has failed, as its exit code says; what it was to leave out
        # has not ("SKIP_RETURN_CODE=77", "Disabled").
        if status == "notrun" and not reason.startswith(_SKIPPED_BY_CTEST):
            case.outcome = Outcome.FAIL
        return _by_ctest(name, case, seconds)
    return _by_pytest(name, case, attributes, seconds)


def _of_ctest(case: _Case, status: str) -> Result:
    values = case.values
    name = _one_line(values.get("name", ""), _MAX_NAME_CHARACTERS) or "unnamed"
    reason = values.get("Completion Status", "")
    case.message = values.get("Exit Code", "") or reason
    if status != "passed":
        left_out = status == "notrun" and reason.startswith(_SKIPPED_BY_CTEST)
        case.outcome = Outcome.IGNORE if left_out else Outcome.FAIL
    return _by_ctest(name, case, _seconds(values.get("Execution Time")))


def _by_ctest(name: str, case: _Case, seconds: float | None) -> Result:
    """A test of CTest: a program, which may say on its output which of its own tests failed."""
    output = _NOT_XML.sub(_character, case.output)
    said = unity.parse(output)
    names = [each.name for each in said.cases] + _GTEST_OK.findall(output)
    failed = _GTEST_FAILED.findall(output)
    file, line, message = "", 0, _one_line(case.message)
    if case.outcome is Outcome.FAIL:
        wrong = next((each for each in said.cases if each.failed), None)
        if wrong is not None:
            file, line = wrong.file, wrong.line
            message = f"{wrong.name}: {wrong.message}" if wrong.message else wrong.name
        elif place := _C_PLACE.search(output):
            file, line = place[1], int(place[2])
            begin = output.rfind("\n", 0, place.start()) + 1
            message = _one_line(output[begin : place.end() + 200].split("\n")[0]) or message
            message = f"{failed[0]}: {message}" if failed else message
    return Result(
        id=f"ctest::{name}",
        outcome=case.outcome,
        seconds=seconds,
        file=clean(file),
        line=line if 0 <= line < _MAX_LINE else 0,
        message=_one_line(message) if case.outcome is not Outcome.PASS else "",
        names=tuple(dict.fromkeys((name, *names, *failed)))[:200],
    )


def _by_pytest(
    name: str, case: _Case, attributes: Mapping[str, str], seconds: float | None
) -> Result:
    test_file = _one_line(attributes.get("file", ""), 400)
    classes = _classes(_one_line(attributes.get("classname", ""), 400), test_file)
    line = attributes.get("line", "")
    # pytest counts lines from 0, as its ``location`` does.
    number = int(line) + 1 if line.isascii() and line.isdigit() and len(line) < 8 else 0
    file, message = "", ""
    if case.outcome is Outcome.FAIL:
        message = case.message
        if message == _NOT_COLLECTED or not message:
            message = _last_error(case.text) or message
            classes, test_file = "", test_file or _file_of(name, attributes.get("classname", ""))
        elif message.startswith(_IN_SETUP):
            message = _last_error(case.text) or message
        # Of the test itself, else of what it calls of the project.
        places = [each for each in _PYTHON_PLACE.finditer(case.text) if not each[1].startswith("/")]
        own = [each for each in places if each[1] == test_file]
        file = test_file
        if place := (own or places)[-1:]:
            file, number = place[0][1], int(place[0][2])
    elif case.outcome is Outcome.IGNORE:
        message = case.message
    node = "::".join(filter(None, (test_file or classes, "" if not test_file else classes, name)))
    return Result(
        id=node[:500],
        outcome=case.outcome,
        test_file=test_file,
        seconds=seconds,
        file=clean(file),
        line=number if 0 <= number < _MAX_LINE else 0,
        message=_one_line(message),
        names=(name,),
    )


def _file_of(name: str, classname: str) -> str:
    """The file of what pytest could not collect: its case has the module's name alone."""
    module = _one_line(name or classname, 400)
    return f"{module.replace('.', '/')}.py" if re.fullmatch(r"[\w.]+", module) else ""


def _classes(classname: str, file: str) -> str:
    """The classes of a test, of a name that begins with its module."""
    module = file.removesuffix(".py").replace("/", ".")
    for end in (f"{module}.", f"{module.rpartition('.')[2]}."):
        if classname.startswith(end):
            return classname.removeprefix(end).replace(".", "::")
    return "" if classname == module or module.endswith(classname) else classname


def _last_error(text: str) -> str:
    errors = [line[1:].strip() for line in text.splitlines()[-1000:] if line.startswith("E ")]
    return errors[-1] if errors else ""


def _character(match: re.Match[str]) -> str:
    """What CTest writes for a character that XML cannot have."""
    code = int(match[0].rpartition("x")[2][:-1][:6], 16)
    return chr(code) if code < 0xD800 else ""


def _seconds(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return round(found, 4) if 0 <= found < _MAX_SECONDS and math.isfinite(found) else None


def _one_line(text: str, most: int = _MAX_MESSAGE_CHARACTERS) -> str:
    lines = (clean(line).strip() for line in text[: 20 * most].splitlines())
    return next(filter(None, lines), "")[:most].strip()


def _read(path: Path, most: int = MAX_REPORT_BYTES) -> bytes:
    try:
        return read_file(path, most)
    except OSError as error:
        raise ToolError(f"test report: {explain(error, path)}") from error
