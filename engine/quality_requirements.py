"""Requirements on a project's quality: the table ``[quality]`` of ``espdeck.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from engine.formats.toml import Document

TABLE = "quality"
_MAX_PATH = 400
_MAX_PATTERNS = 100
_MAX_THRESHOLD = 1e12


class Aspect(StrEnum):
    """What the quality gate measures; also the keys of its thresholds."""

    COVERAGE = "coverage"
    CODE = "code"
    SECURITY = "security"
    DOCUMENTATION = "documentation"
    SIZE = "size"
    GROWTH = "growth"
    MEMORY = "memory"
    BUILD_TIME = "build_time"


@dataclass(frozen=True, slots=True)
class QualityRequirements:
    """Requirements that a project sets itself.

    Args:
        thresholds: those that it names, instead of the settings'.
        require: what must not be unknown.
        host_tests: folder of tests that run on this machine, empty for none.
        report: file with a coverage report, empty for those with the usual names.
        baseline: commit, branch or tag whose findings do not block, empty for none.
        exclude: patterns of files that do not count, relative to the file that names them.
    """

    thresholds: Mapping[Aspect, float]
    require: tuple[Aspect, ...] = ()
    host_tests: str = ""
    report: str = ""
    baseline: str = ""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of files that belong to no project.

    Args:
        coverage: percent of lines that tests ran.
        code: points of the code's quality.
        security: whether they are searched for secrets and dangerous calls.
        require: what fails when it cannot be measured.
    """

    coverage: float = 80.0
    code: float = 85.0
    security: bool = True
    require: tuple[Aspect, ...] = ()


def read(document: Document) -> QualityRequirements:
    """Read the table.

    Args:
        document: that has it. Untrusted: sizes and types are checked.

    Raises:
        MistakeError: something makes no sense; names file, line and key.
    """
    table = document.data[TABLE]
    if not isinstance(table, dict):
        raise document.wrong((TABLE,), f"{TABLE} must be a table")
    known = (*Aspect, "require", "host_tests", "report", "baseline", "exclude")
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise document.wrong(
            (TABLE, unknown[0]),
            f"unknown key {f'{TABLE}.{unknown[0]}'[:100]!r} (known: {', '.join(sorted(known))})",
        )
    return QualityRequirements(
        thresholds={each: _number(table, each, document) for each in Aspect if each in table},
        require=_aspects(table.get("require", []), document),
        host_tests=_path(table, "host_tests", document),
        report=_path(table, "report", document),
        baseline=_revision(table, document),
        exclude=_patterns(table.get("exclude", []), document),
    )


def _number(table: Mapping[str, object], key: str, document: Document) -> float:
    value = table[key]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _MAX_THRESHOLD
    ):
        raise document.wrong(
            (TABLE, key), f"{TABLE}.{key} must be a number from 0 to {_MAX_THRESHOLD:g}"
        )
    return float(value)


def _aspects(value: object, document: Document) -> tuple[Aspect, ...]:
    names = set(Aspect)
    if not isinstance(value, list) or not all(isinstance(x, str) and x in names for x in value):
        raise document.wrong(
            (TABLE, "require"), f"{TABLE}.require must be a list of: {', '.join(Aspect)}"
        )
    return tuple(dict.fromkeys(Aspect(each) for each in value))


def _revision(table: Mapping[str, object], document: Document) -> str:
    value = table.get("baseline", "")
    if not isinstance(value, str) or not (value.isprintable() and len(value) <= _MAX_PATH):
        raise document.wrong(
            (TABLE, "baseline"), f"{TABLE}.baseline must be a commit, branch or tag"
        )
    return value


def _patterns(value: object, document: Document) -> tuple[str, ...]:
    where, place = f"{TABLE}.exclude", (TABLE, "exclude")
    if not isinstance(value, list) or len(value) > _MAX_PATTERNS:
        raise document.wrong(
            place, f'{where} must be a list of at most {_MAX_PATTERNS} patterns: ["third_party/**"]'
        )
    for each in value:
        if not isinstance(each, str) or not (each.isprintable() and len(each) <= _MAX_PATH):
            raise document.wrong(place, f"{where}: {str(each)[:40]!r} is not a pattern of files")
        if not each.strip("/."):
            raise document.wrong(place, f"{where}: {each!r} names nothing")
        if ".." in PurePosixPath(each).parts:
            raise document.wrong(place, f"{where}: {each!r} leaves the project")
    return tuple(value)


def _path(table: Mapping[str, object], key: str, document: Document) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or not (value.isprintable() and len(value) <= _MAX_PATH):
        raise document.wrong((TABLE, key), f"{TABLE}.{key} must be a path")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise document.wrong((TABLE, key), f"{TABLE}.{key} {value!r} leaves the project")
    return value
