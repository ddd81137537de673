"""What compilers, linkers, CMake, ninja, make, PlatformIO and idf.py print, as findings.

Each tool's lines are read by a module of their own; here they come together, with the message
blocks of CMake's ``message()`` and the hints that ``idf.py`` adds at the end. A command that failed
is told even where nothing of what it printed is known (``failed_commands``). Everything in the text
is untrusted: a line costs linear time, and what is kept of it is bounded.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.findings import Finding
from engine.text import clean, count
from engine.toolchains import (
    compiler_lines,
    failed_commands,
    ide_output,
    idf_output,
    linker_lines,
    tracebacks,
)
from engine.toolchains.drafts import MAX_EVIDENCE, Draft, Paths
from engine.toolchains.failed_commands import Command
from engine.toolchains.hints import hint_for
from engine.toolchains.ninja_steps import NinjaSteps
from engine.words import Severity

MAX_FINDINGS = 200
"""Findings that one text gives at most; the rest is a cascade that nobody reads."""

_MAX_LINE = 2000
_MAX_MESSAGE = 400
_MAX_HINTS = 32
_MAX_NESTED = 4

_SNIPPET = re.compile(r"\s*\d* \||\.{3,}$|\s+\S|>>> ")
_BARE = re.compile(r"(?:([\w.+/-]{1,200}): )?(?:fatal )?(error|warning): (.*)")
_CMAKE = re.compile(
    r"CMake (?P<kind>Error|Warning|Deprecation Warning)(?: \(dev\))?"
    r"(?: at (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?: \((?P<command>[\w:]{1,80})\))?"
    r"| in (?P<in>[^:\n]{1,400}))?:(?P<message>.*)"
)
_CMAKE_CALL = re.compile(r"  (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7}) \((?P<command>\w{1,80})\)$")
_GIT = re.compile(r"fatal: (?!not a git repository)")
_IDF_HINT = re.compile(r"HINT: (.*)|(Compilation failed because .*)")


def parse(text: str, *, root: Path, project: Path | None = None) -> tuple[Finding, ...]:
    """Read what the tools of a build printed.

    Args:
        text: their output, standard output and error merged in the order in which they came.
        root: root of the source tree, absolute; paths inside it become relative to it.
        project: folder of CMake's project in it, where its own messages begin their paths.

    Returns:
        Errors first, then warnings, each in the order in which it came, duplicates folded, at most
        :data:`MAX_FINDINGS` and one more that says how many were left out.
    """
    reader = _Reader(Paths(root, project or root))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    reader.read([clean(line[:_MAX_LINE]) for line in text.split("\n")])
    drafts = sorted(reader.found.values(), key=lambda draft: draft.severity is not Severity.ERROR)
    findings = [_finish(draft) for draft in drafts[:MAX_FINDINGS]]
    left_out = len(drafts) - len(findings) + reader.left_out
    if reader.foreign:
        findings.append(_finish(reader.foreign))
    if left_out:
        more = f"{left_out} more errors and warnings in the log"
        findings.append(Finding(Severity.INFO, "diagnostics.more", more))
    return tuple(findings)


class _Reader:
    """Goes over the lines once; ``found`` is what it saw, by what makes a finding the same.

    At most :data:`MAX_FINDINGS` errors and as many warnings are kept, the others only counted.
    """

    def __init__(self, paths: Paths) -> None:
        self.found: dict[tuple[object, ...], Draft] = {}
        self.foreign: Draft | None = None
        """What CMake warns of in files that are not the project's, as one."""
        self._paths = paths
        self._kept: Counter[Severity] = Counter()
        self._beyond: set[int] = set()
        self._hints: dict[str, int] = {}
        self._last: Draft | None = None
        self._context: list[str] = []
        self._silent: list[Draft] = []
        self._messages: set[str] = set()
        self._goes_on: re.Pattern[str] | None = None
        self._git: deque[str] = deque(maxlen=4)
        self._foreign_count = 0
        self._steps = NinjaSteps()
        self._total: int | None = None
        self._command = Command()
        self._outer: list[Command] = []
        self._assembled: str | None = None
        self._sketch_size: str | None = None
        self._linker = linker_lines.LinkerLines(paths)
        self._line_readers: tuple[Callable[[str], bool], ...] = (
            self._located,
            self._died,
            self._leads,
            self._continued,
            self._linked,
            self._idf,
            self._bare,
        )

    @property
    def left_out(self) -> int:
        """How many errors and warnings were seen and not kept."""
        return len(self._beyond)

    def read(self, lines: Sequence[str]) -> None:
        """Read every line."""
        index = 0
        while index < len(lines):
            index += self._read_at(lines, index)
        self._close_commands()
        self._give_hints()
        if not self._kept[Severity.ERROR]:
            for draft in self._silent:
                self._keep(draft)

    def _read_at(self, lines: Sequence[str], index: int) -> int:
        """Read what begins at a line; how many lines that is."""
        line = lines[index]
        if not line or self._command_ends(line):
            return 1
        taken = self._block(lines, index)
        if taken:
            for each in lines[index : index + taken]:
                self._take(each, known=True)
            return taken
        known = any(reader(line) for reader in self._line_readers)
        if not known:
            self._last = None
            self._context.clear()
        self._take(line, known=known)
        return 1

    def _take(self, line: str, *, known: bool) -> None:
        """The line is output of the command; where tools print in turns, only what is unknown."""
        if self._command.target is not None or not known:
            self._command.take(line, known=known)

    def _keep(self, draft: Draft, *lines: str) -> None:
        """Take a new draft; the lines are its evidence, behind what led to it."""
        draft.message = draft.message.strip()[:_MAX_MESSAGE]
        for line in (*self._context, *lines):
            draft.add(line)
        self._context.clear()
        if draft.severity is Severity.ERROR:
            self._command.seen(draft)
        self._goes_on = None
        key = draft.key
        if key not in self.found and self._kept[draft.severity] < MAX_FINDINGS:
            self.found[key] = self._last = draft
            self._messages.add(draft.message)
            self._kept[draft.severity] += 1
            return
        if key not in self.found:
            self._beyond.add(hash(key))
        # What follows belongs to it. When it is the same again, as another file includes the same
        # header, its evidence is there.
        self._last = Draft(draft.severity, draft.code, draft.message)

    # Commands: where one begins, where it failed.

    def _command_ends(self, line: str) -> bool:
        step = failed_commands.STEP.match(line)
        if step:
            done, total = int(step[1]), int(step[2])
            self._steps.take(done, total, step[3])
            self._begin(Command(total=total))
            self._total = total
            return True
        failed = failed_commands.FAILED.match(line)
        if failed:
            before = self._command
            killed = failed["code"] == "137"  # 128 and SIGKILL (ninja, subprocess-posix.cc)
            self._begin(Command(failed["target"], self._total, before, killed))
            return True
        ninja = failed_commands.NINJA.match(line)
        if ninja:
            if ninja["kind"]:
                self._silent_error(Draft(Severity.ERROR, "ninja.error", ninja["message"]))
            elif ninja["message"].startswith("build stopped"):
                self._close(self._command)
                self._command = self._outer.pop() if self._outer else Command()
                self._reset()
            return True
        return self._make_ends(line) or failed_commands.is_step(line)

    def _begin(self, command: Command) -> None:
        """Another command's output begins: those before it have ended, but the one it is in."""
        open_now = [*self._outer, self._command]
        while open_now and (len(open_now) > _MAX_NESTED or not self._holds(open_now[-1], command)):
            self._close(open_now.pop())
        self._outer, self._command = open_now, command
        self._reset()

    def _holds(self, outer: Command, inner: Command) -> bool:
        """A failed step of ninja goes on while another ninja, with another total, counts in it."""
        return (
            outer.target is not None
            and None not in (outer.total, inner.total)
            and (outer.total != inner.total)
        )

    def _reset(self) -> None:
        self._last, self._assembled = None, None
        self._context.clear()
        self._linker.forget()

    def _close_commands(self) -> None:
        for command in (self._command, *reversed(self._outer)):
            self._close(command)

    def _close(self, command: Command, code: str = "ninja.failed") -> None:
        """A command has ended: one that failed is told, unless what it printed was understood."""
        if command.target is None or command.explained():
            return
        said = command
        if not command.said and command.before is not None:
            # A step that has the terminal for itself prints before ninja says that it failed.
            if command.before.errors:
                return
            said = command.before
        draft = Draft(Severity.ERROR, code, f"{command.target}: failed")
        if command.killed:
            draft.code, draft.hint = "build.memory", compiler_lines.MEMORY_HINT
            draft.message = f"out of memory: the command for {command.target} was killed"
        draft.add(f"FAILED: {command.target}")
        if command is not said and command.command:
            draft.add(command.command)
        self._context.clear()
        if said.said or command.killed:
            self._keep(said.finding(draft))
            self._last = None
        else:
            self._silent_error(draft)

    def _silent_error(self, draft: Draft) -> None:
        """One that says nothing of its own is told where nothing else is."""
        draft.message = draft.message.strip()[:_MAX_MESSAGE]
        if len(self._silent) < MAX_FINDINGS:
            self._silent.append(draft)

    def _make_ends(self, line: str) -> bool:
        ended = failed_commands.ENDED.fullmatch(line)
        sketch = failed_commands.SKETCH.fullmatch(line) if ended is None else None
        if sketch:
            self._end_of_turn("sketch", "arduino.failed")
            return True
        if ended is None or not (ended["tool"] or ended["target"] or ended["file"]):
            return False
        make = "make" in ended["tool"] if ended["tool"] else ended["file"] is not None
        name = "make" if make else "scons"
        if failed_commands.SUBMAKE.match(ended["how"]):
            if ended["target"]:
                self._command.killed = failed_commands.KILLED.match(ended["how"]) is not None
                self._end_of_turn(ended["target"].rpartition(": ")[2], f"{name}.failed")
            return True
        file = self._paths.shorten(ended["file"]) if ended["file"] else None
        number = int(ended["line"]) if ended["line"] else None
        message = ended["how"].removesuffix("Stop.")
        self._keep(Draft(Severity.ERROR, f"{name}.error", message, file, number), line)
        self._command = Command()
        return True

    def _end_of_turn(self, target: str, code: str) -> None:
        """A tool that prints in turns says that a command failed: all since the last time is it."""
        if self._command.errors == 0:
            self._command.target = target
            self._close(self._command, code)
        self._command = Command()
        self._reset()

    # Problems that take several lines.

    def _block(self, lines: Sequence[str], index: int) -> int:
        """Read a problem of several lines; how many it takes, 0 for none."""
        line = lines[index]
        if line.startswith("CMake "):
            block = _cmake_block(lines, index)
            if block:
                self._cmake(lines[index : index + block])
            return block
        if tracebacks.may_begin(line):
            return self._traceback(lines, index)
        return self._rust(lines, index)

    def _traceback(self, lines: Sequence[str], index: int) -> int:
        found = tracebacks.traceback_at(lines, index)
        if found is None:
            return 0
        if found.is_cascade and self._command.errors:
            return found.count
        mine = [frame for frame in found.frames if self._paths.inside(frame[0])]
        file, number = mine[-1] if mine else (None, None)
        message, code = found.message, "python.error"
        if found.place:
            file, number, message = found.place
            code = "kconfig.error" if Path(file).name.startswith("Kconfig") else code
        draft = Draft(
            Severity.ERROR,
            code,
            message,
            self._paths.shorten(file) if file else None,
            number,
        )
        if mine and "No module named" in found.message:
            draft.hint = "install this module in the Python environment that builds the project"
        self._keep(draft, *found.lines)
        self._last = None
        return found.count

    def _rust(self, lines: Sequence[str], index: int) -> int:
        found = tracebacks.rust_at(lines, index)
        if found is None or failed_commands.is_echo(lines[index]):
            return 0
        severity = Severity.WARNING if found.kind == "warning" else Severity.ERROR
        draft = Draft(
            severity,
            f"rust.{found.code or severity}",
            found.message,
            self._paths.from_folder(self._command.folder, found.file) if found.file else None,
            found.line,
            found.column,
        )
        self._keep(draft, *lines[index : index + found.count])
        return found.count

    def _cmake(self, block: Sequence[str]) -> None:
        block = _innermost(block)
        head = _CMAKE.match(block[0])
        assert head is not None
        severity = Severity.ERROR if head["kind"] == "Error" else Severity.WARNING
        words = [head["message"].strip()]
        first = head["file"] or head["in"]
        places = [(first, head["line"], head["command"] or "")] if first else []
        in_calls = False
        for line in block[1:]:
            call = _CMAKE_CALL.match(line) if in_calls else None
            in_calls = in_calls or line.startswith("Call Stack")
            if call:
                places.append((call["file"], call["line"], call["command"]))
            elif not in_calls:
                words.append(line.strip())
        message, code = " ".join(word for word in words if word), f"cmake.{severity}"
        # A library's macro complains, the project's call is what a person can change.
        mine = [place for place in places if self._is_mine(place[0])]
        if severity is Severity.WARNING and places and all(each[2] == "project" for each in mine):
            self._note_foreign(f"{places[0][0]}:{places[0][1] or 1}: {message}")
            return
        where = (mine or [place for place in places if self._is_known(place[0])])[:1]
        file, number = (where[0][0], where[0][1]) if where else (None, None)
        if message.startswith(idf_output.MANAGER):
            # Where CMake ran the component manager says nothing.
            message, code = message.removeprefix(idf_output.MANAGER), f"component.{severity}"
            file = number = None
        draft = Draft(
            severity,
            code,
            message,
            self._paths.of_cmake(file) if file else None,
            int(number) if number else None,
        )
        if severity is Severity.ERROR and "submodule" in message:
            # Git has said why, in lines before.
            self._context.extend(dict.fromkeys(self._git))
        if idf_output.CASCADE.search(message):
            self._silent_error(draft)
            for line in block:
                draft.add(line)
        else:
            self._keep(draft, *block)

    def _is_known(self, path: str) -> bool:
        """Whether it is known where a path begins: a project within the project has its own."""
        return path.startswith("/") or not self._steps.nested

    def _is_mine(self, path: str) -> bool:
        short = self._paths.of_cmake(path)
        installed = "managed_components" in short.split("/")
        return self._is_known(path) and self._paths.inside(path) and not installed

    def _note_foreign(self, line: str) -> None:
        self._foreign_count += 1
        if self.foreign is None:
            self.foreign = Draft(Severity.INFO, "cmake.foreign", "")
        self.foreign.add(line)
        self.foreign.message = (
            f"{count(self._foreign_count, 'CMake warning')} in files that are not the project's: "
            "ESP-IDF's, its bootloader's, or of installed components"
        )

    # Single lines.

    def _died(self, line: str) -> bool:
        draft = compiler_lines.died(line)
        if draft is None:
            return False
        if draft.code == "compiler.crash" and self._command.source:
            draft.file = self._paths.shorten(self._command.source)
        self._keep(draft, line)
        return True

    def _located(self, line: str) -> bool:
        found = compiler_lines.located(line, idf_output.after_prefix(line), self._paths)
        if found is None:
            return False
        is_note, draft = found
        if is_note:
            if self._last is not None:
                self._last.add(line)
            return True
        if draft.file is None:
            # Of the text that the compiler made: named is what it was made from.
            names = (self._assembled, self._command.source)
            source = next((name for name in names if name and not name.startswith("{")), None)
            draft.file = self._paths.shorten(source) if source else None
        self._keep(draft)
        if self._last is draft:
            draft.add(line)
        return True

    def _leads(self, line: str) -> bool:
        """What stands before a message: it is kept for that."""
        size = ide_output.SKETCH_SIZE.match(line)
        if size and int(size["used"]) > int(size["most"]):
            self._sketch_size = f"{size['used']} of {size['most']} bytes"
        if not (size or compiler_lines.CONTEXT.match(line) or self._linker.is_context(line)):
            return False
        if line.endswith(": Assembler messages:"):
            self._assembled = line.removesuffix(": Assembler messages:")
        if len(self._context) < MAX_EVIDENCE:
            self._context.append(line)
        return True

    def _continued(self, line: str) -> bool:
        if self._last is None:
            return False
        if self._goes_on is not None and self._goes_on.match(line):
            if self._last.file is None and idf_output.IS_PATH.match(line):
                self._last.file = self._paths.shorten(line.strip())
        elif not _SNIPPET.match(line):
            self._goes_on = None
            return False
        self._last.add(line)
        place = linker_lines.lld_place(line)
        if place and self._last.file is None:
            self._last.file, self._last.line = self._paths.shorten(place[0]), place[1]
        return True

    def _linked(self, line: str) -> bool:
        found = self._linker.read(line)
        if isinstance(found, bool):
            return found
        self._keep(found, line)
        return True

    def _bare(self, line: str) -> bool:
        match = _BARE.match(line)
        if match is None or failed_commands.is_echo(line):
            return False
        tool, kind, message = match.groups()
        severity = Severity.WARNING if kind == "warning" else Severity.ERROR
        name = "compiler"
        if tool is not None and tool.rpartition("/")[2].removesuffix(".lld").endswith("ld"):
            name = "linker"
        elif tool is None and self._command.folder:
            name = "rust" if "cargo" in self._command.command else "command"
        message, flag = compiler_lines.unflagged(message)
        draft = Draft(severity, flag or f"{name}.{severity}", message)
        if tool is not None and tool.startswith("/") and self._paths.inside(tool):
            draft.file = self._paths.shorten(tool)
        self._keep(draft, line)
        return True

    def _idf(self, line: str) -> bool:
        hint = _IDF_HINT.match(line)
        if hint:
            self._note_hint((hint[1] or hint[2] or "").strip())
            return True
        if line.startswith("To fix this, "):
            self._note_hint(line)
            return True
        if _GIT.match(line):
            self._git.append(line)
            return False
        found = idf_output.problem(line, ide_output.LINES)
        if found is None:
            return False
        known, match = found
        place = match.groupdict()
        if not place.get("file"):
            at = idf_output.DEFINED_AT.search(match["message"])
            place = at.groupdict() if at else {}
        draft = Draft(
            known.severity,
            known.code,
            match["message"],
            self._paths.shorten(place["file"]) if place.get("file") else None,
            int(place["line"]) if place.get("line") else None,
        )
        if known.code == "arduino.error" and match["message"] in self._messages:
            return True  # the Arduino IDE ends with its first error
        if known.code == "idf.error" and self._command.target is not None:
            draft.code = "command.error"
        if known.code == "size.error" and self._sketch_size:
            draft.message += f": {self._sketch_size}"
        self._keep(draft, line)
        self._goes_on = known.goes_on
        return True

    def _note_hint(self, hint: str) -> None:
        """``idf.py`` explains at the end, once: what it says is about the errors before."""
        if hint and (hint in self._hints or len(self._hints) < _MAX_HINTS):
            self._hints[hint] = self._kept[Severity.ERROR]

    def _give_hints(self) -> None:
        errors = [draft for draft in self.found.values() if draft.severity is Severity.ERROR]
        for index, draft in enumerate(errors):
            for hint, before in self._hints.items():
                # The component manager explains first: then it is about the first error.
                if index < max(1, before) and len(draft.hint or "") < _MAX_MESSAGE:
                    draft.hint = f"{draft.hint} {hint}" if draft.hint else hint


def _innermost(block: Sequence[str]) -> Sequence[str]:
    """The error of another CMake that a message quotes, indented; else the message itself."""
    for index, line in enumerate(block[1:], 1):
        if line.startswith("  CMake Error at "):
            quoted = [each.removeprefix("  ") for each in block[index:]]
            if _CMAKE.match(quoted[0]):
                return quoted
    return block


def _cmake_block(lines: Sequence[str], start: int) -> int:
    """How many lines a CMake message takes, 0 when this is none (cmake-developer: ``message``)."""
    if not _CMAKE.match(lines[start]):
        return 0
    end = start + 1
    while end < len(lines) and (
        not lines[end] or lines[end].startswith(("  ", "Call Stack", "CMake Generate step failed"))
    ):
        end += 1
    return end - start


def _finish(draft: Draft) -> Finding:
    evidence = "\n".join(_trimmed(draft.evidence)) or None
    return Finding(
        severity=draft.severity,
        code=draft.code,
        message=draft.message or draft.code,
        file=draft.file,
        line=draft.line,
        column=draft.column,
        hint=draft.hint or hint_for(f"{draft.message}\n{evidence or ''}"),
        evidence=evidence,
    )


def _trimmed(lines: Sequence[str]) -> Iterator[str]:
    last = max((index for index, line in enumerate(lines) if line.strip()), default=-1)
    yield from (line.rstrip() for line in lines[: last + 1])
