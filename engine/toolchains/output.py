"""What a build prints, on its way: to the log as it comes, kept for its findings, as percent."""

from __future__ import annotations

import re

from engine.toolchains.base import CompileRequest

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
        self._low, self._high = low, high
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
            percent = self._low + (self._high - self._low) * min(1.0, done / total)
            self._request.on_progress(percent, step[3].decode("utf-8", "replace"))

    @property
    def text(self) -> str:
        """What was printed; of more than 8 MiB the last part."""
        return self._kept.decode("utf-8", "replace")
