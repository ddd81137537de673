"""What a build prints, on its way: to the log as it comes, kept for its findings, as percent."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.enums import Severity
from engine.errors import ToolError
from engine.findings import Finding
from engine.last_line import last_line
from engine.process import Completed
from engine.text import clean
from engine.toolchains.base import CompileRequest
from engine.toolchains.diagnostics import parser
from engine.toolchains.diagnostics.ninja_steps import NinjaSteps
from engine.toolchains.hints.catalogue import hint_for
from engine.toolchains.hints.hint import BuildSystem

NINJA_STATUS = "[%f/%t] "
"""ninja's status line, pinned: an environment that changes it would hide the progress."""

_STEP = re.compile(rb"\[(\d{1,7})/(\d{1,7})\] ([^\r\n]{1,200})")
_KEPT_BYTES = 4 << 20
_EVIDENCE_LINES = 20
_MAX_LINE_CHARACTERS = 400


class BuildOutput:
    """Takes chunks of one program's output; its :meth:`feed` is called in one thread.

    Args:
        request: who listens.
        low, high: percent of the whole stage at which this program begins and ends.
        system: what the build is done with: hints are for it.
    """

    def __init__(
        self,
        request: CompileRequest,
        low: float,
        high: float,
        system: BuildSystem | None = None,
    ) -> None:
        self._request = request
        self._system = system
        self._low = low
        self._high = high
        self._steps = NinjaSteps()
        self._kept = bytearray()
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._request.on_output(data)
        self._kept += data
        if len(self._kept) > 2 * _KEPT_BYTES:
            del self._kept[:-_KEPT_BYTES]
        text = None
        *lines, rest = (self._line + data).split(b"\n")
        self._line = rest[-4096:]
        for line in lines:
            step = _STEP.match(line.rpartition(b"\r")[2])
            if step:
                text = step[3].decode("utf-8", "replace")
                self._steps.take(int(step[1]), int(step[2]), text)
        if text is not None:
            percent = self._low + (self._high - self._low) * self._steps.share
            self._request.on_progress(percent, text)

    @property
    def text(self) -> str:
        """What was printed; of more than 8 MiB the last part."""
        return self._kept.decode("utf-8", "replace")

    def findings(
        self, tool: str, completed: Completed, *, earlier: str = ""
    ) -> tuple[Finding, ...]:
        """What the program found, errors first; one that failed has at least one error.

        One that succeeded has none: what looked like an error did not stop it, so it warns.

        Args:
            tool: its name, for people.
            completed: how it ended.
            earlier: output of earlier runs that still holds.

        Raises:
            ToolError: it was killed, which is no fault of the source.
        """
        if completed.returncode < 0:
            raise ToolError(f"{tool} was ended by signal {-completed.returncode}")
        findings = parser.parse(
            f"{earlier}\n{self.text}",
            root=self._request.root or self._request.source,
            project=self._request.source,
            system=self._system,
        )
        if completed.returncode and not any(each.severity is Severity.ERROR for each in findings):
            return (_unexplained(tool, completed, self._system), *findings)
        if completed.returncode == 0:
            return tuple(_as_warning(each) for each in findings)
        return findings


def _as_warning(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    code = finding.code.removesuffix(".error")
    code = f"{code}.warning" if code != finding.code else code
    return replace(finding, severity=Severity.WARNING, code=code)


def _unexplained(tool: str, completed: Completed, system: BuildSystem | None) -> Finding:
    lines = [clean(line).rstrip() for line in completed.tail.splitlines()]
    lines = [line for line in lines if line]
    words = last_line(completed.tail)
    last = f": {words}" if words else ""
    evidence = "\n".join(lines[-_EVIDENCE_LINES:])
    return Finding(
        severity=Severity.ERROR,
        code=f"{tool}.failed",
        message=f"{tool} ended with exit code {completed.returncode}{last}"[:_MAX_LINE_CHARACTERS],
        hint=hint_for(f"{words}\n{evidence}", system),
        evidence=evidence or None,
    )
