"""LabWired: simulates RISC-V chips of the ESP32 family; comes with the ``lab`` extra."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.images.image import Image
from engine.last_line import last_line
from engine.process import run
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions, Stop
from engine.simulators.labwired_frames import SLICE_SECONDS, FrameReader, pack
from engine.simulators.labwired_stops import Halt, explain

WALL_SECONDS = 60.0
"""A run ends after this much wall time, whatever it was asked for. LabWired runs some 7 million
instructions a second (a second of firmware time takes 20), so this is 2 to 3 seconds of it."""

_START_STOP_SECONDS = 15.0  # seconds to start and to end, before the process counts as hung


class LabWired:
    """Runs an image's program in a process of its own (:mod:`engine.simulators.labwired_child`)."""

    name = "labwired"
    bare = True
    targets = frozenset({"esp32c3", "esp32c6"})

    def missing(self) -> str | None:
        """One line that says what to install, or None when it is ready to run."""
        return None if find_spec("labwired") else "labwired: pip install 'espdeck[lab]'"

    def run(
        self,
        image: Image,
        *,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        cancel: CancelToken,
        console_input: ConsoleInput | None = None,
        options: ChipOptions = DEFAULT_OPTIONS,
    ) -> Stop | None:
        """Run an image as :meth:`engine.simulators.base.Simulator.run` says.

        A program that waits for an interrupt with its interrupts off (as after a panic) ends the
        run: no more would come. Reasons are an exception that the program does not handle, what
        LabWired does not have (:mod:`engine.simulators.labwired_stops`), and a run that takes
        :data:`WALL_SECONDS`.
        """
        missing = self.missing()
        if missing:
            raise MissingToolError(missing)
        if image.target not in self.targets:
            raise ToolError(f"labwired: cannot simulate {image.target}")
        over = CancelToken()
        forget = cancel.on_stop(over.cancel)
        slices = _Slices(seconds, on_output, until, console_input or ConsoleInput(), over)
        argv = [sys.executable, "-P", "-m", "engine.simulators.labwired_child"]
        try:
            with slices.running():
                done = run(
                    [*argv, str(image.elf), image.target],
                    timeout=WALL_SECONDS + _START_STOP_SECONDS,
                    cancel=over,
                    on_output=slices.feed,
                    console_input=slices.grants,
                )
        except CancelledError:
            cancel.check()
            return slices.given_up
        finally:
            forget()
        if done.returncode != 0:
            raise ToolError(f"labwired: {last_line(done.tail) or f'exit code {done.returncode}'}")
        ended = slices.frames.reason
        return explain(Halt.load(ended), image.target) if ended else None


class _Slices:
    """Lets the child run slice by slice, so that what is typed is on time by the chip's clock."""

    def __init__(
        self,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        console_input: ConsoleInput,
        over: CancelToken,
    ) -> None:
        self._seconds = seconds
        self._on_output = on_output
        self._until = until
        self._console_input = console_input
        self._over = over
        self._wake = -1
        self._run = 0
        self._deadline = time.monotonic() + WALL_SECONDS
        self.grants = ConsoleInput()
        self.frames = FrameReader()
        self.given_up: Stop | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Take what is typed while the block runs."""
        with self._console_input.reading() as self._wake:
            self._grant()
            yield

    def feed(self, data: bytes) -> None:
        """Take output of the child."""
        for output in self.frames.feed(data):
            self._run += 1
            passed = self._run * SLICE_SECONDS
            if output:
                self._on_output(output)
            if self._until(passed) or passed >= self._seconds:
                self._over.cancel()
            elif time.monotonic() > self._deadline:
                self.given_up = Stop(
                    f"simulated {passed:.2f} s of firmware time in {WALL_SECONDS:g} s, then gave "
                    "up",
                    hint="LabWired is slower than the chip: expect what comes earlier, or run it "
                    "on a board",
                    limit=True,
                )
                self._over.cancel()
            else:
                self._grant()

    def _grant(self) -> None:
        typed = bytearray()

        def take(data: bytes) -> int:
            typed.extend(data)
            return len(data)

        self._console_input.pump(self._wake, take)
        self.grants.send(pack(bytes(typed)))
