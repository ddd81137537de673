"""Code quality: a score of 0 to 100 from what tools count.

The score is the mean of three parts, each 0 to 100, weighted:

- complexity, 50: 100 less the percentage of lines of code that are in complex functions. A function
  counts by its cyclomatic complexity (lizard): not at all up to :data:`SIMPLE_COMPLEXITY`, with all
  its lines
  from :data:`FULL_COMPLEXITY`, in between in proportion;
- defects, 30: 100 less :data:`PER_DEFECT` points a defect for each 1,000 lines of code, at least
  1,000 (cppcheck, its severities error, warning, and anything else);
- duplication, 20: 100 less :data:`PER_DUPLICATE` times the percentage of tokens that are
  there twice (lizard).

Where cppcheck has nothing to check (no C or C++), the other two share its weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.enums import Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats import xml
from engine.quality import tools
from engine.quality.per_file import report_of_all
from engine.quality.result import Measure, measured, unknown
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy
from engine.quality_requirements import Aspect
from engine.text import clean
from engine.text import count as number_of

SIMPLE_COMPLEXITY, FULL_COMPLEXITY = 10, 30
"""Cyclomatic complexities: up to the first a function is simple, from the second it is not."""

PER_DEFECT = {"error": 30.0, "warning": 10.0}
"""Points that a defect of a severity costs; any other costs :data:`PER_REMARK`."""

PER_REMARK = 1.0
PER_DUPLICATE = 2.5
_WEIGHTS = {"complexity": 50, "defects": 30, "duplication": 20}
_DEFECT_RATE_LINES = 1000

_MAX_DUPLICATES = 10
_RATE = re.compile(r"^Total duplicate rate: ([0-9.]+)%$", re.MULTILINE)
_BLOCK = re.compile(r"^Duplicate block:\n-+\n((?:.*:\d+ ~ \d+\n)+)", re.MULTILINE)
_COUNT = re.compile(r"[0-9]{1,9}")
_PLACE = re.compile(r"^(.*):(\d+) ~ (\d+)$", re.MULTILINE)
_COLUMNS = 11
_LIZARD_OPTIONS = (
    *("--csv", "-Eduplicate", "--ignore_warnings", "-1"),
    # Neither list is the project's to write.
    *("--no-gitignore", "--whitelist", "/dev/null"),
)
_CPPCHECK_OPTIONS = (
    *("--quiet", "--enable=warning,style,performance,portability"),
    # The chips are 32-bit.
    *("--platform=unix32", "--max-configs=8", "--xml"),
    # A header by itself uses none of what it declares.
    "--suppress=unusedStructMember",
)
_NEVER_INCLUDED = (".md", ".rst", ".adoc", ".py", ".yml", ".yaml", ".toml", ".lock")
_UNCHECKED = frozenset(
    {
        *("syntaxError", "unknownMacro", "preprocessorErrorDirective", "internalError"),
        *("internalAstError", "cppcheckError", "includeNestedTooDeeply", "noValidConfiguration"),
        *("missingInclude", "missingIncludeSystem", "missingFile", "toomanyconfigs"),
        *("checkersReport", "normalCheckLevelMaxBranches", "misra-config"),
    }
)
"""What cppcheck says of itself: it lacks headers and macros of ESP-IDF, which is no defect."""


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    file: str
    line: int
    lines: int
    complexity: int

    @property
    def weight(self) -> float:
        """Part of its lines that count as complex."""
        return min(
            1.0,
            max(
                0.0,
                (self.complexity - SIMPLE_COMPLEXITY) / (FULL_COMPLEXITY - SIMPLE_COMPLEXITY),
            ),
        )


@dataclass(frozen=True, slots=True)
class _LizardReport:
    """What lizard counted: functions, and the percentage of tokens that are there twice."""

    functions: tuple[_Function, ...]
    duplicated: float
    duplicates: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _CppcheckReport:
    """What cppcheck found, and files of which it could not make sense."""

    findings: tuple[Finding, ...]
    points: float
    unchecked: int


def measure(copy: TreeCopy, thresholds: Thresholds, runner: ToolRunner) -> Measure:
    """Code quality of the sources that count.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    limit = thresholds.of(Aspect.CODE)
    sources = (*copy.c_sources, *copy.python_sources)
    if not sources:
        return unknown(Aspect.CODE, limit, "no C, C++ or Python sources")
    try:
        shape, defects = runner.both(
            lambda: _lizard(copy, sources, runner),
            lambda: _cppcheck(copy, runner) if copy.c_sources else None,
        )
    except (MissingToolError, ToolError) as error:
        return unknown(Aspect.CODE, limit, str(error))
    lines = sum(each.lines for each in shape.functions)
    complex_lines = sum(each.lines * each.weight for each in shape.functions)
    parts = {
        "complexity": 100.0 * (1 - complex_lines / lines) if lines else 100.0,
        "duplication": max(0.0, 100.0 - PER_DUPLICATE * shape.duplicated),
    }
    if defects is not None:
        parts["defects"] = max(
            0.0,
            100.0 - defects.points * _DEFECT_RATE_LINES / max(lines, _DEFECT_RATE_LINES),
        )
    score = sum(_WEIGHTS[name] * part for name, part in parts.items())
    score /= sum(_WEIGHTS[name] for name in parts)
    said = ", ".join(f"{name} {parts[name]:.0f}" for name in _WEIGHTS if name in parts)
    unchecked = defects.unchecked if defects is not None else 0
    not_checked = (
        f"; {number_of(unchecked, 'file')} not understood by cppcheck" if unchecked else ""
    )
    detail = (
        f"{said} of 100 each; {number_of(len(shape.functions), 'function')} in "
        f"{number_of(len(sources), 'file')}{not_checked}{copy.note()}"
    )
    findings = (
        *(_too_complex(each) for each in _worst_first(shape.functions)),
        *(defects.findings if defects is not None else ()),
        *shape.duplicates,
    )
    return measured(Aspect.CODE, score, limit, detail, findings)


def _worst_first(functions: Sequence[_Function]) -> list[_Function]:
    tangled = (each for each in functions if each.weight > 0)
    return sorted(tangled, key=lambda each: -each.complexity)


def _too_complex(function: _Function) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        code="quality.complexity",
        message=f"{function.name} has a cyclomatic complexity of {function.complexity}",
        file=function.file,
        line=function.line,
        hint=f"split it up: up to {SIMPLE_COMPLEXITY} is simple",
    )


def parts(copy: TreeCopy) -> tuple[str, ...]:
    """The tools that apply, by name."""
    if not copy.c_sources and not copy.python_sources:
        return ()
    return ("lizard", "cppcheck") if copy.c_sources else ("lizard",)


def _lizard(copy: TreeCopy, sources: Sequence[str], runner: ToolRunner) -> _LizardReport:
    names, report = runner.folder / "lizard.txt", runner.folder / "lizard.csv"

    def make() -> str:
        names.write_text("".join(f"{name}\n" for name in sources), "utf-8")
        argv: list[str | Path] = [
            *(*tools.command("lizard"), *_LIZARD_OPTIONS),
            *("--input_file", names, "--output_file", report),
        ]
        done = runner.run(argv, cwd=copy.folder)
        text = tools.report_of(report, done, "lizard").decode("utf-8", "replace")
        if done.returncode != 0 or _RATE.search(text) is None:
            raise ToolError(tools.failure("lizard", done.returncode, done.tail))
        return text

    text = report_of_all("lizard", " ".join(_LIZARD_OPTIONS), sources, copy, runner, make)
    rate = _RATE.search(text)
    rows = text.partition("\nDuplicates\n")[0].splitlines()
    duplicated = float(rate[1]) if rate else 0.0
    return _LizardReport(tuple(_functions(rows)), duplicated, tuple(_duplicates(text)))


def _functions(rows: Sequence[str]) -> Iterator[_Function]:
    """Rows of lizard's CSV: lines of code, complexity, tokens, parameters, length, place, file,
    name, long name, first and last line."""
    for row in tools.table(rows, "lizard"):
        if len(row) < _COLUMNS or not (row[0] + row[1] + row[-2]).isdigit():
            continue  # what a name with a quote in it led to
        yield _Function(
            name=clean(row[7])[:200],
            file=row[6],
            line=int(row[-2]),
            lines=int(row[0]),
            complexity=int(row[1]),
        )


def _duplicates(text: str) -> Iterator[Finding]:
    """The first of the blocks that lizard lists."""
    for index, block in enumerate(_BLOCK.finditer(text)):
        if index == _MAX_DUPLICATES:
            return
        (file, first, last), *others = _PLACE.findall(block[1])
        also = ", ".join(f"{name}:{start}" for name, start, _ in others[:3])
        yield Finding(
            severity=Severity.INFO,
            code="quality.duplicate",
            message=f"lines {first} to {last} are repeated: {also}",
            file=file,
            line=int(first),
        )


def _cppcheck(copy: TreeCopy, runner: ToolRunner) -> _CppcheckReport:
    names, report = runner.folder / "cppcheck.txt", runner.folder / "cppcheck.xml"
    # With several jobs, what it finds across files goes through a folder.
    between = runner.folder / "cppcheck"

    def make() -> str:
        names.write_text("".join(f"{name}\n" for name in copy.c_sources), "utf-8")
        between.mkdir()
        argv = [
            *(*tools.command("cppcheck"), *_CPPCHECK_OPTIONS),
            *(f"-j{runner.jobs}", f"--cppcheck-build-dir={between}"),
            *(f"--file-list={names}", f"--output-file={report}"),
        ]
        done = runner.run(argv, cwd=copy.folder)
        data = tools.report_of(report, done, "cppcheck")
        if done.returncode != 0:
            raise ToolError(tools.failure("cppcheck", done.returncode, done.tail))
        return data.decode("utf-8", "replace")

    # What sources may include is more than sources: tables, templates.
    files = [each for each in copy.files if not each.lower().endswith(_NEVER_INCLUDED)]
    options = " ".join((*_CPPCHECK_OPTIONS, *copy.c_sources))
    data = report_of_all("cppcheck", options, files, copy, runner, make).encode()
    found: dict[Finding, float] = {}
    unchecked: set[str] = set()
    places: list[Mapping[str, str]] = []

    def element(tag: str, attributes: Mapping[str, str], _: str) -> None:
        if tag == "location":
            places.append(attributes)
        elif tag == "error":
            place = places[0] if places else {}
            places.clear()
            if attributes.get("id") in _UNCHECKED:
                unchecked.add(place.get("file", ""))
            else:
                severity = attributes.get("severity", "")
                found[_defect(attributes, place)] = PER_DEFECT.get(severity, PER_REMARK)

    xml.read(data, "cppcheck", element)
    return _CppcheckReport(tuple(found), sum(found.values()), len(unchecked - {""}))


def _place(text: str) -> int | None:
    return (int(text) or None) if _COUNT.fullmatch(text) else None


def _defect(attributes: Mapping[str, str], place: Mapping[str, str]) -> Finding:
    serious = attributes.get("severity") in PER_DEFECT
    line, column = place.get("line", ""), place.get("column", "")
    return Finding(
        severity=Severity.WARNING if serious else Severity.INFO,
        code=f"cppcheck.{clean(attributes.get('id', ''))[:80]}",
        message=clean(attributes.get("msg", ""))[:500],
        file=tools.original_name(place["file"]) if place.get("file") else None,
        line=_place(line),
        column=_place(column),
    )
