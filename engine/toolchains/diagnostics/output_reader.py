"""Reads the lines of a build's output: which tool's line each is, and what it says.

Each tool's lines are understood by a module of their own; here they come together, in the order
that decides where several would fit.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.enums import Severity
from engine.text import count
from engine.toolchains.diagnostics import (
    cmake_messages,
    compiler_lines,
    failed_commands,
    ide_output,
    idf_output,
    linker_lines,
    pio_output,
    tracebacks,
)
from engine.toolchains.diagnostics.collector import (
    INSTANCE_CODE,
    MAX_MESSAGE_CHARACTERS,
    DiagnosticCollector,
)
from engine.toolchains.diagnostics.command_log import CommandLog
from engine.toolchains.diagnostics.diagnostic import MAX_EVIDENCE_LINES, Diagnostic, SourcePaths
from engine.toolchains.hints.hint import BuildSystem
from engine.toolchains.hints.idf import SUBMODULES

_SNIPPET = re.compile(r"\s*\d* \||\.{3,}$|\s+\S|>>> ")
_BARE = re.compile(r"(?:([\w.+/-]{1,200}): )?(?:fatal )?(error|warning): (.*)")
_GIT = re.compile(r"fatal: (?!not a git repository)")
_NEEDS_GIT = re.compile(r"submodule|\b[Gg]it\b")
_IDF_HINT = re.compile(r"HINT: (.*)|(Compilation failed because .*)")

_TOOL_CODES = {
    BuildSystem.PLATFORMIO: "platformio.error",
    BuildSystem.PLATFORMIO_IDF: "platformio.error",
    BuildSystem.ARDUINO: "arduino.error",
    BuildSystem.CMAKE: "command.error",
    BuildSystem.CMAKE_ZIG: "command.error",
}
"""Code of a line that only begins with ``Error:``, where it is not idf.py's."""


class OutputReader:
    """Goes over the lines of a build's output once and collects its problems.

    Args:
        paths: of the source tree.
        system: what the build is done with, None where nobody knows.
    """

    def __init__(self, paths: SourcePaths, system: BuildSystem | None) -> None:
        self.found = DiagnosticCollector()
        self.foreign: Diagnostic | None = None
        """What CMake warns of in files that are not the project's, as one."""
        self._paths = paths
        self._system = system
        self._last: Diagnostic | None = None
        self._moved: Diagnostic | None = None
        self._context: list[str] = []
        self._goes_on: re.Pattern[str] | None = None
        self._git: deque[str] = deque(maxlen=4)
        self._pio = pio_output.PioOutput()
        self._instance: dict[str, Diagnostic] = {}
        self._foreign_count = 0
        self._assembled: str | None = None
        self._sketch_size: str | None = None
        self._linker = linker_lines.LinkerLines(paths)
        self._commands = CommandLog(paths, self._keep, self._forget)
        self._line_readers: tuple[Callable[[str], bool], ...] = (
            self._located,
            self._died,
            self._leads,
            self._continued,
            self._linked,
            self._idf,
            self._bare,
        )

    def read(self, lines: Sequence[str]) -> None:
        """Read every line."""
        index = 0
        while index < len(lines):
            index += self._read_at(lines, index)
        self._commands.close()
        self.found.settle_instance()
        self.found.give_hints()
        if not self.found.kept[Severity.ERROR]:
            for diagnostic in self._commands.silent:
                self._keep(diagnostic)

    def _read_at(self, lines: Sequence[str], index: int) -> int:
        """Read what begins at a line; how many lines that is."""
        line = lines[index]
        if not line or self._commands.boundary(line):
            return 1
        taken = self._block(lines, index)
        if taken:
            for each in lines[index : index + taken]:
                self._commands.take(each, known=True)
            return taken
        known = any(reader(line) for reader in self._line_readers)
        if not known:
            self._last = None
            self._context.clear()
        self._commands.take(line, known=known)
        return 1

    def _forget(self) -> None:
        """Another command's output begins."""
        self._last, self._assembled = None, None
        self._context.clear()
        self._linker.forget()

    def _keep(self, diagnostic: Diagnostic, *lines: str) -> None:
        """Take a new draft; the lines are its evidence, behind what led to it."""
        diagnostic.message = diagnostic.message.strip()[:MAX_MESSAGE_CHARACTERS]
        for line in (*self._context, *lines):
            diagnostic.add(line)
        self._context.clear()
        if diagnostic.severity is Severity.ERROR:
            self._commands.note_error(diagnostic)
        self._goes_on = None
        self._last = self.found.add(diagnostic)

    # Problems that take several lines.

    def _block(self, lines: Sequence[str], index: int) -> int:
        """Read a problem of several lines; how many it takes, 0 for none."""
        line = lines[index]
        block = cmake_messages.length_at(lines, index)
        if block:
            self._cmake(cmake_messages.read(lines[index : index + block]))
            return block
        self._pio.note(line)
        ended = self._pio.error_at(lines, index)
        if ended:
            return self._platformio(ended)
        if tracebacks.may_begin(line):
            return self._traceback(tracebacks.traceback_at(lines, index))
        return (
            self._traceback(tracebacks.scons_at(lines, index))
            or self._build_script(tracebacks.build_script_at(lines, index))
            or self._rust(lines, index)
        )

    def _platformio(self, ended: pio_output.PioError) -> int:
        diagnostic = Diagnostic(Severity.ERROR, "platformio.error", ended.message)
        if ended.file:
            diagnostic.file, diagnostic.line = self._paths.shorten(ended.file), ended.line
        self._keep(diagnostic, *ended.lines)
        self._last = None
        return ended.count

    def _traceback(self, found: tracebacks.Traceback | None) -> int:
        if found is None:
            return 0
        if found.is_cascade and self._commands.current.errors:
            return found.count
        mine = [frame for frame in found.frames if self._is_mine(frame[0])]
        if not mine and found.message.strip()[:MAX_MESSAGE_CHARACTERS] in self.found.messages:
            return found.count  # told already, as by PlatformIO, whose report of it fails as it did
        file, number = mine[-1] if mine else (None, None)
        message, code = found.message, "python.error"
        if found.place:
            file, number, message = found.place
            code = "kconfig.error" if Path(file).name.startswith("Kconfig") else code
        diagnostic = Diagnostic(
            Severity.ERROR,
            code,
            message,
            self._paths.shorten(file) if file else None,
            number,
        )
        table = idf_output.of_table(found.message)
        if table is not None:
            # While it configures, ESP-IDF asks the table several times; a step tells it by name.
            diagnostic.code, diagnostic.message, diagnostic.line = "partition.error", *table
        if mine and "No module named" in found.message:
            diagnostic.hint = (
                "install this module in the Python environment that builds the project"
            )
        self._keep(diagnostic, *found.lines)
        self._last = None
        return found.count

    def _is_mine(self, file: str) -> bool:
        """Whether code of Python is the project's, and no package that lies in it."""
        return file.startswith("/") and self._paths.inside(file) and "/lib/python" not in file

    def _build_script(self, script: tracebacks.BuildScript | None) -> int:
        if script is None:
            return 0
        diagnostic = Diagnostic(Severity.ERROR, "rust.error", script.message)
        printed, at = script.printed, 0
        while at < len(printed):
            block = cmake_messages.length_at(printed, at) if printed[at] else 0
            message = cmake_messages.read(printed[at : at + block]) if block else None
            if message and message.severity is Severity.ERROR:
                # A project of the script's own, within the tree or not: its paths are no one's.
                self._cmake(message, nested=True)
                return script.count
            at += block or 1
        self._keep(diagnostic, script.message, *printed)
        self._last = None
        return script.count

    def _rust(self, lines: Sequence[str], index: int) -> int:
        found = tracebacks.rust_at(lines, index)
        if found is None or failed_commands.is_echo(lines[index]):
            return 0
        severity = Severity.WARNING if found.kind == "warning" else Severity.ERROR
        diagnostic = Diagnostic(
            severity,
            f"rust.{found.code or severity}",
            found.message,
            self._paths.from_folder(self._commands.current.folder, found.file)
            if found.file
            else None,
            found.line,
            found.column,
        )
        self._keep(diagnostic, *lines[index : index + found.count])
        return found.count

    def _cmake(self, message: cmake_messages.CMakeMessage, *, nested: bool = False) -> None:
        nested = nested or self._commands.nested
        severity, words, code = message.severity, message.message, f"cmake.{message.severity}"
        foreign = severity is Severity.WARNING and message.is_foreign(self._paths, nested=nested)
        # What it says is missing on this machine, the person can install.
        if foreign and not cmake_messages.WANTS_INSTALLED.search(words):
            first = message.places[0]
            self._note_foreign(f"{first.file}:{first.line or 1}: {words}")
            return
        place = message.place(self._paths, nested=nested)
        tool = idf_output.of_tool(words)
        if tool:
            # Where CMake ran it says nothing.
            (words, code), place = tool, None
            code = code if "." in code else f"{code}.{severity}"
        file = self._paths.of_cmake(place.file) if place else None
        diagnostic = Diagnostic(severity, code, words, file, place.line if place else None)
        if severity is Severity.ERROR and message.lacks_submodule(self._paths, nested=nested):
            diagnostic.hint = SUBMODULES
        if severity is Severity.ERROR and _NEEDS_GIT.search(words):
            # Git has said why, in lines before.
            self._context.extend(dict.fromkeys(self._git))
        if idf_output.CASCADE.search(words):
            diagnostic.evidence.extend(message.lines[:MAX_EVIDENCE_LINES])
            self._commands.add_silent(diagnostic)
        else:
            self._keep(diagnostic, *message.lines)

    def _note_foreign(self, line: str) -> None:
        self._foreign_count += 1
        if self.foreign is None:
            self.foreign = Diagnostic(Severity.INFO, "cmake.foreign", "")
        if line not in self.foreign.evidence:
            # The bootloader's CMake says again what the project's has said.
            self.foreign.add(line)
        self.foreign.message = (
            f"{count(self._foreign_count, 'CMake warning')} in files that are not the project's: "
            "ESP-IDF's, its bootloader's, or of installed components"
        )

    # Single lines.

    def _died(self, line: str) -> bool:
        diagnostic = compiler_lines.read_crash(line)
        if diagnostic is None:
            return False
        if diagnostic.code == "compiler.crash" and self._commands.current.source:
            diagnostic.file = self._paths.shorten(self._commands.current.source)
        self._keep(diagnostic, line)
        return True

    def _located(self, line: str) -> bool:
        found = compiler_lines.read_located(line, idf_output.after_prefix(line), self._paths)
        if found is None:
            return False
        is_note, diagnostic = found
        if is_note:
            if self._last is not None:
                self._last.add(line)
                if compiler_lines.is_macro_expansion(diagnostic):
                    self._move(self._last, diagnostic)
            return True
        if diagnostic.file is None:
            # Of the text that the compiler made: named is what it was made from.
            names = (self._assembled, self._commands.current.source)
            source = next((name for name in names if name and not name.startswith("{")), None)
            diagnostic.file = self._paths.shorten(source) if source else None
        used = compiler_lines.instantiation_place(self._context, self._paths)
        self._keep(diagnostic)
        if self._last is diagnostic:
            diagnostic.add(line)
        if used is not None and self._last is not None:
            self._move(self._last, used)
        return True

    def _move(self, diagnostic: Diagnostic, place: Diagnostic) -> None:
        """What is wrong in a header that is not the project's is where the project uses it."""
        if compiler_lines.is_in_installed_header(place):
            return
        # From a macro outwards: the project's own may use ESP-IDF's, and its code uses that.
        if not compiler_lines.is_in_installed_header(diagnostic) and diagnostic is not self._moved:
            return
        self._moved = diagnostic
        self.found.move(diagnostic, place)

    def _leads(self, line: str) -> bool:
        """What stands before a message: it is kept for that."""
        size = ide_output.SKETCH_SIZE.match(line)
        if size and int(size["used"]) > int(size["most"]):
            self._sketch_size = f"{size['used']} of {size['most']} bytes"
        leads = size or compiler_lines.CONTEXT.match(line) or self._linker.is_context(line)
        if not leads and not (self._context and _SNIPPET.match(line)):
            return False
        if line.endswith(": Assembler messages:"):
            self._assembled = line.removesuffix(": Assembler messages:")
        if len(self._context) < MAX_EVIDENCE_LINES:
            self._context.append(line)
        return True

    def _continued(self, line: str) -> bool:
        if self._last is None:
            return False
        goes_on = self._goes_on
        more = goes_on.match(line) if goes_on is not None else None
        if goes_on is not None and more is not None:
            self._tells_more(self._last, more.groupdict())
            if self._last.file is None and idf_output.IS_PATH.match(line):
                self._last.file = self._paths.shorten(line.strip())
            self._last.message += idf_output.item(goes_on, line, self._last.message)
        elif not _SNIPPET.match(line):
            self._goes_on = None
            return False
        self._last.add(line)
        place = linker_lines.lld_place(line)
        if place and self._last.file is None:
            self._last.file, self._last.line = self._paths.shorten(place[0]), place[1]
        return True

    def _tells_more(self, diagnostic: Diagnostic, said: dict[str, str]) -> None:
        """Take the reason and the place that a line gives of the problem of the line before."""
        if "why" in said:
            diagnostic.message += f": {said['why']}"
            diagnostic.line, diagnostic.column = int(said["line"]), int(said["column"])
        elif "file" in said:
            diagnostic.code, diagnostic.file = "ldgen.error", self._paths.shorten(said["file"])

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
        elif tool is None and self._commands.current.folder:
            name = "rust" if "cargo" in self._commands.current.command else "command"
        message, flag = compiler_lines.split_flag(message)
        if tool is not None and compiler_lines.DRIVER_SYSTEM_ERROR.match(f"{tool}: {message}"):
            message = f"{tool.rpartition('/')[2]}: {message}"
        diagnostic = Diagnostic(severity, flag or f"{name}.{severity}", message)
        if tool is not None and tool.startswith("/") and self._paths.inside(tool):
            diagnostic.file = self._paths.shorten(tool)
        self._keep(diagnostic, line)
        return True

    def _idf(self, line: str) -> bool:
        hint = _IDF_HINT.match(line)
        if hint:
            self.found.note_hint((hint[1] or hint[2] or "").strip())
            return True
        if line.startswith("To fix this, "):
            self.found.note_hint(line)
            return True
        if _GIT.match(line):
            self._git.append(line)
            return False
        instance = ide_output.INSTANCE.match(line)
        if instance:
            self._note_instance(instance["message"], line)
            return True
        found = idf_output.problem(line, ide_output.LINES)
        if found is None:
            return False
        known, match = found
        place = match.groupdict()
        if not place.get("file"):
            at = idf_output.DEFINED_AT.search(match["message"])
            place = at.groupdict() if at else place
        by_table = known.code.startswith("partition.")
        table = idf_output.TABLE.search(self._commands.current.command) if by_table else None
        if table:
            place["file"] = table["file"]
            self.found.remove_placeless(known, match["message"], place.get("line"))
        diagnostic = Diagnostic(
            known.severity,
            known.code,
            match["message"],
            self._paths.shorten(place["file"]) if place.get("file") else None,
            int(place["line"]) if place.get("line") else None,
        )
        if known.code == "arduino.error" and match["message"] in self.found.messages:
            return True  # the Arduino IDE ends with its first error
        if known.code == "idf.error":
            ran = self._commands.current.target is not None
            diagnostic.code = "command.error" if ran else self._tool_code
        if known.code == "arduino.error" and ide_output.WANTS_INSTANCE.match(diagnostic.message):
            for cause in self._instance.values():
                self._context.extend(cause.evidence[:1])
        if known.code == "size.error" and self._sketch_size:
            diagnostic.message += f": {self._sketch_size}"
        self._keep(diagnostic, line)
        self._goes_on = known.goes_on
        return True

    @property
    def _tool_code(self) -> str:
        return _TOOL_CODES.get(self._system, "idf.error") if self._system else "idf.error"

    def _note_instance(self, message: str, line: str) -> None:
        diagnostic = Diagnostic(Severity.ERROR, INSTANCE_CODE, message)
        self._keep(diagnostic, line)
        if self._last is diagnostic and len(self._instance) < MAX_EVIDENCE_LINES // 2:
            self._instance[diagnostic.message] = diagnostic
        self._last = None
