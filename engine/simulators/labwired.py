"""LabWired: simulates RISC-V chips of the ESP32 family; comes with the ``lab`` extra."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.image import Image
from engine.process import run

WALL_SECONDS = 60.0
"""A run ends after this much wall time, whatever it was asked for. LabWired runs some 7 million
instructions a second (a second of firmware time takes 20), so this is 2 to 3 seconds of it."""

_MARGIN = 15.0  # seconds to start and to end, before the process counts as hung


class LabWired:
    """Runs an image's program in a process of its own (:mod:`engine.simulators.labwired_child`)."""

    name = "labwired"
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
        until: Callable[[], bool],
        cancel: CancelToken,
    ) -> str | None:
        """Run an image as :meth:`engine.simulators.base.Simulator.run` says.

        A program that waits for an interrupt with its interrupts off (as after a panic) ends the
        run: no more would come. A failed access that the program does not handle, and a run that
        takes :data:`WALL_SECONDS`, are reasons.
        """
        missing = self.missing()
        if missing:
            raise MissingToolError(missing)
        if image.target not in self.targets:
            raise ToolError(f"labwired: cannot simulate {image.target}")
        satisfied = CancelToken()
        forget = cancel.on_stop(satisfied.cancel)

        def hand_on(data: bytes) -> None:
            on_output(data)
            if until():
                satisfied.cancel()

        with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
            reason = Path(folder) / "reason"
            argv = [sys.executable, "-P", "-m", "engine.simulators.labwired_child"]
            argv += [str(image.elf), image.target, str(seconds), str(WALL_SECONDS), str(reason)]
            try:
                done = run(
                    argv, timeout=WALL_SECONDS + _MARGIN, cancel=satisfied, on_output=hand_on
                )
            except CancelledError:
                cancel.check()
                return None
            finally:
                forget()
            if done.returncode != 0:
                last = done.tail.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
                raise ToolError(f"labwired: {last[0]}")
            return reason.read_text("utf-8") or None
