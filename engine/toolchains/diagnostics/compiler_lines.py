"""Lines of GCC, clang and GNU as, each by itself.

Formats read: GCC manual, "Diagnostic Message Formatting Options"; clang manual, "Formatting of
Diagnostics"; GCC's driver when the compiler proper dies (``gcc.cc``, "signal terminated program");
GNU as (``gas/messages.c``: ``as_bad``, ``as_fatal``, ``as_warn``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engine.enums import Severity
from engine.toolchains.diagnostics.diagnostic import Diagnostic, SourcePaths

LOCATED = re.compile(
    r"(?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?::(?P<column>\d{1,7}))?: {1,2}"
    r"(?P<kind>[Ff]atal error|[Ee]rror|[Ww]arning|internal compiler error|"
    r"sorry, unimplemented|note|Info): (?P<message>.*)"
)
"""A message with its place; those of GNU as begin with a capital letter."""

_ASSEMBLER_MESSAGE = re.compile(
    r"(?P<file>[^:\s]{1,400}\.[sS]|\{standard input\}): (?P<kind>Fatal error|Error|Warning): "
    r"(?P<message>.*)"
)

CONTEXT = re.compile(
    r"In file included from |\s+from |\S.{0,400}: (?:[Ii]n [a-z]|At (?:top|global))"
    r"|\S.{0,400}: Assembler messages:$|[^\s:][^:]{0,400}(?::\d{1,7}){1,2}: {2,}\S"
    r"|during \w{1,40} pass: "
)
"""What stands before a message and says how the compiler came there."""

_TEMPLATE_REQUIRED = re.compile(
    r"(?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?::(?P<column>\d{1,7}))?: {2,}"
    r"required (?:from|by|for)"
)
DRIVER_SYSTEM_ERROR = re.compile(
    r"(?:\S{0,300}[/-])?(?:gcc|cc|g\+\+|clang(?:\+\+)?|ccache): (?:.{1,1000}: )?(?:No such file or "
    r"directory|Permission denied|Read-only file system|Is a directory)$"
)
"""A compiler's driver or ccache gives the system's words alone: who says them is a part of it."""

_FLAG = re.compile(r" \[(?:-Werror,|-Werror=)?(?:-W)?([\w+=-]{1,60})\]$")
_COMPILER_CRASH = re.compile(
    r"(?:\S{1,300}: )?(?:(?P<message>internal compiler error: .*"
    r"|fatal error: (?:Segmentation fault|Illegal instruction|Bus error|Aborted)\b.*)"
    r"|error: (?P<said>unable to execute command: .*))"
)
_OUT_OF_MEMORY = re.compile(
    r"(?:\S{1,300}: )?(?:fatal error: |error: |internal compiler error: )?"
    r"(?P<message>Killed signal terminated program .*|Killed \(program .*|Killed"
    r"|unable to execute command: Killed.*|\S{1,300} terminated with signal 9 \[Killed\].*"
    r"|out of memory allocating .*|virtual memory exhausted.*|LLVM ERROR: out of memory.*"
    r"|(?:final link failed: )?memory exhausted|.{0,99}\(signal: 9, SIGKILL: kill\).*"
    r"|.{0,99}: [Cc]annot allocate memory)"
)
_SHELL_KILLED = re.compile(r".{0,300}: line \d{1,7}: +\d{1,9} (?P<message>Killed\b).*")
MEMORY_HINT = (
    "the machine has too little memory for so many compilers at once: compile fewer of them "
    '(in espdeck.toml [build.cmake] CMAKE_JOB_POOLS = "few=2" and CMAKE_JOB_POOL_COMPILE = "few"; '
    "PlatformIO: pio run -j 2), or give it more memory or swap"
)
_CRASH_HINT = (
    "the compiler crashed, which is a bug of the compiler: build again; if it always "
    "crashes on this file, change the code there or its optimisation, "
    "or use another version of the compiler"
)


def read_located(line: str, start: int, paths: SourcePaths) -> tuple[bool, Diagnostic] | None:
    """A message that names its place, and whether it only is a note on the one before.

    Args:
        line: the line of output.
        start: where in it the place begins.
        paths: of the source tree.
    """
    match = LOCATED.match(line, start)
    if match is None:
        return _read_assembler(line, paths)
    kind, message = match["kind"], match["message"]
    severity = Severity.WARNING if kind in ("warning", "Warning") else Severity.ERROR
    code, hint = f"compiler.{severity}", None
    if kind[0].isupper():
        code = f"assembler.{severity}"
    elif kind == "internal compiler error":
        code, message, hint = "compiler.crash", f"{kind}: {message}", _CRASH_HINT
    elif message.startswith("undefined reference to "):  # gold names places like a compiler
        code = "linker.error"
    elif kind.startswith("sorry"):
        message = f"{kind}: {message}"
    if Path(match["file"]).name.startswith("Kconfig"):
        code = f"kconfig.{severity}"
    flag = _FLAG.search(message)
    if flag:
        message, code = message[: flag.start()], f"-W{flag[1]}"
    file, number = paths.shorten(match["file"]), int(match["line"])
    column = int(match["column"]) if match["column"] else None
    if file.startswith("{"):  # {standard input}: the compiler's own output, which nobody sees
        return False, Diagnostic(severity, code, message)
    return kind in ("note", "Info"), Diagnostic(severity, code, message, file, number, column, hint)


def _read_assembler(line: str, paths: SourcePaths) -> tuple[bool, Diagnostic] | None:
    """A message of GNU as on a whole file."""
    match = _ASSEMBLER_MESSAGE.match(line)
    if match is None:
        return None
    severity = Severity.WARNING if match["kind"] == "Warning" else Severity.ERROR
    file = None if match["file"].startswith("{") else paths.shorten(match["file"])
    return False, Diagnostic(severity, f"assembler.{severity}", match["message"], file)


def read_crash(line: str) -> Diagnostic | None:
    """A compiler, assembler or linker that did not end by itself."""
    match = _OUT_OF_MEMORY.fullmatch(line) or _SHELL_KILLED.fullmatch(line)
    if match:
        said = match["message"].removeprefix("LLVM ERROR: ")
        message = said if said.startswith("out of memory") else f"out of memory: {said}"
        return Diagnostic(Severity.ERROR, "build.memory", message, hint=MEMORY_HINT)
    match = _COMPILER_CRASH.fullmatch(line)
    if match:
        return Diagnostic(
            Severity.ERROR, "compiler.crash", match["message"] or match["said"], hint=_CRASH_HINT
        )
    return None


def is_macro_expansion(note: Diagnostic) -> bool:
    """Whether a note says where a macro is used."""
    return note.message.startswith("in expansion of macro ")


def instantiation_place(context: Sequence[str], paths: SourcePaths) -> Diagnostic | None:
    """Where in the source tree a template is used, by the lines before a message; None for nowhere.

    GCC goes from the template outwards: the last place is the code that began it.
    """
    for line in reversed(context):
        match = _TEMPLATE_REQUIRED.match(line)
        if match and not paths.shorten(match["file"]).startswith("/"):
            column = int(match["column"]) if match["column"] else None
            file, number = paths.shorten(match["file"]), int(match["line"])
            return Diagnostic(
                Severity.INFO, "compiler.note", "required from here", file, number, column
            )
    return None


def is_in_installed_header(diagnostic: Diagnostic) -> bool:
    """Whether the place is in an installed header, such as ESP-IDF's or the compiler's own."""
    return diagnostic.file is not None and diagnostic.file.startswith("/")


def split_flag(message: str) -> tuple[str, str | None]:
    """A message without the flag that it ends with, and the flag."""
    flag = _FLAG.search(message)
    return (message[: flag.start()], f"-W{flag[1]}") if flag else (message, None)
