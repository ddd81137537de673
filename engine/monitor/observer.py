"""What a console's lines tell of the firmware's health, whoever reads it: a monitor or a build.

Both feed the same lines (:class:`engine.monitor.line_splitter.StateCutter`) to the same reader, so
that they say the same of the same log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from engine.findings import Finding
from engine.monitor import coredump, interruptions, panic
from engine.monitor.bootlog import BootReader

_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_PROGRAM = "ELF file SHA256"


class Observer:
    """Reads one console, line by line.

    Args:
        target: the chip that the firmware was built for; empty where nobody knows.
        on_finding: called with what boot messages tell, each when it is seen first.
        on_panic: called with the lines of each panic, for :func:`engine.monitor.panic.decode`.
        on_dump: called with each core dump that was printed.
        clock: seconds; only their differences matter.
    """

    def __init__(
        self,
        *,
        target: str = "",
        on_finding: Callable[[Finding], None] = lambda finding: None,
        on_panic: Callable[[str], None] = lambda text: None,
        on_dump: Callable[[coredump.Collector], None] = lambda dump: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_panic = on_panic
        self._on_dump = on_dump
        self._block: panic.Block | None = None
        self._booted = ""  # the line in which the last boot named its program
        self._dump: coredump.Collector | None = None
        self._is_panicking = False
        self.boots = BootReader(target=target, on_finding=on_finding, clock=clock)
        self.panics = 0
        """Panics, aborts and failed assertions."""

        self.is_over = False
        """Whether a panic came to its end: nothing that was awaited before will come."""

    @property
    def is_panicking(self) -> bool:
        """Whether a panic has begun and has not come to its end."""
        return self._is_panicking

    def matters(self, data: bytes) -> bool:
        """Whether any of some lines matters, at a glance; of others the last are context."""
        if self._block is not None or self._dump is not None or self.boots.is_attentive:
            return True
        return interruptions.is_suspect(_CSI.sub(b"", data) if b"\x1b" in data else data)

    def add_context(self, line: str) -> None:
        """Take a line that does not matter but as what came before the next."""
        self.boots.add_context(line)

    def add(self, line: str) -> None:
        """Take the next line. Untrusted."""
        if self._dump is not None:
            if self._dump.feed(line):
                self._on_dump(self._dump)
                self._dump = None
            return
        suspect = interruptions.is_suspect(line.encode("utf-8", "replace"))
        self.boots.add(line, suspect=suspect)
        if self._block is not None and not self._block.add(line):
            self._end_block()
        if suspect:
            self._look(line)
        elif self._block is None and _PROGRAM in line:
            self._booted = line
        if self._block is not None and self._block.is_over:
            self._end_block()

    def end(self) -> None:
        """Nothing more comes of what is read."""
        self.boots.end()
        self._end_block()

    def _end_block(self) -> None:
        """Nothing more comes of the panic that is read."""
        block, self._block = self._block, None
        if block is not None:
            booted = [self._booted] if self._booted else []
            self._on_panic("\n".join([*booted, *block.lines]))

    def _look(self, line: str) -> None:
        if interruptions.panic_reason(line) is not None:
            self.panics += not self._is_panicking
            self._is_panicking = True
        if coredump.START in line:
            self._end_block()
            self._dump = coredump.Collector()
        elif self._block is None and panic.begins(line):
            self._block = panic.Block(line)
        if self._is_panicking and panic.ends(line):
            self._is_panicking = False
            self.is_over = True
