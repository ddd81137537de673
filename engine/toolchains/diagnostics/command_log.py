"""Follows the commands of a build through its output, and tells those that failed."""

from __future__ import annotations

from collections.abc import Callable

from engine.enums import Severity
from engine.toolchains.diagnostics import failed_commands
from engine.toolchains.diagnostics.compiler_lines import MEMORY_HINT
from engine.toolchains.diagnostics.diagnostic import Diagnostic, SourcePaths
from engine.toolchains.diagnostics.failed_commands import Command
from engine.toolchains.diagnostics.ninja_steps import NinjaSteps

_MAX_NESTED_COMMANDS = 4
_MAX_SILENT_ERRORS = 200
_SIGKILL = "137"  # 128 and the signal (ninja, subprocess-posix.cc)


class CommandLog:
    """Which command printed the lines that come.

    Args:
        paths: of the source tree.
        keep: takes an error, with lines that are its evidence.
        forget: is called where another command's output begins.
    """

    def __init__(
        self, paths: SourcePaths, keep: Callable[..., None], forget: Callable[[], None]
    ) -> None:
        self._paths = paths
        self._keep = keep
        self._forget = forget
        self._steps = NinjaSteps()
        self._total: int | None = None
        self._stopped = False
        self._outer: list[Command] = []
        self.current = Command()
        """The command whose output comes now."""
        self.silent: list[Diagnostic] = []
        """Errors that say nothing of their own: they are told where nothing else is."""

    @property
    def nested(self) -> bool:
        """Whether a project within the project is configured or built."""
        return self._steps.nested

    def take(self, line: str, *, known: bool) -> None:
        """A line is output of the command; where tools print in turns, only what is unknown."""
        if self.current.target is not None or not known:
            self.current.take(line, known=known)

    def note_error(self, diagnostic: Diagnostic) -> None:
        """An error was read in the command's output."""
        self.current.note_error(diagnostic)
        for outer in self._outer:
            outer.errors += 1

    def add_silent(self, diagnostic: Diagnostic) -> None:
        """Keep an error for where nothing else is told."""
        if len(self.silent) < _MAX_SILENT_ERRORS:
            self.silent.append(diagnostic)

    def close(self) -> None:
        """The output has ended."""
        self._begin(Command())

    def boundary(self, line: str) -> bool:
        """Whether a line is no output, but says where a command begins, failed or ended."""
        step = failed_commands.STEP.match(line)
        if step:
            self._total = int(step[2])
            self._steps.take(int(step[1]), self._total, step[3])
            self._begin(Command(total=self._total))
            self._stopped = False
            return True
        failed = failed_commands.FAILED.match(line)
        if failed:
            before = self.current if self.current.target is None else None
            killed = failed["code"] == _SIGKILL
            # Where a ninja within ended so, the step that ran it only repeats that.
            follows, self._stopped = self._stopped, False
            self._begin(Command(failed["target"], self._total, before, killed, follows))
            return True
        ninja = failed_commands.NINJA.match(line)
        if ninja:
            if ninja["kind"]:
                self.add_silent(Diagnostic(Severity.ERROR, "ninja.error", ninja["message"]))
                if ninja["message"].startswith("rebuilding "):
                    # CMake, which ninja ran anew, has said why before; what follows is no output.
                    self.current = self._outer.pop() if self._outer else Command()
                    self._forget()
            elif ninja["message"].startswith("build stopped"):
                self._report_failure(self.current)
                self.current = self._outer.pop() if self._outer else Command()
                self._forget()
                self._stopped = True
            return True
        return self._read_make_failure(line) or failed_commands.is_step(line)

    def _begin(self, command: Command) -> None:
        """Another command's output begins: those before it have ended, but the one it is in."""
        open_now = [*self._outer, self.current]
        while open_now and (
            len(open_now) > _MAX_NESTED_COMMANDS or not _is_nested_in(open_now[-1], command)
        ):
            self._report_failure(open_now.pop())
        self._outer, self.current = open_now, command
        self._forget()

    def _report_failure(self, command: Command, code: str = "ninja.failed") -> None:
        """A command has ended: one that failed is told, unless what it printed was understood."""
        if command.target is None or command.explained():
            return
        printed = command
        if not command.has_output and command.before is not None:
            # A step that has the terminal for itself prints before ninja says that it failed.
            if command.before.errors:
                return
            printed = command.before
        diagnostic = Diagnostic(Severity.ERROR, code, f"{command.target}: failed")
        if command.killed:
            diagnostic.code, diagnostic.hint = "build.memory", MEMORY_HINT
            diagnostic.message = f"out of memory: the command for {command.target} was killed"
        diagnostic.add(f"FAILED: {command.target}")
        if command is not printed and command.command:
            diagnostic.add(command.command)
        self._forget()
        if printed.has_output or command.killed or not command.follows:
            self._keep(printed.finding(diagnostic))
            self._forget()
        else:
            self.add_silent(diagnostic)

    def _read_make_failure(self, line: str) -> bool:
        if failed_commands.SKETCH.fullmatch(line):
            self._end_interleaved("sketch", "arduino.failed")
            return True
        absent = failed_commands.NO_SCRIPT.fullmatch(line)
        if absent:
            self._keep(Diagnostic(Severity.ERROR, "scons.error", absent["how"]), line)
            return True
        ended = failed_commands.ENDED.fullmatch(line) if "*** " in line else None
        if ended is None or not (ended["tool"] or ended["target"] or ended["file"]):
            return False
        make = "make" in ended["tool"] if ended["tool"] else ended["file"] is not None
        name = "make" if make else "scons"
        if failed_commands.SUBMAKE.match(ended["how"]):
            if ended["target"]:
                self.current.killed = failed_commands.KILLED.match(ended["how"]) is not None
                self._end_interleaved(ended["target"].rpartition(": ")[2], f"{name}.failed")
            return True
        file = self._paths.shorten(ended["file"]) if ended["file"] else None
        number = int(ended["line"]) if ended["line"] else None
        diagnostic = Diagnostic(
            Severity.ERROR, f"{name}.error", ended["how"].removesuffix("Stop."), file, number
        )
        said = [] if self.current.errors else self.current.output
        if diagnostic.message.strip() == "Aborting." and self.current.reason:
            diagnostic.message = self.current.reason  # a makefile that says why, and then ends
        self._keep(diagnostic, *said, line)
        self.current = Command()
        return True

    def _end_interleaved(self, target: str, code: str) -> None:
        """A tool that prints in turns says that a command failed: all since the last time is it."""
        if self.current.errors == 0:
            self.current.target = target
            self._report_failure(self.current, code)
        self.current = Command()
        self._forget()


def _is_nested_in(outer: Command, inner: Command) -> bool:
    """A failed step of ninja goes on while another ninja, with another total, counts in it."""
    totals = {outer.total, inner.total}
    return outer.target is not None and None not in totals and len(totals) == 2
