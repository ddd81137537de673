"""What every simulator offers, and how they are found."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol

from engine.cancel import CancelToken
from engine.image import Image
from engine.keyboard import Keyboard


class Simulator(Protocol):
    """Runs an image on a chip that exists only in memory."""

    name: str
    """How people call it, such as ``labwired``."""

    targets: frozenset[str]
    """Chips that it can run."""

    def missing(self) -> str | None:
        """One line that says what to install, or None when it is ready to run."""
        ...

    def run(
        self,
        image: Image,
        *,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        cancel: CancelToken,
        keyboard: Keyboard | None = None,
    ) -> str | None:
        """Run an image from reset and hand on what its console UART prints.

        Args:
            image: what to run.
            seconds: firmware time to run at the most; wall time is bounded by the simulator.
            on_output: called with raw console bytes as they come.
            until: asked with the seconds of firmware time since reset, after each piece of output
                and some times a second without any; true ends the run.
            cancel: ends the run early.
            keyboard: what is typed to its console UART; None when nothing is.

        Returns:
            Why the simulated chip itself stopped (such as a bus fault that its firmware did not
            catch), or None when time ran out or ``until`` said so.

        Raises:
            MissingToolError: the simulator is not installed.
            ToolError: it could not run the image at all.
        """
        ...


def find_simulators() -> list[Simulator]:
    """Every registered simulator (entry points ``espdeck.simulators``), by name."""
    found = sorted(entry_points(group="espdeck.simulators"), key=lambda point: point.name)
    return [point.load()() for point in found]
