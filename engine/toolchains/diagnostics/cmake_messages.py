"""CMake's message blocks (cmake-developer manual, ``message``), and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.enums import Severity
from engine.toolchains.diagnostics.diagnostic import SourcePaths
from engine.toolchains.diagnostics.failed_commands import FAILED, Command

_MESSAGE_HEAD = re.compile(
    r"CMake (?P<kind>Error|Warning|Deprecation Error|Deprecation Warning)(?: \([a-z]{1,20}\))?"
    r"(?: at (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?: \((?P<command>[\w:]{1,80})\))?"
    r"| in (?P<in>[^:\n]{1,400}))?:(?P<message>.*)"
)
_CALL = re.compile(r"  (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7}) \((?P<command>\w{1,80})\)$")
_QUOTED_ERROR = re.compile(
    r" CMake Error at (?P<file>[^:\s]{1,400}):(?P<line>\d{1,7}) \((?P<command>\w{1,80})\): "
    r"(?P<message>.*)"
)
"""The error of another CMake within a message, its place broken into lines."""

_COMPILER_TEST_OUTPUT = "It fails with the following output:"
"""What CMakeTestCCompiler.cmake says before what its compiler printed."""

_TRIED_EXTENSIONS = re.compile(r"(?<=\S) Tried extensions (?:\.[\w+]{1,9} ?){1,99}")
"""Behind a source file that is not there: each ending that CMake knows."""

_EMPTY_INCLUDE_DIRECTORY = re.compile(
    r"Include directory '.{1,400}' is not a directory"
    r"|The source directory .{1,400} does not contain a CMakeLists\.txt"
    r"|Cannot find source file: /"
)

WANTS_INSTALLED = re.compile(r"\b[Ii]nstall (?:the )?['`]?[a-z0-9]|\bapt(?:-get)? install\b")
"""A message that tells a person to install something, such as ESP-IDF's of libbsd-dev."""

_ENTRY_COMMAND = "project"
"""What the project's own file calls to have everything of ESP-IDF done."""


@dataclass(frozen=True, slots=True)
class CallFrame:
    """Where a message comes from, or what called that: a file, a line, the command there."""

    file: str
    line: int | None
    command: str


@dataclass(frozen=True, slots=True)
class CMakeMessage:
    """One message of CMake.

    Args:
        severity: error or warning; a deprecation is a warning.
        message: its words in one line.
        places: where it comes from, then its callers, the innermost first.
        lines: as it was printed.
    """

    severity: Severity
    message: str
    places: tuple[CallFrame, ...]
    lines: tuple[str, ...]

    def place(self, paths: SourcePaths, *, nested: bool) -> CallFrame | None:
        """The place that a person can change: the project's own where one is among them.

        Args:
            paths: of the source tree.
            nested: it is of a project within the project, whose relative paths begin elsewhere.
        """
        mine = [each for each in self.places if _is_in_project(each.file, paths, nested)]
        known = [each for each in self.places if each.file.startswith("/") or not nested]
        return next(iter(mine or known), None)

    def is_foreign(self, paths: SourcePaths, *, nested: bool) -> bool:
        """Whether it complains of files that are not the project's."""
        mine = [each for each in self.places if _is_in_project(each.file, paths, nested)]
        return bool(self.places) and all(each.command == _ENTRY_COMMAND for each in mine)

    def lacks_submodule(self, paths: SourcePaths, *, nested: bool) -> bool:
        """Whether a folder is empty that only an installed component, such as ESP-IDF's, names."""
        return _EMPTY_INCLUDE_DIRECTORY.match(self.message) is not None and self.is_foreign(
            paths, nested=nested
        )


def length_at(lines: Sequence[str], start: int) -> int:
    """How many lines a message takes that begins at one, 0 where none does."""
    if not lines[start].startswith("CMake ") or not _MESSAGE_HEAD.match(lines[start]):
        return 0
    end = start + 1
    while end < len(lines) and (
        not lines[end] or lines[end].startswith(("  ", "Call Stack", "CMake Generate step failed"))
    ):
        end += 1
    return end - start


def read(lines: Sequence[str]) -> CMakeMessage:
    """Read the lines of a message, as :func:`length_at` counts them."""
    lines = _innermost(lines)
    head = _MESSAGE_HEAD.match(lines[0])
    assert head is not None
    words = [head["message"].strip()]
    first = head["file"] or head["in"]
    number = int(head["line"]) if head["line"] else None
    places = [CallFrame(first, number, head["command"] or "")] if first else []
    in_calls = False
    for line in lines[1:]:
        call = _CALL.match(line) if in_calls else None
        in_calls = in_calls or line.startswith("Call Stack")
        if call:
            places.append(CallFrame(call["file"], int(call["line"]), call["command"]))
        elif not in_calls:
            words.append(line.strip())
    message = " ".join(" ".join(words).split())
    if _COMPILER_TEST_OUTPUT in message:
        message = _with_reason(message, lines)
    message = _TRIED_EXTENSIONS.sub("", message)
    quoted = _QUOTED_ERROR.search(message)
    if quoted:
        places = [CallFrame(quoted["file"], int(quoted["line"]), quoted["command"])]
        message = quoted["message"]
    return CMakeMessage(
        severity=Severity.ERROR if head["kind"].endswith("Error") else Severity.WARNING,
        message=message,
        places=tuple(places),
        lines=tuple(lines),
    )


def _with_reason(message: str, lines: Sequence[str]) -> str:
    """Which compiler cannot compile, and why: that stands behind the command that failed."""
    failed = [index for index, line in enumerate(lines) if FAILED.match(line.strip())]
    test = Command("test")
    for line in lines[failed[-1] + 1 :] if failed else ():
        if line.strip().startswith("ninja: "):
            break
        test.take(line.strip())
    reason = f": {test.reason}" if test.reason else ""
    return message.partition(_COMPILER_TEST_OUTPUT)[0].rstrip(". ") + reason


def _is_in_project(path: str, paths: SourcePaths, nested: bool) -> bool:
    installed = "managed_components" in path.split("/")
    known = path.startswith("/") or not nested
    return known and not installed and paths.inside(path)


def _innermost(lines: Sequence[str]) -> Sequence[str]:
    """The error of another CMake that a message quotes, indented; else the message itself."""
    for index, line in enumerate(lines[1:], 1):
        if line.rstrip() == "  CMake Error at" and index + 1 < len(lines):
            # A long path stands on a line of its own.
            line = f"{line.rstrip()} {lines[index + 1].strip()}"
            lines = [*lines[:index], line, *lines[index + 2 :]]
        if line.startswith("  CMake Error at "):
            quoted = [each.removeprefix("  ") for each in lines[index:]]
            if _MESSAGE_HEAD.match(quoted[0]):
                return quoted
    return lines
