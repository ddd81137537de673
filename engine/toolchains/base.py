"""What every toolchain offers, and how the right one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.errors import UsageError
from engine.findings import Finding
from engine.image import Image
from engine.plugins import registered

NO_PROJECT = "no CMakeLists.txt, platformio.ini or sketch"
"""What is said of a tree that is for no toolchain."""


@dataclass(frozen=True, slots=True)
class CompileRequest:
    """What to build and who listens.

    Args:
        source: folder to build, absolute.
        build_dir: where to build, absolute, kept between builds so that the next is incremental.
        target: the chip.
        timeout: seconds for each program that is run.
        cancel: ends it early.
        on_output: called with raw output of the tools as it comes.
        on_progress: called with percent (0 to 100) and what is being done.
        root: root of the source tree where it is not ``source``; findings name files from there.
        configuration: name of one of the project's configurations, empty for its defaults.
    """

    source: Path
    build_dir: Path
    target: str
    timeout: float
    cancel: CancelToken
    on_output: Callable[[bytes], None]
    on_progress: Callable[[float, str], None]
    root: Path | None = None
    configuration: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it.

    Args:
        image: the firmware, None when it did not build.
        findings: errors and warnings of every tool, errors first; a failed build has at least one
            error.
    """

    image: Image | None
    findings: tuple[Finding, ...]


class Toolchain(Protocol):
    """Turns a source tree into an image."""

    name: str
    """How people call it, such as ``cmake`` or ``idf``."""

    bare: bool
    """Whether its programs need no bootloader: the chip's ROM starts them."""

    def recognises(self, source: Path) -> int:
        """How sure it is that this tree is for it: 0 is not at all, the highest wins."""
        ...

    def missing(self, target: str) -> str | None:
        """One line that says what to install or set, or None when it can build for ``target``."""
        ...

    def targets(self) -> frozenset[str]:
        """Chips that it can build for, when nothing is missing."""
        ...

    def compile(self, request: CompileRequest) -> Compiled:
        """Configure, build, measure.

        Raises:
            MissingToolError: a program is not installed.
            ToolError: a program hung or broke in a way that is no fault of the source.
        """
        ...


def find_toolchains() -> list[Toolchain]:
    """Every registered toolchain (entry points ``espdeck.toolchains``), by name."""
    return [point.load()() for point in registered("espdeck.toolchains")]


def choose_toolchain(source: Path) -> Toolchain:
    """The toolchain for a source tree, by what the tree is.

    Raises:
        UsageError: it is nothing that any toolchain knows.
    """
    best = max(find_toolchains(), key=lambda toolchain: toolchain.recognises(source))
    if not best.recognises(source):
        raise UsageError(f"{NO_PROJECT} at the root of the repository")
    return best
