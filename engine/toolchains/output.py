"""What a build prints, on its way: to the log as it comes, kept for its findings, as percent."""

from __future__ import annotations

import re

from engine.errors import ToolError
from engine.findings import Finding
from engine.process import Completed
from engine.toolchains import diagnostics
from engine.toolchains.base import CompileRequest
from engine.words import Severity

NINJA_STATUS = "[%f/%t] "
"""ninja's status line, pinned: an environment that changes it would hide the progress."""

_STEP = re.compile(rb"\[(\d{1,7})/(\d{1,7})\] ([^\r\n]{1,200})")
_KEPT = 4 << 20


class BuildOutput:
    """Takes chunks of one program's output; its :meth:`feed` is called in one thread.

    Args:
        request: who listens.
        low, high: percent of the whole stage at which this program begins and ends.
    """

    def __init__(self, request: CompileRequest, low: float, high: float) -> None:
        self._request = request
        self._start = self._low = low
        self._high = high
        self._kept = bytearray()
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._request.on_output(data)
        self._kept += data
        if len(self._kept) > 2 * _KEPT:
            del self._kept[:-_KEPT]
        step = None
        *lines, rest = (self._line + data).split(b"\n")
        self._line = rest[-4096:]
        for line in lines:
            step = _STEP.match(line.rpartition(b"\r")[2]) or step
        if step:
            done, total = int(step[1]), max(1, int(step[2]))
            percent = self._start + (self._high - self._start) * min(1.0, done / total)
            # Projects within a project (ESP-IDF's bootloader) count from one again.
            self._low = max(self._low, percent)
            self._request.on_progress(self._low, step[3].decode("utf-8", "replace"))

    @property
    def text(self) -> str:
        """What was printed; of more than 8 MiB the last part."""
        return self._kept.decode("utf-8", "replace")

    def findings(
        self, tool: str, completed: Completed, *, earlier: str = ""
    ) -> tuple[Finding, ...]:
        """What the program found, errors first; one that failed has at least one error.

        Args:
            tool: its name, for people.
            completed: how it ended.
            earlier: output of earlier runs that still holds.

        Raises:
            ToolError: it was killed, which is no fault of the source.
        """
        if completed.returncode < 0:
            raise ToolError(f"{tool} was ended by signal {-completed.returncode}")
        findings = diagnostics.parse(
            f"{earlier}\n{self.text}",
            root=self._request.root or self._request.source,
            project=self._request.source,
        )
        if completed.returncode and not any(each.severity is Severity.ERROR for each in findings):
            return (_unexplained(tool, completed), *findings)
        return findings


def _unexplained(tool: str, completed: Completed) -> Finding:
    lines = [line.rstrip() for line in completed.tail.splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    return Finding(
        severity=Severity.ERROR,
        code=f"{tool}.failed",
        message=f"{tool} ended with exit code {completed.returncode}{last}"[:400],
        evidence="\n".join(lines[-20:]) or None,
    )
