"""What every toolchain offers, and how the right one is chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.findings import Finding
from engine.images.image import Image
from engine.plugins import registered
from engine.source.files import SourceFiles

NO_PROJECT = "no CMakeLists.txt with a project, platformio.ini or sketch"
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
class CompileResult:
    """What came of it.

    Args:
        image: the firmware, None when it did not build.
        findings: errors and warnings of every tool, errors first; a failed build has at least one
            error.
    """

    image: Image | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class AppConfiguration:
    """One way to build an app: a ``sdkconfig.ci.NAME``, an environment, a profile of a sketch.

    Args:
        name: as it is given to :attr:`CompileRequest.configuration`. Untrusted text.
        targets: chips that it is for, as :attr:`App.targets`; () when it does not say: then it is
            for those of the app.
    """

    name: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """A folder of a repository that becomes a firmware of its own.

    Args:
        path: the folder from the root of the repository, empty for the root. Untrusted text.
        toolchain: name of the toolchain that builds it.
        targets: chips that the sources say it is for, the one to begin with first; () when they
            do not say. It may be for more. What espdeck does not build for is named too, behind
            what it does: a chip that it does not know, ``esp8266``, another platform such as
            ``native`` or ``atmelavr``.
        configurations: the ways to build it beside the plain one, those first that the project
            builds by itself.
    """

    path: str
    toolchain: str
    targets: tuple[str, ...] = ()
    configurations: tuple[AppConfiguration, ...] = ()

    @property
    def label(self) -> str:
        """Its folder, for people."""
        return self.path or "."


class Toolchain(Protocol):
    """Turns a source tree into an image."""

    name: str
    """How people call it, such as ``cmake`` or ``idf``."""

    bare: bool
    """Whether its programs need no bootloader: the chip's ROM starts them."""

    rank: int
    """Whose a folder is that several could build: the highest. More than 0."""

    def recognises(self, source: Path) -> int:
        """Its rank where this tree is for it, else 0."""
        ...

    def apps(self, files: SourceFiles) -> tuple[App, ...]:
        """What it could build of a repository, by path; nothing is checked out or run.

        Args:
            files: of the whole repository. Untrusted.

        Raises:
            ToolError: the files cannot be read.
        """
        ...

    def missing(self, target: str) -> str | None:
        """One line that says what to install or set, or None when it can build for ``target``."""
        ...

    def targets(self) -> frozenset[str]:
        """Chips that it can build for, when nothing is missing."""
        ...

    def compile(self, request: CompileRequest) -> CompileResult:
        """Configure, build, measure.

        Raises:
            MissingToolError: a program is not installed.
            ToolError: a program hung or broke in a way that is no fault of the source.
        """
        ...


@contextlib.contextmanager
def build_folder_errors(build_dir: Path) -> Iterator[None]:
    """Raise an error of the file system as one line that names the build folder.

    Raises:
        ToolError: in place of an :class:`OSError`.
    """
    try:
        yield
    except OSError as error:
        raise ToolError(f"{build_dir}: {error.strerror or error}") from error


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
