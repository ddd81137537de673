"""Coverage reports: which lines of which files tests ran.

Read are lcov's tracefiles (geninfo(1), "TRACEFILE FORMAT"), Cobertura's XML (coverage-04.dtd; gcovr
and coverage.py write it too) and coverage.py's JSON (its documentation, "JSON reporting").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ToolError
from engine.files import read_file
from engine.formats import xml
from engine.formats.untrusted import json_of
from engine.quality.tools import MAX_REPORT_BYTES
from engine.source.c_source import ends_of

NAMES = tuple(
    f"{folder}{name}"
    for folder in ("", "coverage/")
    for name in (
        "coverage.info",
        "lcov.info",
        "coverage.xml",
        "cobertura.xml",
        "cobertura-coverage.xml",
        "coverage.json",
    )
)
"""Where a report is looked for that the project does not name."""

_MAX_LINE = 10_000_000

Lines = dict[str, dict[int, bool]]
"""Of each file, as the report calls it, the lines that could run and whether they did."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the sources tests ran.

    Args:
        run: lines that they ran.
        lines: lines that they could have run.
        files: sources that the report knows.
    """

    run: int
    lines: int
    files: frozenset[str]

    @property
    def percent(self) -> float:
        """Of lines; 0 where there are none."""
        return 100.0 * self.run / self.lines if self.lines else 0.0


def read(path: Path) -> Lines:
    """Read a report.

    Args:
        path: untrusted.

    Raises:
        ToolError: it is too large, or nothing of the kind; names the file.
    """
    try:
        return parse(read_file(path, MAX_REPORT_BYTES), path.name)
    except OSError as error:
        raise ToolError(f"{path.name}: {error.strerror}") from error


def parse(data: bytes, name: str) -> Lines:
    """What a report says; which of the formats it is, its beginning says.

    Args:
        data: the report. Untrusted.
        name: how it is called, for messages.

    Raises:
        ToolError: it is nothing of the kind.
    """
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        return _cobertura(data, name)
    if start == b"{":
        return _json(data, name)
    return _lcov(data, name)


def of_sources(found: Lines, sources: Collection[str]) -> Coverage:
    """What a report says of the sources that count; of anything else it says nothing here.

    Args:
        found: paths in it may be those of another machine: the longest end that is a source wins.
        sources: names relative to the project.
    """
    names = frozenset(sources)
    merged: dict[str, dict[int, bool]] = {}
    for path, lines in found.items():
        clean = path.replace("\\", "/").removeprefix("./")
        name = next((end for end in ends_of(clean) if end in names), None)
        if name is not None:
            _add(merged.setdefault(name, {}), lines)
    every = [ran for lines in merged.values() for ran in lines.values()]
    return Coverage(run=sum(every), lines=len(every), files=frozenset(merged))


def _lcov(data: bytes, name: str) -> Lines:
    found: Lines = {}
    lines: dict[int, bool] = {}
    known = False
    for text in data.decode("utf-8", "replace").split("\n"):
        key, _, value = text.strip().partition(":")
        if key == "SF":
            known = True
            lines = found.setdefault(value, {})
        elif key == "DA":
            number, _, rest = value.partition(",")
            _put(lines, number, rest.partition(",")[0], name)
    if not known:
        raise ToolError(f"{name}: not a coverage report of lcov, Cobertura or coverage.py")
    return found


def _cobertura(data: bytes, name: str) -> Lines:
    found: Lines = {}
    folders: list[str] = []
    lines: dict[int, bool] = {}
    known = False

    def element(tag: str, attributes: Mapping[str, str], text: str) -> None:
        nonlocal known
        if tag == "source":
            folders.append(text)
        elif tag == "line":
            _put(lines, attributes.get("number", ""), attributes.get("hits", ""), name)
        elif tag == "class":
            _add(found.setdefault(attributes.get("filename", ""), {}), lines)
            lines.clear()
        elif tag == "coverage":
            known = True

    xml.read(data, name, element)
    if not known:
        raise ToolError(
            f"{name}: not a coverage report of Cobertura: it does not begin with <coverage>"
        )
    # With several folders nobody knows which one a file is in; ends of paths are compared anyway.
    folder = folders[0].rstrip("/") if len(folders) == 1 else ""
    return {_joined(folder, path): each for path, each in found.items()}


def _json(data: bytes, name: str) -> Lines:
    try:
        files = json_of(data)["files"]
        return {
            str(path): {
                **{_number(line, name): False for line in each["missing_lines"]},
                **{_number(line, name): True for line in each["executed_lines"]},
            }
            for path, each in files.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ToolError(f"{name}: not a coverage report of coverage.py: {error!r}"[:300]) from error


def _joined(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder and not path.startswith("/") else path


def _put(lines: dict[int, bool], number: str, hits: str, name: str) -> None:
    line = _number(number, name)
    lines[line] = lines.get(line, False) or _number(hits, name) > 0


def _add(into: dict[int, bool], lines: Mapping[int, bool]) -> None:
    for line, ran in lines.items():
        into[line] = into.get(line, False) or ran


def _number(value: object, name: str) -> int:
    """A count, or the number of a line, which some write as if it were a fraction."""
    try:
        number = int(value) if isinstance(value, int) else int(float(str(value)))
    except (ValueError, OverflowError) as error:
        raise ToolError(f"{name}: {str(value)[:40]!r} is not a number") from error
    return min(max(number, 0), _MAX_LINE)
