"""What ESP-IDF's own tools print, as data: idf.py, Kconfig, component manager, partition tables.

Taken from ESP-IDF 5.5 and 6.2, which says ``ERROR:``, ``WARNING:`` and ``NOTE:`` before what older
ones print bare (``tests/data``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.enums import Severity

CASCADE = re.compile(
    r"Failed to run k?conf(?:gen|ig)|^Manifest is not valid$|^Failing the build \(see"
    r"|^command failed with return code: \d+$"
    r"|^Some Python dependencies must be installed|^CMAKE_\w{1,20}_COMPILER not set, after Enable"
)
"""Messages of CMake that only say that a tool, which said why, has failed."""

_MANAGER = re.compile(r"(?:WARNING: .{1,400}? )??ERROR: (?P<words>.*)")
_PYTHON = re.compile(r"\S{1,300}/python[\d.]{0,6}: (?P<words>No module named .*)")


def of_tool(words: str) -> tuple[str, str] | None:
    """Words of a tool that CMake ran and quotes: they have no place in a file.

    Returns:
        What the component manager says, or Python that lacks it, and what begins the code of its
        finding; None where a message is CMake's own.
    """
    for pattern, code in ((_MANAGER, "component"), (_PYTHON, "idf.python")):
        match = pattern.fullmatch(words)
        if match:
            return match["words"], code
    return None


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A line that is a problem of its own.

    Args:
        pattern: must fit the whole line; its groups ``message``, ``file`` and ``line`` are read.
        code: of the finding.
        severity: of the finding.
        goes_on: what the lines after it begin with that belong to it, ``None`` for nothing; its
            group ``item`` is told in the message.
    """

    pattern: re.Pattern[str]
    code: str
    severity: Severity = Severity.ERROR
    goes_on: re.Pattern[str] | None = None


_PREFIX = re.compile(r"ERROR: |[\w.]{0,60}KconfigError: ")
_ERROR_PREFIX = r"(?:ERROR: |Error: )?"
_NOTE_PREFIX = r"(?:NOTE: |WARNING: |warning: )"
_WARNING_PREFIX = r"(?:WARNING: |Warning: )?"
_INDENTED = re.compile(r"\s+\S")
_AT_CHARACTER = re.compile(
    r"(?P<why>.{1,300}?)\s{1,9}\(at char \d{1,9}\), "
    r"\(line:(?P<line>\d{1,7}), col:(?P<column>\d{1,7})\)"
)
"""How pyparsing, by which ldgen reads linker fragments, says why and where."""
_FRAGMENT = re.compile(r"In fragment '.{1,200}' defined in '(?P<file>[^']{1,400})'")
"""What ldgen says behind an error of a fragment that it could read."""

LINES = (
    # idf.py's FatalError, which ESP-IDF before 6 prints bare.
    ProblemLine(
        re.compile(
            r"(?P<message>(?:Build is configured for generator '"
            r"|Build directory '.{1,400}' configured for project '"
            r"|'.{1,400}' is currently active in the environment while the project was "
            r"|Project sdkconfig '.{1,400}' was generated for target '"
            r"|Target settings are not consistent: "
            r"|Target '\w{1,40}' specified on command line is not consistent ).*)"
        ),
        "idf.error",
    ),
    ProblemLine(
        re.compile(r"error: (?P<message>Aborting due to Kconfig warnings)"), "kconfig.error"
    ),
    ProblemLine(
        re.compile(r"warning: (?P<message>\w{1,200} \(defined at .*)"),
        "kconfig.warning",
        Severity.WARNING,
        goes_on=re.compile(r"the value |Check these |see "),
    ),
    ProblemLine(
        re.compile(r"(?P<message>CMakeLists\.txt not found in project directory .*)"), "idf.error"
    ),
    ProblemLine(
        re.compile(_NOTE_PREFIX + r"(?P<message>user value .* ignored due to .*)"),
        "kconfig.warning",
        Severity.WARNING,
    ),
    ProblemLine(
        re.compile(_NOTE_PREFIX + r"(?P<message>the value .* is invalid for .*)"),
        "kconfig.warning",
        Severity.WARNING,
    ),
    ProblemLine(
        re.compile(
            _NOTE_PREFIX
            + r"(?P<message>unknown kconfig symbol '.*' assigned to .*) in (?P<file>\S.*)"
        ),
        "kconfig.warning",
        Severity.WARNING,
    ),
    ProblemLine(re.compile(r'(?P<message>Invalid field ".*)'), "component.error"),
    ProblemLine(
        re.compile(r"(?P<message>Cannot parse the manifest file)\. Please check that"),
        "component.error",
        goes_on=_INDENTED,
    ),
    ProblemLine(
        re.compile(
            _ERROR_PREFIX
            + r"(?P<message>(?:All )?\w{1,40}(?: \(\w{1,40}\))? partitions? (?:is|are) too small"
            r" for binary .*):"
        ),
        "partition.error",
        goes_on=_INDENTED,
    ),
    # It fits into one of them: enough for a build, not for an update over the air.
    ProblemLine(
        re.compile(
            _WARNING_PREFIX
            + r"(?P<message>(?:\d{1,3}/\d{1,3} |All )?\w{1,40}(?: \(\w{1,40}\))? partitions? "
            r"(?:is|are) too small for binary .*):"
        ),
        "partition.warning",
        Severity.WARNING,
        goes_on=_INDENTED,
    ),
    ProblemLine(
        re.compile(
            _WARNING_PREFIX + r"(?P<message>The smallest .* partition is nearly full .*"
            r"|Partition table does not contain any partitions matching .*)"
        ),
        "partition.warning",
        Severity.WARNING,
    ),
    # The same words begin the line that tells the size of one that fits.
    ProblemLine(
        re.compile(
            _ERROR_PREFIX + r"(?P<message>Bootloader binary (?:size .* )?is too (?:large|big).*)"
        ),
        "partition.error",
    ),
    ProblemLine(re.compile(r"(?P<message>Partitions tables occupies .*)"), "partition.error"),
    ProblemLine(
        re.compile(r"(?P<message>CSV Error(?: at line (?P<line>\d{1,7}))?: .*)"), "partition.error"
    ),
    ProblemLine(
        re.compile(
            r"(?P<message>Error at line (?P<line>\d{1,7}): (?:Value '|Field '|Size field |CSV flag "
            r"|App partition |Primary bootloader |Partition |Invalid |unknown variable ).*)"
        ),
        "partition.error",
    ),
    ProblemLine(re.compile(r"(?P<message>Partition \S{1,60} invalid: .*)"), "partition.error"),
    ProblemLine(
        re.compile(
            r"WARNING: (?P<message>Partition (?:has name '|definition had unknown|\S{1,60} not "
            r"aligned to ).*)"
        ),
        "partition.warning",
        Severity.WARNING,
    ),
    ProblemLine(
        re.compile(_ERROR_PREFIX + r"(?P<message>failed to parse (?P<file>\S{1,400}))"),
        "ldgen.error",
        goes_on=_AT_CHARACTER,
    ),
    ProblemLine(
        re.compile(r"(?P<message>The following Python requirements are not satisfied):"),
        "idf.python",
        goes_on=re.compile(
            r"(?:Requirement '|Error while checking requirement '|(?=[A-Za-z][\w.\[\],-]{0,80} ?"
            r"(?:[<>=~!;]|$)))(?P<item>[^';]{1,100}[^';\s])"
        ),
    ),
    ProblemLine(
        re.compile(
            r"(?:\S{1,300}/python[\d.]{0,6}: )?(?P<message>No module named (?:'.*'|[\w.]{1,200}))"
        ),
        "idf.python",
    ),
    ProblemLine(
        re.compile(
            r'(?P<message>Cannot import module "[\w.]{1,100}"\. This usually means that "idf.*)'
        ),
        "idf.python",
    ),
    ProblemLine(
        re.compile(r"(?:Error|ERROR): (?!\w+ failed with exit code )(?P<message>.*)"),
        "idf.error",
        goes_on=_FRAGMENT,
    ),
)
"""The first that fits is taken."""

IS_PATH = re.compile(r"\s+/\S.*")
"""A line that goes on with the file that it is about."""

DEFINED_AT = re.compile(r"\(defined at (?P<file>[^:()]{1,400}):(?P<line>\d{1,7})\)")
"""Where Kconfig says an option is, within a message."""


TABLE = re.compile(r"/gen_esp32part\.py (?:.{0,400}? )?(?P<file>[^\s\"']{1,400}\.csv)\b")
"""The partition table that a command reads."""


_TABLE_ERROR = re.compile(
    r"gen_esp32part\.(?:InputError|ValidationError): "
    r"(?P<message>(?:(?:CSV )?Error at line (?P<line>\d{1,7}))?.*)"
)


def of_table(exception: str) -> tuple[str, int | None] | None:
    """What an exception says of the partition table, and its line; None for any other."""
    match = _TABLE_ERROR.match(exception)
    if match is None:
        return None
    return match["message"], int(match["line"]) if match["line"] else None


def item(pattern: re.Pattern[str], line: str, before: str) -> str:
    """What a line that goes on with a problem adds to its message.

    Args:
        pattern: the problem's :attr:`ProblemLine.goes_on`.
        line: the line.
        before: the message until now.
    """
    match = pattern.match(line)
    if match is None or "item" not in pattern.groupindex:
        return ""
    return f"{', ' if before.endswith(chr(39)) else ': '}'{match['item']}'"


def after_prefix(line: str) -> int:
    """Where a line begins that names a place, behind what may stand before it."""
    match = _PREFIX.match(line)
    return match.end() if match else 0


def problem(
    line: str, others: tuple[ProblemLine, ...] = ()
) -> tuple[ProblemLine, re.Match[str]] | None:
    """Which problem a line is, None for none.

    Args:
        line: the line of output.
        others: lines of other tools, that are tried first.
    """
    for each in (*others, *LINES):
        match = each.pattern.fullmatch(line)
        if match:
            return each, match
    return None
