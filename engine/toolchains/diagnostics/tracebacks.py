"""Python tracebacks and cargo's messages: problems that take several lines.

Formats read: Python library reference, ``traceback``; SCons, which says the exception before the
calls (``Script/Main.py``); the rustc book, "JSON Output" (``rendered``) and what cargo prints
around it, such as all that a build script printed (``cargo/core/compiler/custom_build.rs``).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engine.toolchains.diagnostics.diagnostic import MAX_EVIDENCE_LINES

BEGINS = "Traceback (most recent call last):"
"""What a traceback begins with."""

_FRAME = re.compile(r'\s*File "(?P<file>[^"]{1,400})", line (?P<line>\d{1,7})')
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w{0,99}\.){0,9}[A-Za-z_]\w{0,99}(?:: .*)?$")
_SYNTAX = re.compile(r"(?:SyntaxError|IndentationError|TabError): ")
_MESSAGE_PLACE = re.compile(
    r"[\w.]{1,200}: (?P<file>[^:\s]{1,400}):(?P<line>\d{1,7}): (?:error: )?(?P<rest>\S.*)"
)
_CHAINED = ("During handling of the above", "The above exception was the direct")
_MAX_LINES = 400
_MAX_SYNTAX_LINES = 6  # an error of syntax: the place, the line, a mark below it
_SPECIAL = ("SystemExit: ", "KeyboardInterrupt")
_RUST = re.compile(r"(?P<kind>error|warning)(?:\[(?P<code>[A-Z]\d{4})\])?: (?P<message>.*)")
_RUST_PLACE = re.compile(r"\s+--> (?P<file>[^:]{1,400}):(?P<line>\d{1,7}):(?P<column>\d{1,7})$")


_SCRIPT_FAILED = re.compile(
    r"error: (?P<message>failed to run custom build command for `.{1,200}`)"
)
_PANICKED = re.compile(r"thread '.{1,100}' panicked at (?:'(?P<said>.{1,400})', )?\S")


@dataclass(frozen=True, slots=True)
class Traceback:
    """What Python says when a program dies.

    Args:
        message: the exception, as in the last line.
        frames: file and line of each call, the innermost last.
        lines: the last lines of it.
        count: how many lines of the output it takes.
    """

    message: str
    frames: tuple[tuple[str, int], ...]
    lines: tuple[str, ...]
    count: int

    @property
    def place(self) -> tuple[str, int, str] | None:
        """File and line that the exception itself names, and what it says of them."""
        match = _MESSAGE_PLACE.match(self.message)
        return (match["file"], int(match["line"]), match["rest"]) if match else None

    @property
    def is_cascade(self) -> bool:
        """Whether it only says that another program failed, which has said why."""
        return "CalledProcessError: " in self.message or self.message.startswith(_SPECIAL)


@dataclass(frozen=True, slots=True)
class RustMessage:
    """A message of rustc with its place, or with its number."""

    kind: str
    code: str | None
    message: str
    file: str | None
    line: int | None
    column: int | None
    count: int


@dataclass(frozen=True, slots=True)
class BuildScript:
    """A build script of cargo's that failed.

    Args:
        message: which one, and what it panicked with.
        printed: its standard error, no longer indented.
        count: how many lines of the output all of it takes.
    """

    message: str
    printed: tuple[str, ...]
    count: int


def traceback_at(lines: Sequence[str], start: int) -> Traceback | None:
    """The traceback that begins at a line, of chained ones the whole chain; None for none."""
    frames: deque[tuple[str, int]] = deque(maxlen=MAX_EVIDENCE_LINES)
    at, message, end = start, "", start
    while at < len(lines):
        indent = len(lines[at]) - len(lines[at].lstrip())
        if lines[at].lstrip() == BEGINS:
            at += 1
        elif message or not _FRAME.match(lines[at]):
            break
        else:
            indent = max(0, indent - 2)
        margin = " " * (indent + 1)
        most = _MAX_LINES if lines[start].lstrip() == BEGINS else _MAX_SYNTAX_LINES
        last = min(len(lines), at + most)
        while at < last and lines[at].startswith(margin):
            frame = _FRAME.match(lines[at])
            if frame:
                frames.append((frame["file"], int(frame["line"])))
            at += 1
        if at >= len(lines) or not _EXCEPTION.match(lines[at].strip()):
            break
        if lines[start].lstrip() != BEGINS and not _SYNTAX.match(lines[at].strip()):
            break
        message, end = lines[at].strip(), at + 1
        at = _after_chain(lines, end)
        if at == end:
            break
    if not message:
        return None
    shown = tuple(lines[max(start, end - MAX_EVIDENCE_LINES) : end])
    return Traceback(message, tuple(frames), shown, end - start)


def may_begin(line: str) -> bool:
    """Whether it is worth to look for a traceback at a line."""
    return BEGINS in line or line.startswith('  File "')


def scons_at(lines: Sequence[str], start: int) -> Traceback | None:
    """The exception in a script of SCons that begins at a line; None for none."""
    head = lines[start]
    if not head.endswith(":") or start + 1 >= len(lines) or not _EXCEPTION.match(head):
        return None
    frames: deque[tuple[str, int]] = deque(maxlen=MAX_EVIDENCE_LINES)
    at = start + 1
    while at < min(len(lines), start + _MAX_LINES) and lines[at].startswith("  "):
        frame = _FRAME.match(lines[at]) if lines[at].endswith(":") else None
        if frame:
            frames.append((frame["file"], int(frame["line"])))
        elif at == start + 1:
            return None
        at += 1
    if not frames:
        return None
    shown = (head, *lines[max(start + 1, at - MAX_EVIDENCE_LINES + 1) : at])
    return Traceback(head[:-1], tuple(frames), shown, at - start)


def build_script_at(lines: Sequence[str], start: int) -> BuildScript | None:
    """The build script of cargo's whose failure begins at a line; None for none."""
    match = _SCRIPT_FAILED.match(lines[start])
    if match is None:
        return None
    end = start + 1
    while end < len(lines) and (not lines[end] or lines[end].startswith(("  ", "Caused by:"))):
        end += 1
    block = list(lines[start:end])
    error = block.index("  --- stderr") + 1 if "  --- stderr" in block else len(block)
    printed = tuple(line[2:] for line in block[error:])
    message = match["message"]
    for index, line in enumerate(printed):
        panic = _PANICKED.match(line)
        said = panic and (panic["said"] or next(filter(None, printed[index + 1 :]), None))
        if said:
            message += f": {said.strip()}"
            break
    return BuildScript(message, printed, end - start)


def rust_at(lines: Sequence[str], index: int) -> RustMessage | None:
    """The message of rustc that begins at a line; None where it may be any other tool's."""
    match = _RUST.fullmatch(lines[index])
    if match is None:
        return None
    place = _RUST_PLACE.match(lines[index + 1]) if index + 1 < len(lines) else None
    if place is None and match["code"] is None:
        return None
    return RustMessage(
        kind=match["kind"],
        code=match["code"],
        message=match["message"],
        file=place["file"] if place else None,
        line=int(place["line"]) if place else None,
        column=int(place["column"]) if place else None,
        count=2 if place else 1,
    )


def _after_chain(lines: Sequence[str], at: int) -> int:
    """Where the next traceback of a chain begins, ``at`` where there is none."""
    look = at
    while look < min(len(lines), at + 3) and not lines[look].strip():
        look += 1
    if look >= len(lines) or not lines[look].lstrip().startswith(_CHAINED):
        return at
    look += 1
    while look < min(len(lines), at + 6) and not lines[look].strip():
        look += 1
    return look if look < len(lines) and lines[look].lstrip() == BEGINS else at
