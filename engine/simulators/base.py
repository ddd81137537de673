"""What every simulator offers, and how they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import MissingToolError, UsageError
from engine.images.image import Image
from engine.plugins import registered


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """What a project asks of the simulated chip; a simulator that has none of it passes it over.

    Args:
        network: whether its network reaches that of this machine; else it ends in the simulator.
        efuse: the eFuses that it begins with, as ``idf.py qemu`` keeps them; never written to.
    """

    network: bool = False
    efuse: Path | None = None


DEFAULT_OPTIONS = ChipOptions()
"""A chip as it is delivered, without a way out."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a simulated chip stopped of itself.

    Args:
        reason: one line; addresses in it are of eight hexadecimal digits.
        hint: what to do about it; empty where that is not known.
        addresses: the program counter, then where it would have returned to; () when not known.
        limit: whether it is the simulator that cannot go on, where a chip could.
    """

    reason: str
    hint: str = ""
    addresses: tuple[int, ...] = ()
    limit: bool = False


class Simulator(Protocol):
    """Runs an image on a chip that exists only in memory."""

    name: str
    """How people call it, such as ``labwired``."""

    bare: bool
    """Whether it runs only a program that needs no bootloader; others begin as the chip does."""

    @property
    def targets(self) -> frozenset[str]:
        """Chips that it can run."""
        ...

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
        console_input: ConsoleInput | None = None,
        options: ChipOptions = DEFAULT_OPTIONS,
    ) -> Stop | None:
        """Run an image from reset and hand on what its console UART prints.

        Args:
            image: what to run.
            seconds: firmware time to run at the most; wall time is bounded by the simulator.
            on_output: called with raw console bytes as they come.
            until: asked with the seconds of firmware time since reset, after each piece of output
                and some times a second without any; true ends the run.
            cancel: ends the run early.
            console_input: what is typed to its console UART; None when nothing is.
            options: what the project asks of the chip.

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
    return [point.load()() for point in registered("espdeck.simulators")]


def choose_simulator(wanted: str, target: str, *, bare: bool) -> tuple[Simulator | None, str]:
    """The simulator that is named, else the first that can run what is built; or why there is none.

    Args:
        wanted: ``auto``, ``none`` or a name.
        target: the chip.
        bare: whether the program needs no bootloader; then a simulator for such goes first.

    Raises:
        MissingToolError, UsageError: the one that is named is not there, or is for other chips.
    """
    if wanted == "none":
        return None, "no simulator was wanted"
    able = [each for each in find_simulators() if target in each.targets]
    if wanted != "auto":
        named = next((each for each in able if each.name == wanted), None)
        if named is None:
            raise UsageError(f"simulator {wanted} does not run {target}")
        if missing := named.missing():
            raise MissingToolError(f"simulator {missing}")
        return named, ""
    reasons = []
    for simulator in sorted(able, key=lambda each: not each.bare):
        if simulator.bare and not bare:
            continue
        missing = simulator.missing()
        if missing is None:
            return simulator, ""
        reasons.append(f"simulator {missing}")
    return None, reasons[0] if reasons else f"no simulator runs {target}"
