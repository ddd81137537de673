"""esp-emu: Espressif's emulator of its RISC-V chips, which boots a whole flash, ROM first.

Its command line is that of its own documentation (github.com/espressif/esp-emulator, "CLI
Options"). Standard output is the console, as Espressif's own pytest-embedded uses it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import MissingToolError, ToolError
from engine.images.image import Image
from engine.last_line import last_line
from engine.simulators import flash_image, programs
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions, Stop
from engine.simulators.child import run_until

INSTALL_URL = "https://github.com/espressif/esp-emulator"

_START_STOP_SECONDS = 30.0  # seconds to start and to end, before the process counts as hung


class EspEmu:
    """Runs ``esp-emu``."""

    name = "esp-emu"
    bare = False
    targets = frozenset({"esp32c3", "esp32c6", "esp32h2", "esp32p4"})

    def missing(self) -> str | None:
        """One line that says what to install, or None when it is ready to run."""
        return None if programs.find("esp-emu") else f"esp-emu: see {INSTALL_URL}, put it on PATH"

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
        """Run an image as :meth:`engine.simulators.base.Simulator.run` says."""
        program = programs.find("esp-emu")
        if program is None:
            raise MissingToolError(self.missing() or "esp-emu")
        if image.target not in self.targets:
            raise ToolError(f"esp-emu: cannot simulate {image.target}")
        with tempfile.TemporaryDirectory(prefix="espdeck-") as name:
            folder = Path(name)
            flash_image.merge(image, folder / "flash.bin", cancel)
            efuse = []
            if options.efuse is not None:
                # It writes them back when it ends.
                shutil.copyfile(options.efuse, folder / "efuse.bin")
                efuse = ["--efuse", "efuse.bin"]
            done = run_until(
                [
                    *(str(program), "--chip", image.target, "--firmware", "flash.bin", *efuse),
                    *("--net", "user" if options.network else "user,restrict=yes"),
                ],
                on_output=on_output,
                until=until,
                console_input=console_input,
                cancel=cancel,
                timeout=seconds + _START_STOP_SECONDS,
                seconds=seconds,
                cwd=folder,
                clean_env=True,
            )
        if done is None or done.returncode == 0:
            return None
        raise ToolError(f"esp-emu: {last_line(done.tail) or f'exit code {done.returncode}'}")
