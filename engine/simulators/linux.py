"""Programs of ESP-IDF's ``linux`` target, run on this machine (ESP-IDF, "Host Applications").

They are a foreign project's code, as its build is, and are run as carefully: in a process group of
their own, in an empty folder, with no secrets in their environment, and no longer than asked for.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.enums import LINUX
from engine.errors import MissingToolError, ToolError
from engine.images.image import Image
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions, Stop
from engine.simulators.child import run_until

_UNBUFFERED = ("stdbuf", "--output=0")
"""A program that writes to a pipe keeps its output back, where a UART has it at once."""

_HINTS = {
    "SIGABRT": "abort() was called, as a failed assert() or ESP_ERROR_CHECK() does: the last lines "
    "that it printed say where",
    "SIGSEGV": "memory was accessed that is not there, as through a null pointer: compile with "
    "-fsanitize=address to see where",
    "SIGFPE": "an integer was divided by zero",
    "SIGILL": "a trap of the compiler's, such as behind code that cannot be reached",
    "SIGKILL": "it was killed, or the machine ran out of memory",
}
_START_STOP_SECONDS = 15.0  # seconds to start and to end, before the process counts as hung


class LinuxHost:
    """Runs an image's program as a process; standard input and output are its console."""

    name = "linux"
    bare = False
    targets = frozenset({LINUX})

    def missing(self) -> str | None:
        """One line that says what to install, or None when it is ready to run."""
        if sys.platform != "linux":
            return f"firmware for {LINUX} runs on Linux only"
        return None if shutil.which(_UNBUFFERED[0]) else "stdbuf: install GNU coreutils"

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

        Firmware time is the wall's. A program that a signal ends, or that ends with an exit code
        other than 0, has stopped of itself.
        """
        missing = self.missing()
        if missing:
            raise MissingToolError(missing)
        if image.target not in self.targets:
            raise ToolError(f"linux: cannot run firmware for {image.target}")
        with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
            # Artifacts are kept without their mode; what runs must not change them either.
            program, empty = Path(folder) / "firmware.elf", Path(folder) / "run"
            shutil.copyfile(image.elf, program)
            program.chmod(0o700)
            empty.mkdir()
            done = run_until(
                [*_UNBUFFERED, program],
                on_output=on_output,
                until=until,
                cancel=cancel,
                console_input=console_input,
                timeout=seconds + _START_STOP_SECONDS,
                seconds=seconds,
                cwd=empty,
                clean_env=True,
            )
        return None if done is None else _stop(done.returncode)


def _stop(code: int) -> Stop | None:
    if code < 0:
        name = _signal(-code)
        return Stop(f"the program was ended by {name}", hint=_HINTS.get(name, ""))
    return Stop(f"the program ended with exit code {code}") if code else None


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
